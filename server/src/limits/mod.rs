//! What one connection or program may do: which players it may move, and how often.

mod places;
mod rate_limit;
mod roster;
mod shared_budget;

pub use self::{
    places::PlayerPlaces, rate_limit::RateLimit, roster::Roster, shared_budget::SharedBudget,
};
