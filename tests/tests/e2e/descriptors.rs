//! Servers with a low limit of open files.

use std::process::Command;

use tribune_tests::{Server, program};

/// The server, with at most `files` open files.
fn limited(files: u32) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("ulimit -n {files}; exec \"$0\" \"$@\"")).arg(program("server"));
    command
}

#[test]
fn server_with_too_few_descriptors_for_any_client_does_not_start() {
    for service in [&[][..], &["echo"]] {
        let mut command = limited(64);
        let output = command.args(service).args(["--listen", "127.0.0.1:0"]).output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(message.contains("64 open files") && message.contains("ulimit -n"), "{message}");
        assert!(!message.contains("listening"), "{message}");
    }
}

#[test]
fn server_with_the_fewest_descriptors_can_be_joined() {
    let args = ["--script", "0:1", "--stay", "--agent", "sh -c 'echo N a; exec sleep 1000'"];
    // The lowest limit with which it starts.
    let server = Server::start_as(&mut limited(71), &args);
    server.join().wait_for(|line| line["type"] == "move" || line["players"][0]["name"] == "a");
}

#[test]
fn programs_wait_for_descriptors_instead_of_failing() {
    // Each needs four, which is more than there are in all.
    let script = vec!["0:1"; 40].join(",");
    let args = ["--script", &script, "--agent", "sleep 0.3"];
    let server = Server::start_as(&mut limited(80), &args);
    let finished = server.finish();
    assert_eq!(finished.code(), Some(0));
    let good = finished.out.iter().filter(|line| line.contains("exit code 0")).count();
    assert_eq!(good, 40, "{:?} {:?}", finished.out, finished.err);
}
