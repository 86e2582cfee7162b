//! Checks before a run that this machine has the resources for it. They change nothing but that a
//! file for the report exists afterwards.

use std::{
    fs::{self, OpenOptions},
    net::{IpAddr, SocketAddr, UdpSocket},
    ops::RangeInclusive,
    path::Path,
};

use tribune_cli::descriptor_limit;

use crate::source_addresses::SourceAddresses;

/// Open files besides connections: those of the main runtime and the standard streams.
const RESERVE: u64 = 64;

/// Open files of a worker's runtime.
const PER_WORKER: u64 = 4;

/// Where Linux publishes the range of ephemeral ports.
const PORT_RANGE: &str = "/proc/sys/net/ipv4/ip_local_port_range";

/// Checks that this process may open `connections` at once.
///
/// # Errors
/// If the limit of open files is too low: says what to do.
pub fn check_descriptors(connections: u64, workers: usize) -> Result<(), String> {
    let besides =
        RESERVE + PER_WORKER * u64::try_from(workers).unwrap_or(u64::MAX / PER_WORKER / 2);
    let (needed, limit) = (connections.saturating_add(besides), descriptor_limit());
    if needed <= limit {
        return Ok(());
    }
    Err(format!(
        "{connections} connections at once need about {needed} open files, and the limit of this process is {limit}: \
         raise it (ulimit -Hn {needed}, as root), or use fewer connections (--throttle {})",
        limit.saturating_sub(besides)
    ))
}

/// The source addresses for `connections` at once to `server`, to be used in turn; empty if the system
/// is to choose.
///
/// # Errors
/// If they have too few ports, or cannot be used: says what to do.
pub fn check_ports(
    sources: &SourceAddresses,
    server: SocketAddr,
    connections: u64,
) -> Result<Vec<IpAddr>, String> {
    let addresses = sources.spread(server, connections, &port_range());
    let addresses = addresses.map_err(|error| error.to_string())?;
    for &address in &addresses {
        if address.is_ipv4() != server.is_ipv4() {
            return Err(format!(
                "cannot connect from {address} to {server}: one is IPv4, the other IPv6"
            ));
        }
        if let Err(error) = UdpSocket::bind((address, 0)) {
            return Err(format!("cannot connect from {address} (--source): {error}"));
        }
    }
    Ok(addresses)
}

/// Checks that the file at `path` can be written, and creates it if it does not exist.
///
/// # Errors
/// If it cannot: says why.
pub fn check_file(path: &Path) -> Result<(), String> {
    let opened = OpenOptions::new().create(true).append(true).open(path);
    opened.map(drop).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// The ephemeral ports of this machine.
fn port_range() -> RangeInclusive<u16> {
    let text = fs::read_to_string(PORT_RANGE).unwrap_or_default();
    let mut ports = text.split_whitespace().filter_map(|port| port.parse().ok());
    match (ports.next(), ports.next()) {
        (Some(first), Some(last)) if first <= last => first..=last,
        // The default of Linux.
        _ => 32_768..=60_999,
    }
}
