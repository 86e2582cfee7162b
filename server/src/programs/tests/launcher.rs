//! The launcher with real programs, from the request to start one to the report of its exit.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use rustix::process::{Resource, getrlimit};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tribune_protocol::{
    ActionPattern, ActionSyntax, BoardSize, ErrorCode, Exit, GameId, Move, OutputStream, Seq,
    State, WorkerId,
};

use super::{
    super::{Forker, GuardMode, Launcher, ProgramContext, ProgramLimits, SpawnEnv},
    run_exclusively,
};
use crate::{
    feed::{Broadcast, BroadcastConfig, FeedWriter, WelcomeTemplate},
    game::{Input, LaunchRequest, OutputLine},
    limits::PlayerPermits,
    messages::Messages,
    observer::Observer,
    proc_stat::ProcStat,
    schedule::{Program, ProgramCommand, Restart},
    tasks::Tasks,
};

/// A grace period that no test waits for.
const LONG: Duration = Duration::from_secs(1000);

/// A launcher with everything around it but a game: the test reads the mailbox.
struct Fixture {
    requests: mpsc::UnboundedSender<LaunchRequest>,
    inputs: mpsc::Receiver<Input>,
    shutdown: CancellationToken,
    forker: Forker,
    last: WorkerId,
    // The stream ends when it is dropped.
    _feed: FeedWriter,
}

impl Fixture {
    async fn new(grace: Duration) -> Self {
        Self::with(ActionSyntax::Directions, grace).await
    }

    async fn with(actions: ActionSyntax, grace: Duration) -> Self {
        let tasks = Tasks::default();
        let game = GameId("launcher-test".into());
        let feed = FeedWriter::new(empty_state(), 1 << 20).unwrap();
        let broadcast = broadcast(&feed, &game, &tasks);
        let open_files = getrlimit(Resource::Nofile);
        let forker = Forker::start(&game, open_files, GuardMode::Disabled, &tasks).await.unwrap();
        let (mailbox, inputs) = mpsc::channel(16);
        let (messages, _writer) = Messages::to(std::io::sink());
        let shutdown = CancellationToken::new();
        let limits = ProgramLimits {
            max_players: 2,
            max_output_lines: NonZeroU32::new(1000),
            max_output_bytes: None,
            input_grace: Duration::ZERO,
            grace,
        };
        let context = ProgramContext {
            actions: Arc::new(actions),
            limits,
            players: PlayerPermits::new(100),
            mailbox,
            tasks: tasks.clone(),
            shutdown: shutdown.clone(),
            messages,
            observer: Observer::default(),
        };
        let spawn_env = SpawnEnv { seed: 7, game, address: None };
        let launcher = Launcher { context, forker: forker.clone(), spawn_env, broadcast };
        #[expect(clippy::disallowed_methods, reason = "the test sends a few requests")]
        let (requests, to_launch) = mpsc::unbounded_channel();
        tasks.spawn_critical("launcher", launcher.run(to_launch));
        let last = WorkerId::default();
        Self { requests, inputs, shutdown, forker, last, _feed: feed }
    }

    /// Requests the start of a program, and returns its number.
    fn launch(&mut self, command: &[&str]) -> WorkerId {
        self.last = self.last.next();
        let program = Program {
            title: "test".into(),
            command: ProgramCommand::External(command.iter().map(ToString::to_string).collect()),
            env: vec![("LEVEL".into(), "3".into())],
            dir: None,
            restart: Restart::NEVER,
        };
        let request = LaunchRequest { id: self.last, program: Arc::new(program) };
        self.requests.send(request).unwrap();
        self.last
    }

    fn launch_shell(&mut self, script: &str) -> WorkerId {
        self.launch(&["/bin/sh", "-c", script])
    }

    async fn input(&mut self) -> Input {
        self.inputs.recv().await.expect("the launcher has the sender")
    }

    /// Waits for a line of the program on standard output that is not a move.
    async fn line(&mut self) -> String {
        loop {
            if let Input::Printed { stream: OutputStream::Stdout, lines, .. } = self.input().await {
                match &lines[..] {
                    [OutputLine::Other { line, .. }] => return line.clone(),
                    other => panic!("{other:?} is not one line"),
                }
            }
        }
    }

    /// Waits until the program has exited. All that it printed before is ignored.
    async fn exit(&mut self) -> (WorkerId, Exit) {
        loop {
            if let Input::Exited { program, exit } = self.input().await {
                return (program, exit);
            }
        }
    }

    /// Ends everything, and waits for it.
    async fn close(self) {
        drop(self.requests);
        self.shutdown.cancel();
        self.forker.kill_all().await;
    }
}

fn empty_state() -> State {
    State::new(Seq(0), BoardSize { width: 1, height: 1 })
}

/// A broadcast with one shard.
fn broadcast(feed: &FeedWriter, game: &GameId, tasks: &Tasks) -> Broadcast {
    let welcome =
        WelcomeTemplate { game: game.clone(), rules: "walk".into(), tick_ms: 1000, move_rate: 0 };
    let config = BroadcastConfig {
        flush_interval: Duration::ZERO,
        stall_timeout: LONG,
        drain_stall_timeout: LONG,
        max_snapshot_bytes: 1 << 20,
    };
    let (broadcast, shards) = Broadcast::new(feed, &welcome, config, 1);
    for shard in shards {
        tasks.spawn_critical("shard", shard.run(CancellationToken::new()));
    }
    broadcast
}

