use std::{
    fs::{self, OpenOptions},
    net::{IpAddr, SocketAddr, UdpSocket},
    ops::RangeInclusive,
    path::Path,
};

use tribune_cli::{descriptor_limit, raise_descriptor_limit};

use super::source::Sources;

/// Files that are open beside connections: the main runtime's, the standard streams.
const RESERVE: u64 = 64;

/// Files of a worker: its runtime's.
const PER_WORKER: u64 = 4;

/// Where Linux says which ports it gives to those who connect.
const PORT_RANGE: &str = "/proc/sys/net/ipv4/ip_local_port_range";

/// Raises the limit of open files as far as it goes.
///
/// # Errors
/// If even so there are too few for `connections` at once: says what to do.
pub fn check_descriptors(connections: u64, workers: usize) -> Result<(), String> {
    // What cannot be raised is looked at below.
    let _ = raise_descriptor_limit();
    let beside = RESERVE + PER_WORKER * u64::try_from(workers).unwrap_or(u64::MAX / PER_WORKER / 2);
    let (needed, limit) = (connections.saturating_add(beside), descriptor_limit());
    if needed <= limit {
        return Ok(());
    }
    Err(format!(
        "{connections} connections at once need about {needed} open files, and this process may have {limit}: \
         raise the limit (ulimit -Hn {needed}, as root), or have fewer active (--throttle {})",
        limit.saturating_sub(beside)
    ))
}

/// The addresses that `connections` at once to `server` are to come from, in turn; none if the system
/// is to choose.
///
/// # Errors
/// If there are too few ports for them: says what to do.
pub fn check_ports(
    sources: &Sources,
    server: SocketAddr,
    connections: u64,
) -> Result<Vec<IpAddr>, String> {
    let addresses = sources.spread(server, connections, &port_range());
    let addresses = addresses.map_err(|error| error.to_string())?;
    for &address in &addresses {
        if address.is_ipv4() != server.is_ipv4() {
            return Err(format!(
                "from {address} nobody can connect to {server}: one is IPv4, the other IPv6"
            ));
        }
        if let Err(error) = UdpSocket::bind((address, 0)) {
            return Err(format!("cannot connect from {address} (--source): {error}"));
        }
    }
    Ok(addresses)
}

/// Sees to it that the file at `path` can be written.
///
/// # Errors
/// Says why not.
pub fn check_file(path: &Path) -> Result<(), String> {
    let opened = OpenOptions::new().create(true).append(true).open(path);
    opened.map(drop).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// The ports that the system gives to those who connect.
fn port_range() -> RangeInclusive<u16> {
    let text = fs::read_to_string(PORT_RANGE).unwrap_or_default();
    let mut ports = text.split_whitespace().filter_map(|port| port.parse().ok());
    match (ports.next(), ports.next()) {
        (Some(first), Some(last)) if first <= last => first..=last,
        // What Linux has unless told otherwise.
        _ => 32_768..=60_999,
    }
}
