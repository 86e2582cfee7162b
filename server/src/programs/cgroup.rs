//! Control groups (cgroups(7), version 2), where the system lets the server create them.
//!
//! A forked process stays in its control group, whatever its session and parent, and one write kills
//! all processes of a group at once. Without control groups, processes are found by session and
//! descent.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use tribune_protocol::{GameId, WorkerId};

use crate::proc_stat::ProcStat;

/// The control group of a server, with one below it for each program.
#[derive(Debug)]
pub(super) struct ServerCgroup(PathBuf);

/// The control group of one program.
#[derive(Debug)]
pub(super) struct ProgramCgroup(PathBuf);

impl ServerCgroup {
    /// The path of the control group for the server of `game`, below that of this process.
    ///
    /// # Errors
    /// If the system has no control groups of version 2.
    pub(super) fn planned(game: &GameId) -> io::Result<PathBuf> {
        let mounts = fs::read_to_string("/proc/self/mountinfo")?;
        let own = fs::read_to_string("/proc/self/cgroup")?;
        let own = folder(&mounts, &own).ok_or(io::ErrorKind::Unsupported)?;
        Ok(own.join(format!("tribune-{game}")))
    }

    /// Creates the control group at `path`.
    ///
    /// # Errors
    /// If the system does not allow that, as is usual, or the group could not be used.
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

    /// Creates the control group of `program`.
    ///
    /// # Errors
    /// If the system does not allow another group.
    pub(super) fn program(&self, program: WorkerId) -> io::Result<ProgramCgroup> {
        let path = self.0.join(format!("ps-{program}"));
        fs::create_dir(&path)?;
        Ok(ProgramCgroup(path))
    }
}

impl ProgramCgroup {
    /// The file to which a process writes `0` to join the group.
    ///
    /// # Errors
    /// If this process is not allowed to.
    pub(super) fn procs_file(&self) -> io::Result<File> {
        OpenOptions::new().write(true).open(self.0.join("cgroup.procs"))
    }

    /// Whether the process `id` has joined the group.
    pub(super) fn contains(&self, id: u32) -> bool {
        let name = self.0.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let text = fs::read_to_string(format!("/proc/{id}/cgroup")).unwrap_or_default();
        text.lines().filter_map(|line| line.strip_prefix("0::")).any(|path| path.ends_with(name))
    }

    /// The processes of the group that have not exited.
    ///
    /// # Errors
    /// If they cannot be read, as when no descriptor is left.
    pub(super) fn running(&self) -> io::Result<Vec<ProcStat>> {
        let mut running = Vec::new();
        if is_populated(&self.0)? {
            collect(&self.0, &mut running)?;
        }
        Ok(running)
    }

    /// Kills all processes of the group.
    pub(super) fn kill(&self) {
        kill(&self.0);
    }

    /// Removes the group. No process may be left in it.
    pub(super) fn remove(self) {
        remove_all(&self.0);
    }
}

/// Whether there are processes in the group at `path` or below it.
pub(super) fn is_populated(path: &Path) -> io::Result<bool> {
    Ok(fs::read_to_string(path.join("cgroup.events"))?.contains("populated 1"))
}

/// Kills all processes in the group at `path` and below it.
pub(super) fn kill(path: &Path) {
    if let Err(error) = fs::write(path.join("cgroup.kill"), "1") {
        tracing::debug!(%error, path = %path.display(), "cannot kill a control group");
    }
}

/// Removes the group at `path` and all below it, except those that still contain processes.
pub(super) fn remove_all(path: &Path) {
    for below in groups_below(path) {
        remove_all(&below);
    }
    if let Err(error) = fs::remove_dir(path) {
        tracing::debug!(%error, path = %path.display(), "cannot remove a control group");
    }
}

fn collect(path: &Path, running: &mut Vec<ProcStat>) -> io::Result<()> {
    let ids = fs::read_to_string(path.join("cgroup.procs"))?;
    for id in ids.lines().filter_map(|line| line.parse().ok()) {
        running.extend(ProcStat::read(id)?.filter(|process| !process.has_exited()));
    }
    groups_below(path).try_for_each(|below| collect(&below, running))
}

fn groups_below(path: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|e| e.path())
}

/// The folder of the control group of a process, whose `mountinfo` and `cgroup` proc(5) shows.
fn folder(mounts: &str, cgroup: &str) -> Option<PathBuf> {
    let own = cgroup.lines().find_map(|line| line.strip_prefix("0::"))?;
    let mount = mounts.lines().find_map(|line| {
        let (mount, file_system) = line.split_once(" - ")?;
        file_system.starts_with("cgroup2 ").then_some(mount)
    })?;
    let mut fields = mount.split(' ').skip(3);
    let (root, point) = (fields.next()?, fields.next()?);
    // Seen from within a namespace, it may be above the root.
    let below = Path::new(own).strip_prefix(root).ok()?;
    (!own.contains("..")).then(|| Path::new(point).join(below))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_folder_in_any_mount() {
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
