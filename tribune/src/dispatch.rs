use std::ffi::OsString;

/// What `tribune` without arguments runs: the demonstration, repeated until it is interrupted, so
/// that a client that starts later still finds a game.
pub const DEMONSTRATION: [&str; 2] = ["server", "--repeat"];

/// The program that handles a command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The server, with the arguments of [`DEMONSTRATION`].
    Demonstration,
    /// The server, with all words but the first.
    Server,
    /// The server, with all words: it starts players and its guard by the path of its own executable,
    /// which knows nothing of `tribune server`.
    ServerProcess,
    /// The server, to print its help.
    ServerHelp,
    /// The client, with all words.
    Client,
}

impl Target {
    /// The target of `words`, the first of which is the name of the program.
    pub fn of(words: &[OsString]) -> Self {
        let word = |index| words.get(index).map(|word: &OsString| word.as_encoded_bytes());
        match word(1) {
            None => Self::Demonstration,
            Some(b"help") if word(2) == Some(b"server") => Self::ServerHelp,
            Some(b"server") => Self::Server,
            Some(b"players-agent" | b"guard") => Self::ServerProcess,
            Some(_) => Self::Client,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn target(words: &[&str]) -> Target {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        Target::of(&words)
    }

    #[test]
    fn the_demonstration_is_a_valid_command_line() {
        tribune_server::Args::try_parse_from(DEMONSTRATION).unwrap();
    }

    #[test]
    fn the_first_argument_decides() {
        assert_eq!(target(&["tribune"]), Target::Demonstration);
        assert_eq!(target(&["tribune", "server", "--stay"]), Target::Server);
        assert_eq!(target(&["tribune", "guard"]), Target::ServerProcess);
        assert_eq!(target(&["tribune", "watch"]), Target::Client);
        assert_eq!(target(&["tribune", "--help"]), Target::Client);
        assert_eq!(target(&["tribune", "help", "server"]), Target::ServerHelp);
        assert_eq!(target(&["tribune", "help", "herd"]), Target::Client);
        assert_eq!(target(&["tribune", "watch", "server"]), Target::Client);
    }
}
