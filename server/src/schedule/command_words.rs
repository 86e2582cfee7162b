use thiserror::Error;

/// Why a text is not the command of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CommandError {
    /// It does not name a program.
    #[error("expected a command, as in \"python3 bot.py\"")]
    Empty,
    /// A quotation mark is not closed.
    #[error("a quotation mark in it is not closed")]
    Quote,
}

/// Splits the command `text` into words as a shell does. It is not run by a shell.
///
/// # Errors
/// If a quotation mark is not closed, or it does not name a program.
pub fn command_words(text: &str) -> Result<Vec<String>, CommandError> {
    let words = shell_words::split(text).map_err(|_| CommandError::Quote)?;
    match words.first() {
        Some(program) if !program.is_empty() => Ok(words),
        _ => Err(CommandError::Empty),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_words_as_a_shell_does() {
        let words = command_words("python3 'my bot.py'  --name \"a b\" $HOME;").unwrap();
        assert_eq!(words, ["python3", "my bot.py", "--name", "a b", "$HOME;"]);
    }

    #[test]
    fn rejects_commands_without_a_program() {
        for text in ["", "  ", "''", "'' bot.py"] {
            assert_eq!(command_words(text), Err(CommandError::Empty), "{text:?}");
        }
        assert_eq!(command_words("sh -c 'x"), Err(CommandError::Quote));
    }
}
