use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tribune_protocol::ActionSyntax;

use super::ProgramLimits;
use crate::{
    game::Input, limits::PlayerPermits, messages::Messages, observer::Observer, tasks::Tasks,
};

/// What all parts that start, supervise and read programs need. Cloning gives another handle to the
/// same.
#[derive(Clone, Debug)]
pub struct ProgramContext {
    /// The actions that players can take.
    pub actions: Arc<ActionSyntax>,
    /// The limits of each program.
    pub limits: ProgramLimits,
    /// The permits for players in the game.
    pub players: PlayerPermits,
    /// The mailbox of the game.
    pub mailbox: mpsc::Sender<Input>,
    /// Where programs are supervised.
    pub tasks: Tasks,
    /// Cancelled when all programs are to be terminated.
    pub shutdown: CancellationToken,
    /// Messages to the operator.
    pub messages: Messages,
    /// Where the lines of programs are reported.
    pub observer: Observer,
}

impl ProgramContext {
    /// Sends `input` to the game.
    pub(super) async fn send(&self, input: Input) {
        // It fails only if the game has ended, and then it would be ignored.
        let _ = self.mailbox.send(input).await;
    }
}
