use std::{str::FromStr, sync::Arc};

use players_agent::Predef;
use thiserror::Error;

use super::{Program, ProgramCommand, Restart};

/// The command that is run for a predef.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PredefCommand {
    /// The players that are built into the server.
    #[default]
    BuiltIn,
    /// The words of another command, in which `{predef}` stands for the number of the predef.
    External(Vec<String>),
}

/// Why a text is not a [`PredefCommand`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PredefCommandError {
    /// It does not name a program.
    #[error("expected a command, as in \"python3 bot.py {{predef}}\"")]
    Empty,
    /// A quotation mark is not closed.
    #[error("a quotation mark in it is not closed")]
    Quote,
}

impl FromStr for PredefCommand {
    type Err = PredefCommandError;

    /// Splits a command into words as a shell does. It is not run by a shell.
    fn from_str(text: &str) -> Result<Self, PredefCommandError> {
        let words = shell_words::split(text).map_err(|_| PredefCommandError::Quote)?;
        match words.first() {
            Some(program) if !program.is_empty() => Ok(Self::External(words)),
            _ => Err(PredefCommandError::Empty),
        }
    }
}

impl PredefCommand {
    /// The programs that play the four predefs, in their order.
    pub fn programs(&self) -> [Arc<Program>; 4] {
        Predef::ALL.map(|predef| Arc::new(self.program(predef)))
    }

    /// The program that plays `predef`.
    pub fn program(&self, predef: Predef) -> Program {
        let command = match self {
            Self::BuiltIn => ProgramCommand::BuiltIn(vec![predef.to_string()]),
            Self::External(words) => ProgramCommand::External(
                words.iter().map(|word| word.replace("{predef}", &predef.to_string())).collect(),
            ),
        };
        Program {
            title: format!("predef {predef}"),
            command,
            env: Vec::new(),
            dir: None,
            restart: Restart::NEVER,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str, predef: Predef) -> Vec<String> {
        match text.parse::<PredefCommand>().unwrap().program(predef).command {
            ProgramCommand::External(words) => words,
            ProgramCommand::BuiltIn(_) => panic!("{text:?} is not built in"),
        }
    }

    #[test]
    fn predef_number_is_filled_in_everywhere() {
        assert_eq!(words("python3 bot.py {predef}", Predef::Two), ["python3", "bot.py", "2"]);
        assert_eq!(
            words("./bot --level={predef}{predef} 'my {predef}'", Predef::Four),
            ["./bot", "--level=44", "my 4"]
        );
        assert_eq!(words("true", Predef::One), ["true"]);
    }

    #[test]
    fn rejects_commands_without_a_program() {
        assert_eq!("".parse::<PredefCommand>(), Err(PredefCommandError::Empty));
        assert_eq!("  ".parse::<PredefCommand>(), Err(PredefCommandError::Empty));
        assert_eq!("''".parse::<PredefCommand>(), Err(PredefCommandError::Empty));
        assert_eq!("sh -c 'x".parse::<PredefCommand>(), Err(PredefCommandError::Quote));
    }
}
