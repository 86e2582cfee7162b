//! Connecting more clients than one address has ports for.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream},
};

use rustix::net::{AddressFamily, SocketType, bind, socket};

/// One address has some 28,000 ports to connect from. The others are left to other programs.
const PORTS: usize = 20_000;

/// Connects the client `number` to `server`. Every 20,000 clients share one address of loopback.
///
/// # Errors
/// If that fails.
pub fn connect(server: SocketAddr, number: usize) -> io::Result<TcpStream> {
    let ip = Ipv4Addr::from_bits(
        Ipv4Addr::LOCALHOST.to_bits() + u32::try_from(number / PORTS).unwrap_or(0),
    );
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
    if number >= PORTS {
        bind(&socket, &SocketAddr::new(IpAddr::V4(ip), 0))?;
    }
    rustix::net::connect(&socket, &server)?;
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true)?;
    Ok(stream)
}
