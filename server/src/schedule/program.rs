use std::{path::PathBuf, time::Duration};

use players_agent::Predef;

/// A player program that can be started, any number of times.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// What people read beside its number, as in `predef 1`: at most 64 characters, all printable.
    pub title: String,
    /// What is run.
    pub command: ProgramCommand,
    /// What its environment has beyond what every program gets.
    pub env: Vec<(String, String)>,
    /// Where it runs, if not where the server does.
    pub dir: Option<PathBuf>,
    /// What happens when it ends.
    pub restart: Restart,
}

/// What is run for a player program.
#[derive(Clone, Debug, PartialEq)]
pub enum ProgramCommand {
    /// The players that the server carries in itself.
    BuiltIn(Predef),
    /// A program and its arguments, run without a shell. There is at least the program.
    External(Vec<String>),
}

/// Whether and how a program that ended is started again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Restart {
    /// After which ends.
    pub policy: RestartPolicy,
    /// How long to wait before the first restart. Each further one waits twice as long.
    pub pause: Duration,
    /// How many times in a row at most.
    pub most: u32,
}

/// After which ends a program is started again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RestartPolicy {
    /// After none.
    #[default]
    Never,
    /// After any but exit code 0.
    OnFailure,
    /// After each.
    Always,
}

impl Restart {
    /// No restart at all.
    pub const NEVER: Self =
        Self { policy: RestartPolicy::Never, pause: Self::FIRST_PAUSE, most: Self::MOST };

    /// The first pause, unless a scenario says otherwise.
    pub const FIRST_PAUSE: Duration = Duration::from_millis(500);

    /// The most restarts in a row, unless a scenario says otherwise.
    pub const MOST: u32 = 5;

    /// The pause does not grow beyond this, or beyond the first one if that is longer.
    const LONGEST_PAUSE: Duration = Duration::from_secs(30);

    /// How long to wait before starting a program again that has ended and been restarted `times`
    /// times in a row; `None` if it has ended for good.
    pub fn pause_after(&self, success: bool, times: u32) -> Option<Duration> {
        let wanted = match self.policy {
            RestartPolicy::Never => false,
            RestartPolicy::OnFailure => !success,
            RestartPolicy::Always => true,
        };
        let longest = Self::LONGEST_PAUSE.max(self.pause);
        let pause = self.pause.saturating_mul(2_u32.saturating_pow(times)).min(longest);
        (wanted && times < self.most).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(policy: RestartPolicy, success: bool) -> Vec<u64> {
        let restart = Restart { policy, pause: Duration::from_secs(4), most: 5 };
        (0..)
            .map_while(|times| restart.pause_after(success, times))
            .map(|pause| pause.as_secs())
            .collect()
    }

    #[test]
    fn the_pause_grows_up_to_a_bound_and_ends_after_the_last_restart() {
        assert_eq!(pauses(RestartPolicy::Always, true), [4, 8, 16, 30, 30]);
        assert_eq!(pauses(RestartPolicy::OnFailure, false), [4, 8, 16, 30, 30]);
    }

    #[test]
    fn only_what_the_policy_names_is_restarted() {
        assert!(pauses(RestartPolicy::OnFailure, true).is_empty());
        assert!(pauses(RestartPolicy::Never, false).is_empty());
    }
}
