//! Watching a game and playing in it.

use std::{io, pin::pin, process::ExitCode, time::Duration};

use tokio::{
    io::{Stdout, stdin, stdout},
    sync::mpsc,
    task::JoinHandle,
};
use tribune_cli::{SignalAction, Signals, failure, is_closed_pipe, say};
use tribune_protocol::Name;

use crate::{
    moves::{send_keys, send_lines, walk_at_random},
    outbox::Outbox,
    stream::{LINES, Stream, StreamError},
    terminal::SingleKeys,
    update::Update,
    view::{Format, View},
};

/// How many moves may wait to be sent. Whoever types more waits.
const MOVES: usize = 64;

/// What helps whoever finds no server.
const START_ONE: &str = "start one with `server`, or name another with --server HOST:PORT";

/// What to do when the server is full.
const LET_MORE_IN: &str = "or let the server take more with its --max-clients";

/// Which game, and how it is shown.
#[derive(Clone, Debug)]
pub struct GameOptions {
    /// An address, or a host and a port.
    pub server: String,
    /// Whether a connection that is lost is replaced.
    pub retry: bool,
    /// How the game is shown.
    pub format: Format,
}

/// Shows the game to its end.
pub async fn watch(options: GameOptions) -> ExitCode {
    Game::sit_down(options, Outbox::closed()).run(None).await
}

/// Shows the game to its end, and moves the player `name` as standard input says. When that has
/// ended and is no terminal, it leaves as soon as all moves are answered, unless it is to
/// `keep_watching`.
pub async fn play(options: GameOptions, name: Name, keep_watching: bool) -> ExitCode {
    let single_keys = match SingleKeys::turn_on() {
        Ok(single_keys) => single_keys,
        Err(error) => {
            return failure(format_args!("cannot read single keys from the terminal: {error}"));
        }
    };
    let (sender, moves) = mpsc::channel(MOVES);
    if single_keys.is_none() {
        tokio::spawn(send_lines(stdin(), name, sender));
        return Game::sit_down(options, Outbox::new(moves, !keep_watching)).run(None).await;
    }
    say("n s e w, h j k l or the arrow keys move you, q leaves");
    let quit = tokio::spawn(send_keys(stdin(), name, sender));
    let mut game = Game::sit_down(options, Outbox::new(moves, false));
    game.single_keys = single_keys;
    game.run(Some(quit)).await
}

/// Shows the game to its end, and moves the player `name` at random, with pauses of at most
/// `longest_pause`.
pub async fn play_at_random(options: GameOptions, name: Name, longest_pause: Duration) -> ExitCode {
    let (sender, moves) = mpsc::channel(MOVES);
    tokio::spawn(walk_at_random(longest_pause, name, sender));
    Game::sit_down(options, Outbox::new(moves, false)).run(None).await
}

/// A game that is shown.
struct Game {
    stream: JoinHandle<Result<(), StreamError>>,
    updates: mpsc::Receiver<Update>,
    view: View<Stdout>,
    single_keys: Option<SingleKeys>,
}

impl Game {
    fn sit_down(options: GameOptions, outbox: Outbox) -> Self {
        let (sender, updates) = mpsc::channel(LINES);
        let stream = tokio::spawn(Stream::new(options.server, options.retry, sender, outbox).run());
        Self { stream, updates, view: View::new(stdout(), options.format), single_keys: None }
    }

    /// Shows the game until it ends, or until somebody wishes to leave: by a signal, or by `quit`.
    async fn run(self, quit: Option<JoinHandle<bool>>) -> ExitCode {
        let mut signals = match Signals::listen() {
            Ok(signals) => signals,
            Err(error) => return failure(format_args!("cannot listen to signals: {error}")),
        };
        let Self { stream, updates, view, single_keys } = self;
        let mut shown = pin!(show(updates, view, stream));
        let mut quit = pin!(wishes_to_quit(quit));
        loop {
            tokio::select! {
                code = &mut shown => return code,
                action = signals.next() => match action {
                    SignalAction::Stop(signal) => return ExitCode::from(signal.exit_code()),
                    SignalAction::Resume => take_terminal(single_keys.as_ref()),
                },
                () = &mut quit => return ExitCode::SUCCESS,
            }
        }
    }
}

/// Shows all `updates`, and says how `stream` ended.
async fn show(
    mut updates: mpsc::Receiver<Update>,
    mut view: View<Stdout>,
    stream: JoinHandle<Result<(), StreamError>>,
) -> ExitCode {
    match show_all(&mut updates, &mut view).await {
        Ok(()) => {}
        Err(error) if is_closed_pipe(&error) => return ExitCode::SUCCESS,
        Err(error) => return failure(format_args!("cannot show the game: {error}")),
    }
    match stream.await {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) if error.is_no_server() => failure(format_args!("{error}; {START_ONE}")),
        Ok(Err(error)) if error.is_full() => failure(format_args!("{error}, {LET_MORE_IN}")),
        Ok(Err(error)) => failure(error),
        Err(panic) => failure(format_args!("the stream has failed, which is a bug: {panic}")),
    }
}

async fn show_all(updates: &mut mpsc::Receiver<Update>, view: &mut View<Stdout>) -> io::Result<()> {
    loop {
        let first = tokio::select! {
            first = updates.recv() => first,
            () = view.is_due() => {
                view.settle();
                continue;
            }
        };
        let Some(first) = first else {
            view.finish();
            return Ok(());
        };
        view.show(first).await?;
        // What has come meanwhile goes out in one write.
        for _ in 0..LINES {
            let Ok(next) = updates.try_recv() else { break };
            view.show(next).await?;
        }
        view.flush().await?;
    }
}

/// Takes the terminal back after others have had it.
fn take_terminal(single_keys: Option<&SingleKeys>) {
    if let Some(Err(error)) = single_keys.map(SingleKeys::apply) {
        say(format_args!("cannot read single keys from the terminal: {error}"));
    }
}

/// Waits until `quit` says that somebody wished to; for ever if nobody does.
async fn wishes_to_quit(quit: Option<JoinHandle<bool>>) {
    if let Some(quit) = quit
        && let Ok(true) = quit.await
    {
        return;
    }
    std::future::pending::<()>().await;
}
