use std::{
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::Path,
    process::Command,
};

use rustix::process::geteuid;

/// The user `nobody`, which owns no files.
const NOBODY: u32 = 65534;

/// A command that runs `program` as an unprivileged user if the tests run as root and that user has
/// access to the program, and else as the current user.
pub fn unprivileged(program: &Path) -> Command {
    let mut command = Command::new(program);
    let is_open = |path: &Path| path.metadata().is_ok_and(|metadata| metadata.mode() & 1 == 1);
    if geteuid().is_root() && program.ancestors().all(is_open) {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}
