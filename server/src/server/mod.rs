//! A server: builds all parts, runs a game to its end, and takes the parts down in order.

mod listeners;
mod referee;
mod running;

pub use self::listeners::Listeners;

use std::{net::SocketAddr, sync::Arc};

use anyhow::{Context, ensure};
use rand::{RngExt, distr::slice::Choose};
use rustix::process::Rlimit;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tribune_protocol::{ActionSyntax, GameId, State};

use self::{referee::StartingReferee, running::Running};
use crate::{
    descriptors::{game_needs, max_clients, raise_limit},
    edge::local_address,
    feed::{FeedWriter, Subscription},
    game::{Game, GameConfig, Input, RulesConfig},
    limits::PlayerPermits,
    messages::Messages,
    observer::Observer,
    outcome::Outcome,
    programs::{Forker, GuardMode, ProgramContext, RefereeProcess, SpawnEnv},
    rules::RefereeFailure,
    settings::Settings,
    shutdown::Shutdown,
    tasks::Tasks,
};

/// How many inputs may wait for the game. Sending one more waits.
const MAILBOX: usize = 256;

/// A server that is ready to run.
#[derive(Debug)]
pub struct Server {
    settings: Settings,
    id: GameId,
    game: Game,
    listeners: Listeners,
    addresses: Vec<SocketAddr>,
    web_address: Option<SocketAddr>,
    mailbox: mpsc::Sender<Input>,
    inputs: mpsc::Receiver<Input>,
    feed: FeedWriter,
    forker: Option<Forker>,
    referee: Option<RefereeProcess>,
    players: PlayerPermits,
    /// Cancelled when programs are to end, and no client is accepted any more.
    closing: CancellationToken,
    tasks: Tasks,
    messages: Messages,
    observer: Observer,
}

/// Runs a server to the end of its game. It accepts clients and browsers from `listeners`, stops when `shutdown`
/// is requested, and sends `messages` to the operator.
///
/// # Errors
/// If the server cannot start, or a part of it without which it cannot go on has failed.
pub async fn run(
    settings: Settings,
    listeners: impl Into<Listeners>,
    shutdown: Shutdown,
    messages: Messages,
) -> anyhow::Result<Outcome> {
    Server::new(settings, listeners, messages).await?.run(shutdown).await
}

impl Server {
    /// Prepares a server that accepts clients from `listeners`, and sends `messages` to the person
    /// who runs it.
    ///
    /// # Errors
    /// If the system does not allow enough open files, the server cannot prepare to start programs, or
    /// the referee [fails](crate::rules::RefereeFailure).
    pub async fn new(
        mut settings: Settings,
        listeners: impl Into<Listeners>,
        messages: Messages,
    ) -> anyhow::Result<Self> {
        let listeners = listeners.into();
        ensure!(
            settings.runs_programs || settings.programs() == 0,
            "a server without programs cannot have a script or a referee"
        );
        let (addresses, web_address) = (listeners.addresses()?, listeners.web_address()?);
        let files = raise_limit();
        let needs = game_needs(listeners.max_sockets(), settings.programs());
        settings.max_clients = max_clients(settings.max_clients, needs)?;
        let tasks = Tasks::default();
        let id = new_game_id();
        let forker = start_forker(&settings, &id, files, &tasks).await?;
        let (mailbox, mut inputs) = mpsc::channel(MAILBOX);
        let players = PlayerPermits::new(settings.max_players);
        let closing = CancellationToken::new();
        let context = ProgramContext {
            actions: Arc::default(),
            limits: settings.program_limits,
            players: players.clone(),
            mailbox: mailbox.clone(),
            tasks: tasks.group(),
            shutdown: closing.clone(),
            messages: messages.clone(),
            observer: Observer::default(),
        };
        let spawn_env = spawn_env(&settings, &id, addresses.first());
        let starting = forker.as_ref().map(|forker| StartingReferee {
            forker,
            spawn_env,
            context,
            inputs: &mut inputs,
        });
        let (game, referee) = new_game(&settings.game, starting).await?;
        let feed = FeedWriter::new(game.state(), settings.log_bytes)?;
        tracing::info!(game = %id, seed = settings.game.seed, ?addresses, "listening");
        Ok(Self {
            settings,
            id,
            game,
            listeners,
            addresses,
            web_address,
            mailbox,
            inputs,
            feed,
            forker,
            referee,
            players,
            closing,
            tasks,
            messages,
            observer: Observer::default(),
        })
    }

