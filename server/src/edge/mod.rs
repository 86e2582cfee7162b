//! The way in over TCP: connections, and what their lines mean.

mod address_budgets;
mod conversation;
mod linger;
mod listener;
mod session;
mod socket;

pub use self::{
    address_budgets::AddressBudgets,
    conversation::Limits,
    linger::{Farewells, LINGER, linger},
    listener::Listener,
    session::SessionContext,
    socket::{accept, bind_all},
};

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Where somebody on this machine reaches a server that listens on `address`.
pub fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}
