use std::{io, time::Duration};

use tokio::{
    net::unix::pipe,
    process::ChildStdin,
    sync::mpsc,
    time::{Instant, sleep},
};
use tribune_protocol::{Exit, Origin, WorkerId};

use super::{
    ProgramContext,
    command::{PreparedCommand, SpawnEnv},
    exit_status::{explain, not_started},
    forked_process::ForkedProcess,
    forker::{Forked, Forker},
    running_program::RunningProgram,
};
use crate::{
    descriptors::is_out_of_descriptors,
    feed::{Broadcast, Transport},
    game::{Input, LaunchRequest},
    observer::ObservationKind,
    schedule::Program,
};

/// How long the start of a program is retried while no descriptor is left: those of clients and
/// other programs may become free.
const DESCRIPTOR_TIMEOUT: Duration = Duration::from_secs(10);

/// The time between two tries.
const DESCRIPTOR_RETRY: Duration = Duration::from_millis(50);

/// Starts player programs one after another, and has each supervised until it has exited.
#[derive(Clone, Debug)]
pub struct Launcher {
    /// What starting and supervising programs have in common.
    pub context: ProgramContext,
    /// Forks them.
    pub forker: Forker,
    /// Determines their environment.
    pub spawn_env: SpawnEnv,
    /// Where they get the stream from.
    pub broadcast: Broadcast,
}

impl Launcher {
    /// Starts the requested programs in order, until the sender of requests is dropped.
    pub async fn run(self, mut requests: mpsc::UnboundedReceiver<LaunchRequest>) {
        while let Some(LaunchRequest { id, program }) = requests.recv().await {
            match self.start(id, &program).await {
                Ok(program) => {
                    let supervise = program.supervise(self.context.clone());
                    self.context.tasks.spawn_critical("program supervisor", supervise);
                }
                Err(exit) => {
                    self.context.messages.say(format_args!("ps#{id} is {exit}"));
                    self.context.send(Input::Exited { program: id, exit }).await;
                }
            }
        }
    }

    /// Forks `program`, reports its start to the game, and subscribes its standard input to the
    /// stream.
    async fn start(&self, id: WorkerId, program: &Program) -> Result<RunningProgram, Exit> {
        let (words, Forked { mut child, process_tree }) = self.fork(id, program).await?;
        let failed = |error| not_started(&words[0], &error);
        let no_input = || failed(io::Error::other("it has no standard input"));
        let input = child
            .stdin
            .take()
            .ok_or_else(no_input)
            .and_then(|input| nonblocking(input).map_err(failed))?;
        tracing::info!(worker = %id, session = process_tree.session(), command = ?words, "started");
        if let Some(process) = child.id() {
            self.context.observer.report(ObservationKind::Started { program: id, process });
        }
        self.context.send(Input::Started { program: id, command: words }).await;
        let subscription = self.broadcast.join(Origin::program(id), Transport::Pipe(input)).await;
        let process = ForkedProcess { id, child, process_tree };
        Ok(RunningProgram::new(process, subscription))
    }

    /// Forks `program`, and returns its command for display. While no descriptor is left, it
    /// tries again.
    async fn fork(&self, id: WorkerId, program: &Program) -> Result<(Vec<String>, Forked), Exit> {
        let deadline = Instant::now() + DESCRIPTOR_TIMEOUT;
        loop {
            let prepared = self.spawn_env.prepare(id, program);
            let prepared = prepared.map_err(|error| not_started(&program.title, &error))?;
            let folder = prepared.folder();
            let PreparedCommand { words, command } = prepared;
            match self.forker.fork(id, command).await {
                Ok(forked) => return Ok((words, forked)),
                Err(error) if is_out_of_descriptors(&error) && self.may_retry(deadline) => {
                    self.wait_for_descriptors(id).await;
                }
                Err(error) => {
                    let error = explain(error, &words[0], &folder);
                    return Err(not_started(&words[0], &error));
                }
            }
        }
    }

    fn may_retry(&self, deadline: Instant) -> bool {
        Instant::now() < deadline && !self.context.shutdown.is_cancelled()
    }

    /// Evicts a half-closed client, or else waits until descriptors may have become free.
    async fn wait_for_descriptors(&self, id: WorkerId) {
        tracing::debug!(worker = %id, "no descriptor is left, waiting");
        if !self.broadcast.evict_half_closed().await {
            let _ = self.context.shutdown.run_until_cancelled(sleep(DESCRIPTOR_RETRY)).await;
        }
    }
}

/// The writing end of the pipe `input`, for writes that do not block.
pub(super) fn nonblocking(input: ChildStdin) -> io::Result<pipe::Sender> {
    pipe::Sender::from_owned_fd(input.into_owned_fd()?)
}
