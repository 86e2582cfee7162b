use std::time::Duration;

use tokio::{
    io::{AsyncRead, AsyncReadExt},
    sync::{mpsc, watch},
    time::{Instant, timeout},
};
use tribune_cli::print_message;
use tribune_protocol::{Name, PlayerAction};

use crate::{
    action_lines::LineSyntax,
    key_map::{Command, KeyMap},
    keys::{Key, Keys},
    line_editor::{Edit, LineEditor},
    outbox::QueuedAction,
    prompt::Prompt,
    repeat_filter::RepeatFilter,
};

/// The longest time between the bytes of an escape sequence, even over a slow network. After that, `ESC` alone was
/// the escape key.
const ESCAPE_TIMEOUT: Duration = Duration::from_millis(100);

/// Why no more keys are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeysEnd {
    /// A key to leave the game was pressed.
    Quit,
    /// The game has ended.
    GameOver,
}

/// The keys of a terminal: sends an action for each key that stands for one, and lines that are typed.
#[derive(Debug)]
pub struct KeyInput {
    map: KeyMap,
    name: Name,
    syntax: watch::Receiver<Option<LineSyntax>>,
    actions: mpsc::Sender<QueuedAction>,
    prompt: Prompt,
    /// The line that is being typed.
    editor: Option<LineEditor>,
    unknown: RepeatFilter,
}

impl KeyInput {
    /// The keys of `map`, for the player `name`. Lines have this `syntax`, once it is known, and are shown
    /// in `prompt` while they are typed.
    pub fn new(
        map: KeyMap,
        name: Name,
        syntax: watch::Receiver<Option<LineSyntax>>,
        actions: mpsc::Sender<QueuedAction>,
        prompt: Prompt,
    ) -> Self {
        Self { map, name, syntax, actions, prompt, editor: None, unknown: RepeatFilter::default() }
    }

    /// Handles the keys of `input` to its end. Returns whether a key to quit was pressed.
    pub async fn run(mut self, mut input: impl AsyncRead + Unpin) -> bool {
        let mut keys = Keys::default();
        // The end of the input, even by an error, does not end the game.
        while let Some(pressed) = next_keys(&mut input, &mut keys).await {
            for key in pressed {
                if let Err(end) = self.handle(key).await {
                    return end == KeysEnd::Quit;
                }
            }
        }
        false
    }

    async fn handle(&mut self, key: Key) -> Result<(), KeysEnd> {
        if let Some(editor) = &mut self.editor {
            let edit = editor.handle(key);
            return self.edited(edit).await;
        }
        match self.map.command(key) {
            Command::Act(action) => {
                let action = PlayerAction { action, name: self.name.clone() };
                self.send(QueuedAction::key_press(action)).await?;
            }
            Command::TypeLine => {
                let editor = self.editor.insert(LineEditor::default());
                self.prompt.set(Some(editor.prompt()));
            }
            Command::ListKeys => print_message(self.map.describe()),
            Command::Quit => return Err(KeysEnd::Quit),
            Command::Ignore => {}
            Command::Unknown => {
                let message = format!("unknown key {:?}: ? lists the keys", key.to_string());
                let kind = message.clone();
                let due = self.unknown.filter(&kind, message, Instant::now());
                due.into_iter().for_each(print_message);
            }
        }
        Ok(())
    }

    /// Continues after `edit` of the line that is being typed.
    async fn edited(&mut self, edit: Edit) -> Result<(), KeysEnd> {
        if edit == Edit::Typing {
            self.prompt.set(self.editor.as_ref().map(LineEditor::prompt));
            return Ok(());
        }
        self.prompt.set(None);
        match self.editor.take() {
            Some(editor) if edit == Edit::Complete => self.send_line(editor.text()).await,
            _ => Ok(()),
        }
    }

    async fn send_line(&mut self, line: &str) -> Result<(), KeysEnd> {
        let syntax = *self.syntax.borrow();
        let Some(syntax) = syntax else {
            print_message(format_args!("not sent, as there is no connection: {line}"));
            return Ok(());
        };
        match syntax.parse(line.as_bytes(), &self.name) {
            Ok(actions) => {
                for action in actions {
                    self.send(QueuedAction::without_expiry(action)).await?;
                }
            }
            Err(error) => print_message(error),
        }
        Ok(())
    }

    async fn send(&self, action: QueuedAction) -> Result<(), KeysEnd> {
        self.actions.send(action).await.map_err(|_| KeysEnd::GameOver)
    }
}

/// The next keys of `input`; `None` at its end. There may be none yet, if a key sends several bytes.
async fn next_keys(input: &mut (impl AsyncRead + Unpin), keys: &mut Keys) -> Option<Vec<Key>> {
    let mut typed = [0; 256];
    let length = if keys.has_escape() {
        match timeout(ESCAPE_TIMEOUT, input.read(&mut typed)).await {
            Ok(length) => length,
            Err(_) => return Some(keys.take_escape().into_iter().collect()),
        }
    } else {
        input.read(&mut typed).await
    };
    match length {
        Ok(length @ 1..) => Some(keys.decode(&typed[..length])),
        Ok(0) | Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    /// What is sent if `chunks` are typed with pauses between them, in a game with actions; and whether a
    /// key to quit was among them.
    async fn sent(chunks: &[&str]) -> (Vec<String>, bool) {
        let (sender, mut queue) = mpsc::channel(64);
        let (_syntax, known) = watch::channel(Some(LineSyntax::Actions));
        let (mut terminal, input) = tokio::io::duplex(64);
        let name = "ann".parse().unwrap();
        let keys = KeyInput::new(KeyMap::new(vec![]), name, known, sender, Prompt::default());
        let running = tokio::spawn(keys.run(input));
        for chunk in chunks {
            terminal.write_all(chunk.as_bytes()).await.unwrap();
            tokio::time::sleep(2 * ESCAPE_TIMEOUT).await;
        }
        drop(terminal);
        let quit = running.await.unwrap();
        let mut sent = Vec::new();
        while let Some(action) = queue.recv().await {
            sent.push(action.action().to_string());
        }
        (sent, quit)
    }

    #[tokio::test(start_paused = true)]
    async fn keys_act_and_lines_are_typed() {
        let (sent, quit) = sent(&["nX", ":roc", "k\n", "s\nbid 10 ann\n?\u{1b}[C"]).await;
        assert_eq!(sent, ["N ann", "rock ann", "S ann", "bid 10 ann", "E ann"]);
        assert!(!quit);
    }

    #[tokio::test(start_paused = true)]
    async fn escape_cancels_a_line_and_q_quits_only_outside_of_one() {
        assert_eq!(sent(&[":quit\u{1b}", "n", "qn"]).await, (vec!["N ann".to_owned()], true));
        assert_eq!(sent(&[":quit\u{1b}", "e\n"]).await, (vec!["E ann".to_owned()], false));
        assert_eq!(
            sent(&[":q\u{1b}[D\n"]).await,
            (vec!["q ann".to_owned()], false),
            "an arrow key"
        );
    }
}
