use std::{borrow::Cow, collections::BTreeMap, io};

use rustix::io::Errno;
use tribune_cli::Program;
use tribune_protocol::text::printable;

/// Why a job failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailureKind {
    /// The connection was refused.
    Refused,
    /// The connection was not accepted in time.
    ConnectTimeout,
    /// Something expected did not arrive in time.
    Timeout,
    /// The connection was reset.
    Reset,
    /// The server closed too early, without a reason.
    ClosedEarly,
    /// The server has its maximum number of clients.
    ServerFull,
    /// The server closed with a reason.
    ClosedByServer,
    /// It is not a game server.
    NoGame,
    /// It is not an echo server.
    NoEcho,
    /// The server runs another game than the one that other clients are in.
    AnotherGame,
    /// The server refused a move.
    MoveRefused,
    /// This process has reached its limit of open files.
    OutOfDescriptors,
    /// No port is free.
    OutOfPorts,
    /// The system lacks memory for more connections.
    OutOfMemory,
    /// The job panicked: a bug of the herd.
    Bug,
    /// Another error of the system.
    Other,
}

/// The failure of a job.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Its kind.
    pub kind: FailureKind,
    /// The details, printable.
    pub detail: String,
}

impl Failure {
    /// A failure of this kind.
    pub fn new(kind: FailureKind, detail: impl AsRef<str>) -> Self {
        // It may quote the server.
        Self { kind, detail: printable(detail.as_ref()).into_owned() }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let kind = match Errno::from_io_error(&error) {
            Some(Errno::MFILE | Errno::NFILE) => FailureKind::OutOfDescriptors,
            // When all ports are in use, connect fails with the one and bind with the other.
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

/// Where the cause of a failure lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultDomain {
    /// In the server under test.
    Server,
    /// In the server, or in the network to it.
    ServerOrNetwork,
    /// In this machine.
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
    pub fn hint(self) -> Cow<'static, str> {
        if self != Self::Refused {
            return self.fixed_hint().into();
        }
        let server = Program::Server.name();
        format!(
            "{}: start one with `{server}` (or `{server} echo`), or name another with --server",
            self.fixed_hint()
        )
        .into()
    }

    fn fixed_hint(self) -> &'static str {
        match self {
            Self::Refused => "no server listens there, or it accepts no more connections",
            Self::ConnectTimeout => {
                "the server's accept queue is full, or packets are dropped: start fewer at once with --rate or --throttle"
            }
            Self::Timeout => {
                "the server is too slow or stuck, or does not suit --mode, or the network loses packets: check these, or increase --timeout"
            }
            Self::Reset => {
                "the server, or a device in between, reset the connection; a full echo server does (--max-clients)"
            }
            Self::ClosedEarly => {
                "the server closed the connection too early: see its log; a full server closes at once (--max-clients)"
            }
            Self::ServerFull => {
                "let the server accept more (--max-clients), or use fewer connections with --throttle"
            }
            Self::ClosedByServer => "see the reason in the example",
            Self::NoGame => "this is not a game server: check --mode",
            Self::NoEcho => "this is not an echo server: check --mode",
            Self::AnotherGame => "the server was restarted, or several share one address",
            Self::MoveRefused => {
                "move less often with --move-interval, or let the server allow more (--move-rate, or --max-players-total if it is full)"
            }
            Self::OutOfDescriptors => {
                "raise the limit of open files (ulimit -Hn), or use fewer connections with --throttle"
            }
            Self::OutOfPorts => {
                "all ports of the source addresses are in use: add addresses with --source, or start fewer with --rate or --throttle"
            }
            Self::OutOfMemory => {
                "the system lacks memory for more connections: use fewer with --throttle"
            }
            Self::Bug => "this is a bug of the herd: please report it",
            Self::Other => "see the example",
        }
    }

    /// Whether something missed a timeout. An overloaded generator may have caused that itself.
    pub fn is_timeout(self) -> bool {
        matches!(self, Self::Timeout | Self::ConnectTimeout)
    }

    /// Where the cause lies.
    pub fn fault_domain(self) -> FaultDomain {
        match self {
            Self::OutOfDescriptors | Self::OutOfPorts | Self::OutOfMemory | Self::Bug => {
                FaultDomain::Generator
            }
            Self::Refused | Self::ConnectTimeout | Self::Timeout | Self::Reset | Self::Other => {
                FaultDomain::ServerOrNetwork
            }
            Self::ClosedEarly
            | Self::ServerFull
            | Self::ClosedByServer
            | Self::NoGame
            | Self::NoEcho
            | Self::AnotherGame
            | Self::MoveRefused => FaultDomain::Server,
        }
    }
}

/// Failures, counted by kind, each with an example.
#[derive(Clone, Debug, Default)]
pub struct Failures(BTreeMap<FailureKind, (u64, String)>);

impl Failures {
    /// Counts `failure` of the client `client`.
    pub fn add(&mut self, client: u64, failure: &Failure) {
        let entry = self
            .0
            .entry(failure.kind)
            .or_insert_with(|| (0, format!("client {client}: {}", failure.detail)));
        entry.0 += 1;
    }

    /// Counts all of `other` too.
    pub fn merge(&mut self, other: &Self) {
        for (kind, (count, example)) in &other.0 {
            self.0.entry(*kind).or_insert_with(|| (0, example.clone())).0 += count;
        }
    }

    /// Each kind with its count and its first example.
    pub fn iter(&self) -> impl Iterator<Item = (FailureKind, u64, &str)> {
        self.0.iter().map(|(kind, (count, example))| (*kind, *count, example.as_str()))
    }

    /// The number of failures.
    pub fn count(&self) -> u64 {
        self.count_of(|_| true)
    }

    /// The number of failures of the kinds that `wanted` selects.
    pub fn count_of(&self, wanted: impl Fn(FailureKind) -> bool) -> u64 {
        self.iter().filter(|(kind, ..)| wanted(*kind)).map(|(_, count, _)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_errors_of_the_system_to_kinds() {
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
    fn counts_by_kind_and_keeps_the_first_example() {
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
                (FailureKind::Timeout, 3, "client 3: one"),
                (FailureKind::Reset, 1, "client 5: three")
            ]
        );
        assert_eq!(failures.count(), 4);
    }
}
