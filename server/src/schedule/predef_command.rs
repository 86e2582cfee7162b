use std::{str::FromStr, sync::Arc};

use players_agent::{Predef, snake::Skill};

use super::{CommandError, Program, ProgramCommand, Restart, command_words};

/// The command that is run for a predef.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PredefCommand {
    /// The players that are built into the server.
    #[default]
    BuiltIn,
    /// The players of snake that are built into the server, four as well.
    Snake {
        /// Whether they print only moves that change their direction, as is enough by the clock.
        only_changes: bool,
    },
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
        let title = format!("predef {predef}");
        let (title, command) = match self {
            Self::BuiltIn => (title, ProgramCommand::BuiltIn(vec![predef.to_string()])),
            Self::Snake { only_changes } => snake_player(predef, *only_changes),
            Self::External(words) => {
                let words = words.iter().map(|word| word.replace("{predef}", &predef.to_string()));
                (title, ProgramCommand::External(words.collect()))
            }
        };
        Program { title, command, env: Vec::new(), dir: None, restart: Restart::NEVER }
    }
}

/// The title and the command of the player of snake with the number of `predef`: one of each skill, and
/// another of the best.
fn snake_player(predef: Predef, only_changes: bool) -> (String, ProgramCommand) {
    let (skill, name) = match predef {
        Predef::One => (Skill::Wanders, Skill::Wanders.default_name()),
        Predef::Two => (Skill::Greedy, Skill::Greedy.default_name()),
        Predef::Three => (Skill::Careful, Skill::Careful.default_name()),
        Predef::Four => (Skill::Careful, "cleo"),
    };
    let mut arguments =
        ["snake", "--skill", &skill.to_string(), "--name", name].map(str::to_owned).to_vec();
    if only_changes {
        arguments.push("--only-changes".to_owned());
    }
    (format!("{name}, skill {skill}"), ProgramCommand::BuiltIn(arguments))
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
    fn players_of_snake_have_skills_and_names_of_their_own() {
        let built_in = |only_changes| PredefCommand::Snake { only_changes }.programs();
        let titles = built_in(true).map(|program| program.title.clone());
        assert_eq!(titles, ["wanda, skill 1", "gus, skill 2", "cara, skill 3", "cleo, skill 3"]);
        let arguments = |only_changes| match &built_in(only_changes)[3].command {
            ProgramCommand::BuiltIn(arguments) => arguments.join(" "),
            ProgramCommand::External(words) => panic!("{words:?} are not built in"),
        };
        assert_eq!(arguments(false), "snake --skill 3 --name cleo");
        assert_eq!(arguments(true), "snake --skill 3 --name cleo --only-changes");
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
