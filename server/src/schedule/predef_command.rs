use std::{str::FromStr, sync::Arc};

use players_agent::Predef;

use super::{CommandError, Program, ProgramCommand, Restart, command_words};

/// The command that is run for a predef.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PredefCommand {
    /// The players that are built into the server.
    #[default]
    BuiltIn,
    /// The words of another command, in which `{predef}` stands for the number of the predef.
    External(Vec<String>),
}

impl FromStr for PredefCommand {
    type Err = CommandError;

    /// Splits a command into words as a shell does. It is not run by a shell.
    fn from_str(text: &str) -> Result<Self, CommandError> {
        command_words(text).map(Self::External)
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
}
