//! The process of a referee: started and supervised as player programs are, but its output is lines of
//! the game, and its input is not the stream.

mod output;

use std::{future::pending, sync::Arc, time::Duration};

use tokio::{
    io::AsyncWriteExt,
    net::unix::pipe,
    time::{Instant, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;
use tribune_protocol::{Exit, OutputStream, WorkerId};

use self::output::RefereeOutput;
use super::{
    ProgramContext, SpawnEnv,
    command::PreparedCommand,
    exit_status::{explain, not_started},
    forked_process::ForkedProcess,
    forker::{Forked, Forker},
    launcher::nonblocking,
    output::Output,
};
use crate::{
    game::Input,
    referee_input::RefereeInput,
    rules::{Fault, FaultReason, Referee, TurnOutcome},
    schedule::Program,
    tasks::Tasks,
};

/// How long to wait for the exit of a referee that has closed its standard output, for its exit status.
const EXIT_TIMEOUT: Duration = Duration::from_secs(1);

/// The process of a referee.
#[derive(Debug)]
pub struct RefereeProcess {
    /// The program and its arguments, for display.
    pub command: Vec<String>,
    process: ForkedProcess,
    input: pipe::Sender,
    output: RefereeOutput,
    /// What forwards its outputs.
    outputs: Tasks,
    /// Cancelled when the program and all that it has forked have exited.
    exited: CancellationToken,
    context: ProgramContext,
}

impl RefereeProcess {
    /// Starts the referee as the program `id`. Its standard error is forwarded to the game from now on.
    ///
    /// # Errors
    /// If it cannot be started.
    pub async fn start(
        id: WorkerId,
        program: &Program,
        spawn_env: &SpawnEnv,
        forker: &Forker,
        context: ProgramContext,
    ) -> Result<Self, Exit> {
        let prepared = spawn_env.prepare(id, program);
        let prepared = prepared.map_err(|error| not_started(&program.title, &error))?;
        let folder = prepared.folder();
        let PreparedCommand { words, command } = prepared;
        let failed = |error| not_started(&words[0], &explain(error, &words[0], &folder));
        let Forked { mut child, process_tree } = forker.fork(id, command).await.map_err(failed)?;
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let no_pipe = || failed(std::io::Error::other("it has no standard streams"));
        let input = nonblocking(stdin.ok_or_else(no_pipe)?).map_err(failed)?;
        let output = RefereeOutput::new(stdout.ok_or_else(no_pipe)?);
        tracing::info!(worker = %id, session = process_tree.session(), command = ?words, "started");
        let (outputs, exited) = (context.tasks.group(), CancellationToken::new());
        if let Some(pipe) = stderr {
            let stream = OutputStream::Stderr;
            let errors = Output::new(id, stream, None, &context, None, Arc::default());
            outputs.spawn("standard error", errors.forward(pipe, exited.clone()));
        }
        let process = ForkedProcess { id, child, process_tree };
        Ok(Self { command: words, process, input, output, outputs, exited, context })
    }

    /// Has the referee play the first turn, which `rules` have begun, within `limit`.
    ///
    /// # Errors
    /// If it does not, or not by the protocol.
    pub async fn play_first_turn(
        &mut self,
        rules: &mut Referee,
        limit: Duration,
    ) -> Result<TurnOutcome, Fault> {
        let deadline = Instant::now() + limit;
        // The lines fit into an empty pipe. If the referee has closed it, its output ends or times out below.
        let _ = self.input.write_all(rules.take_input().as_bytes()).await;
        loop {
            let line = match timeout_at(deadline, self.output.next()).await {
                Ok(Some(line)) => line,
                Ok(None) => return rules.close(self.end_reason().await),
                Err(_) => return Err(rules.fault(FaultReason::NoAnswer { turn: 1, limit })),
            };
            if let Some(outcome) = rules.receive(&line)? {
                return Ok(outcome);
            }
        }
    }

    /// The reason why nothing more comes from its standard output.
    async fn end_reason(&mut self) -> FaultReason {
        match timeout(EXIT_TIMEOUT, self.process.child.wait()).await {
            Ok(status) => FaultReason::Exited(super::exit_status::exit_of(status)),
            Err(_) => FaultReason::Closed,
        }
    }

    /// Forwards its output to the game and `input` to it, until it and all that it has forked have exited,
    /// and terminates them when that is requested. Then reports its exit to the game.
    pub async fn supervise(self, input: RefereeInput) {
        let Self { mut process, input: pipe, output, outputs, exited, context, .. } = self;
        let (id, stop) = (process.id, CancellationToken::new());
        outputs.spawn("referee output", output.forward(context.mailbox.clone(), exited.clone()));
        outputs.spawn("referee input", input.forward(pipe, stop.clone()));
        let close_input = async { stop.cancel() };
        let exit = process.wait(&context.shutdown, context.limits, pending(), close_input).await;
        process.process_tree.release();
        exited.cancel();
        outputs.ended().await;
        tracing::info!(worker = %id, %exit, "the referee has exited");
        context.send(Input::Exited { program: id, exit }).await;
    }

    /// Terminates a referee that is not needed, and waits until its standard error was forwarded.
    pub async fn terminate(self) {
        let Self { mut process, input, outputs, exited, context, .. } = self;
        let shutdown = CancellationToken::new();
        shutdown.cancel();
        // Its input stays open: an error because of its end would hide the reason of the failure.
        process.wait(&shutdown, context.limits, pending(), async {}).await;
        drop(input);
        process.process_tree.release();
        exited.cancel();
        outputs.ended().await;
    }
}
