//! The virtual clients: what a job does, and what its connection is checked for.

mod connect;
mod context;
mod echo;
mod job;
mod line_splitter;
mod player;
mod spectator;
mod stream_checker;

pub use self::{
    context::{RunContext, WorkerContext},
    job::Job,
};
