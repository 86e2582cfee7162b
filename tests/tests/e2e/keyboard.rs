//! Standard input of the server.

use std::{
    fs::File,
    process::{Command, Stdio},
    time::Duration,
};

use tribune_tests::{Server, eventually, is_stopped, processor_time, program};

#[test]
fn number_starts_a_predef_and_other_input_is_explained() {
    let mut server = Server::start(&["--script", "", "--stay"]);
    let mut spectator = server.join();
    server.type_in("\nx\n 4 \n");
    let answer = server.wait_for_err(|line| line.contains('x') && line.contains("1, 2, 3 or 4"));
    assert_eq!(answer.lines().count(), 1);
    assert_eq!(spectator.wait_for(|line| line["type"] == "started")["label"], "ps#1 (predef 4)");
    server.type_in("1\n2\n");
    assert_eq!(spectator.wait_for(|line| line["type"] == "started")["label"], "ps#2 (predef 1)");
    assert_eq!(spectator.wait_for(|line| line["type"] == "started")["label"], "ps#3 (predef 2)");
}

#[test]
fn long_input_is_read_completely() {
    let mut server = Server::start(&["--script", "", "--stay"]);
    let mut spectator = server.join();
    server.type_in(&("\n".repeat(10_000) + "3\n"));
    assert_eq!(spectator.wait_for(|line| line["type"] == "started")["label"], "ps#1 (predef 3)");
}

/// Runs the server with a terminal that is not its controlling terminal, as some supervisors do.
const OTHER_TERMINAL: &str = r#"
import os, pty, subprocess, sys
near, far = pty.openpty()
server = subprocess.Popen(sys.argv[1:], stdin=far, stdout=subprocess.PIPE, start_new_session=True)
os.write(near, b"2\n")
print("ps#2 (predef 2)" in server.communicate()[0].decode(), server.returncode)
"#;

#[test]
fn input_is_read_from_a_terminal_that_is_not_the_controlling_one() {
    let mut command = Command::new("python3");
    command.args(["-c", OTHER_TERMINAL]).arg(program("server"));
    let output = command
        .args(["--script", "0:1,1:1", "--listen", "127.0.0.1:0"])
        .output()
        .expect("python3 is installed");
    let messages = String::from_utf8_lossy(&output.stderr);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "True 0\n", "{messages}");
    assert!(messages.contains("here    type 1 to 4"), "{messages}");
}

#[test]
fn game_goes_on_after_the_end_of_input_until_typed_programs_have_ended() {
    let mut server = Server::start(&["--script", "0.3:2"]);
    server.type_in("1");
    server.close_input();
    let finished = server.finish();
    assert_eq!(finished.code(), Some(0));
    let ends = finished.out.iter().filter(|line| line.starts_with("<<<<<<<<")).count();
    assert_eq!(
        ends, 2,
        "not both the scheduled and the typed program have ended: {:?}",
        finished.out
    );
    // The hint is for terminals only.
    assert!(!finished.err.iter().any(|line| line.contains("type 1 to 4")), "{:?}", finished.err);
}

/// Runs the shortest demonstration with the standard input that `prepare` sets, and returns the
/// processor time that it used per second.
fn load_with(prepare: impl FnOnce(&mut Command)) -> f64 {
    let mut command = Command::new(program("server"));
    command
        .args(["--script", "0:2", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    prepare(&mut command);
    let mut child = command.spawn().unwrap();
    let id = child.id();
    let start = std::time::Instant::now();
    let mut used = Duration::ZERO;
    let status = eventually("the game ends", || {
        assert!(!is_stopped(id), "the server was stopped");
        used = processor_time(id).unwrap_or(used);
        child.try_wait().unwrap()
    });
    assert_eq!(status.code(), Some(0));
    used.as_secs_f64() / start.elapsed().as_secs_f64()
}

#[test]
fn server_with_empty_input_neither_stops_nor_spins() {
    let load = load_with(|command| {
        command.stdin(File::open("/dev/null").unwrap());
    });
    assert!(load < 0.15, "the load is {load} of a processor");
}

#[test]
fn server_with_closed_input_neither_stops_nor_spins() {
    let load = load_with(|command| {
        let server = command.get_program().to_owned();
        let args: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
        let mut shell = Command::new("sh");
        shell
            .args(["-c", "exec \"$0\" \"$@\" <&-"])
            .arg(server)
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        *command = shell;
    });
    assert!(load < 0.15, "the load is {load} of a processor");
}

/// Runs a shell with job control in a new terminal. The shell starts the server in the background
/// and waits for it, while there is input from the terminal.
const IN_BACKGROUND: &str = r#"
import os, pty, sys, time
pid, terminal = pty.fork()
if pid == 0:
    os.execvp("bash", ["bash", "--norc", "-i", "-c", sys.argv[1]])
os.write(terminal, b"1\n1\n")
out = b""
while True:
    try:
        chunk = os.read(terminal, 4096)
    except OSError:
        break
    if not chunk:
        break
    out += chunk
os.waitpid(pid, 0)
sys.stdout.buffer.write(out)
"#;

fn in_background(job: &str) -> String {
    let server = program("server");
    let script = format!(
        "set -m; {job} '{}' --script 0:2 --listen 127.0.0.1:0 & wait $!; echo ended with $?",
        server.display()
    );
    let output = Command::new("python3")
        .args(["-c", IN_BACKGROUND, &script])
        .output()
        .expect("python3 is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn server_in_the_background_of_a_terminal_is_not_stopped() {
    let out = in_background("");
    assert!(out.contains("no process left - bye") && out.contains("ended with 0"), "{out}");
    assert!(!out.contains("ps#2"), "a server in the background has read from the terminal: {out}");
}

#[test]
fn server_under_nohup_outlives_its_terminal() {
    let server = program("server");
    let script = format!(
        "trap '' HUP; exec nohup '{}' --script 0:2,3:1 --listen 127.0.0.1:0 2>&1 </dev/null | cat",
        server.display()
    );
    let mut command = Command::new("sh");
    let mut child = command.args(["-c", &script]).stdout(Stdio::piped()).spawn().unwrap();
    let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    while !text.contains("got `") {
        assert_ne!(std::io::BufRead::read_line(&mut out, &mut text).unwrap(), 0, "{text}");
    }
    let mark = server.display().to_string();
    let ids = tribune_tests::processes_with(&format!("{mark}\0--script\00:2,3:1"));
    assert_eq!(ids.len(), 1);
    let id = rustix::process::Pid::from_raw(i32::try_from(ids[0]).unwrap()).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::HUP).unwrap();
    std::io::Read::read_to_string(&mut out, &mut text).unwrap();
    assert!(text.contains("no process left - bye"), "{text}");
    child.wait().unwrap();
}
