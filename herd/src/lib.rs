//! The load generator of Tribune: many virtual clients at once, as many as a throttle lets run, and
//! checks of everything that each of them receives.
//!
//! ```text
//! args -> plan -> dispatch -> worker -> client       jobs start, each with a permit of the throttle
//!                                |
//!                             measure                what clients observe
//!                                |
//!                run -> verdict -> report            when all jobs have ended
//!                 |
//!              progress                              meanwhile
//! ```

#![forbid(unsafe_code)]

mod args;
mod arrivals;
mod client;
mod dispatch;
mod failure;
mod herd;
mod measure;
mod metric;
mod mode;
mod options;
mod plan;
mod preflight;
mod progress;
mod report;
mod run;
mod sampler;
mod source_addresses;
mod threshold;
mod throttle;
mod verdict;
mod worker_pool;
mod worker_thread;

pub use self::{
    args::HerdArgs,
    herd::herd,
    mode::Mode,
    options::{HerdArgsError, HerdOptions},
};
