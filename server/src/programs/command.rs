use std::{
    env, io,
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::process::Command;
use tribune_protocol::{GameId, WorkerId};

use super::environment::inherited;
use crate::schedule::{Program, ProgramCommand};

/// The variable that says which program a process is of: its number.
pub(super) const WORKER: &str = "TRIBUNE_WORKER";

/// The variable that says which game a process is of: its id.
pub(super) const GAME: &str = "TRIBUNE_GAME";

/// What a program finds around it.
#[derive(Clone, Debug)]
pub struct SpawnEnv {
    /// The seed of the game. Each program gets one of its own that follows from it.
    pub seed: u64,
    /// The game.
    pub game: GameId,
    /// Where the server listens, if it does, for programs that are clients too.
    pub address: Option<String>,
}

/// A program ready to be started: how people read its command, and the command.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) words: Vec<String>,
    pub(super) command: Command,
}

impl Prepared {
    /// The file of the program, if it is not one that is looked for in `PATH`.
    pub(super) fn file(&self) -> Option<PathBuf> {
        let program = self.words.first().filter(|program| program.contains('/'))?;
        Some(self.command.as_std().get_current_dir().unwrap_or(Path::new("")).join(program))
    }
}

impl SpawnEnv {
    /// Prepares `program` to be run as `worker`.
    ///
    /// # Errors
    /// If it cannot be run: there is no such folder, or the server does not find itself.
    pub(super) fn prepare(&self, worker: WorkerId, program: &Program) -> io::Result<Prepared> {
        let seed = self.seed_of(worker);
        let words = match &program.command {
            ProgramCommand::External(words) => words.clone(),
            ProgramCommand::BuiltIn(predef) => {
                ["server", "players-agent", &predef.to_string(), "--seed", &seed.to_string()]
                    .map(str::to_owned)
                    .into()
            }
        };
        let mut command = match &program.command {
            ProgramCommand::External(_) => Command::new(&words[0]),
            // The players are in this very program.
            ProgramCommand::BuiltIn(_) => Command::new(own_program()?),
        };
        command
            .arg0(&words[0])
            .args(&words[1..])
            .env_clear()
            .envs(inherited(env::vars_os()))
            // Python holds back what it prints into a pipe, unless told not to.
            .env("PYTHONUNBUFFERED", "1")
            .env("TRIBUNE_SEED", seed.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Should it be lost on the way to whoever looks after it.
            .kill_on_drop(true);
        if let Some(address) = &self.address {
            command.env("TRIBUNE_SERVER", address);
        }
        command.envs(program.env.iter().map(|(name, value)| (name, value)));
        // Last, as what a program leaves behind is known by these.
        command.env(WORKER, worker.to_string()).env(GAME, &self.game.0);
        if let Some(dir) = &program.dir {
            check_folder(dir)?;
            command.current_dir(dir);
        }
        Ok(Prepared { words, command })
    }

    /// A seed for `worker`, different for each, the same in each game of the same seed.
    ///
    /// The multiplier is the odd number next to 2^64 divided by the golden ratio, which spreads
    /// consecutive numbers over all 64 bits (Knuth, The Art of Computer Programming 3, 6.4).
    fn seed_of(&self, worker: WorkerId) -> u64 {
        self.seed.wrapping_add(worker.0.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }
}

/// The program that this process runs, wherever it has gone since: it may have been built anew.
fn own_program() -> io::Result<PathBuf> {
    let path = env::current_exe()?;
    Ok(if path.exists() { path } else { "/proc/self/exe".into() })
}

/// Says so if `dir` is no folder, which the system would report as if the program were missing.
fn check_folder(dir: &Path) -> io::Result<()> {
    match dir.metadata() {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err(io::Error::new(
            io::ErrorKind::NotADirectory,
            format!("its dir {} is no folder", dir.display()),
        )),
        Err(error) => {
            Err(io::Error::new(error.kind(), format!("its dir {}: {error}", dir.display())))
        }
    }
}
