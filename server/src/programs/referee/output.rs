use std::pin::pin;

use futures_util::StreamExt;
use tokio::{process::ChildStdout, sync::mpsc};
use tokio_util::{codec::FramedRead, sync::CancellationToken};
use tribune_protocol::{Line, LineDecoder, MAX_CLIENT_LINE};

use crate::{
    game::Input,
    programs::output::{DRAIN_TIMEOUT, QUIET_PERIOD, after},
};

/// The most lines per input to the game, so that other inputs do not wait for long. Together with the size
/// of the mailbox, this bounds what is read ahead of the game.
const MAX_LINES_PER_INPUT: usize = 64;

/// The standard output of a referee.
#[derive(Debug)]
pub(super) struct RefereeOutput(FramedRead<ChildStdout, LineDecoder>);

impl RefereeOutput {
    pub(super) fn new(pipe: ChildStdout) -> Self {
        Self(FramedRead::new(pipe, LineDecoder::new(MAX_CLIENT_LINE)))
    }

    /// The next line; `None` at the end, or if the output cannot be read.
    pub(super) async fn next(&mut self) -> Option<Line> {
        let line = self.0.next().await?;
        line.inspect_err(|error| tracing::warn!(%error, "cannot read the output of the referee"))
            .ok()
    }

    /// Forwards all lines to the game, as fast as it takes them. After the referee has exited, what it has
    /// printed is in the pipe.
    pub(super) async fn forward(
        self,
        mailbox: mpsc::Sender<Input>,
        referee_exited: CancellationToken,
    ) {
        let mut lines = self.0.ready_chunks(MAX_LINES_PER_INPUT);
        let mut drain_timeout = pin!(after(&referee_exited, DRAIN_TIMEOUT));
        loop {
            let chunk = tokio::select! {
                chunk = lines.next() => chunk,
                () = after(&referee_exited, QUIET_PERIOD) => None,
                () = &mut drain_timeout => None,
            };
            let Some(chunk) = chunk else { return };
            let count = chunk.len();
            let lines: Vec<Line> = chunk.into_iter().map_while(Result::ok).collect();
            let is_readable = lines.len() == count;
            // It fails only if the game has ended.
            if mailbox.send(Input::RefereePrinted(lines)).await.is_err() || !is_readable {
                return;
            }
        }
    }
}
