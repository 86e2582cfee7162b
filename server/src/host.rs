//! Brings the parts of a server together, and takes them apart in order.

use std::{io, net::SocketAddr, time::Duration};

use anyhow::Context;
use rand::{RngExt, distr::slice::Choose};
use tokio::{net::TcpListener, sync::mpsc, time::timeout};
use tokio_util::sync::CancellationToken;
use tribune_cli::say;
use tribune_protocol::GameId;

use crate::{
    broadcast::{Broadcast, Greeting, Publisher, Snapshot, SnapshotDesk},
    descriptors::make_room_for_clients,
    game::{Game, Input},
    game_loop::GameLoop,
    log::Log,
    network::{self, Listener, reachable},
    settings::Settings,
    tasks::Tasks,
    terminal::{Console, Keyboard, Signals, greet},
    workers::{Forker, Launcher, Surroundings},
};

/// How many inputs may wait for the game. Whoever has one more waits.
const MAILBOX: usize = 256;

/// How long readers and the console may take to get to the end of the stream when it has ended.
const FLUSH: Duration = Duration::from_secs(5);

/// How long those who did not get there may take to be told so.
const CUT_OFF: Duration = Duration::from_millis(500);

/// How long clients may take to close when everything has been sent to them: to close with input
/// unread would destroy what is under way.
const FAREWELL: Duration = Duration::from_secs(1);

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The game is over and everybody knows.
    Over,
    /// Somebody did not want to wait for that.
    CutShort,
}

/// Runs a server to the end of its game.
///
/// # Errors
/// If it cannot listen, or a part of it without which it cannot go on has failed.
pub async fn run(settings: Settings) -> anyhow::Result<Outcome> {
    let sockets = bind(&settings.listen)?;
    let signals = Signals::listen().context("cannot listen to signals")?;
    let (mailbox, inputs) = mpsc::channel(MAILBOX);
    Keyboard::listen(mailbox.clone()).context("cannot listen to standard input")?;
    let tasks = Tasks::default();
    let server = Server::open(settings, sockets, &tasks, &mailbox, inputs)?;
    tokio::select! {
        () = server.close() => Ok(Outcome::Over),
        () = signals.stop_game(mailbox) => Ok(Outcome::CutShort),
        () = tasks.broken() => anyhow::bail!("a part of the server has failed"),
    }
}

fn bind(addresses: &[SocketAddr]) -> anyhow::Result<Vec<TcpListener>> {
    let sockets = addresses.iter().map(|&address| {
        network::bind(address).map_err(|error| {
            let remedy = match error.kind() {
                io::ErrorKind::AddrInUse => {
                    "end what listens there, or choose another with --listen"
                }
                _ => "choose another with --listen",
            };
            anyhow::anyhow!("cannot listen on {address}: {error}: {remedy}")
        })
    });
    sockets.collect()
}

/// A server that runs, as far as its end has to be waited for.
struct Server {
    game: Tasks,
    /// Those who write the stream, and the console.
    readers: Tasks,
    /// Tells the readers not to wait for those who do not read.
    cut_off: CancellationToken,
    sessions: Tasks,
}

impl Server {
    /// Builds all parts, says so, and lets the game begin.
    fn open(
        settings: Settings,
        sockets: Vec<TcpListener>,
        tasks: &Tasks,
        mailbox: &mpsc::Sender<Input>,
        inputs: mpsc::Receiver<Input>,
    ) -> anyhow::Result<Self> {
        let server = Self {
            game: tasks.group(),
            readers: tasks.group(),
            cut_off: CancellationToken::new(),
            sessions: tasks.group(),
        };
        let addresses =
            sockets.iter().map(TcpListener::local_addr).collect::<io::Result<Vec<_>>>()?;
        let id = new_game_id();
        let seed = settings.rules.seed;
        let tick_ms = u64::try_from(settings.rules.tick.as_millis()).unwrap_or(u64::MAX);
        let game = Game::new(settings.rules);
        let publisher = Publisher::new(Log::new(settings.log_bytes));
        let desk = SnapshotDesk::new(Snapshot::new(game.state()));
        let greeting = Greeting { game: id.clone(), tick_ms };
        let (broadcast, shards) =
            Broadcast::new(&publisher, &desk, greeting, settings.pace, settings.shards);
        for shard in shards {
            server.readers.spawn_vital("shard", shard.run(server.cut_off.clone()));
        }
        if settings.console {
            let console = Console::new(publisher.subscribe());
            server.readers.spawn("console", console.run(tokio::io::stdout()));
        }
        let closing = CancellationToken::new();
        let listener = Listener::new(
            id.clone(),
            mailbox.clone(),
            settings.limits,
            broadcast.clone(),
            most_clients(settings.max_clients),
            server.sessions.clone(),
        );
        for socket in sockets {
            tasks.spawn_vital("listener", listener.clone().run(socket, closing.clone()));
        }
        let launcher = Launcher {
            forker: Forker::start().context("cannot start the thread that forks")?,
            surroundings: Surroundings {
                seed,
                address: addresses.first().map(|&address| reachable(address).to_string()),
            },
            care: settings.care,
            mailbox: mailbox.clone(),
            broadcast,
            tasks: tasks.group(),
            end: closing.clone(),
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "from the script and at most 100 typed, never from the network"
        )]
        let (launches, to_launch) = mpsc::unbounded_channel();
        tasks.spawn_vital("launcher", launcher.run(to_launch));
        tracing::info!(game = %id, seed, ?addresses, "listening");
        say(greet(&addresses, &id, seed));
        let game_loop = GameLoop { game, mailbox: inputs, publisher, desk, launches, closing };
        server.game.spawn_vital("game", game_loop.run());
        Ok(server)
    }

    /// Waits for the end of the game, and then until everybody knows, but for no longer than it
    /// takes those who listen.
    async fn close(&self) {
        self.game.ended().await;
        if timeout(FLUSH, self.readers.ended()).await.is_err() {
            self.cut_off.cancel();
            // Only a console that nobody reads is left then.
            let _ = timeout(CUT_OFF, self.readers.ended()).await;
        }
        // Whoever has not closed by then is closed.
        let _ = timeout(FAREWELL, self.sessions.ended()).await;
    }
}

/// Six letters and digits, different in each run.
fn new_game_id() -> GameId {
    let alphabet = Choose::new(b"abcdefghijklmnopqrstuvwxyz0123456789").expect("it is not empty");
    GameId(rand::rng().sample_iter(alphabet).take(6).map(|&byte| char::from(byte)).collect())
}

/// As many clients as were asked for, or as the system allows.
fn most_clients(wanted: usize) -> usize {
    let possible = make_room_for_clients();
    if wanted > possible {
        tracing::warn!(
            "the system allows {possible} clients rather than {wanted}: raise the limit of open files (ulimit -Hn)"
        );
    }
    wanted.min(possible)
}
