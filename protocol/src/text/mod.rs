//! The protocol as people read it: events in words, and text from outside made safe for a terminal.

mod event_formatter;
mod printable;

pub use self::{
    event_formatter::EventFormatter,
    printable::{printable, quote},
};
