//! The way in: connections, and what their lines mean.
//!
//! A connection is accepted, does its handshake, is identified, is admitted if it is within the
//! limits, and only then joins the game. The [stages] are types, and everything after the handshake
//! is generic over the [byte stream](byte_stream::ByteStream).

mod accept;
mod address_budgets;
mod bind;
mod byte_stream;
mod client_limit;
mod foreign_protocol;
mod joiner;
mod linger;
mod listener;
mod request_handler;
mod session;
mod session_input;
mod stages;

#[cfg(test)]
mod tests;

pub use self::{
    accept::{Accepted, accept, accept_batch},
    address_budgets::AddressBudgets,
    bind::{bind, bind_all, bind_for},
    byte_stream::ByteStream,
    client_limit::ClientLimit,
    joiner::Joiner,
    linger::{LINGER, LingerPermits, linger},
    listener::{Listener, send_refusal, server_full},
    request_handler::ConnectionLimits,
    session::SessionContext,
    stages::{Admitted, Connected},
};

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The address by which programs on this machine reach a server that listens on `address`.
pub fn local_address(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}
