use std::{
    io,
    net::{SocketAddr, ToSocketAddrs},
};

/// Accepts an address of the form `HOST:PORT`, without looking up the host.
///
/// # Errors
/// Shows `example` as an address of the right form.
pub fn parse_address(text: &str, example: &str) -> Result<String, String> {
    let parts = text.rsplit_once(':');
    let is_valid =
        parts.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    if is_valid { Ok(text.to_owned()) } else { Err(format!("expected HOST:PORT, as in {example}")) }
}

/// Resolves `HOST:PORT` to its first address. Blocks while the name is looked up.
///
/// # Errors
/// If the name is unknown, or has no address.
pub fn resolve(address: &str) -> io::Result<SocketAddr> {
    let mut addresses = address.to_socket_addrs()?;
    addresses
        .next()
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name has no address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        for text in ["127.0.0.1:7777", "localhost:1", "[::1]:80", "server:65535"] {
            assert_eq!(parse_address(text, "a:1").as_deref(), Ok(text));
        }
        for text in ["", "localhost", ":7777", "localhost:", "localhost:x", "localhost:65536"] {
            let error = parse_address(text, "a:1").unwrap_err();
            assert_eq!(error, "expected HOST:PORT, as in a:1", "{text}");
        }
    }

    #[test]
    fn resolves_literal_addresses() {
        assert_eq!(resolve("127.0.0.1:80").unwrap(), "127.0.0.1:80".parse().unwrap());
        assert!(resolve("127.0.0.1").is_err());
    }
}