    /// Which actions there are in its game.
    pub fn actions(&self) -> ActionSyntax {
        self.game.actions()
    }

    /// The same, but it reports the lines of its programs to `observer`.
    pub(crate) fn with_observer(self, observer: Observer) -> Self {
        Self { observer, ..self }
    }

    /// The addresses that it listens on.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The address of its page, if it has one.
    pub fn web_address(&self) -> Option<SocketAddr> {
        self.web_address
    }

    /// The id of the game.
    pub fn game(&self) -> &GameId {
        &self.id
    }

    /// The seed of the game.
    pub fn seed(&self) -> u64 {
        self.settings.game.seed
    }

    /// Where inputs for the game go.
    pub(crate) fn mailbox(&self) -> mpsc::Sender<Input> {
        self.mailbox.clone()
    }

    /// The state before the first event.
    pub(crate) fn state(&self) -> State {
        self.game.state()
    }

    /// The feed from its first event on.
    pub(crate) fn subscribe(&self) -> Subscription {
        self.feed.subscribe()
    }

    /// Runs the game to its end. The game begins now.
    ///
    /// When this returns, or its future is dropped, the tasks of the server end, and connections are
    /// closed as they are. The session of a client that has not closed its side may stay until the
    /// runtime shuts down.
    ///
    /// # Errors
    /// If a part of the server without which it cannot go on has failed.
    pub async fn run(self, mut shutdown: Shutdown) -> anyhow::Result<Outcome> {
        let (mailbox, tasks, forker) = (self.mailbox(), self.tasks.clone(), self.forker.clone());
        let (ended, outcome) = oneshot::channel();
        let running = Running::start(self, ended);
        let outcome = tokio::select! {
            // First, as the end of a part that has failed may look like the end of the game.
            biased;
            () = tasks.failed() => Err(anyhow::anyhow!("a part of the server has failed")),
            () = running.finished() => Ok(outcome.await.unwrap_or(Outcome::Finished)),
            () = stop(&mut shutdown, mailbox) => Ok(Outcome::Aborted),
        };
        if let Some(forker) = forker {
            forker.kill_all().await;
        }
        outcome
    }
}

/// A game with built-in rules, or one of a referee that is started by `starting`.
async fn new_game(
    config: &GameConfig,
    starting: Option<StartingReferee<'_>>,
) -> Result<(Game, Option<RefereeProcess>), RefereeFailure> {
    match (&config.rules, starting) {
        (RulesConfig::Referee(program), Some(starting)) => {
            let (game, referee) = starting.start(program.clone(), config).await?;
            Ok((game, Some(referee)))
        }
        _ => Ok((Game::new(config.clone()), None)),
    }
}

/// What determines the environment of programs. They get the `address` of the server.
fn spawn_env(settings: &Settings, id: &GameId, address: Option<&SocketAddr>) -> SpawnEnv {
    SpawnEnv {
        seed: settings.game.seed,
        game: id.clone(),
        address: address.map(|&address| local_address(address).to_string()),
    }
}

/// Starts what forks the programs of the game `id`, which are limited to `files`; `None` if the server
/// runs no programs.
async fn start_forker(
    settings: &Settings,
    id: &GameId,
    files: Rlimit,
    tasks: &Tasks,
) -> anyhow::Result<Option<Forker>> {
    if !settings.runs_programs {
        return Ok(None);
    }
    let forker = Forker::start(id, files, GuardMode::OwnExecutable, &tasks.group()).await;
    forker.context("cannot prepare to start programs").map(Some)
}

/// Ends the game when `shutdown` asks for it, and returns when the server is to end at once.
async fn stop(shutdown: &mut Shutdown, mailbox: mpsc::Sender<Input>) {
    if let Some(reason) = shutdown.requested().await {
        tokio::select! {
            // A game that has ended has dropped its mailbox.
            _ = mailbox.send(Input::Stop { reason }) => {}
            // A mailbox may be full because the game is stuck.
            () = shutdown.aborted() => return,
        }
    }
    shutdown.aborted().await;
}

/// Six letters and digits, different in each run.
fn new_game_id() -> GameId {
    let alphabet = Choose::new(b"abcdefghijklmnopqrstuvwxyz0123456789").expect("it is not empty");
    GameId(rand::rng().sample_iter(alphabet).take(6).map(|&byte| char::from(byte)).collect())
}
