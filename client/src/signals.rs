use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tribune_cli::hang_up_is_ignored;

/// The signals that end a client, and the one that says that it goes on.
///
/// They are handled, rather than left to the system, so that the terminal is put in order, and so
/// that they work for the first process of a container too.
#[derive(Debug)]
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// `None` if it is to outlive its terminal.
    hang_up: Option<Signal>,
    resume: Signal,
}

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// To end, and with this exit code.
    End(u8),
    /// To take care of the terminal, which others have had meanwhile.
    GoOn,
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
            resume: signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
        })
    }

    /// Waits for the next.
    pub async fn next(&mut self) -> Wish {
        // As shells count: 128 and the number of the signal.
        let ended_by = |kind: SignalKind| {
            Wish::End(u8::try_from(128 + kind.as_raw_value()).unwrap_or(u8::MAX))
        };
        let hang_up = async {
            match &mut self.hang_up {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => ended_by(SignalKind::interrupt()),
            _ = self.terminate.recv() => ended_by(SignalKind::terminate()),
            _ = hang_up => ended_by(SignalKind::hangup()),
            _ = self.resume.recv() => Wish::GoOn,
        }
    }
}
