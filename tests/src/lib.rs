//! Support for the end-to-end tests: the real programs as child processes, and a client that shares
//! no code with them.
//!
//! Functions that wait return when a condition holds, and panic after a [deadline](DEADLINE).

#![forbid(unsafe_code)]

mod build;
mod faulty_server;
mod http;
mod process;
mod processes;
mod proxy;
mod scripted_server;
mod server;
mod spectator;
mod user;

pub use self::{
    build::program,
    faulty_server::{FAULTY_EVENTS, Fault, FaultyServer},
    http::{HttpConnection, HttpResponse, WebClient},
    process::{Finished, Process},
    processes::{children, eventually, exists, is_stopped, parent, processes_with, processor_time},
    proxy::Proxy,
    scripted_server::{ScriptedClient, ScriptedServer},
    server::{EchoServer, Server, UnreadServer},
    spectator::{Spectator, assert_contiguous, seq},
    user::unprivileged,
};

use std::time::Duration;

/// How long to wait for a condition. No test needs this long, even on a slow machine.
pub const DEADLINE: Duration = Duration::from_secs(60);
