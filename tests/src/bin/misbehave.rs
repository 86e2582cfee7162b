//! Player programs that misbehave.
//!
//! Usage: `misbehave MODE [ARGUMENT]`. The modes are listed in `main`.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "printing is what player programs do")]

use std::{
    env, fs,
    io::{self, BufRead, Write},
    os::unix::process::CommandExt,
    process::{Command, ExitCode, Stdio},
    thread,
    time::Duration,
};

use rustix::{
    process::{getsid, setpgid, setsid},
    thread::set_name,
};
use tokio::{
    runtime::Builder,
    signal::unix::{SignalKind, signal},
};
use tribune_protocol::is_printable;

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let argument = args.get(1).map_or("", String::as_str);
    let result = match args.first().map(String::as_str) {
        // Prints a number of moves as fast as it can.
        Some("flood") => flood(argument.parse().expect("a number of moves")),
        // Prints a number of lines of a length as fast as it can.
        Some("flood-lines") => flood_lines(argument, args.get(2).map_or("", String::as_str)),
        // Prints endless lines of characters that take six bytes each in JSON.
        Some("flood-escapes") => flood_escapes(),
        // Prints a line of a megabyte, and then a move.
        Some("endless-line") => endless_line(),
        // Prints invalid UTF-8, and then a move.
        Some("not-utf8") => print(b"caf\xe9 \xff\nN \xff\nN plain\n"),
        // Prints a move on standard error.
        Some("stderr") => io::stderr().write_all(b"N oops\nit hurts\n"),
        // Starts a stubborn child, which holds its outputs, and exits.
        Some("leave-behind") => leave_behind(argument),
        // The same, after moving to another control group, if that is permitted.
        Some("leave-control-group") => {
            leave_control_group();
            fork("stubborn", argument)
        }
        // Starts a stubborn child, and is stubborn itself.
        Some("two-stubborn") => fork("stubborn", argument).and_then(|()| stubborn(argument)),
        // Ignores SIGTERM.
        Some("stubborn") => stubborn(argument),
        // Starts a stubborn child in a new session, and exits.
        Some("leave-session") => leave_session(argument, true),
        // The same, with an empty environment for the child, so that it cannot be assigned.
        Some("leave-session-unmarked") => leave_session(argument, false),
        // Starts a stubborn child in a new session, and is stubborn itself.
        Some("leave-session-and-stay") => {
            leave_session(argument, true).and_then(|()| stubborn(argument))
        }
        // Starts children that keep changing their process group, and is stubborn.
        Some("change-group") => (0..8)
            .try_for_each(|_| fork("changing-child", argument))
            .and_then(|()| stubborn(argument)),
        // The children of the modes above.
        Some("session-child") => session_child(argument),
        Some("changing-child") => changing_child(argument),
        // Never reads its input.
        Some("never-read") => never_read(),
        // Prints the first two lines of its input, and reads the rest.
        Some("print-greeting") => print_greeting(),
        // Behaves well: moves once for each tick that it reads.
        Some("move-per-tick") => move_per_tick(),
        // Prints nothing until its input ends.
        Some("silent") => io::copy(&mut io::stdin(), &mut io::sink()).map(drop),
        // Prints every character that is not printable.
        Some("unprintable") => unprintable(),
        // Exits with an error.
        Some("fail") => return ExitCode::from(3),
        mode => panic!("unknown mode {mode:?}"),
    };
    // The server may have closed the pipe.
    drop(result);
    ExitCode::SUCCESS
}

fn print(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout();
    out.write_all(bytes)?;
    out.flush()
}

fn flood(moves: u64) -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout());
    for _ in 0..moves {
        out.write_all(b"N noah\n")?;
    }
    out.flush()
}

fn flood_lines(lines: &str, length: &str) -> io::Result<()> {
    let line = "x".repeat(length.parse().expect("a length")) + "\n";
    let mut out = io::BufWriter::new(io::stdout());
    for _ in 0..lines.parse().expect("a number of lines") {
        out.write_all(line.as_bytes())?;
    }
    out.flush()
}

