use std::{io, num::NonZeroU32, path::Path, sync::Arc, time::Duration};

use tokio::{
    net::unix::pipe,
    process::ChildStdin,
    sync::mpsc,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;
use tribune_protocol::{Exit, Origin, WorkerId};

use super::{
    command::{Prepared, SpawnEnv},
    forker::Forker,
    process::is_out_of_descriptors,
    worker::Worker,
};
use crate::{
    feed::{Broadcast, Transport},
    game::{Input, LaunchRequest},
    limits::PlayerPlaces,
    messages::Messages,
    schedule::Program,
    tasks::Tasks,
};

/// What a shell says of a program that is not there, and of one that cannot be run.
const NOT_FOUND: i32 = 127;
pub(super) const CANNOT_RUN: i32 = 126;

/// How long a program waits for descriptors, if there are none: those of clients and of other
/// programs that end.
const DESCRIPTOR_WAIT: Duration = Duration::from_secs(10);

/// The pause before it is tried again.
const DESCRIPTOR_PAUSE: Duration = Duration::from_millis(50);

/// How player programs are treated.
#[derive(Clone, Copy, Debug)]
pub struct ProgramLimits {
    /// Players that one may carry.
    pub players: usize,
    /// Lines per second of each of its outputs; `None` for as many as it likes.
    pub output_rate: Option<NonZeroU32>,
    /// Bytes per second that each of its outputs may add to the log; `None` for as many as it likes.
    pub output_bytes: Option<NonZeroU32>,
    /// How long one that was asked to end may take.
    pub grace: Duration,
}

/// Starts player programs, one after the other, and lets each be looked after to its end.
#[derive(Clone, Debug)]
pub struct Launcher {
    /// Forks them.
    pub forker: Forker,
    /// What they find around them.
    pub surroundings: SpawnEnv,
    /// How they are treated.
    pub care: ProgramLimits,
    /// Places for players in the game.
    pub places: PlayerPlaces,
    /// Where their inputs go.
    pub mailbox: mpsc::Sender<Input>,
    /// Where they get the stream from.
    pub broadcast: Broadcast,
    /// Keeps the tasks that look after them.
    pub tasks: Tasks,
    /// Tells them all to end.
    pub end: CancellationToken,
    /// Where people are told what they should know.
    pub messages: Messages,
}

impl Launcher {
    /// Starts what is handed in, in order, until nothing more can be.
    pub async fn run(self, mut launches: mpsc::UnboundedReceiver<LaunchRequest>) {
        while let Some(LaunchRequest { id: worker, program }) = launches.recv().await {
            match self.start(worker, &program).await {
                Ok(worker) => {
                    self.tasks
                        .spawn_critical("look after a program", worker.look_after(self.clone()));
                }
                Err(exit) => {
                    self.messages.say(format_args!("ps#{worker} is {exit}"));
                    self.tell(Input::Exited { program: worker, exit }).await;
                }
            }
        }
    }

    /// Hands `input` to the game.
    pub(super) async fn tell(&self, input: Input) {
        // A game that is over takes in nothing.
        let _ = self.mailbox.send(input).await;
    }

    /// Forks `program`, tells the game, and lets it have the stream.
    async fn start(&self, id: WorkerId, program: &Program) -> Result<Worker, Exit> {
        let deadline = Instant::now() + DESCRIPTOR_WAIT;
        let (words, (mut child, session)) = loop {
            let prepared = self.surroundings.prepare(id, program);
            let prepared = prepared.map_err(|error| not_started(&program.title, &error))?;
            let file = prepared.file();
            let Prepared { words, command } = prepared;
            match self.forker.fork(id, command).await {
                Ok(forked) => break (words, forked),
                Err(error) if is_out_of_descriptors(&error) && self.may_wait(deadline) => {
                    self.make_room(id).await;
                }
                Err(error) => {
                    return Err(not_started(&words[0], &explained(error, file.as_deref())));
                }
            }
        };
        let failed = |error| not_started(&words[0], &error);
        let gone = || failed(io::Error::other("it has no standard input"));
        let input =
            child.stdin.take().ok_or_else(gone).and_then(|input| pipe_to(input).map_err(failed))?;
        tracing::info!(worker = %id, session = session.number(), command = ?words, "started");
        self.tell(Input::Started { program: id, command: words.clone() }).await;
        let subscription = self.broadcast.join(Origin::Program(id), Transport::Pipe(input)).await;
        Ok(Worker { id, child, session, subscription, has_printed: Arc::default() })
    }

    fn may_wait(&self, deadline: Instant) -> bool {
        Instant::now() < deadline && !self.end.is_cancelled()
    }

    /// Lets a client go that has only half of a connection, or waits for descriptors to be closed.
    async fn make_room(&self, id: WorkerId) {
        tracing::debug!(worker = %id, "there are no descriptors for a program, waiting for some");
        if !self.broadcast.drop_half_closed().await {
            // What is to end ends without it.
            let _ = self.end.run_until_cancelled(sleep(DESCRIPTOR_PAUSE)).await;
        }
    }
}

/// The writing end of the pipe `input`, to be written to without waiting.
fn pipe_to(input: ChildStdin) -> io::Result<pipe::Sender> {
    pipe::Sender::from_owned_fd(input.into_owned_fd()?)
}

/// What the system says of a `file` that is there as if it were not, and why it does.
fn explained(error: io::Error, file: Option<&Path>) -> io::Error {
    if error.kind() != io::ErrorKind::NotFound || !file.is_some_and(Path::exists) {
        return error;
    }
    let what = "it is there, but not the interpreter or the loader that it asks for";
    io::Error::new(error.kind(), format!("{error}: {what}"))
}

fn not_started(program: &str, error: &io::Error) -> Exit {
    let code = if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { CANNOT_RUN };
    Exit::NotStarted { code, reason: format!("{program}: {error}") }
}
