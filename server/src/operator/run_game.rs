use std::net::SocketAddr;

use anyhow::Context;
use tokio::time::timeout;
use tribune_cli::Signals;

use super::{
    banner::{banner, hints},
    console::Console,
    keyboard::Keyboard,
    signals::shut_down_on_signals,
};
use crate::{
    edge::bind_all,
    messages::Messages,
    outcome::Outcome,
    server::{Listeners, Server},
    settings::{DRAIN_STALL_LIMIT, Settings},
    shutdown::shutdown,
    tasks::Tasks,
};

/// Runs a server on the addresses of `listen` to the end of its game, for an operator at a terminal:
/// with the banner on standard error, the keyboard on standard input, the events on standard output
/// if `console` is set, and signals that end it.
///
/// # Errors
/// If the server cannot start, or a part of it without which it cannot go on has failed.
pub async fn run_game(
    listen: &[SocketAddr],
    settings: Settings,
    console: bool,
    messages: Messages,
) -> anyhow::Result<Outcome> {
    let listeners = Listeners { game: bind_all(listen)?, web: settings.web.address.bind()? };
    let mut signals = Signals::listen().context("cannot listen to signals")?;
    let server = tokio::select! {
        server = Server::new(settings, listeners, messages.clone()) => server?,
        // A referee may take its time for the first turn.
        _ = signals.next_stop() => return Ok(Outcome::Aborted),
    };
    Keyboard::listen(server.mailbox(), messages.clone())
        .context("cannot listen to standard input")?;
    let mut lines = vec![banner(&server)];
    if console {
        lines.extend(hints(server.addresses().first(), server.web_address(), &server.actions()));
    }
    messages.say_first(&lines).await;
    let consoles = Tasks::default();
    if console {
        start_console(&server, &consoles, messages.clone());
    }
    let (handle, shutdown) = shutdown();
    let outcome = tokio::select! {
        outcome = server.run(shutdown) => outcome,
        never = shut_down_on_signals(signals, &handle, || {
            messages.say("ending the game (a second signal ends it at once)");
        }) => match never {},
    };
    if !matches!(outcome, Ok(Outcome::Aborted)) {
        // A console whose output is not read does not end by itself.
        let _ = timeout(DRAIN_STALL_LIMIT, consoles.ended()).await;
    }
    outcome
}

fn start_console(server: &Server, consoles: &Tasks, messages: Messages) {
    let missed = move |count| {
        messages.say(format_args!(
            "the console skipped {count} events: standard output was not read in time"
        ));
    };
    let console = Console::new(server.subscribe(), &server.state());
    consoles.spawn("console", console.run(tokio::io::stdout(), missed));
}