fn flood_escapes() -> io::Result<()> {
    let line = "\u{1}".repeat(1000) + "\n";
    loop {
        print(line.as_bytes())?;
    }
}

fn endless_line() -> io::Result<()> {
    print(&vec![b'x'; 1 << 20])?;
    print(b"\nN meg\n")
}

fn unprintable() -> io::Result<()> {
    let tags = '\u{e0080}'..=char::MAX;
    let escaped = |char: &char| !is_printable(*char) && !tags.contains(char) && *char != '\n';
    let escaped: Vec<char> = ('\0'..=char::MAX).filter(escaped).collect();
    print("\u{1b}[2J and \u{9b}2J\nN \u{3164}\nN ann\u{202e}\n".as_bytes())?;
    for (index, chars) in escaped.chunks(50).enumerate() {
        let line = chars.iter().collect::<String>();
        print(format!("{index}: {line} :\n").as_bytes())?;
        writeln!(io::stderr(), "{index}: {line} :")?;
    }
    Ok(())
}

fn fork(mode: &str, mark: &str) -> io::Result<()> {
    let mut child = Command::new(env::current_exe()?);
    // In a new process group, as by a shell with job control or timeout(1).
    child.args([mode, mark]).stdin(Stdio::null()).process_group(0).spawn().map(drop)
}

fn leave_control_group() {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    for mount in mounts.lines().filter(|line| line.contains(" - cgroup2 ")) {
        let root = mount.split(' ').nth(4).unwrap_or_default();
        // Only root is permitted to.
        let _ = fs::write(format!("{root}/cgroup.procs"), "0");
    }
}

fn leave_behind(mark: &str) -> io::Result<()> {
    fork("stubborn", mark)?;
    let mut line = String::new();
    // The child prints that it is ready to the same pipe, and the stream has that line.
    let mut input = io::stdin().lock();
    while !line.contains("ready") {
        line.clear();
        if input.read_line(&mut line)? == 0 {
            break;
        }
    }
    print(b"N parent\n")
}

fn leave_session(mark: &str, keep_environment: bool) -> io::Result<()> {
    let mut child = Command::new(env::current_exe()?);
    if !keep_environment {
        child.env_clear();
    }
    let mut child =
        child.args(["session-child", mark]).stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    // The child is in its session when it prints that it is ready.
    child.stdout.take().map(|out| io::BufReader::new(out).read_line(&mut String::new()));
    print(b"left\n")
}

fn session_child(mark: &str) -> io::Result<()> {
    setsid()?;
    stubborn(mark)
}

fn changing_child(_mark: &str) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    // This process ignores the signal from now on.
    runtime.block_on(async { signal(SignalKind::terminate()).map(drop) })?;
    let leader = getsid(None)?;
    print(b"ready\n")?;
    loop {
        for group in [None, Some(leader)] {
            // The group of the session's leader may not exist any more.
            let _ = setpgid(None, group);
            thread::park_timeout(Duration::from_micros(300));
        }
    }
}

/// Ignores SIGTERM. `_mark` is only for the list of processes.
fn stubborn(_mark: &str) -> io::Result<()> {
    // A name that is not UTF-8 and resembles the fields of `/proc/PID/stat`.
    set_name(c"\xff) Z \xfe")?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        println!("ready");
        loop {
            terminate.recv().await;
        }
    })
}

fn never_read() -> io::Result<()> {
    print(b"N ann\n")?;
    loop {
        thread::park();
    }
}

fn print_greeting() -> io::Result<()> {
    for (index, line) in io::stdin().lock().lines().enumerate() {
        let line = line?;
        if index < 2 {
            println!("{line}");
        }
    }
    Ok(())
}

fn move_per_tick() -> io::Result<()> {
    for line in io::stdin().lock().lines() {
        if line?.contains(r#""type":"clock""#) {
            print(b"N dancer\n")?;
        }
    }
    Ok(())
}
