use std::{fs, net::SocketAddr, ops::RangeInclusive};

use tribune_cli::{descriptor_limit, raise_descriptor_limit};

use super::source::Sources;

/// Files that are open beside connections: the runtimes', the standard streams.
const RESERVE: u64 = 64;

/// Where Linux says which ports it gives to those who connect.
const PORT_RANGE: &str = "/proc/sys/net/ipv4/ip_local_port_range";

/// Raises the limit of open files as far as it goes.
///
/// # Errors
/// If even so there are too few for `connections` at once: says what to do.
pub fn check_descriptors(connections: u64) -> Result<(), String> {
    // What cannot be raised is looked at below.
    let _ = raise_descriptor_limit();
    let (needed, limit) = (connections.saturating_add(RESERVE), descriptor_limit());
    if needed <= limit {
        return Ok(());
    }
    Err(format!(
        "{connections} connections at once need about {needed} open files, and this process may have {limit}: \
         raise the limit (ulimit -Hn {needed}, as root), or have fewer active (--throttle {})",
        limit.saturating_sub(RESERVE)
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
) -> Result<Vec<std::net::IpAddr>, String> {
    sources.spread(server, connections, &port_range()).map_err(|error| error.to_string())
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
