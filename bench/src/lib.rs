//! Measures what it costs to broadcast an event.
//!
//! The same [load] is given to the game server, to [other systems](system) and to the
//! [baseline], in [rounds] on the same machine, each [server](running_server) on one
//! processor and the load on another. The [results] become a [table] and a [plot].

#![forbid(unsafe_code)]

pub mod alone;
pub mod args;
pub mod baseline;
pub mod broadcast;
pub mod catch_up;
pub mod command;
pub mod connect;
pub mod join;
pub mod load;
pub mod metric;
mod mqtt;
pub mod outcome;
pub mod plot;
pub mod poller;
pub mod pure;
pub mod reconnect;
pub mod results;
pub mod rounds;
pub mod running_server;
mod scale;
pub mod server_process;
pub mod silent;
pub mod snake_turn;
pub mod spread;
pub mod system;
pub mod table;
pub mod target;
pub mod task_per_client;
pub mod turns;
pub mod work;
