//! What is measured: a system, and for game servers which binary of it.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use anyhow::{bail, ensure};

use crate::system::System;

/// The name of the game server's program in a folder of programs.
const SERVER: &str = "server";

/// A system under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its name in tables.
    pub name: String,
    /// How to speak to it.
    pub system: System,
    /// The binary of a game server; `None` for the one beside this program.
    pub program: Option<PathBuf>,
}

/// Another game server: a name and a binary, as in `tribune-old=/path/to/server`.
#[derive(Clone, Debug)]
pub struct NamedServer {
    name: String,
    program: PathBuf,
}

impl Target {
    /// The systems of `only`, in which `server` is the binary of Tribune's game server, if given, and
    /// `also` are game servers besides.
    ///
    /// # Errors
    /// If two have the same name.
    pub fn list(
        only: &[System],
        server: Option<&Path>,
        also: &[NamedServer],
    ) -> anyhow::Result<Vec<Self>> {
        let mut targets: Vec<Self> = only.iter().map(|&system| Self::from(system)).collect();
        let tribune = targets.iter().position(|target| target.system == System::Tribune);
        if let Some(index) = tribune {
            targets[index].program = server.map(server_in);
        }
        let others = also.iter().map(|other| Self {
            name: other.name.clone(),
            system: System::Tribune,
            program: Some(server_in(&other.program)),
        });
        let next = tribune.map_or(targets.len(), |index| index + 1);
        targets.splice(next..next, others);
        for (index, target) in targets.iter().enumerate() {
            let is_new = targets[..index].iter().all(|other| other.name != target.name);
            ensure!(is_new, "{target} is given twice");
        }
        Ok(targets)
    }

    /// The name that `reference` has among `targets`; without `reference` the baseline, if it is one
    /// of them.
    ///
    /// # Errors
    /// If `reference` is not one of them.
    pub fn reference<'a>(
        targets: &'a [Self],
        reference: Option<&str>,
    ) -> anyhow::Result<Option<&'a str>> {
        let name = reference.unwrap_or(System::Baseline.name());
        let found = targets.iter().find(|target| target.name == name);
        if found.is_none() && reference.is_some() {
            let names: Vec<&str> = targets.iter().map(|target| target.name.as_str()).collect();
            bail!("unknown reference {name:?}: expected one of {}", names.join(", "));
        }
        Ok(found.map(|target| target.name.as_str()))
    }
}

/// `path`, or the game server in it if it is a folder.
fn server_in(path: &Path) -> PathBuf {
    if path.is_dir() { path.join(SERVER) } else { path.to_owned() }
}

impl From<System> for Target {
    fn from(system: System) -> Self {
        Self { name: system.name().to_owned(), system, program: None }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl FromStr for NamedServer {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((name, path)) if !name.is_empty() && !path.is_empty() => {
                Ok(Self { name: name.to_owned(), program: path.into() })
            }
            _ => Err("expected NAME=PATH, as in tribune-old=/path/to/server"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(only: &[System], also: &[&str]) -> Result<Vec<String>, String> {
        let also: Vec<NamedServer> = also.iter().map(|text| text.parse().unwrap()).collect();
        let targets = Target::list(only, None, &also).map_err(|error| error.to_string())?;
        Ok(targets.into_iter().map(|target| target.name).collect())
    }

    #[test]
    fn other_game_servers_follow_tribune() {
        let only = [System::Baseline, System::Tribune, System::Nats];
        let expected = ["baseline", "tribune", "old", "older", "nats"];
        assert_eq!(names(&only, &["old=/a", "older=/b"]).unwrap(), expected);
        assert_eq!(names(&[System::Baseline], &["old=/a"]).unwrap(), ["baseline", "old"]);
    }

    #[test]
    fn rejects_two_systems_with_one_name() {
        let twice = [System::Tribune, System::Tribune];
        assert_eq!(names(&twice, &[]).unwrap_err(), "tribune is given twice");
        let error = names(&[System::Baseline], &["baseline=/a"]).unwrap_err();
        assert_eq!(error, "baseline is given twice");
    }

    #[test]
    fn server_may_be_named_by_its_folder() {
        let folder = std::env::temp_dir();
        let targets = Target::list(&[System::Tribune], Some(&folder), &[]).unwrap();
        assert_eq!(targets[0].program.as_deref(), Some(folder.join("server").as_path()));
        let targets = Target::list(&[System::Tribune], Some(Path::new("/a/b")), &[]).unwrap();
        assert_eq!(targets[0].program.as_deref(), Some(Path::new("/a/b")));
    }

    #[test]
    fn reference_is_the_baseline_or_what_is_named() {
        let both = [System::Baseline.into(), System::Tribune.into()];
        assert_eq!(Target::reference(&both, None).unwrap(), Some("baseline"));
        assert_eq!(Target::reference(&both, Some("tribune")).unwrap(), Some("tribune"));
        assert_eq!(Target::reference(&both[1..], None).unwrap(), None);
        let error = Target::reference(&both, Some("nats")).unwrap_err().to_string();
        assert_eq!(error, "unknown reference \"nats\": expected one of baseline, tribune");
    }

    #[test]
    fn rejects_other_game_servers_without_a_name_or_path() {
        for text in ["", "old", "=/path", "old="] {
            assert!(text.parse::<NamedServer>().is_err(), "{text}");
        }
    }
}
