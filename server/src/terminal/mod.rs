//! What the person in front of the server sees and types.

mod console;
mod greeting;
mod keyboard;
mod log_lines;
mod signals;

pub use self::{
    console::Console,
    greeting::greet,
    keyboard::Keyboard,
    log_lines::{LogFormat, init_log},
    signals::Signals,
};
