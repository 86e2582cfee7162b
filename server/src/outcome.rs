use crate::rules::RefereeFailure;

/// How a server ended, if it did not fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// In order: everything was sent, as far as the clients took it.
    Finished,
    /// In order, but none of the programs of its game could be started.
    NoProgramStarted {
        /// How many were to be started, at least one.
        tried: u64,
    },
    /// In order, because the referee failed.
    RefereeFailed(RefereeFailure),
    /// At once, as it was asked to.
    Aborted,
}
