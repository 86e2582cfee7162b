//! Player programs: started, read, supervised, and ended together with all that they have forked.
//!
//! One thread, which lives as long as the server, forks all programs, because the signal that a
//! child gets when its parent dies is sent when the *thread* that forked it ends. Each program leads
//! a session, and is in a control group of its own where the system allows that. The server adopts
//! orphaned descendants. The guard, a small process beside the server, kills what is left if the
//! server itself is killed.
//!
//! From the outside in: the [`Launcher`] starts programs, a `RunningProgram` supervises one with
//! its two `Output`s, a `ProcessTree` is all that one has forked, and `Processes` finds out which
//! processes those are.

mod before_exec;
mod cgroup;
mod command;
mod context;
mod environment;
mod exit_status;
mod forked_process;
mod forker;
mod guard;
mod guard_supervisor;
mod launcher;
mod limits;
mod line_classifier;
mod output;
mod process;
mod process_table;
mod process_tree;
mod processes;
mod referee;
mod refusals;
mod running_program;
mod scanner;

#[cfg(test)]
mod tests;

pub use self::{
    command::SpawnEnv, context::ProgramContext, exit_status::CANNOT_EXECUTE, forker::Forker,
    guard::run_guard, guard_supervisor::GuardMode, launcher::Launcher, limits::ProgramLimits,
    referee::RefereeProcess,
};
