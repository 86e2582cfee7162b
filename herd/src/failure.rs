use std::{collections::BTreeMap, io};

use rustix::io::Errno;
use tribune_protocol::text::printable;

/// A kind of failure of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailureKind {
    /// Nobody listens, or the server has no place for more.
    Refused,
    /// The connection was not accepted in time.
    ConnectTimeout,
    /// Something that was expected did not come in time.
    Timeout,
    /// The connection broke.
    Reset,
    /// The server closed before it should.
    ClosedEarly,
    /// The server has as many clients as it may have, and says so.
    ServerFull,
    /// The server closed and said why.
    ClosedByServer,
    /// The server sends something else than the lines of a game.
    NoGame,
    /// The server does not echo.
    NoEcho,
    /// The server is playing another game than with the other members.
    AnotherGame,
    /// A move was refused.
    MoveRefused,
    /// This process has too many files open.
    OutOfDescriptors,
    /// There is no port left.
    OutOfPorts,
    /// The system has no memory for more connections.
    OutOfMemory,
    /// The job panicked.
    Bug,
    /// Something else.
    Other,
}

/// What went wrong with a job.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Of which kind it is.
    pub kind: FailureKind,
    /// What exactly.
    pub detail: String,
}

impl Failure {
    /// A failure of this kind.
    pub fn new(kind: FailureKind, detail: impl AsRef<str>) -> Self {
        // Some of it is what a server said, and not to steer a terminal.
        Self { kind, detail: printable(detail.as_ref()).into_owned() }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let kind = match Errno::from_io_error(&error) {
            Some(Errno::MFILE | Errno::NFILE) => FailureKind::OutOfDescriptors,
            // When all ports are taken, bind says the one and connect the other.
            Some(Errno::ADDRNOTAVAIL | Errno::ADDRINUSE) => FailureKind::OutOfPorts,
            Some(Errno::NOMEM | Errno::NOBUFS) => FailureKind::OutOfMemory,
            _ => match error.kind() {
                io::ErrorKind::ConnectionRefused => FailureKind::Refused,
                io::ErrorKind::TimedOut => FailureKind::Timeout,
                io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe => FailureKind::Reset,
                _ => FailureKind::Other,
            },
        };
        Self::new(kind, error.to_string())
    }
}

/// Who can do something about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Party {
    /// The server that is tested.
    Server,
    /// The server, or what is between it and this machine.
    ServerOrNetwork,
    /// This machine.
    Generator,
}

impl FailureKind {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::ConnectTimeout => "connect_timeout",
            Self::Timeout => "timeout",
            Self::Reset => "reset",
            Self::ClosedEarly => "closed_early",
            Self::ServerFull => "server_full",
            Self::ClosedByServer => "closed_by_server",
            Self::NoGame => "no_game",
            Self::NoEcho => "no_echo",
            Self::AnotherGame => "another_game",
            Self::MoveRefused => "move_refused",
            Self::OutOfDescriptors => "out_of_descriptors",
            Self::OutOfPorts => "out_of_ports",
            Self::OutOfMemory => "out_of_memory",
            Self::Bug => "bug",
            Self::Other => "other",
        }
    }

    /// What to do about it.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Refused => {
                "nobody listens there, or the server takes no more: start one with `server` (or `server echo`), or name another with --server"
            }
            Self::ConnectTimeout => {
                "the server's queue of connections is full, or something drops them: start fewer at once with --rate or --throttle"
            }
            Self::Timeout => {
                "the server is too slow or stuck, or not of the kind that --mode expects, or the network loses: look there, or allow more with --timeout"
            }
            Self::Reset => {
                "the server, or something between, broke the connection; an echo server that is full does (--max-clients)"
            }
            Self::ClosedEarly => {
                "the server closed within the conversation: look at its log; one that is full closes at once (--max-clients)"
            }
            Self::ServerFull => {
                "let the server take more (--max-clients), or have fewer active with --throttle"
            }
            Self::ClosedByServer => "the server says why; see the example",
            Self::NoGame => "that is no game server: does --mode suit it?",
            Self::NoEcho => "that is no echo server: does --mode suit it?",
            Self::AnotherGame => {
                "the server was started anew, or there are several behind one address"
            }
            Self::MoveRefused => {
                "move less often with --move-interval, or let the server allow more (--move-rate, or --max-players-total if it is full)"
            }
            Self::OutOfDescriptors => {
                "this process may have no more files open: raise the limit (ulimit -Hn), or have fewer active with --throttle"
            }
            Self::OutOfPorts => {
                "every port of the source addresses is in use: name more addresses with --source, or start fewer with --rate or --throttle"
            }
            Self::OutOfMemory => {
                "the system has no memory for more connections: have fewer active with --throttle"
            }
            Self::Bug => "this is a bug of the herd: please report it",
            Self::Other => "see the example",
        }
    }

    /// Whether it says that something took too long, which a generator that is too slow itself cannot
    /// tell.
    pub fn is_about_time(self) -> bool {
        matches!(self, Self::Timeout | Self::ConnectTimeout)
    }

    /// Who can do something about it.
    pub fn party(self) -> Party {
        match self {
            Self::OutOfDescriptors | Self::OutOfPorts | Self::OutOfMemory | Self::Bug => {
                Party::Generator
            }
            Self::Refused | Self::ConnectTimeout | Self::Timeout | Self::Reset | Self::Other => {
                Party::ServerOrNetwork
            }
            Self::ClosedEarly
            | Self::ServerFull
            | Self::ClosedByServer
            | Self::NoGame
            | Self::NoEcho
            | Self::AnotherGame
            | Self::MoveRefused => Party::Server,
        }
    }
}

