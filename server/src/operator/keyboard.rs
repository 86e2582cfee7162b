use std::{
    io::{self, IsTerminal},
    thread,
    time::Duration,
};

use bytes::BytesMut;
use players_agent::Predef;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::read,
    process::getpgrp,
    stdio::stdin,
    termios::tcgetpgrp,
};
use tokio::sync::mpsc;
use tribune_protocol::{Line, LineDecoder};

use crate::{game::Input, messages::Messages};

/// The most bytes of a line: more than any number needs.
const MAX_LINE: usize = 100;

/// How often a server in the background checks whether it has come to the foreground.
const FOREGROUND_CHECK: Duration = Duration::from_millis(500);

/// Standard input, on which the numbers of predefs are typed.
#[derive(Debug)]
pub struct Keyboard {
    mailbox: mpsc::Sender<Input>,
    messages: Messages,
}

impl Keyboard {
    /// Reads standard input from now on, in a thread of its own: files and terminals cannot be read
    /// without blocking.
    ///
    /// # Errors
    /// If the system cannot start a thread.
    pub fn listen(mailbox: mpsc::Sender<Input>, messages: Messages) -> io::Result<()> {
        let keyboard = Self { mailbox, messages };
        thread::Builder::new().name("keyboard".into()).spawn(move || keyboard.run())?;
        Ok(())
    }

    /// Handles lines to the end of the input or of the game.
    fn run(self) {
        let mut decoder = LineDecoder::new(MAX_LINE);
        let mut typed = BytesMut::new();
        let mut chunk = [0; 512];
        loop {
            let length = match wait_until_readable().and_then(|()| Ok(read(stdin(), &mut chunk)?)) {
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                // At the end of the input, even by an error, the game goes on.
                Err(_) => 0,
            };
            typed.extend_from_slice(&chunk[..length]);
            let mut next = || {
                if length == 0 {
                    decoder.last_line(&mut typed)
                } else {
                    decoder.next_line(&mut typed)
                }
            };
            while let Some(line) = next() {
                if !self.handle_line(&line) {
                    return;
                }
            }
            if length == 0 {
                return;
            }
        }
    }

    /// Does what `line` asks for, and returns `false` if the game has ended.
    fn handle_line(&self, line: &Line) -> bool {
        match parse(line) {
            Ok(Some(predef)) => self.mailbox.blocking_send(Input::FromKeyboard(predef)).is_ok(),
            Ok(None) => true,
            Err(answer) => {
                self.messages.say(answer);
                true
            }
        }
    }
}

/// The predef that `line` asks for; `None` if it is blank.
fn parse(line: &Line) -> Result<Option<Predef>, String> {
    let (Line::Whole(bytes) | Line::Cut(bytes) | Line::Unfinished(bytes)) = line;
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let predef = text.parse().map_err(|error| format!("{error}; type one to start its players"))?;
    Ok(Some(predef))
}

/// Waits until standard input is readable and this process is in the foreground: a terminal stops a
/// background process that reads from it.
fn wait_until_readable() -> io::Result<()> {
    loop {
        poll(&mut [PollFd::new(&stdin(), PollFlags::IN)], None)?;
        if is_in_foreground() {
            return Ok(());
        }
        // Nothing signals the change, so it is polled.
        let pause = Timespec::try_from(FOREGROUND_CHECK).map_err(io::Error::other)?;
        poll(&mut [], Some(&pause))?;
    }
}

/// Whether this process may read standard input: it is in the foreground, or standard input is not
/// its controlling terminal.
fn is_in_foreground() -> bool {
    !io::stdin().is_terminal() || tcgetpgrp(stdin()).map_or(true, |group| group == getpgrp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> Result<Option<Predef>, String> {
        parse(&Line::Whole(text.as_bytes().to_vec().into()))
    }

    #[test]
    fn only_the_number_of_a_predef_starts_one() {
        assert_eq!(typed("1"), Ok(Some(Predef::One)));
        assert_eq!(typed(" 4 "), Ok(Some(Predef::Four)));
        assert_eq!(typed("  "), Ok(None));
        for text in ["5", "0", "q", "1 2", "\u{1b}[A"] {
            let answer = typed(text).unwrap_err();
            assert!(
                answer.contains("1, 2, 3 or 4")
                    && !answer.contains('\n')
                    && !answer.contains('\u{1b}'),
                "{answer:?}"
            );
        }
    }
}
