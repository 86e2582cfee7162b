use std::{
    env, fmt,
    io::{self, IsTerminal, Write},
};

use tribune_protocol::text::printable;

/// Prints `message` on standard error as one line, with unprintable characters escaped.
pub fn print_message(message: impl fmt::Display) {
    // If standard error is closed there is no place left to report that.
    let _ = writeln!(io::stderr(), "{}", printable(&message.to_string()));
}

/// Whether to use colours on standard error: it is a terminal with colours, and
/// [`NO_COLOR`](https://no-color.org) is not set.
pub fn colours_suit_stderr() -> bool {
    colours_suit(&io::stderr())
}

/// The same for standard output.
pub fn colours_suit_stdout() -> bool {
    colours_suit(&io::stdout())
}

fn colours_suit(stream: &impl IsTerminal) -> bool {
    let unwanted = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    stream.is_terminal() && !unwanted && env::var_os("TERM").is_some_and(|term| term != "dumb")
}
