//! Player programs: forked, listened to, and ended with all they left behind.
//!
//! All are forked by one thread that lives as long as the server, because the signal that a child
//! gets when its parent dies is sent when the *thread* that forked it ends. Each leads a
//! session of its own, in a control group of its own where the system has them. The server adopts
//! what they leave behind. A guard, a small process beside the server, kills what is left should the
//! server be killed itself.

mod before_exec;
mod cgroup;
mod command;
mod environment;
mod forker;
mod guard;
mod guard_keeper;
mod launcher;
mod output;
mod ownership;
mod process;
mod process_session;
mod processes;
mod worker;

pub use self::{
    command::SpawnEnv,
    forker::Forker,
    guard::run_guard,
    launcher::{Launcher, ProgramLimits},
};
