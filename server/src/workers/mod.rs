//! Player programs: forked, listened to, and ended with all they left behind.
//!
//! All are forked by one thread that lives as long as the server, because the signal that a child
//! gets when its parent dies is sent when the *thread* that forked it ends. Each gets a process
//! group of its own. A guard, a small process beside the server, kills the groups that are left
//! should the server be killed itself.

mod before_exec;
mod command;
mod forker;
mod group;
mod guard;
mod launcher;
mod output;
mod worker;

pub use self::{
    command::Surroundings,
    forker::Forker,
    guard::run_guard,
    launcher::{Care, Launcher},
};
