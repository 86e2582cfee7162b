//! Servers that may have only so many files open.

use std::process::Command;

use tribune_tests::{Server, program};

/// The server, with so many files at most.
fn limited(files: u32) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("ulimit -n {files}; exec \"$0\" \"$@\"")).arg(program("server"));
    command
}

#[test]
fn a_server_that_could_serve_nobody_does_not_start() {
    for service in [&[][..], &["echo"]] {
        let mut command = limited(64);
        let output = command.args(service).args(["--listen", "127.0.0.1:0"]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("64 open files") && said.contains("ulimit -n"), "{said}");
        assert!(!said.contains("listening"), "{said}");
    }
}

#[test]
fn a_server_that_starts_can_be_joined() {
    let args = ["--script", "0:1", "--stay", "--agent", "sh -c 'echo N a; exec sleep 1000'"];
    // The least that it starts with.
    let server = Server::start_as(&mut limited(71), &args);
    server.join().wait_for(|line| line["type"] == "move" || line["players"][0]["name"] == "a");
}

#[test]
fn programs_wait_for_descriptors_rather_than_fail() {
    // Four for each of these are more than there are.
    let script = vec!["0:1"; 40].join(",");
    let args = ["--script", &script, "--agent", "sleep 0.3"];
    let server = Server::start_as(&mut limited(80), &args);
    let finished = server.finish();
    assert_eq!(finished.code(), Some(0));
    let good = finished.out.iter().filter(|line| line.contains("exit code 0")).count();
    assert_eq!(good, 40, "{:?} {:?}", finished.out, finished.err);
}
