//! The game server of Tribune.

mod game;
mod log;
mod schedule;
