//! Watching and playing a game.

use std::{io, pin::pin, process::ExitCode, time::Duration};

use tokio::{
    io::{Stdout, stdin, stdout},
    sync::mpsc,
    task::JoinHandle,
};
use tribune_cli::{Program, SignalAction, Signals, failure, is_closed_pipe, print_message};
use tribune_protocol::Name;

use crate::{
    cbreak_mode::CbreakMode,
    display::{Display, Format},
    key_input::KeyInput,
    key_map::KeyMap,
    line_input::send_lines,
    outbox::Outbox,
    prompt::Prompt,
    random_walk::walk_at_random,
    stream::{LINES, Stream, StreamError},
    update::Update,
};

/// How many actions may wait to be sent before their source waits.
const ACTIONS: usize = 64;

/// What to do if there is no server.
const NO_SERVER_HINT: &str = "or name another with --server HOST:PORT";

/// What to do if the server is full.
const FULL_HINT: &str = "or let the server accept more with its --max-clients";

/// Which game to show, and how.
#[derive(Clone, Debug)]
pub struct GameOptions {
    /// The address of the server, `HOST:PORT`.
    pub server: String,
    /// Whether to reconnect when the connection is lost.
    pub retry: bool,
    /// How to show the game.
    pub format: Format,
}

/// How to play.
#[derive(Clone, Debug)]
pub struct PlayOptions {
    /// The name of the player.
    pub name: Name,
    /// What the keys mean, if standard input is a terminal.
    pub keys: KeyMap,
    /// Whether to watch when the input has ended and all actions are confirmed, unless standard input is a
    /// terminal.
    pub keep_watching: bool,
}

/// Shows the game to its end. Returns the exit code.
pub async fn watch(options: GameOptions) -> ExitCode {
    GameClient::connect(options, Outbox::closed()).run(None).await
}

/// Shows the game to its end, and acts for a player by standard input. Unless that is a terminal, the
/// client leaves when the input has ended and all actions are confirmed, or continues to watch.
pub async fn play(options: GameOptions, play: PlayOptions) -> ExitCode {
    let cbreak_mode = match CbreakMode::enable() {
        Ok(cbreak_mode) => cbreak_mode,
        Err(error) => {
            return failure(format_args!("cannot set the mode of the terminal: {error}"));
        }
    };
    let PlayOptions { name, keys, keep_watching } = play;
    let (sender, actions) = mpsc::channel(ACTIONS);
    if cbreak_mode.is_none() {
        if keys.has_own() {
            print_message("--keys has no effect, as standard input is not a terminal");
        }
        let outbox = Outbox::new(actions, !keep_watching);
        tokio::spawn(send_lines(stdin(), name, outbox.syntax(), sender));
        return GameClient::connect(options, outbox).run(None).await;
    }
    print_message(keys.introduction());
    let outbox = Outbox::new(actions, false);
    let prompt = Prompt::default();
    let input = KeyInput::new(keys, name, outbox.syntax(), sender, prompt.clone());
    let quit = tokio::spawn(input.run(stdin()));
    let mut client = GameClient::connect_with(options, outbox, prompt);
    client.cbreak_mode = cbreak_mode;
    client.run(Some(quit)).await
}

/// Shows the game to its end, and moves the player `name` at random, with pauses of at most
/// `max_pause`.
pub async fn play_at_random(options: GameOptions, name: Name, max_pause: Duration) -> ExitCode {
    let (sender, actions) = mpsc::channel(ACTIONS);
    tokio::spawn(walk_at_random(max_pause, name, sender));
    GameClient::connect(options, Outbox::new(actions, false)).run(None).await
}

/// A connection to a game, and its display.
struct GameClient {
    stream: JoinHandle<Result<(), StreamError>>,
    updates: mpsc::Receiver<Update>,
    display: Display<Stdout>,
    prompt: Prompt,
    cbreak_mode: Option<CbreakMode>,
}

impl GameClient {
    fn connect(options: GameOptions, outbox: Outbox) -> Self {
        Self::connect_with(options, outbox, Prompt::default())
    }

    /// A connection whose display is above `prompt`.
    fn connect_with(options: GameOptions, outbox: Outbox, prompt: Prompt) -> Self {
        let (sender, updates) = mpsc::channel(LINES);
        let stream = tokio::spawn(Stream::new(options.server, options.retry, sender, outbox).run());
        let display = Display::new(stdout(), options.format, prompt.clone());
        Self { stream, updates, display, prompt, cbreak_mode: None }
    }

    /// Shows the game until it ends, or until the user stops it: by a signal, or by `quit`.
    async fn run(self, quit: Option<JoinHandle<bool>>) -> ExitCode {
        let mut signals = match Signals::listen() {
            Ok(signals) => signals,
            Err(error) => return failure(format_args!("cannot handle signals: {error}")),
        };
        let Self { stream, updates, display, prompt, cbreak_mode } = self;
        let mut shown = pin!(show(updates, display, stream));
        let mut quit = pin!(quit_requested(quit));
        let code = loop {
            tokio::select! {
                code = &mut shown => break code,
                action = signals.next() => match action {
                    SignalAction::Stop(signal) => break ExitCode::from(signal.exit_code()),
                    SignalAction::Resume => restore_mode(cbreak_mode.as_ref()),
                },
                () = &mut quit => break ExitCode::SUCCESS,
            }
        };
        prompt.set(None);
        code
    }
}

/// Shows all `updates`, and reports how `stream` ended.
async fn show(
    mut updates: mpsc::Receiver<Update>,
    mut display: Display<Stdout>,
    stream: JoinHandle<Result<(), StreamError>>,
) -> ExitCode {
    match show_all(&mut updates, &mut display).await {
        Ok(()) => {}
        Err(error) if is_closed_pipe(&error) => return ExitCode::SUCCESS,
        Err(error) => return failure(format_args!("cannot show the game: {error}")),
    }
    match stream.await {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) if error.is_no_server() => failure(format_args!(
            "{error}; start one with `{}`, {NO_SERVER_HINT}",
            Program::Server.name()
        )),
        Ok(Err(error)) if error.is_full() => failure(format_args!("{error}, {FULL_HINT}")),
        Ok(Err(error)) => failure(error),
        Err(panic) => failure(format_args!("the stream failed, which is a bug: {panic}")),
    }
}

async fn show_all(
    updates: &mut mpsc::Receiver<Update>,
    display: &mut Display<Stdout>,
) -> io::Result<()> {
    loop {
        let first = tokio::select! {
            first = updates.recv() => first,
            () = display.summary_due() => {
                display.print_due_summary();
                continue;
            }
        };
        let Some(first) = first else {
            display.finish();
            return Ok(());
        };
        display.show(first).await?;
        // All updates that are available go out in one write.
        for _ in 0..LINES {
            let Ok(next) = updates.try_recv() else { break };
            display.show(next).await?;
        }
        display.flush().await?;
    }
}

/// Sets the mode of the terminal again, after another process has used it.
fn restore_mode(cbreak_mode: Option<&CbreakMode>) {
    if let Some(Err(error)) = cbreak_mode.map(CbreakMode::apply) {
        print_message(format_args!("cannot set the mode of the terminal: {error}"));
    }
}

/// Waits until `quit` returns true; for ever if it does not.
async fn quit_requested(quit: Option<JoinHandle<bool>>) {
    if let Some(quit) = quit
        && let Ok(true) = quit.await
    {
        return;
    }
    std::future::pending::<()>().await;
}
