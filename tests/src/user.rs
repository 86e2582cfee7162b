use std::{
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::Path,
    process::Command,
};

use rustix::process::geteuid;

/// The user that owns nothing.
const NOBODY: u32 = 65534;

/// A command that runs `program` as a user who may do little, if these tests run as one who may do
/// everything and that user can reach it.
pub fn unprivileged(program: &Path) -> Command {
    let mut command = Command::new(program);
    let is_open = |path: &Path| path.metadata().is_ok_and(|metadata| metadata.mode() & 1 == 1);
    if geteuid().is_root() && program.ancestors().all(is_open) {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}
