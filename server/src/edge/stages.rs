//! The stages of a connection on its way into the game. Each is a type that only the stage before
//! it makes, so none can be left out: [`Accepted`] → [`Connected`] → [`Identified`] → [`Admitted`].

use std::net::SocketAddr;

use tokio::{net::TcpStream, sync::OwnedSemaphorePermit};
use tribune_protocol::OriginKind;

use super::{accept::Accepted, byte_stream::ByteStream};

/// A connection whose handshake is done.
#[derive(Debug)]
pub struct Connected<S> {
    stream: S,
    peer: SocketAddr,
}

/// A connection whose transport and address are known.
#[derive(Debug)]
pub struct Identified<S> {
    stream: S,
    identity: Identity,
}

/// The identity of a connection. Its number is not part of it: a connection is numbered when it
/// joins, so that refused connections leave no gaps.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    /// The kind of its origin.
    pub kind: OriginKind,
    /// The address and port it comes from. It spends the budget of the address.
    pub peer: SocketAddr,
}

/// A connection that is within the limits, and may join.
#[derive(Debug)]
pub struct Admitted<S> {
    stream: S,
    identity: Identity,
    permit: OwnedSemaphorePermit,
}

impl Accepted {
    /// The handshake of plain TCP: there is none, and both sides may send at once.
    pub fn handshake(self) -> Connected<TcpStream> {
        Connected::new(self.stream, self.peer)
    }
}

impl<S: ByteStream> Connected<S> {
    /// A connection from `peer` whose handshake is done. For handshakes only.
    pub fn new(stream: S, peer: SocketAddr) -> Self {
        Self { stream, peer }
    }

    /// Identifies the connection by its transport and its address.
    pub fn identify(self) -> Identified<S> {
        let identity = Identity { kind: S::KIND, peer: self.peer };
        Identified { stream: self.stream, identity }
    }
}

impl<S> Identified<S> {
    /// Admits the connection, which holds `permit` from now on.
    pub fn admit(self, permit: OwnedSemaphorePermit) -> Admitted<S> {
        Admitted { stream: self.stream, identity: self.identity, permit }
    }

    /// The stream of a connection that is not admitted.
    pub fn into_stream(self) -> S {
        self.stream
    }
}

impl<S> Admitted<S> {
    /// Its stream, for what comes before the first line of the game.
    pub fn stream_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    /// The connection, its identity, and its permit as one of the clients.
    pub fn into_parts(self) -> (S, Identity, OwnedSemaphorePermit) {
        (self.stream, self.identity, self.permit)
    }
}
