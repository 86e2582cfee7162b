use std::{net::SocketAddr, num::NonZeroU32, sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tribune_protocol::{ActionSyntax, Exit, GameId};

use super::{Listeners, Server, spawn_env};
use crate::{
    descriptors::max_http_connections,
    edge::{
        AddressBudgets, ClientLimit, Joiner, LingerPermits, Listener, SessionContext, local_address,
    },
    feed::{Broadcast, FeedWriter, JournalError, StateReader, WelcomeTemplate},
    game::{Input, LaunchRequest},
    game_loop::GameLoop,
    limits::PlayerPermits,
    messages::Messages,
    observer::Observer,
    outcome::Outcome,
    programs::{CANNOT_EXECUTE, Forker, Launcher, ProgramContext, RefereeProcess},
    referee_input::RefereeInput,
    settings::Settings,
    tasks::Tasks,
    web::{AccessPolicy, HttpConnections, Inboxes, Router, WebPort},
};

/// How long subscribers may take to get to the end of the feed when it has ended, as long as they
/// take something now and then.
const DRAIN_LIMIT: Duration = Duration::from_secs(60);

/// How long clients may take to close when everything has been sent to them: closing a socket with
/// unread input would discard data in flight.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);

/// What the port for browsers needs besides the edge.
struct WebParts {
    address: SocketAddr,
    state: StateReader,
}

/// The parts of a server that runs.
pub(super) struct Running {
    settings: Settings,
    id: GameId,
    actions: Arc<ActionSyntax>,
    mailbox: mpsc::Sender<Input>,
    messages: Messages,
    observer: Observer,
    players: PlayerPermits,
    /// Cancelled when programs are to end, and no client is accepted any more.
    closing: CancellationToken,
    /// Cancelled when the server stops waiting for subscribers that do not read.
    abort: CancellationToken,
    shards: Tasks,
    sessions: Tasks,
    game: Tasks,
    /// Connections to the port for browsers that are not streams.
    web: Tasks,
    /// All others.
    tasks: Tasks,
}

impl Running {
    /// Starts all parts of `server`, and at last its game. How the game ends is sent to `ended`.
    pub(super) fn start(server: Server, ended: oneshot::Sender<Outcome>) -> Self {
        let Server { settings, tasks, .. } = server;
        let this = Self {
            settings,
            players: server.players,
            id: server.id,
            actions: Arc::new(server.game.actions()),
            mailbox: server.mailbox,
            messages: server.messages,
            closing: server.closing,
            observer: server.observer,
            abort: CancellationToken::new(),
            shards: tasks.group(),
            sessions: tasks.group(),
            game: tasks.group(),
            web: tasks.group(),
            tasks,
        };
        let broadcast = this.start_feed(&server.feed, server.game.rules_name());
        let web = server
            .web_address
            .map(|address| WebParts { address, state: server.feed.state_reader() });
        this.start_edge(server.listeners, &broadcast, web);
        let launches = match server.forker {
            Some(forker) => {
                this.start_launcher(server.addresses.first(), forker, broadcast.clone())
            }
            None => this.refuse_launches(),
        };
        let game_loop = GameLoop {
            game: server.game,
            mailbox: server.inputs,
            feed: server.feed,
            broadcast,
            launches,
            closing: this.closing.clone(),
            messages: this.messages.clone(),
            referee: server.referee.map(|referee| this.start_referee(referee)),
            observer: this.observer.clone(),
        };
        this.game.spawn_critical_fallible("game", async move {
            // It is not received if the server ends at once.
            let _ = ended.send(game_loop.run().await?);
            Ok::<_, JournalError>(())
        });
        this
    }

    /// Waits for the end of the game, and then until all clients have got everything and closed, or
    /// taken too long.
    pub(super) async fn finished(&self) {
        self.game.ended().await;
        if timeout(DRAIN_LIMIT, self.shards.ended()).await.is_err() {
            self.abort.cancel();
            self.shards.ended().await;
        }
        // The connections of clients that have not closed by then are aborted.
        let closed = async { tokio::join!(self.sessions.ended(), self.web.ended()) };
        let _ = timeout(CLOSE_LIMIT, closed).await;
    }

    fn start_referee(&self, referee: RefereeProcess) -> RefereeInput {
        let input = RefereeInput::default();
        self.tasks.spawn_critical("referee supervisor", referee.supervise(input.clone()));
        input
    }

    fn start_feed(&self, feed: &FeedWriter, rules: &str) -> Broadcast {
        let Settings { game, broadcast: config, shards, limits, .. } = &self.settings;
        let tick_ms = u64::try_from(game.tick.as_millis()).unwrap_or(u64::MAX);
        let move_rate = limits.move_rate.map_or(0, NonZeroU32::get);
        let welcome =
            WelcomeTemplate { game: self.id.clone(), rules: rules.to_owned(), tick_ms, move_rate };
        let (broadcast, shards) = Broadcast::new(feed, &welcome, *config, *shards);
        for shard in shards {
            self.shards.spawn_critical("shard", shard.run(self.abort.clone()));
        }
        broadcast
    }

    fn start_edge(&self, listeners: Listeners, broadcast: &Broadcast, web: Option<WebParts>) {
        let addresses = AddressBudgets::new(self.settings.address_bytes);
        let lingering = LingerPermits::default();
        let context = SessionContext {
            game: self.id.clone(),
            actions: self.actions.clone(),
            mailbox: self.mailbox.clone(),
            limits: self.settings.limits,
            players: self.players.clone(),
            addresses: addresses.clone(),
            wrong_port: wrong_port(web.as_ref().map(|web| web.address)),
            lingering: lingering.clone(),
        };
        let clients = ClientLimit::new(self.settings.max_clients, broadcast.clone());
        let joiner = Joiner::new(context, broadcast.clone(), self.sessions.clone());
        if let (Some(socket), Some(parts)) = (listeners.web, web) {
            let port = self.web_port(parts, clients.clone(), joiner.clone(), lingering.clone());
            self.tasks.spawn_critical("web listener", port.run(socket, self.closing.clone()));
        }
        let listener = Listener::new(clients, joiner, lingering, self.sessions.clone());
        let (closing, messages) = (self.closing.clone(), self.messages.clone());
        self.tasks.spawn_critical("address budgets", async move {
            closing.run_until_cancelled(addresses.maintain(messages)).await;
        });
        for socket in listeners.game {
            let accept = listener.clone().run(socket, self.closing.clone());
            self.tasks.spawn_critical("listener", accept);
        }
    }

    fn web_port(
        &self,
        parts: WebParts,
        clients: ClientLimit,
        joiner: Joiner,
        lingering: LingerPermits,
    ) -> WebPort {
        WebPort {
            game: self.id.clone(),
            router: Router {
                policy: AccessPolicy::new(&self.settings.web.names),
                inboxes: Inboxes::default(),
                state: parts.state,
            },
            connections: HttpConnections::new(max_http_connections()),
            clients,
            joiner,
            lingering,
            tasks: self.web.clone(),
        }
    }

    /// Starts the launcher, which forks programs with `forker`, and returns the sender for requests.
    /// Programs get the `address` of the server in their environment.
    fn start_launcher(
        &self,
        address: Option<&SocketAddr>,
        forker: Forker,
        broadcast: Broadcast,
    ) -> mpsc::UnboundedSender<LaunchRequest> {
        let context = ProgramContext {
            actions: self.actions.clone(),
            limits: self.settings.program_limits,
            players: self.players.clone(),
            mailbox: self.mailbox.clone(),
            tasks: self.tasks.group(),
            shutdown: self.closing.clone(),
            messages: self.messages.clone(),
            observer: self.observer.clone(),
        };
        let spawn_env = spawn_env(&self.settings, &self.id, address);
        let launcher = Launcher { context, forker, spawn_env, broadcast };
        let (launches, requests) = launch_channel();
        self.tasks.spawn_critical("launcher", launcher.run(requests));
        launches
    }

    /// Returns a sender for requests, each of which is answered with the exit of the program.
    fn refuse_launches(&self) -> mpsc::UnboundedSender<LaunchRequest> {
        let (launches, mut requests) = launch_channel();
        let mailbox = self.mailbox.clone();
        self.tasks.spawn_critical("launcher", async move {
            while let Some(LaunchRequest { id, .. }) = requests.recv().await {
                let reason = "this server runs no programs".to_owned();
                let exit = Exit::NotStarted { code: CANNOT_EXECUTE, reason };
                // A game that has ended has dropped its mailbox.
                let _ = mailbox.send(Input::Exited { program: id, exit }).await;
            }
        });
        launches
    }
}

/// What is left of a server ends with it: connections are closed as they are.
impl Drop for Running {
    fn drop(&mut self) {
        self.closing.cancel();
        self.tasks.stop();
    }
}

/// The message to browsers that connect to the port of the game. The page is at the address `page`.
fn wrong_port(page: Option<SocketAddr>) -> String {
    match page.map(local_address) {
        Some(page) => format!("this is the port of the game: the page is at http://{page}"),
        None => "this is the port of the game: start the server without --no-web for a page".into(),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "filled by the script and by at most 100 requests from the keyboard, never from the network"
)]
fn launch_channel() -> (mpsc::UnboundedSender<LaunchRequest>, mpsc::UnboundedReceiver<LaunchRequest>)
{
    mpsc::unbounded_channel()
}
