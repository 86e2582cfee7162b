//! The protocol as people read it: events in words, and text from outside made safe for a terminal.

mod bounded_map;
mod display_width;
mod event_formatter;
mod printable;
mod standings;
mod turn_lines;

pub use self::{
    display_width::display_width,
    event_formatter::EventFormatter,
    printable::{printable, quote},
};
