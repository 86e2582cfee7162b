//! What one connection or program may do: which players it may move, and how often.

mod rate_limit;
mod roster;

pub use self::{rate_limit::RateLimit, roster::Roster};