#[test]
fn reports_start_lines_and_exit() {
    run_exclusively(async {
        let mut fixture = Fixture::new(LONG).await;
        let script = "echo N ann; echo level $LEVEL; echo N bob; echo N eve; echo oops >&2; exit 3";
        let id = fixture.launch_shell(script);
        let Input::Started { program, command } = fixture.input().await else {
            panic!("it starts first")
        };
        assert_eq!((program, &*command), (id, &["/bin/sh", "-c", script].map(str::to_owned)[..]));
        let mut printed = Vec::new();
        let exit = loop {
            match fixture.input().await {
                Input::Printed { stream, lines, .. } => {
                    printed.extend(lines.into_iter().map(|line| (stream, line)));
                }
                Input::Exited { exit, .. } => break exit,
                other => panic!("{other:?}"),
            }
        };
        let (out, err): (Vec<_>, Vec<_>) =
            printed.into_iter().partition(|(stream, _)| *stream == OutputStream::Stdout);
        let step = |text| OutputLine::Action(Move::parse(text).unwrap().into());
        let other = |text: &str| OutputLine::Other { line: text.into(), cut: false, refused: None };
        // A third player is one too many.
        let refused = OutputLine::Other {
            line: "N eve".into(),
            cut: false,
            refused: Some(ErrorCode::TooManyPlayers),
        };
        let want = [step("N ann"), other("level 3"), step("N bob"), refused];
        assert_eq!(out, want.map(|line| (OutputStream::Stdout, line)));
        assert_eq!(err, [(OutputStream::Stderr, other("oops"))]);
        assert_eq!(exit, Exit::Code { code: 3 });
        fixture.close().await;
    });
}

#[test]
fn program_reads_the_stream_on_standard_input() {
    run_exclusively(async {
        let mut fixture = Fixture::new(LONG).await;
        fixture.launch_shell("read -r welcome; printf '%s\\n' \"$welcome\"");
        let line = fixture.line().await;
        assert!(line.contains(r#""type":"welcome""#) && line.contains(r#""you":"ps#1""#), "{line}");
        assert_eq!(fixture.exit().await.1, Exit::Code { code: 0 });
        fixture.close().await;
    });
}

/// Prints the codes of all `error` lines that it reads.
const PRINT_ERRORS: &str = r#"sed -un 's/.*"type":"error","code":"\([a-z_]*\)".*/code \1/p'"#;

#[test]
fn program_reads_why_its_lines_are_refused() {
    run_exclusively(async {
        let pattern = ActionPattern::new("rock|paper").unwrap();
        let mut fixture = Fixture::with(ActionSyntax::Pattern(pattern), LONG).await;
        // Before ann plays, `rok ann` may be any output.
        let lines = "rok ann\nrock ann\nrok ann\nrok bob\nrock j*hn\n";
        fixture.launch_shell(&format!("printf '{lines}'; {PRINT_ERRORS}"));
        let mut printed = Vec::new();
        while printed.len() < 7 {
            if let Input::Printed { lines, .. } = fixture.input().await {
                printed.extend(lines.into_iter().map(|line| match line {
                    OutputLine::Action(action) => (action.to_string(), None),
                    OutputLine::Other { line, refused, .. } => (line, refused),
                }));
            }
        }
        let want = [
            ("rok ann", None),
            ("rock ann", None),
            ("rok ann", Some(ErrorCode::BadAction)),
            ("rok bob", None),
            ("rock j*hn", Some(ErrorCode::BadName)),
            ("code bad_action", None),
            ("code bad_name", None),
        ];
        assert_eq!(printed, want.map(|(line, refused)| (line.to_owned(), refused)));
        fixture.close().await;
    });
}

#[test]
fn program_that_cannot_be_started_is_reported_and_the_next_one_starts() {
    run_exclusively(async {
        let mut fixture = Fixture::new(LONG).await;
        let missing = fixture.launch(&["/nonexistent/bot"]);
        let next = fixture.launch_shell("exit 0");
        let (program, exit) = fixture.exit().await;
        assert_eq!(program, missing);
        assert!(matches!(exit, Exit::NotStarted { code: 127, .. }), "{exit:?}");
        assert_eq!(fixture.exit().await, (next, Exit::Code { code: 0 }));
        fixture.close().await;
    });
}

#[test]
fn shutdown_gives_programs_time_to_exit() {
    run_exclusively(async {
        let mut fixture = Fixture::new(LONG).await;
        fixture.launch_shell(
            "trap 'echo done; exit 7' TERM; echo ready; while :; do sleep 0.01; done",
        );
        assert_eq!(fixture.line().await, "ready");
        fixture.shutdown.cancel();
        assert_eq!(fixture.line().await, "done");
        assert_eq!(fixture.exit().await.1, Exit::Code { code: 7 });
        fixture.close().await;
    });
}

#[test]
fn shutdown_kills_programs_after_the_grace_period() {
    run_exclusively(async {
        let mut fixture = Fixture::new(Duration::from_millis(50)).await;
        fixture.launch_shell("trap '' TERM; echo ready; while :; do sleep 0.01; done");
        assert_eq!(fixture.line().await, "ready");
        fixture.shutdown.cancel();
        assert_eq!(fixture.exit().await.1, Exit::Signal { signal: 9 });
        fixture.close().await;
    });
}

#[test]
fn orphans_end_with_their_program() {
    run_exclusively(async {
        let mut fixture = Fixture::new(LONG).await;
        // It keeps the standard output open.
        fixture.launch_shell("sleep 1000 & echo $!");
        let orphan: i32 = fixture.line().await.parse().unwrap();
        assert_eq!(fixture.exit().await.1, Exit::Code { code: 0 });
        let orphan = ProcStat::read(orphan).unwrap();
        assert!(orphan.is_none_or(|process| process.has_exited()), "{orphan:?} still runs");
        fixture.close().await;
    });
}
