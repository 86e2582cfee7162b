use tokio::{sync::mpsc, time::Instant};
use tribune_protocol::{Origin, PlayerAction, Refusal, WorkerId};

/// How many observations may wait. Further ones are lost.
const QUEUE: usize = 16_384;

/// How many of them may not be lines or refusals, so that however many lines are lost, the start and
/// the end of programs are not.
const RESERVED: usize = 64;

/// Receives how the server classifies each line of its programs, with the exact time. Only `server try` has one.
#[derive(Clone, Debug, Default)]
pub struct Observer(Option<mpsc::Sender<Observation>>);

/// Something that was reported to an [`Observer`].
#[derive(Clone, Debug)]
pub struct Observation {
    /// When it was observed.
    pub at: Instant,
    /// What was observed.
    pub kind: ObservationKind,
}

/// What was observed.
#[derive(Clone, Debug)]
pub enum ObservationKind {
    /// A program was started.
    Started {
        /// Its number.
        program: WorkerId,
        /// Its process.
        process: u32,
    },
    /// A program printed a line that is not blank.
    Line {
        /// Its number.
        program: WorkerId,
        /// What the line is.
        line: ObservedLine,
    },
    /// All programs are to end.
    Stopping,
    /// The game refused an action that has the right form.
    Refused {
        /// The origin of the action.
        from: Origin,
        /// The reason.
        refusal: Refusal,
    },
}

/// A line of a program, classified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObservedLine {
    /// An action of one of its players.
    Action(PlayerAction),
    /// A line that is nearly an action.
    Refused(String, Refusal),
    /// Any other line of standard output, and why it is not an action.
    Plain(String, Refusal),
    /// A line of standard error.
    Error(String),
}

impl Observer {
    /// An observer, and the receiver of what is reported to it.
    pub fn new() -> (Self, mpsc::Receiver<Observation>) {
        let (sender, observations) = mpsc::channel(QUEUE);
        (Self(Some(sender)), observations)
    }

    /// Whether anything observes.
    pub fn is_active(&self) -> bool {
        self.0.is_some()
    }

    /// Reports `kind`, which is observed now.
    pub fn report(&self, kind: ObservationKind) {
        if let Some(sender) = &self.0 {
            let is_one_of_many =
                matches!(kind, ObservationKind::Line { .. } | ObservationKind::Refused { .. });
            if is_one_of_many && sender.capacity() <= RESERVED {
                return;
            }
            // It is lost if too many wait, or if nothing observes any more.
            let _ = sender.try_send(Observation { at: Instant::now(), kind });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_lines_do_not_lose_the_end() {
        let (observer, mut observations) = Observer::new();
        for _ in 0..2 * QUEUE {
            let line = ObservedLine::Error("oops".into());
            observer.report(ObservationKind::Line { program: WorkerId(1), line });
        }
        observer.report(ObservationKind::Stopping);
        let mut last = None;
        while let Ok(observation) = observations.try_recv() {
            last = Some(observation.kind);
        }
        assert!(matches!(last, Some(ObservationKind::Stopping)), "{last:?}");
    }
}
