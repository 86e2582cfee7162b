use std::str::FromStr;

use players_agent::Predef;
use thiserror::Error;

use super::{Program, ProgramCommand, Restart};

/// What is run when a predefined configuration is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Agent {
    /// The players that the server carries in itself.
    #[default]
    BuiltIn,
    /// The words of a command, in which `{predef}` stands for the number of the configuration.
    External(Vec<String>),
}

/// Why a text is no [`Agent`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AgentError {
    /// There is no word in it.
    #[error("expected a command, as in \"python3 bot.py {{predef}}\"")]
    Empty,
    /// A quote is not closed.
    #[error("a quotation mark in it is not closed")]
    Quote,
}

impl FromStr for Agent {
    type Err = AgentError;

    /// Cuts a command into words as a shell does. No shell is involved otherwise.
    fn from_str(text: &str) -> Result<Self, AgentError> {
        let words = shell_words::split(text).map_err(|_| AgentError::Quote)?;
        match words.first() {
            Some(program) if !program.is_empty() => Ok(Self::External(words)),
            _ => Err(AgentError::Empty),
        }
    }
}

impl Agent {
    /// The program that plays `predef`.
    pub fn program(&self, predef: Predef) -> Program {
        let command = match self {
            Self::BuiltIn => ProgramCommand::BuiltIn(predef),
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
        match text.parse::<Agent>().unwrap().program(predef).command {
            ProgramCommand::External(words) => words,
            ProgramCommand::BuiltIn(_) => panic!("{text:?} is not built in"),
        }
    }

    #[test]
    fn the_number_of_the_configuration_is_filled_in_wherever_it_stands() {
        assert_eq!(words("python3 bot.py {predef}", Predef::Two), ["python3", "bot.py", "2"]);
        assert_eq!(
            words("./bot --level={predef}{predef} 'my {predef}'", Predef::Four),
            ["./bot", "--level=44", "my 4"]
        );
        assert_eq!(words("true", Predef::One), ["true"]);
    }

    #[test]
    fn a_command_without_a_program_is_refused() {
        assert_eq!("".parse::<Agent>(), Err(AgentError::Empty));
        assert_eq!("  ".parse::<Agent>(), Err(AgentError::Empty));
        assert_eq!("''".parse::<Agent>(), Err(AgentError::Empty));
        assert_eq!("sh -c 'x".parse::<Agent>(), Err(AgentError::Quote));
    }
}
