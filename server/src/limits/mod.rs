//! How much one origin, one address and all of them together may do. Rates are limited by
//! [`Gcra`](tribune_protocol::Gcra).

mod player_permits;
mod roster;
mod shared_budget;

pub use self::{player_permits::PlayerPermits, roster::Roster, shared_budget::SharedBudget};
