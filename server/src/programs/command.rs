use std::{
    env, io,
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::process::Command;
use tribune_protocol::{GameId, WorkerId};

use super::environment::inherited;
use crate::schedule::{Program, ProgramCommand};

/// The environment variable with the number of the program that a process belongs to.
pub(super) const PROGRAM_VARIABLE: &str = "TRIBUNE_WORKER";

/// The environment variable with the id of the game that a process belongs to.
pub(super) const GAME_VARIABLE: &str = "TRIBUNE_GAME";

/// Determines the environment of programs.
#[derive(Clone, Debug)]
pub struct SpawnEnv {
    /// The seed of the game, from which that of each program is derived.
    pub seed: u64,
    /// The id of the game.
    pub game: GameId,
    /// The address of the server, if it listens, for programs that also connect to it.
    pub address: Option<String>,
}

/// A command that is ready to be run.
#[derive(Debug)]
pub(super) struct PreparedCommand {
    /// The program and its arguments, for display.
    pub(super) words: Vec<String>,
    pub(super) command: Command,
}

impl PreparedCommand {
    /// The working directory of the program.
    pub(super) fn folder(&self) -> PathBuf {
        self.command.as_std().get_current_dir().unwrap_or(Path::new("")).to_owned()
    }
}

impl SpawnEnv {
    /// Prepares the command that runs `program` with the number `id`.
    ///
    /// # Errors
    /// If its working directory does not exist, or the server cannot find its own program file.
    pub(super) fn prepare(&self, id: WorkerId, program: &Program) -> io::Result<PreparedCommand> {
        let seed = self.seed_of(id);
        let words = match &program.command {
            ProgramCommand::External(words) => words.clone(),
            ProgramCommand::BuiltIn(arguments) => {
                let words = ["server", "players-agent"].map(str::to_owned).into_iter();
                let seed = ["--seed".to_owned(), seed.to_string()];
                words.chain(arguments.iter().cloned()).chain(seed).collect()
            }
        };
        let mut command = match &program.command {
            ProgramCommand::External(_) => Command::new(&words[0]),
            // The built-in players are a subcommand of the server.
            ProgramCommand::BuiltIn(_) => Command::new(own_executable()?),
        };
        command
            .arg0(&words[0])
            .args(&words[1..])
            .env_clear()
            .envs(inherited(env::vars_os()))
            // Python buffers its output into a pipe by default.
            .env("PYTHONUNBUFFERED", "1")
            .env("TRIBUNE_SEED", seed.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // In case it is dropped before it is supervised.
            .kill_on_drop(true);
        if let Some(address) = &self.address {
            command.env("TRIBUNE_SERVER", address);
        }
        command.envs(program.env.iter().map(|(name, value)| (name, value)));
        // Last, so that a program cannot override them: its orphans are found by these.
        command.env(PROGRAM_VARIABLE, id.to_string()).env(GAME_VARIABLE, &self.game.0);
        if let Some(dir) = &program.dir {
            check_folder(dir)?;
            command.current_dir(dir);
        }
        Ok(PreparedCommand { words, command })
    }

    /// A seed for the program `id`, different for each, and the same in each game with the same seed.
    ///
    /// The multiplier is the odd number next to 2^64 divided by the golden ratio, which spreads
    /// consecutive numbers over all 64 bits (Knuth, The Art of Computer Programming 3, 6.4).
    fn seed_of(&self, id: WorkerId) -> u64 {
        self.seed.wrapping_add(id.0.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }
}

/// The program file of this process, even if it has been replaced or removed since.
fn own_executable() -> io::Result<PathBuf> {
    let path = env::current_exe()?;
    Ok(if path.exists() { path } else { "/proc/self/exe".into() })
}

/// Returns an error if `dir` is not a folder, which the system would report as a missing program.
fn check_folder(dir: &Path) -> io::Result<()> {
    match dir.metadata() {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err(io::Error::new(
            io::ErrorKind::NotADirectory,
            format!("its dir {} is not a folder", dir.display()),
        )),
        Err(error) => {
            Err(io::Error::new(error.kind(), format!("its dir {}: {error}", dir.display())))
        }
    }
}
