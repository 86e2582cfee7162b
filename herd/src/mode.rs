use clap::ValueEnum;

/// What each virtual client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// Send one message to an echo server, and check the reply
    Echo,
    /// Watch a game, and check its stream of events
    Watch,
    /// Watch and play, and check that each move returns as an event
    Play,
}

impl Mode {
    /// Its name on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Watch => "watch",
            Self::Play => "play",
        }
    }
}
