use std::{
    env,
    path::{Path, PathBuf},
};

/// One of the two programs of Tribune, which a message names for people to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// The game server, and the echo service.
    Server,
    /// The terminal client.
    Client,
}

/// The command that has the subcommands of both programs.
const TRIBUNE: &str = "tribune";

impl Program {
    /// Its name: `server` or `client`, and in a process of the `tribune` command `tribune server` or
    /// `tribune`.
    pub fn name(self) -> &'static str {
        match (self, runs_tribune()) {
            (Self::Server, false) => "server",
            (Self::Client, false) => "client",
            (Self::Server, true) => "tribune server",
            (Self::Client, true) => TRIBUNE,
        }
    }

    /// The command that starts it, for the person who started this process: by cargo, by its name if
    /// that is on the path, or else by its path.
    pub fn command(self) -> String {
        let executable = if runs_tribune() { TRIBUNE } else { self.name() };
        let start =
            if env::var_os("CARGO").is_some() { by_cargo(executable) } else { by_path(executable) };
        match self {
            Self::Server if executable == TRIBUNE => format!("{start} server"),
            _ => start,
        }
    }
}

fn by_cargo(executable: &str) -> String {
    // The same profile as that of this process needs no other build.
    let profile = if cfg!(debug_assertions) { "" } else { " --release" };
    let program =
        if executable == TRIBUNE { String::new() } else { format!(" --bin {executable}") };
    format!("cargo run{profile}{program} --")
}

fn by_path(executable: &str) -> String {
    let beside = env::current_exe().ok().and_then(|this| Some(this.parent()?.join(executable)));
    match beside.filter(|path| path.exists() && !is_on_path(path)) {
        Some(path) => path.display().to_string(),
        None => executable.to_owned(),
    }
}

fn is_on_path(executable: &Path) -> bool {
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders).any(|folder| Some(folder.as_path()) == executable.parent())
}

fn runs_tribune() -> bool {
    let this: Option<PathBuf> = env::current_exe().ok();
    this.is_some_and(|path| path.file_stem().is_some_and(|name| name == TRIBUNE))
}
