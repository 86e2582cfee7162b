//! What the tests of the whole have in their hands: the real programs as processes, and a client
//! that trusts nobody.
//!
//! Nothing here sleeps and hopes: whatever is waited for is waited for with a [deadline](DEADLINE).

#![forbid(unsafe_code)]

mod build;
mod faulty_server;
mod process;
mod processes;
mod proxy;
mod server;
mod spectator;
mod user;

pub use self::{
    build::program,
    faulty_server::{FAULTY_EVENTS, Fault, FaultyServer},
    process::{Finished, Process},
    processes::{children, eventually, exists, is_stopped, parent, processes_with, processor_time},
    proxy::Proxy,
    server::{EchoServer, Server, UnreadServer},
    spectator::{Spectator, assert_contiguous, seq},
    user::unprivileged,
};

use std::time::Duration;

/// Nothing that is tested takes so long, on however slow a machine.
pub const DEADLINE: Duration = Duration::from_secs(60);
