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

/// A longer line than this is no number.
const LONGEST_LINE: usize = 100;

/// How often a server in the background looks whether it has come to the front.
const BACKGROUND_LOOK: Duration = Duration::from_millis(500);

/// Standard input, on which the numbers of configurations are typed.
#[derive(Debug)]
pub struct Keyboard {
    mailbox: mpsc::Sender<Input>,
    messages: Messages,
}

impl Keyboard {
    /// Listens to standard input from now on, in a thread of its own: some kinds of it cannot be
    /// waited for in any other way.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub fn listen(mailbox: mpsc::Sender<Input>, messages: Messages) -> io::Result<()> {
        let keyboard = Self { mailbox, messages };
        thread::Builder::new().name("keyboard".into()).spawn(move || keyboard.run())?;
        Ok(())
    }

    /// Obeys what is typed, to the end of the input or of the game.
    fn run(self) {
        let mut decoder = LineDecoder::new(LONGEST_LINE);
        let mut typed = BytesMut::new();
        let mut chunk = [0; 512];
        loop {
            let length = match wait_until_readable().and_then(|()| Ok(read(stdin(), &mut chunk)?)) {
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                // The end of the input, even by an error, is not the end of the game.
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
                if !self.obey(&line) {
                    return;
                }
            }
            if length == 0 {
                return;
            }
        }
    }

    /// Does what `line` asks for, and says whether there is still a game to do it in.
    fn obey(&self, line: &Line) -> bool {
        match understand(line) {
            Ok(Some(predef)) => self.mailbox.blocking_send(Input::FromKeyboard(predef)).is_ok(),
            Ok(None) => true,
            Err(answer) => {
                self.messages.say(answer);
                true
            }
        }
    }
}

/// The configuration that `line` asks for, if any.
fn understand(line: &Line) -> Result<Option<Predef>, String> {
    let (Line::Whole(bytes) | Line::Cut(bytes) | Line::Unfinished(bytes)) = line;
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let predef =
        text.parse().map_err(|error| format!("{error}; type one of them to start its players"))?;
    Ok(Some(predef))
}

/// Waits until something can be read without being stopped for it: a terminal stops a program in
/// the background that reads from it.
fn wait_until_readable() -> io::Result<()> {
    loop {
        poll(&mut [PollFd::new(&stdin(), PollFlags::IN)], None)?;
        if is_in_front() {
            return Ok(());
        }
        // Nothing to wait for, only the time.
        let pause = Timespec::try_from(BACKGROUND_LOOK).map_err(io::Error::other)?;
        poll(&mut [], Some(&pause))?;
    }
}

/// Whether what is typed is meant for this program. If standard input is no terminal, or one that
/// does not control this process, it is.
fn is_in_front() -> bool {
    !io::stdin().is_terminal() || tcgetpgrp(stdin()).map_or(true, |group| group == getpgrp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> Result<Option<Predef>, String> {
        understand(&Line::Whole(text.as_bytes().to_vec().into()))
    }

    #[test]
    fn a_number_starts_a_configuration_and_nothing_else_does() {
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
