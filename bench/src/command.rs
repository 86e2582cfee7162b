//! The command line of each system, with settings under which they do the same.

use std::{
    env,
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    thread::available_parallelism,
};

use anyhow::{Context, anyhow};

use crate::{system::System, target::Target};

/// The command that starts `target` on the first processor, listening on `port`. A game server's
/// clock ticks every `tick`.
///
/// # Errors
/// If it is not installed.
pub fn server(target: &Target, port: u16, tick: &str) -> anyhow::Result<Command> {
    let (program, args) = match target.system {
        System::Baseline => (env::current_exe()?, vec!["baseline".to_owned()]),
        System::TaskPerClient => (env::current_exe()?, vec!["task-per-client".to_owned()]),
        System::Tribune => game(target, port, tick)?,
        System::Nats => {
            (installed("nats-server")?, words(&format!("--addr 127.0.0.1 --port {port}")))
        }
        System::Redis => {
            let mut args = words(&format!("--bind 127.0.0.1 --port {port}"));
            args.extend(words("--maxclients 19900 --dir /tmp --save"));
            args.push(String::new());
            (installed("redis-server")?, args)
        }
        System::Mosquitto => {
            let config = mosquitto_config(port).context("cannot write its configuration")?;
            (installed("mosquitto")?, vec!["-c".to_owned(), config])
        }
    };
    let mut command = pinned(&program, 0);
    command.args(args);
    Ok(command)
}

/// The command that starts the game server `target` on all processors, listening on `port`. Its clock
/// ticks every `tick`.
///
/// # Errors
/// If it is not installed.
pub fn unpinned_game(target: &Target, port: u16, tick: &str) -> anyhow::Result<Command> {
    let (program, args) = game(target, port, tick)?;
    let mut command = Command::new(program);
    command.args(args);
    Ok(command)
}

/// The command that starts the load on the last processor.
///
/// # Errors
/// If the path of this program is unknown.
pub fn load() -> anyhow::Result<Command> {
    let last = available_parallelism().map_or(0, |cores| cores.get() - 1);
    let mut command = pinned(&env::current_exe()?, last);
    command.arg("load");
    Ok(command)
}

/// A game server without programs and limits.
fn game(target: &Target, port: u16, tick: &str) -> anyhow::Result<(PathBuf, Vec<String>)> {
    let program = match &target.program {
        Some(program) => program.clone(),
        None => env::current_exe()?.with_file_name("server"),
    };
    program.try_exists().ok().filter(|&exists| exists).with_context(|| {
        format!("{} does not exist: build it, or name another", program.display())
    })?;
    let mut args = words(&format!("--listen 127.0.0.1:{port} --tick {tick} --stay --quiet"));
    args.extend(words("--move-rate 0 --address-bytes 0 --max-clients 20000 --script"));
    args.push(String::new());
    Ok((program, args))
}

fn mosquitto_config(port: u16) -> anyhow::Result<String> {
    let path = env::temp_dir().join(format!("tribune-bench-{port}.conf"));
    let text = format!(
        "listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nlog_type none\n\
         max_queued_messages 0\nset_tcp_nodelay true\n"
    );
    File::create(&path)?.write_all(text.as_bytes())?;
    path.into_os_string().into_string().map_err(|path| anyhow!("invalid path {}", path.display()))
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

/// `program`, restricted to one processor.
fn pinned(program: &Path, processor: usize) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", &processor.to_string()]).arg(program);
    command
}

/// The path of a program that the system may have.
fn installed(name: &str) -> anyhow::Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    let mut found = folders.map(|folder| folder.join(name));
    found.find(|path| path.exists()).with_context(|| format!("{name} is not installed"))
}
