//! Measures what it costs to bring an event to everyone.
//!
//! The same [load] goes to the project's server, to its [peers](system), and to the [floor],
//! one after the other on the same machine, each [server on one processor](host) and the load on
//! another. What was measured becomes a [table and a plot](report).

#![forbid(unsafe_code)]

pub mod alone;
pub mod catch_up;
pub mod floor;
pub mod host;
pub mod join;
pub mod load;
pub mod plot;
pub mod poller;
pub mod process;
pub mod pure;
pub mod reconnect;
pub mod report;
pub mod silent;
pub mod system;
pub mod task_per_client;
