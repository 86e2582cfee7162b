//! Player programs that do what a player program should not.
//!
//! Usage: `misbehave HOW [ARGUMENT]`. What `HOW` can be is listed in `main`.

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
    let done = match args.first().map(String::as_str) {
        // Prints so many moves as fast as it can.
        Some("flood") => flood(argument.parse().expect("a number of moves")),
        // Prints so many lines of so many `x` as fast as it can.
        Some("flood-lines") => flood_lines(argument, args.get(2).map_or("", String::as_str)),
        // Prints lines without end of what takes six bytes each in JSON.
        Some("flood-escapes") => flood_escapes(),
        // Prints a megabyte without a line end, and then a move.
        Some("endless-line") => endless_line(),
        // Prints what is not UTF-8, and then a move.
        Some("not-utf8") => print(b"caf\xe9 \xff\nN \xff\nN plain\n"),
        // Prints moves where they do not count.
        Some("stderr") => io::stderr().write_all(b"N oops\nit hurts\n"),
        // Leaves behind a process that holds its outputs and ends for nobody's sake.
        Some("leave-behind") => leave_behind(argument),
        // The same, after moving to another control group, if the system lets it.
        Some("leave-control-group") => {
            leave_control_group();
            fork("stubborn", argument)
        }
        // As before the last, but stays itself too.
        Some("two-stubborn") => fork("stubborn", argument).and_then(|()| stubborn(argument)),
        // Ignores the polite request to end.
        Some("stubborn") => stubborn(argument),
        // Has a child in a session of its own, that ends for nobody's sake, and ends itself.
        Some("run-away") => run_away(argument, true),
        // The same, and nothing in the child's environment says where it came from.
        Some("run-away-unmarked") => run_away(argument, false),
        // Has children that change their process group without end, and ends for nobody's sake.
        Some("turncoats") => {
            (0..8).try_for_each(|_| fork("turn", argument)).and_then(|()| stubborn(argument))
        }
        // Has a child in a session of its own, and ends for nobody's sake.
        Some("two-run-away") => run_away(argument, true).and_then(|()| stubborn(argument)),
        // The children of the last ones.
        Some("hide") => hide(argument),
        Some("turn") => turn(argument),
        // Never reads its input, and ends when asked to.
        Some("deaf") => deaf(),
        // Prints the first two lines that it reads, and reads the rest.
        Some("parrot") => parrot(),
        // Does nothing wrong: moves once for each tick that it reads.
        Some("dance") => dance(),
        // Prints nothing until its input ends.
        Some("silent") => io::copy(&mut io::stdin(), &mut io::sink()).map(drop),
        // Prints everything that could steer a terminal or mislead a reader.
        Some("unprintable") => unprintable(),
        // Fails at once.
        Some("fail") => return ExitCode::from(3),
        how => panic!("{how:?} is no way to misbehave"),
    };
    // Whoever reads it may have gone.
    drop(done);
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
    let bad = |char: &char| !is_printable(*char) && !tags.contains(char) && *char != '\n';
    let bad: Vec<char> = ('\0'..=char::MAX).filter(bad).collect();
    print("\u{1b}[2J and \u{9b}2J\nN \u{3164}\nN ann\u{202e}\n".as_bytes())?;
    for (index, chars) in bad.chunks(50).enumerate() {
        let line = chars.iter().collect::<String>();
        print(format!("{index}: {line} :\n").as_bytes())?;
        writeln!(io::stderr(), "{index}: {line} :")?;
    }
    Ok(())
}

fn fork(how: &str, mark: &str) -> io::Result<()> {
    let mut child = Command::new(env::current_exe()?);
    // In a group of its own, as a shell with job control and timeout(1) do it.
    child.args([how, mark]).stdin(Stdio::null()).process_group(0).spawn().map(drop)
}

fn leave_control_group() {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    for mount in mounts.lines().filter(|line| line.contains(" - cgroup2 ")) {
        let root = mount.split(' ').nth(4).unwrap_or_default();
        // Only root may.
        let _ = fs::write(format!("{root}/cgroup.procs"), "0");
    }
}

fn leave_behind(mark: &str) -> io::Result<()> {
    fork("stubborn", mark)?;
    let mut line = String::new();
    // The one left behind has printed that it is there, into the same pipe; the game tells us so.
    let mut input = io::stdin().lock();
    while !line.contains("I am here") {
        line.clear();
        if input.read_line(&mut line)? == 0 {
            break;
        }
    }
    print(b"N parent\n")
}

fn run_away(mark: &str, keep_environment: bool) -> io::Result<()> {
    let mut child = Command::new(env::current_exe()?);
    if !keep_environment {
        child.env_clear();
    }
    let mut child =
        child.args(["hide", mark]).stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    // It is away when it says so, and its parent only then ends.
    child.stdout.take().map(|out| io::BufReader::new(out).read_line(&mut String::new()));
    print(b"it is away\n")
}

fn hide(mark: &str) -> io::Result<()> {
    setsid()?;
    stubborn(mark)
}

fn turn(_mark: &str) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    // From now on this signal does nothing.
    runtime.block_on(async { signal(SignalKind::terminate()).map(drop) })?;
    let leader = getsid(None)?;
    print(b"I am here\n")?;
    loop {
        for group in [None, Some(leader)] {
            // The group of its leader is gone when nothing else is in it.
            let _ = setpgid(None, group);
            thread::park_timeout(Duration::from_micros(300));
        }
    }
}

/// `mark` is only there to be seen in the list of processes.
fn stubborn(_mark: &str) -> io::Result<()> {
    // A name that is no text.
    set_name(c"\xff) Z \xfe")?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        println!("I am here");
        loop {
            terminate.recv().await;
        }
    })
}

fn deaf() -> io::Result<()> {
    print(b"N deaf\n")?;
    loop {
        thread::park();
    }
}

fn parrot() -> io::Result<()> {
    for (index, line) in io::stdin().lock().lines().enumerate() {
        let line = line?;
        if index < 2 {
            println!("{line}");
        }
    }
    Ok(())
}

fn dance() -> io::Result<()> {
    for line in io::stdin().lock().lines() {
        if line?.contains(r#""type":"clock""#) {
            print(b"N dancer\n")?;
        }
    }
    Ok(())
}
