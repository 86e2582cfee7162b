//! The command line of the Tribune programs: parsing arguments, exit codes, one-line messages on
//! standard error, signals, and the limit of open files.

#![forbid(unsafe_code)]

mod address;
mod descriptors;
mod exit;
mod message;
mod negative;
mod number;
mod parse;
mod program;
mod signals;
mod time;

pub use self::{
    address::{parse_address, resolve},
    descriptors::{descriptor_limit, raise_descriptor_limit},
    exit::{FAILED, INTERRUPTED, USAGE, failure, is_closed_pipe, usage_error},
    message::{colours_suit_stderr, colours_suit_stdout, print_message},
    number::{parse_number, parse_number_within},
    parse::{parse_args, parse_args_as},
    program::Program,
    signals::{SignalAction, Signals, StopSignal},
    time::{format_milliseconds, parse_time},
};
