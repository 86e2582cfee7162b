//! Brings the parts of a server together, and takes them apart in order.

use std::{io, net::SocketAddr, num::NonZeroU32, time::Duration};

use anyhow::Context;
use rand::{RngExt, distr::slice::Choose};
use tokio::{net::TcpListener, sync::mpsc, time::timeout};
use tokio_util::sync::CancellationToken;
use tribune_cli::Signals;
use tribune_protocol::GameId;

use crate::{
    descriptors::{game_needs, max_clients, raise_limit},
    edge::{AddressBudgets, Farewells, Listener, SessionContext, bind_all, reachable},
    feed::{Broadcast, FeedWriter, WelcomeTemplate},
    game::{Game, Input, LaunchRequest},
    game_loop::GameLoop,
    limits::PlayerPermits,
    messages::Messages,
    operator::{Console, Keyboard, greet, hints},
    programs::{Forker, GuardMode, Launcher, ProgramContext, SpawnEnv},
    settings::{FAREWELL_LIMIT, Outcome, Settings},
    tasks::Tasks,
};

/// How many inputs may wait for the game. Whoever has one more waits.
const MAILBOX: usize = 256;

/// How long readers may take to get to the end of the stream when it has ended, if they take
/// something now and then.
const FLUSH: Duration = Duration::from_secs(60);

/// How long clients may take to close when everything has been sent to them: to close with input
/// unread would destroy what is under way.
const FAREWELL: Duration = Duration::from_secs(1);

/// Runs a server to the end of its game.
///
/// # Errors
/// If it cannot listen, or a part of it without which it cannot go on has failed.
pub async fn run(settings: Settings, messages: Messages) -> anyhow::Result<Outcome> {
    let sockets = bind_all(&settings.listen)?;
    let signals = Signals::listen().context("cannot listen to signals")?;
    let (mailbox, inputs) = mpsc::channel(MAILBOX);
    Keyboard::listen(mailbox.clone(), messages.clone())
        .context("cannot listen to standard input")?;
    let host = Host::new(settings, mailbox.clone(), messages.clone());
    let forker = host.open(sockets, inputs).await?;
    let outcome = tokio::select! {
        () = host.close() => Ok(Outcome::Over),
        () = stop_game(signals, mailbox, messages) => Ok(Outcome::CutShort),
        () = host.tasks.broken() => Err(anyhow::anyhow!("a part of the server has failed")),
    };
    forker.kill_all().await;
    outcome
}

/// Stops the game at the first signal, and returns at the second.
async fn stop_game(mut signals: Signals, mailbox: mpsc::Sender<Input>, messages: Messages) {
    let reason = signals.next_stop().await.reason();
    // A game that is over ends anyway.
    let _ = mailbox.send(Input::Stop { reason: reason.into() }).await;
    messages.say("ending the game (once more to end at once)");
    signals.next_stop().await;
}

/// What all parts have in common, and what has to be waited for in the end.
struct Host {
    settings: Settings,
    id: GameId,
    mailbox: mpsc::Sender<Input>,
    messages: Messages,
    /// Places for players in the game.
    places: PlayerPermits,
    /// Is cancelled when programs are to end, and nobody new is to come.
    closing: CancellationToken,
    /// Is cancelled when those who do not read are not to be waited for any more.
    cut_off: CancellationToken,
    /// Those who write the stream.
    readers: Tasks,
    console: Tasks,
    sessions: Tasks,
    game: Tasks,
    /// All others.
    tasks: Tasks,
}

impl Host {
    fn new(settings: Settings, mailbox: mpsc::Sender<Input>, messages: Messages) -> Self {
        let tasks = Tasks::default();
        Self {
            places: PlayerPermits::new(settings.max_players),
            settings,
            id: new_game_id(),
            mailbox,
            messages,
            closing: CancellationToken::new(),
            cut_off: CancellationToken::new(),
            readers: tasks.group(),
            console: tasks.group(),
            sessions: tasks.group(),
            game: tasks.group(),
            tasks,
        }
    }

