//! Control groups (cgroups(7), version 2), where the system lets the server make some.
//!
//! No process leaves one by forking, whatever session or parent it gets, and one write kills all of
//! it at once. Where there are none, sessions and descent have to do.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use tribune_protocol::{GameId, WorkerId};

use super::process::Process;

/// A control group with one below it for each program.
#[derive(Debug)]
pub(super) struct ServerCgroup(PathBuf);

/// The control group of one program.
#[derive(Debug)]
pub(super) struct ProgramCgroup(PathBuf);

impl ServerCgroup {
    /// The one for the server of `game`, below the one that this process is in. It is not there yet.
    ///
    /// # Errors
    /// If the system has none of version 2.
    pub(super) fn planned(game: &GameId) -> io::Result<PathBuf> {
        let mounts = fs::read_to_string("/proc/self/mountinfo")?;
        let own = fs::read_to_string("/proc/self/cgroup")?;
        let own = folder(&mounts, &own).ok_or(io::ErrorKind::Unsupported)?;
        Ok(own.join(format!("tribune-{game}")))
    }

    /// Makes the one at `path`.
    ///
    /// # Errors
    /// If the system does not let this process make one, which is usual, or it would be no use.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let this = Self(path.to_owned());
        fs::create_dir(path)?;
        let usable = fs::read_to_string(this.0.join("cgroup.type"))
            .is_ok_and(|kind| kind.trim() == "domain")
            && this.0.join("cgroup.kill").exists();
        if usable {
            Ok(this)
        } else {
            remove_all(path);
            Err(io::ErrorKind::Unsupported.into())
        }
    }

    /// Makes one for `program`.
    ///
    /// # Errors
    /// If the system does not let it, or the number of groups is limited.
    pub(super) fn program(&self, program: WorkerId) -> io::Result<ProgramCgroup> {
        let path = self.0.join(format!("ps-{program}"));
        fs::create_dir(&path)?;
        Ok(ProgramCgroup(path))
    }
}

impl ProgramCgroup {
    /// What a process writes `0` to, to move into it.
    ///
    /// # Errors
    /// If this process may not.
    pub(super) fn entrance(&self) -> io::Result<File> {
        OpenOptions::new().write(true).open(self.0.join("cgroup.procs"))
    }

    /// Whether the process `id` has moved into it.
    pub(super) fn has(&self, id: u32) -> bool {
        let name = self.0.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let text = fs::read_to_string(format!("/proc/{id}/cgroup")).unwrap_or_default();
        text.lines().filter_map(|line| line.strip_prefix("0::")).any(|path| path.ends_with(name))
    }

    /// What runs in it.
    ///
    /// # Errors
    /// If it cannot be read, as without a descriptor.
    pub(super) fn running(&self) -> io::Result<Vec<Process>> {
        let mut running = Vec::new();
        if is_populated(&self.0)? {
            collect(&self.0, &mut running)?;
        }
        Ok(running)
    }

    /// Kills all that is in it at once.
    pub(super) fn kill(&self) {
        kill(&self.0);
    }

    /// Removes it. Nothing must run in it.
    pub(super) fn remove(self) {
        remove_all(&self.0);
    }
}

/// Whether anything runs in the group at `path` or below it.
pub(super) fn is_populated(path: &Path) -> io::Result<bool> {
    Ok(fs::read_to_string(path.join("cgroup.events"))?.contains("populated 1"))
}

/// Kills all that is in the group at `path` and below it.
pub(super) fn kill(path: &Path) {
    if let Err(error) = fs::write(path.join("cgroup.kill"), "1") {
        tracing::debug!(%error, path = %path.display(), "cannot kill a control group");
    }
}

/// Removes the group at `path` and all below it. What runs keeps its own from being removed.
pub(super) fn remove_all(path: &Path) {
    for below in groups_below(path) {
        remove_all(&below);
    }
    if let Err(error) = fs::remove_dir(path) {
        tracing::debug!(%error, path = %path.display(), "cannot remove a control group");
    }
}

fn collect(path: &Path, running: &mut Vec<Process>) -> io::Result<()> {
    let ids = fs::read_to_string(path.join("cgroup.procs"))?;
    for id in ids.lines().filter_map(|line| line.parse().ok()) {
        running.extend(Process::read(id)?.filter(|process| !process.is_zombie));
    }
    groups_below(path).try_for_each(|below| collect(&below, running))
}

fn groups_below(path: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|e| e.path())
}

/// The folder of the group that a process is in, of which proc(5) gives `mounts` and `cgroup`.
fn folder(mounts: &str, cgroup: &str) -> Option<PathBuf> {
    let own = cgroup.lines().find_map(|line| line.strip_prefix("0::"))?;
    let mount = mounts.lines().find_map(|line| {
        let (place, kind) = line.split_once(" - ")?;
        kind.starts_with("cgroup2 ").then_some(place)
    })?;
    let mut fields = mount.split(' ').skip(3);
    let (root, point) = (fields.next()?, fields.next()?);
    // Seen from a namespace, it may be above the root.
    let below = Path::new(own).strip_prefix(root).ok()?;
    (!own.contains("..")).then(|| Path::new(point).join(below))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_found_wherever_it_is_mounted() {
        let hybrid = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n\
                      40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n\
                      41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw";
        let unified = "30 23 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw,nsdelegate";
        let bound = "30 23 0:26 /a /mnt/c rw - cgroup2 cgroup2 rw";
        let cases = [
            (hybrid, "9:name=systemd:/x\n0::/\n", Some("/sys/fs/cgroup/unified/")),
            (unified, "0::/user.slice/a b.scope\n", Some("/sys/fs/cgroup/user.slice/a b.scope")),
            (bound, "0::/a/b\n", Some("/mnt/c/b")),
            (bound, "0::/other\n", None),
            (unified, "0::/../elsewhere\n", None),
            (unified, "9:name=systemd:/x\n", None),
            ("31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw", "0::/\n", None),
        ];
        for (mounts, cgroup, want) in cases {
            assert_eq!(folder(mounts, cgroup).as_deref(), want.map(Path::new), "{cgroup}");
        }
    }
}
