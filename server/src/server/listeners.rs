use std::{io, net::SocketAddr};

use tokio::net::TcpListener;

use crate::descriptors::max_http_connections;

/// The listeners of a server, which the caller binds.
#[derive(Debug)]
pub struct Listeners {
    /// For clients of the game.
    pub game: Vec<TcpListener>,
    /// For browsers, if there is to be a page.
    pub web: Option<TcpListener>,
}

impl Listeners {
    /// The addresses for clients of the game.
    pub(super) fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        self.game.iter().map(TcpListener::local_addr).collect()
    }

    /// The address for browsers.
    pub(super) fn web_address(&self) -> io::Result<Option<SocketAddr>> {
        self.web.as_ref().map(TcpListener::local_addr).transpose()
    }

    /// The most sockets that they need together, without those of clients.
    pub(super) fn max_sockets(&self) -> usize {
        let web = self.web.as_ref().map_or(0, |_| 1 + max_http_connections());
        self.game.len() + web
    }
}

impl From<Vec<TcpListener>> for Listeners {
    fn from(game: Vec<TcpListener>) -> Self {
        Self { game, web: None }
    }
}
