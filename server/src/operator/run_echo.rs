use std::{io, net::SocketAddr};

use anyhow::Context;
use tokio::net::TcpListener;
use tribune_cli::Signals;

use super::signals::shut_down_on_signals;
use crate::{
    echo::{EchoServer, EchoSettings},
    edge::bind_all,
    messages::Messages,
    outcome::Outcome,
    shutdown::shutdown,
};

/// Runs the echo service on the addresses of `listen` until a signal ends it. What happens on each
/// connection goes to `log`, and `messages` to the operator.
///
/// # Errors
/// If the service cannot start, or a part of it without which it cannot go on has failed.
pub async fn run_echo(
    listen: &[SocketAddr],
    settings: EchoSettings,
    log: Option<Messages>,
    messages: Messages,
) -> anyhow::Result<Outcome> {
    let listeners = bind_all(listen)?;
    let signals = Signals::listen().context("cannot listen to signals")?;
    let addresses: Vec<SocketAddr> =
        listeners.iter().map(TcpListener::local_addr).collect::<io::Result<_>>()?;
    let server = EchoServer::new(&settings, listeners, log)?;
    for address in addresses {
        messages.say(format_args!("echo server listening on {address}"));
    }
    let (handle, shutdown) = shutdown();
    tokio::select! {
        outcome = server.run(shutdown) => outcome,
        never = shut_down_on_signals(signals, &handle, || {
            messages.say("ending when all answers are sent (a second signal ends it at once)");
        }) => match never {},
    }
}
