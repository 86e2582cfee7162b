use std::io;

use tokio::{
    io::{AsyncWrite, AsyncWriteExt, BufWriter},
    time::{Instant, sleep_until},
};
use tribune_cli::say;
use tribune_protocol::{ControlMessage, ServerLine, escape_json, text::EventFormatter};

use crate::{flood::Flood, update::Update};

/// How the game is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// In the wording of the server's console.
    Text,
    /// As the lines of the server, with JSON escapes for what is not printable in them.
    Json,
    /// Not at all. What is told is only how the connection fares.
    Nothing,
}

/// Shows a game: what happens on standard output, and what people should know on standard error.
#[derive(Debug)]
pub struct View<W> {
    out: BufWriter<W>,
    format: Format,
    formatter: EventFormatter,
    messages: Flood,
}

impl<W: AsyncWrite + Unpin> View<W> {
    /// A view that writes to `out`.
    pub fn new(out: W, format: Format) -> Self {
        Self {
            out: BufWriter::new(out),
            format,
            formatter: EventFormatter::default(),
            messages: Flood::default(),
        }
    }

    /// Shows `update`, at the latest when [flushed](Self::flush).
    ///
    /// # Errors
    /// If it cannot be written.
    pub async fn show(&mut self, update: Update) -> io::Result<()> {
        if let Some(message) = message(&update, self.format) {
            let kind = kind(&update, &message);
            let said = self.messages.take(&kind, message, Instant::now());
            if !said.is_empty() {
                // What was shown before is to be seen before.
                self.flush().await?;
            }
            said.into_iter().for_each(say);
        }
        match (&update, self.format) {
            (Update::Line { raw, .. }, Format::Json) => self.write_line(&escape_json(raw)).await,
            (Update::Line { line, .. }, Format::Text) => self.tell(line).await,
            _ => Ok(()),
        }
    }

    /// Waits until there is something to [settle](Self::settle); for ever if there is nothing.
    pub async fn is_due(&self) {
        match self.messages.due() {
            Some(due) => sleep_until(due).await,
            None => std::future::pending().await,
        }
    }

    /// Says how often the same message has come again.
    pub fn settle(&mut self) {
        self.messages.settle_at(Instant::now()).into_iter().for_each(say);
    }

    /// The same, as nothing more will come.
    pub fn finish(&mut self) {
        self.messages.settle(Instant::now()).into_iter().for_each(say);
    }

    /// Writes out what is still to be written.
    ///
    /// # Errors
    /// If it cannot be written.
    pub async fn flush(&mut self) -> io::Result<()> {
        self.out.flush().await
    }

    async fn tell(&mut self, line: &ServerLine) -> io::Result<()> {
        match line {
            ServerLine::Control(ControlMessage::State(state)) => self.formatter.begin(state),
            ServerLine::Event(event) => {
                if let Some(told) = self.formatter.format(event) {
                    self.write_line(told.as_bytes()).await?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    async fn write_line(&mut self, line: &[u8]) -> io::Result<()> {
        self.out.write_all(line).await?;
        self.out.write_all(b"\n").await
    }
}

/// What people should know about `update`, beyond what happens in the game.
fn message(update: &Update, format: Format) -> Option<String> {
    match update {
        Update::Line { line: ServerLine::Control(notice), .. } => match notice {
            ControlMessage::Welcome(welcome) => {
                Some(format!("connected: game {}, you are {}", welcome.game, welcome.you))
            }
            ControlMessage::Error { code, message } => Some(format!("refused ({code}): {message}")),
            ControlMessage::Resync { missed, .. } => Some(missed_message(*missed)),
            _ => None,
        },
        Update::Line { .. } => None,
        Update::Lost { reason, pause } => {
            Some(format!("{reason}; trying again in {:.1} s", pause.as_secs_f64()))
        }
        Update::Missed(missed) => Some(format!(
            "{missed} events were missed: the game ended before they could be asked for"
        )),
        Update::Resumed => Some("connected again, and nothing was missed".to_owned()),
        Update::LeftOut(step) => {
            Some(format!("not sent, as the server takes moves no faster: {step}"))
        }
        Update::Unanswered(count) => {
            Some(format!("{count} moves had no answer before the connection was lost"))
        }
        Update::NotSent(_) if format == Format::Nothing => None,
        Update::NotSent(step) => Some(format!("not sent, as there is no connection: {step}")),
    }
}

/// Of which kind `message` about `update` is: of many of one kind only some are said. Of most each is
/// its own kind.
fn kind(update: &Update, message: &str) -> String {
    match update {
        Update::Line { line: ServerLine::Control(ControlMessage::Error { code, .. }), .. } => {
            code.to_string()
        }
        Update::NotSent(_) => "not sent".to_owned(),
        Update::LeftOut(_) => "left out".to_owned(),
        _ => message.to_owned(),
    }
}

fn missed_message(missed: u64) -> String {
    format!("{missed} events were missed: the server no longer had them")
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn shown(format: Format, lines: &[&str]) -> String {
        let mut out = Vec::new();
        let mut view = View::new(&mut out, format);
        for line in lines {
            let update = Update::Line {
                raw: line.as_bytes().to_vec().into(),
                line: ServerLine::parse(line.as_bytes()).unwrap(),
                room: None,
            };
            view.show(update).await.unwrap();
        }
        view.flush().await.unwrap();
        String::from_utf8(out).unwrap()
    }

    const STATE: &str = r#"{"type":"state","seq":1,"ms":0,"clock":0,"board":{"width":1,"height":1},"players":[],"workers":[{"id":3,"label":"ps#3 (bot)"}]}"#;
    const MOVE: &str = r#"{"type":"move","seq":2,"ms":0,"player":1,"name":"ann","from":"ps#3","direction":"N","x":0,"y":0}"#;

    #[tokio::test]
    async fn text_is_the_wording_of_the_console() {
        assert_eq!(
            shown(Format::Text, &[STATE, MOVE]).await,
            "        got `N ann` from ps#3 (bot)\n"
        );
    }

    #[tokio::test]
    async fn json_is_the_lines_as_they_came() {
        assert_eq!(shown(Format::Json, &[STATE, MOVE]).await, format!("{STATE}\n{MOVE}\n"));
    }

    #[tokio::test]
    async fn json_of_any_server_is_printable() {
        let bye = "{\"type\":\"bye\",\r\"seq\":2,\"ms\":0,\"reason\":\"\u{9b}2J\u{202e}\"}";
        assert_eq!(
            shown(Format::Json, &[bye]).await,
            "{\"type\":\"bye\", \"seq\":2,\"ms\":0,\"reason\":\"\\u009b2J\\u202e\"}\n"
        );
    }
}