/// Failures, counted by kind, each with an example.
#[derive(Clone, Debug, Default)]
pub struct Failures(BTreeMap<FailureKind, (u64, String)>);

impl Failures {
    /// Counts `failure`, of the member `member`.
    pub fn add(&mut self, member: u64, failure: &Failure) {
        let entry = self
            .0
            .entry(failure.kind)
            .or_insert_with(|| (0, format!("member {member}: {}", failure.detail)));
        entry.0 += 1;
    }

    /// Counts all of `other` too.
    pub fn merge(&mut self, other: &Self) {
        for (kind, (count, example)) in &other.0 {
            self.0.entry(*kind).or_insert_with(|| (0, example.clone())).0 += count;
        }
    }

    /// Each kind, how often it came, and an example.
    pub fn iter(&self) -> impl Iterator<Item = (FailureKind, u64, &str)> {
        self.0.iter().map(|(kind, (count, example))| (*kind, *count, example.as_str()))
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count_of(|_| true)
    }

    /// How many there are of the kinds that `wanted` is true of.
    pub fn count_of(&self, wanted: impl Fn(FailureKind) -> bool) -> u64 {
        self.iter().filter(|(kind, ..)| wanted(*kind)).map(|(_, count, _)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_run_out_of_ports_are_one_kind() {
        for errno in [Errno::ADDRNOTAVAIL, Errno::ADDRINUSE] {
            assert_eq!(Failure::from(io::Error::from(errno)).kind, FailureKind::OutOfPorts);
        }
        assert_eq!(
            Failure::from(io::Error::from(Errno::MFILE)).kind,
            FailureKind::OutOfDescriptors
        );
        let refused = io::Error::from(Errno::CONNREFUSED);
        assert_eq!(Failure::from(refused).kind, FailureKind::Refused);
    }

    #[test]
    fn failures_are_counted_by_kind_with_the_first_as_the_example() {
        let mut failures = Failures::default();
        failures.add(3, &Failure::new(FailureKind::Timeout, "one"));
        failures.add(4, &Failure::new(FailureKind::Timeout, "two"));
        let mut more = Failures::default();
        more.add(5, &Failure::new(FailureKind::Reset, "three"));
        more.add(6, &Failure::new(FailureKind::Timeout, "four"));
        failures.merge(&more);
        let all: Vec<_> = failures.iter().collect();
        assert_eq!(
            all,
            [
                (FailureKind::Timeout, 3, "member 3: one"),
                (FailureKind::Reset, 1, "member 5: three")
            ]
        );
        assert_eq!(failures.count(), 4);
    }
}
