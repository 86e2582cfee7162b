use std::io;

use tokio::{
    io::{AsyncWrite, AsyncWriteExt, BufWriter},
    time::{Instant, sleep_until},
};
use tribune_cli::print_message;
use tribune_protocol::{ControlMessage, ServerLine, escape_json, text::EventFormatter};

use crate::{prompt::Prompt, repeat_filter::RepeatFilter, update::Update};

/// How a game is shown on standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// As text, in the wording of the server's console.
    Text,
    /// As the lines of the server, with JSON escapes for what is not printable in them.
    Json,
    /// Not at all: only messages about the connection are shown.
    None,
}

/// Shows a game: events on standard output, and messages about the connection on standard error.
#[derive(Debug)]
pub struct Display<W> {
    out: BufWriter<W>,
    format: Format,
    formatter: EventFormatter,
    messages: RepeatFilter,
    /// Hidden while something is shown.
    prompt: Prompt,
}

impl<W: AsyncWrite + Unpin> Display<W> {
    /// A display that writes to `out`, above `prompt`.
    pub fn new(out: W, format: Format, prompt: Prompt) -> Self {
        Self {
            out: BufWriter::new(out),
            format,
            formatter: EventFormatter::default(),
            messages: RepeatFilter::default(),
            prompt,
        }
    }

    /// Shows `update`. Events may stay in a buffer until the next [flush](Self::flush), and the prompt is
    /// hidden until then.
    ///
    /// # Errors
    /// If the output cannot be written.
    pub async fn show(&mut self, update: Update) -> io::Result<()> {
        self.prompt.hide();
        if let Some(message) = message(&update, self.format) {
            let kind = kind(&update, &message);
            let due = self.messages.filter(&kind, message, Instant::now());
            if !due.is_empty() {
                // Events before the message must be visible before it.
                self.out.flush().await?;
            }
            due.into_iter().for_each(print_message);
        }
        match (&update, self.format) {
            (Update::Line { raw, .. }, Format::Json) => self.write_line(&escape_json(raw)).await,
            (Update::Line { line, .. }, Format::Text) => self.show_line(line).await,
            _ => Ok(()),
        }
    }

    /// Waits until a summary of repeated messages is due; for ever if there is none.
    pub async fn summary_due(&self) {
        match self.messages.due() {
            Some(due) => sleep_until(due).await,
            None => std::future::pending().await,
        }
    }

    /// Prints the summary of repeated messages, if it is due.
    pub fn print_due_summary(&mut self) {
        self.prompt.hide();
        self.messages.take_due_summary(Instant::now()).into_iter().for_each(print_message);
        self.prompt.show();
    }

    /// Prints the summary of repeated messages, if there is one, at the end.
    pub fn finish(&mut self) {
        self.prompt.set(None);
        self.messages.take_summary(Instant::now()).into_iter().for_each(print_message);
    }

    /// Writes out the buffer, and shows the prompt below it.
    ///
    /// # Errors
    /// If the output cannot be written.
    pub async fn flush(&mut self) -> io::Result<()> {
        self.out.flush().await?;
        self.prompt.show();
        Ok(())
    }

    async fn show_line(&mut self, line: &ServerLine) -> io::Result<()> {
        match line {
            ServerLine::Control(ControlMessage::Welcome(welcome)) => {
                self.formatter.set_own_origin(welcome.you);
            }
            ServerLine::Control(ControlMessage::State(state)) => self.formatter.begin(state),
            ServerLine::Event(event) => {
                if let Some(text) = self.formatter.format(event) {
                    self.write_line(text.as_bytes()).await?;
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

/// The message for people about `update`, if it has one besides the event.
fn message(update: &Update, format: Format) -> Option<String> {
    match update {
        Update::Line { line: ServerLine::Control(message), .. } => match message {
            ControlMessage::Welcome(welcome) => {
                Some(format!("connected: game {}, you are {}", welcome.game, welcome.you))
            }
            ControlMessage::Error { code, message } => Some(format!("refused ({code}): {message}")),
            ControlMessage::Resync { missed, .. } => {
                Some(format!("{missed} events were missed: the server no longer has them"))
            }
            _ => None,
        },
        Update::Line { .. } => None,
        Update::Lost { reason, pause } => {
            Some(format!("{reason}; trying again in {:.1} s", pause.as_secs_f64()))
        }
        Update::Missed(missed) => Some(format!(
            "{missed} events were missed: the game ended before they could be requested"
        )),
        Update::Contradiction { seq, contradiction } => Some(format!(
            "the server sent event {seq}, which contradicts the state of the game: {contradiction}"
        )),
        Update::Resumed => Some("connected again, nothing was missed".to_owned()),
        Update::Dropped(action) => {
            Some(format!("not sent, as moves come faster than the server accepts: {action}"))
        }
        Update::Unanswered(count) => {
            Some(format!("the connection was lost before {count} moves were confirmed"))
        }
        Update::NotConnected(_) if format == Format::None => None,
        Update::NotConnected(action) => {
            Some(format!("not sent, as there is no connection: {action}"))
        }
    }
}

/// The kind of `message` about `update`: repeated messages of one kind are summarized. Most messages
/// are a kind of their own.
fn kind(update: &Update, message: &str) -> String {
    match update {
        Update::Line { line: ServerLine::Control(ControlMessage::Error { code, .. }), .. } => {
            code.to_string()
        }
        Update::NotConnected(_) => "not connected".to_owned(),
        Update::Dropped(_) => "dropped".to_owned(),
        Update::Contradiction { .. } => "contradiction".to_owned(),
        _ => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn shown(format: Format, lines: &[&str]) -> String {
        let mut out = Vec::new();
        let mut display = Display::new(&mut out, format, Prompt::default());
        for line in lines {
            let update = Update::Line {
                raw: line.as_bytes().to_vec().into(),
                line: ServerLine::parse(line.as_bytes()).unwrap(),
                room: None,
            };
            display.show(update).await.unwrap();
        }
        display.flush().await.unwrap();
        String::from_utf8(out).unwrap()
    }

    const STATE: &str = r#"{"type":"state","seq":1,"ms":0,"clock":0,"board":{"width":1,"height":1},"players":[],"workers":[{"id":3,"label":"ps#3 (bot)"}]}"#;
    const MOVE: &str = r#"{"type":"move","seq":2,"ms":0,"player":1,"name":"ann","from":"ps#3","direction":"N","x":0,"y":0}"#;

    #[tokio::test]
    async fn text_has_the_wording_of_the_console() {
        assert_eq!(
            shown(Format::Text, &[STATE, MOVE]).await,
            "        got `N ann` from ps#3 (bot)\n"
        );
    }

    #[tokio::test]
    async fn json_has_the_lines_of_the_server() {
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
