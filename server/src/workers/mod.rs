//! Player programs: forked, listened to, and ended with all they left behind.
//!
//! All are forked by one thread that lives as long as the server, because the signal that a child
//! gets when its parent dies is sent when the *thread* that forked it ends. Each leads a
//! session of its own. A guard, a small process beside the server, kills the sessions that are left
//! should the server be killed itself.

mod before_exec;
mod command;
mod forker;
mod guard;
mod launcher;
mod output;
mod process_session;
mod worker;

pub use self::{
    command::Surroundings,
    forker::Forker,
    guard::run_guard,
    launcher::{Care, Launcher},
};
