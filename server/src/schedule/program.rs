use std::{path::PathBuf, time::Duration};

use super::title::title_of;

/// A player program that can be started, any number of times.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// Its name for people, as in `predef 1`: at most 64 characters, all printable.
    pub title: String,
    /// The command that starts it.
    pub command: ProgramCommand,
    /// Environment variables in addition to those that every program gets.
    pub env: Vec<(String, String)>,
    /// Its working directory, if it is not that of the server.
    pub dir: Option<PathBuf>,
    /// Whether and how it is restarted after it has exited.
    pub restart: Restart,
}

/// The command of a program.
#[derive(Clone, Debug, PartialEq)]
pub enum ProgramCommand {
    /// The players that are built into the server: the arguments of `players-agent`, without a seed.
    BuiltIn(Vec<String>),
    /// A program file and its arguments, run without a shell. There is at least the program file.
    External(Vec<String>),
}

/// Whether and how a program that has exited is started again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Restart {
    /// After which exits.
    pub policy: RestartPolicy,
    /// The delay before the first restart. It doubles with each further one.
    pub initial_delay: Duration,
    /// The maximum number of restarts in a row.
    pub max_restarts: u32,
}

/// After which exits a program is started again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RestartPolicy {
    /// Never.
    #[default]
    Never,
    /// After every exit except exit code 0.
    OnFailure,
    /// After every exit.
    Always,
}

impl Program {
    /// The program that is run by `words`, a program file and its arguments. It has a
    /// [title](title_of) made from them.
    pub fn external(words: Vec<String>) -> Self {
        Self {
            title: title_of(&words),
            command: ProgramCommand::External(words),
            env: Vec::new(),
            dir: None,
            restart: Restart::NEVER,
        }
    }
}

impl Restart {
    /// No restarts.
    pub const NEVER: Self = Self {
        policy: RestartPolicy::Never,
        initial_delay: Self::DEFAULT_INITIAL_DELAY,
        max_restarts: Self::DEFAULT_MAX_RESTARTS,
    };

    /// The initial delay, unless a scenario sets it.
    pub const DEFAULT_INITIAL_DELAY: Duration = Duration::from_millis(500);

    /// The maximum number of restarts in a row, unless a scenario sets it.
    pub const DEFAULT_MAX_RESTARTS: u32 = 5;

    /// The delay does not grow beyond this, or beyond the initial delay if that is longer.
    const MAX_DELAY: Duration = Duration::from_secs(30);

    /// The delay before the next start of a program that has exited, successfully or not, and has
    /// been restarted `times` times in a row; `None` if it is not started again.
    pub fn delay_after(&self, success: bool, times: u32) -> Option<Duration> {
        let wanted = match self.policy {
            RestartPolicy::Never => false,
            RestartPolicy::OnFailure => !success,
            RestartPolicy::Always => true,
        };
        let max_delay = Self::MAX_DELAY.max(self.initial_delay);
        let delay = self.initial_delay.saturating_mul(2_u32.saturating_pow(times)).min(max_delay);
        (wanted && times < self.max_restarts).then_some(delay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delays(policy: RestartPolicy, success: bool) -> Vec<u64> {
        let restart = Restart { policy, initial_delay: Duration::from_secs(4), max_restarts: 5 };
        (0..)
            .map_while(|times| restart.delay_after(success, times))
            .map(|delay| delay.as_secs())
            .collect()
    }

    #[test]
    fn delay_grows_to_a_maximum_until_the_last_restart() {
        assert_eq!(delays(RestartPolicy::Always, true), [4, 8, 16, 30, 30]);
        assert_eq!(delays(RestartPolicy::OnFailure, false), [4, 8, 16, 30, 30]);
    }

    #[test]
    fn policy_decides_which_exits_lead_to_a_restart() {
        assert!(delays(RestartPolicy::OnFailure, true).is_empty());
        assert!(delays(RestartPolicy::Never, false).is_empty());
    }
}
