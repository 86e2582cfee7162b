use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tribune_cli::hang_up_is_ignored;

/// The signals that ask a server to end.
#[derive(Debug)]
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// `None` if it was started with the wish to outlive its terminal, as `nohup` does.
    hang_up: Option<Signal>,
}

impl Signals {
    /// Listens to the signals from now on.
    ///
    /// # Errors
    /// If the system does not let it.
    pub fn listen() -> io::Result<Self> {
        let hang_up = if hang_up_is_ignored() { None } else { Some(signal(SignalKind::hangup())?) };
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up,
        })
    }

    /// Waits for a signal, and says what it stands for.
    pub async fn next(&mut self) -> &'static str {
        let hang_up = async {
            match &mut self.hang_up {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => "interrupted",
            _ = self.terminate.recv() => "terminated",
            _ = hang_up => "hung up",
        }
    }
}
