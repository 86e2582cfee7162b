/// How a server ended, if it did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// In order: everything was sent, as far as the clients took it.
    Finished,
    /// At once, as it was asked to.
    Aborted,
}
