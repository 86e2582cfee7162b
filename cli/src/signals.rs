use std::{fs, io};

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that stop a program, and `SIGCONT`.
///
/// They are handled rather than left to the system, so that a program can clean up, and because the
/// first process of a container has no default handlers.
#[derive(Debug)]
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// `None` if `SIGHUP` was ignored when the program started, as under `nohup`.
    hang_up: Option<Signal>,
    resume: Signal,
}

/// What a signal asks the program to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalAction {
    /// Stop.
    Stop(StopSignal),
    /// Continue after having been suspended: the terminal may be in another mode now.
    Resume,
}

/// A signal that stops a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopSignal {
    /// `SIGINT`.
    Interrupt,
    /// `SIGTERM`.
    Terminate,
    /// `SIGHUP`.
    HangUp,
}

impl StopSignal {
    /// The exit code of a program that this signal stopped: 128 plus its number, as in shells.
    pub fn exit_code(self) -> u8 {
        let kind = match self {
            Self::Interrupt => SignalKind::interrupt(),
            Self::Terminate => SignalKind::terminate(),
            Self::HangUp => SignalKind::hangup(),
        };
        u8::try_from(128 + kind.as_raw_value()).unwrap_or(u8::MAX)
    }

    /// Why a program stopped, for people.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Interrupt => "interrupted",
            Self::Terminate => "terminated",
            Self::HangUp => "hung up",
        }
    }
}

impl Signals {
    /// Installs the handlers.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn listen() -> io::Result<Self> {
        let hang_up = if hang_up_is_ignored() { None } else { Some(signal(SignalKind::hangup())?) };
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up,
            resume: signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
        })
    }

    /// Waits for the next signal. Cancel safe.
    pub async fn next(&mut self) -> SignalAction {
        let hang_up = async {
            match &mut self.hang_up {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => SignalAction::Stop(StopSignal::Interrupt),
            _ = self.terminate.recv() => SignalAction::Stop(StopSignal::Terminate),
            _ = hang_up => SignalAction::Stop(StopSignal::HangUp),
            _ = self.resume.recv() => SignalAction::Resume,
        }
    }

    /// Waits for the next signal that stops a program. Cancel safe.
    pub async fn next_stop(&mut self) -> StopSignal {
        loop {
            if let SignalAction::Stop(signal) = self.next().await {
                return signal;
            }
        }
    }
}

/// Whether this process was started with `SIGHUP` ignored, as `nohup` does.
fn hang_up_is_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    is_ignored(&status, SignalKind::hangup())
}

/// Whether `status`, in the format of `/proc/PID/status` (proc(5)), has `kind` in its `SigIgn` mask.
fn is_ignored(status: &str, kind: SignalKind) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (kind.as_raw_value() - 1) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_mask_of_ignored_signals() {
        let status = "Name:\tserver\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000001001\n";
        let is_set = |number: &i32| is_ignored(status, SignalKind::from_raw(*number));
        assert_eq!((1..=64).filter(is_set).collect::<Vec<_>>(), [1, 13]);
        assert!(!is_ignored("", SignalKind::hangup()));
    }

    #[test]
    fn exit_codes_are_those_of_shells() {
        let signals = [StopSignal::Interrupt, StopSignal::Terminate, StopSignal::HangUp];
        assert_eq!(signals.map(StopSignal::exit_code), [130, 143, 129]);
    }
}
