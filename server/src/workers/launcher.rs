use std::{
    io,
    num::NonZeroU32,
    os::unix::process::ExitStatusExt,
    process::ExitStatus,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    net::unix::pipe,
    process::{Child, ChildStdin},
    sync::mpsc,
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use tribune_protocol::{Exit, Origin, OutputStream, WorkerId};

use super::{
    command::{Prepared, Surroundings},
    forker::Forker,
    group::ProcessGroup,
    output::Output,
};
use crate::{
    admission::Roster,
    broadcast::{Broadcast, Membership, Transport},
    game::{Input, Launch},
    tasks::Tasks,
};

/// A program that has printed nothing for so long gets a hint about buffered output.
const HINT_AFTER: Duration = Duration::from_secs(3);

/// What a shell says of a program that is not there, and of one that cannot be run.
const NOT_FOUND: i32 = 127;
const CANNOT_RUN: i32 = 126;

/// How player programs are treated.
#[derive(Clone, Copy, Debug)]
pub struct Care {
    /// Players that one may carry.
    pub players: usize,
    /// Lines per second; `None` for as many as it likes.
    pub output_rate: Option<NonZeroU32>,
    /// How long one that was asked to end may take.
    pub grace: Duration,
}

/// Starts player programs, one after the other, and looks after each to its end.
#[derive(Clone, Debug)]
pub struct Launcher {
    /// Forks them.
    pub forker: Forker,
    /// What they find around them.
    pub surroundings: Surroundings,
    /// How they are treated.
    pub care: Care,
    /// Where their inputs go.
    pub mailbox: mpsc::Sender<Input>,
    /// Where they get the stream from.
    pub broadcast: Broadcast,
    /// Keeps the tasks that look after them.
    pub tasks: Tasks,
    /// Tells them all to end.
    pub end: CancellationToken,
}

/// A program that was started.
struct Worker {
    id: WorkerId,
    child: Child,
    group: ProcessGroup,
    membership: Membership,
}

impl Launcher {
    /// Starts what is handed in, in order, until nothing more can be.
    pub async fn run(self, mut launches: mpsc::UnboundedReceiver<Launch>) {
        while let Some(Launch { worker, program }) = launches.recv().await {
            let started = match self.surroundings.prepare(worker, &program) {
                Ok(prepared) => self.start(worker, prepared).await,
                Err(error) => Err(not_started(&program.title, &error)),
            };
            match started {
                Ok(worker) => {
                    self.tasks.spawn_vital("look after a program", self.clone().look_after(worker));
                }
                Err(exit) => self.tell(Input::Exited { worker, exit }).await,
            }
        }
    }

    /// Forks a program, tells the game, and lets it have the stream.
    async fn start(&self, id: WorkerId, prepared: Prepared) -> Result<Worker, Exit> {
        let Prepared { words, command } = prepared;
        let failed = |error: io::Error| not_started(&words[0], &error);
        let mut child = self.forker.fork(command).await.map_err(failed)?;
        let gone = || failed(io::Error::other("it ended at once"));
        let group = child.id().and_then(ProcessGroup::led_by).ok_or_else(gone)?;
        let input =
            child.stdin.take().ok_or_else(gone).and_then(|input| pipe_to(input).map_err(failed))?;
        tracing::info!(worker = %id, group = group.number(), command = ?words, "started");
        self.tell(Input::Started { worker: id, command: words.clone() }).await;
        let membership = self.broadcast.join(Origin::Program(id), Transport::Pipe(input)).await;
        Ok(Worker { id, child, group, membership })
    }

    /// Passes on what a program prints, until it has ended with all it left behind.
    async fn look_after(self, mut worker: Worker) {
        let outputs = self.tasks.group();
        let ended = CancellationToken::new();
        let has_printed = Arc::new(AtomicBool::new(false));
        let output = |stream, roster| Output {
            worker: worker.id,
            stream,
            roster,
            rate: self.care.output_rate,
            mailbox: self.mailbox.clone(),
            membership: worker.membership.clone(),
            has_printed: has_printed.clone(),
        };
        if let Some(pipe) = worker.child.stdout.take() {
            let roster = Some(Roster::new(self.care.players));
            outputs.spawn(
                "standard output",
                output(OutputStream::Stdout, roster).forward(pipe, ended.clone()),
            );
        }
        if let Some(pipe) = worker.child.stderr.take() {
            outputs.spawn(
                "standard error",
                output(OutputStream::Stderr, None).forward(pipe, ended.clone()),
            );
        }
        let id = worker.id;
        let exit = tokio::select! {
            exit = self.wait_for_end(&mut worker) => exit,
            never = hint_if_silent(id, &has_printed) => match never {},
        };
        worker.membership.leave().await;
        ended.cancel();
        outputs.ended().await;
        self.forker.forget(worker.group).await;
        tracing::info!(worker = %id, %exit, "ended");
        self.tell(Input::Exited { worker: worker.id, exit }).await;
    }

    /// Waits until a program has ended by itself or is told to, and then for all of its group.
    async fn wait_for_end(&self, worker: &mut Worker) -> Exit {
        let Worker { child, group, membership, .. } = worker;
        let status = tokio::select! {
            status = child.wait() => status,
            () = self.end.cancelled() => {
                // The end of its standard input is the first thing that asks it to end.
                membership.leave().await;
                let (status, ()) = tokio::join!(child.wait(), group.end(self.care.grace));
                status
            }
        };
        group.reap_orphans();
        if !group.is_empty() {
            tracing::info!(worker = %worker.id, "a program has ended and left others behind, which are ended too");
            group.end(self.care.grace).await;
            group.reap_orphans();
        }
        exit_of(status)
    }

    async fn tell(&self, input: Input) {
        // A game that is over takes in nothing.
        let _ = self.mailbox.send(input).await;
    }
}

/// Logs a hint if nothing was printed for [`HINT_AFTER`]. Never returns.
async fn hint_if_silent(worker: WorkerId, has_printed: &AtomicBool) -> std::convert::Infallible {
    sleep(HINT_AFTER).await;
    if !has_printed.load(Ordering::Relaxed) {
        tracing::warn!(
            "ps#{worker} has printed nothing for {} s: is its output buffered? Flush after each line \
             (Python: print(…, flush=True); C: fflush(stdout)), or run it by way of `stdbuf -oL`",
            HINT_AFTER.as_secs()
        );
    }
    std::future::pending().await
}

/// The writing end of the pipe `input`, to be written to without waiting.
fn pipe_to(input: ChildStdin) -> io::Result<pipe::Sender> {
    pipe::Sender::from_owned_fd(input.into_owned_fd()?)
}

fn not_started(program: &str, error: &io::Error) -> Exit {
    let code = if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { CANNOT_RUN };
    let reason = format!("{program}: {error}");
    tracing::error!("cannot start {reason}");
    Exit::NotStarted { code, reason }
}

fn exit_of(status: io::Result<ExitStatus>) -> Exit {
    match status {
        Ok(status) => match status.signal() {
            Some(signal) => Exit::Signal { signal },
            None => Exit::Code { code: status.code().unwrap_or_default() },
        },
        Err(error) => {
            tracing::error!(%error, "cannot learn how a program ended");
            Exit::Code { code: CANNOT_RUN }
        }
    }
}
