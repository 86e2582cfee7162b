//! Servers as the person in front of them runs them: banner, console, keyboard and signals.

mod banner;
mod console;
mod keyboard;
mod run_echo;
mod run_game;
mod signals;

pub use self::{run_echo::run_echo, run_game::run_game};
