use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
};

use tokio::net::TcpListener;

use crate::edge::{bind, bind_for};

/// The ports that are tried if none is given.
const DEFAULT_PORTS: std::ops::RangeInclusive<u16> = 7778..=7797;

/// Where the web port is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebAddress {
    /// There is none.
    None,
    /// The first free port of this machine of those that are tried.
    Default,
    /// This address.
    Given(SocketAddr),
}

impl WebAddress {
    /// Listens there; `None` if there is to be no web port.
    ///
    /// # Errors
    /// If it cannot listen on the address that was given. Names the reason, and what to do.
    pub fn bind(self) -> anyhow::Result<Option<TcpListener>> {
        match self {
            Self::None => Ok(None),
            Self::Default => Ok(bind_default(DEFAULT_PORTS)
                .inspect_err(|error| {
                    tracing::warn!(%error, "cannot listen for browsers, so there is no page");
                })
                .ok()),
            Self::Given(address) => bind_for(address, "--web").map(Some),
        }
    }
}

/// Listens on the first of `ports` that is free, or else on any port. A second server on the machine
/// finds the first port taken.
fn bind_default(ports: impl IntoIterator<Item = u16>) -> io::Result<TcpListener> {
    let on = |port| bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    for port in ports {
        match on(port) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            bound => return bound,
        }
    }
    on(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_taken_port_is_passed_over() {
        let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
        let first = bind_default([]).unwrap();
        let second = bind_default([port(&first)]).unwrap();
        assert_ne!(port(&first), port(&second));
        let free = port(&second);
        drop(second);
        let third = bind_default([port(&first), free]).unwrap();
        assert!(third.local_addr().unwrap().ip().is_loopback());
        let error = WebAddress::Given(first.local_addr().unwrap()).bind().unwrap_err().to_string();
        assert!(error.contains("in use") && error.contains("--web"), "{error}");
        assert!(WebAddress::None.bind().unwrap().is_none());
    }
}