    /// Builds all parts, says so, and lets the game begin. Gives what can kill what is left of the
    /// programs in the end.
    async fn open(
        &self,
        sockets: Vec<TcpListener>,
        inputs: mpsc::Receiver<Input>,
    ) -> anyhow::Result<Forker> {
        let addresses: Vec<SocketAddr> =
            sockets.iter().map(TcpListener::local_addr).collect::<io::Result<_>>()?;
        let files = raise_limit();
        let clients = max_clients(
            self.settings.max_clients,
            game_needs(addresses.len(), self.settings.game.script.len()),
        )?;
        let game = Game::new(self.settings.game.clone());
        let feed = FeedWriter::new(game.state(), self.settings.log_bytes);
        let broadcast = self.open_broadcast(&feed);
        self.open_network(sockets, &broadcast, clients);
        let forker = Forker::start(&self.id, files, GuardMode::OwnExecutable, &self.tasks.group())
            .await
            .context("cannot prepare to start programs")?;
        let launches = self.open_programs(addresses.first(), forker.clone(), broadcast);
        let seed = self.settings.game.seed;
        tracing::info!(game = %self.id, seed, ?addresses, "listening");
        let mut greeting = vec![greet(&addresses, &self.id, seed)];
        if self.settings.console {
            greeting.extend(hints(addresses.first()));
        }
        self.messages.say_first(&greeting).await;
        let game_loop = GameLoop {
            game,
            mailbox: inputs,
            feed,
            launches,
            closing: self.closing.clone(),
            messages: self.messages.clone(),
        };
        self.game.spawn_critical_fallible("game", game_loop.run());
        Ok(forker)
    }

    /// The way out: shards, and the console.
    fn open_broadcast(&self, feed: &FeedWriter) -> Broadcast {
        let Settings { game, pace, shards, console, limits, .. } = &self.settings;
        let tick_ms = u64::try_from(game.tick.as_millis()).unwrap_or(u64::MAX);
        let move_rate = limits.move_rate.map_or(0, NonZeroU32::get);
        let welcome = WelcomeTemplate { game: self.id.clone(), tick_ms, move_rate };
        let (broadcast, shards) = Broadcast::new(feed, &welcome, *pace, *shards);
        for shard in shards {
            self.readers.spawn_critical("shard", shard.run(self.cut_off.clone()));
        }
        if *console {
            let messages = self.messages.clone();
            let missed = move |count| {
                messages.say(format_args!(
                    "{count} events are not on the console: nobody read it in time"
                ));
            };
            let console = Console::new(feed.subscribe());
            self.console.spawn("console", console.run(tokio::io::stdout(), missed));
        }
        broadcast
    }

    /// The way in for clients, of which there may be so many.
    fn open_network(&self, sockets: Vec<TcpListener>, broadcast: &Broadcast, clients: usize) {
        let addresses = AddressBudgets::new(self.settings.address_bytes);
        let context = SessionContext {
            game: self.id.clone(),
            mailbox: self.mailbox.clone(),
            limits: self.settings.limits,
            places: self.places.clone(),
            addresses: addresses.clone(),
            farewells: Farewells::default(),
        };
        let listener = Listener::new(context, broadcast.clone(), clients, self.sessions.clone());
        let (closing, messages) = (self.closing.clone(), self.messages.clone());
        self.tasks.spawn_critical("address budgets", async move {
            closing.run_until_cancelled(addresses.maintain(messages)).await;
        });
        for socket in sockets {
            self.tasks
                .spawn_critical("listener", listener.clone().run(socket, self.closing.clone()));
        }
    }

    /// The way in for programs, which `forker` forks when they are sent to what this gives.
    fn open_programs(
        &self,
        address: Option<&SocketAddr>,
        forker: Forker,
        broadcast: Broadcast,
    ) -> mpsc::UnboundedSender<LaunchRequest> {
        let context = ProgramContext {
            limits: self.settings.program_limits,
            places: self.places.clone(),
            mailbox: self.mailbox.clone(),
            tasks: self.tasks.group(),
            shutdown: self.closing.clone(),
            messages: self.messages.clone(),
        };
        let spawn_env = SpawnEnv {
            seed: self.settings.game.seed,
            game: self.id.clone(),
            address: address.map(|&address| reachable(address).to_string()),
        };
        let launcher = Launcher { context, forker, spawn_env, broadcast };
        #[expect(
            clippy::disallowed_methods,
            reason = "from the script and at most 100 typed, never from the network"
        )]
        let (launches, to_launch) = mpsc::unbounded_channel();
        self.tasks.spawn_critical("launcher", launcher.run(to_launch));
        launches
    }

    /// Waits for the end of the game, and then until everybody knows, but for no longer than it
    /// takes those who listen.
    async fn close(&self) {
        self.game.ended().await;
        if timeout(FLUSH, self.readers.ended()).await.is_err() {
            self.cut_off.cancel();
            self.readers.ended().await;
        }
        // A console that nobody reads would not end by itself.
        let _ = timeout(FAREWELL_LIMIT, self.console.ended()).await;
        // Whoever has not closed by then is closed.
        let _ = timeout(FAREWELL, self.sessions.ended()).await;
    }
}

/// Six letters and digits, different in each run.
fn new_game_id() -> GameId {
    let alphabet = Choose::new(b"abcdefghijklmnopqrstuvwxyz0123456789").expect("it is not empty");
    GameId(rand::rng().sample_iter(alphabet).take(6).map(|&byte| char::from(byte)).collect())
}
