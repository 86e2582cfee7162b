//! Players of snake: programs that read the stream of a game, as any bot does, and print moves.

mod args;
mod bot;
mod search;
mod skill;
mod strategy;
mod view;

pub use args::SnakeArgs;
pub use bot::Bot;
pub use skill::{Skill, UnknownSkill};
