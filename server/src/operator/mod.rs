//! What the person in front of the server sees and types.

mod console;
mod greeting;
mod keyboard;

pub use self::{
    console::Console,
    greeting::{greet, hints},
    keyboard::Keyboard,
};
