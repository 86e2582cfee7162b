//! Messages of the server on standard error, and its addresses.

use std::{
    io::Write,
    net::{SocketAddr, TcpListener},
    process::Command,
};

use rustix::process::Signal;
use serde_json::Value;
use tribune_tests::{Process, Server, Spectator, UnreadServer, program};

#[test]
fn banner_has_the_address_and_commands_to_try() {
    let server = Server::start(&["--script", "", "--stay"]);
    let address = server.address().to_string();
    let try_next = |what: &str| server.wait_for_err(|line| line.trim_start().starts_with(what));
    assert!(try_next("watch").ends_with(&format!("watch --server {address}")));
    assert!(try_next("play").ends_with(&format!("play --name ann --server {address}")));
    assert!(try_next("or").contains(&format!("nc {}", address.replace(':', " "))));
}

#[test]
fn log_lines_are_text_or_json() {
    let logged = |format: &str| {
        let mut command = Command::new(program("server"));
        let server = Server::start_as(
            command.env("RUST_LOG", "info"),
            &["--script", "0:1", "--log-format", format],
        );
        server.finish().err
    };
    let started = |line: &&String| line.contains("started");
    let text = logged("text");
    let line = text.iter().find(started).unwrap();
    assert!(
        line.contains("INFO") && line.contains("worker=1") && !line.contains('\u{1b}'),
        "{line}"
    );
    let json = logged("json");
    let line: Value = serde_json::from_str(json.iter().find(started).unwrap()).unwrap();
    assert_eq!((&line["level"], &line["fields"]["worker"]), (&"INFO".into(), &"1".into()));
}

#[test]
fn unread_messages_delay_neither_the_game_nor_its_end() {
    let mut server = UnreadServer::start(&["--script", "", "--stay"]);
    let mut spectator = Spectator::join(server.address);
    // Each line causes a message, and all messages are more than a pipe holds.
    let mut keyboard = server.child.stdin.take().unwrap();
    keyboard.write_all("nonsense\n".repeat(3000).as_bytes()).unwrap();
    keyboard.write_all(b"1\n").unwrap();
    spectator.wait_for(|line| line["type"] == "started");
    server.signal(Signal::TERM);
    assert_eq!(spectator.rest().last().unwrap()["reason"], "terminated");
    assert_eq!(server.code(), Some(0));
}

#[test]
fn closed_standard_error_does_not_end_the_game() {
    let mut server = UnreadServer::start(&["--script", "", "--stay"]);
    let mut spectator = Spectator::join(server.address);
    drop(server.err.take());
    server.child.stdin.take().unwrap().write_all(b"nonsense\n2\n").unwrap();
    spectator.wait_for(|line| line["type"] == "exited");
    server.signal(Signal::INT);
    assert_eq!(spectator.rest().last().unwrap()["type"], "bye");
    assert_eq!(server.code(), Some(0));
}

#[test]
fn server_listens_on_every_address() {
    let mut listen = vec!["--listen", "127.0.0.1:0", "--listen", "127.0.0.2:0"];
    let has_ipv6 = TcpListener::bind("[::1]:0").is_ok();
    if has_ipv6 {
        listen.extend(["--listen", "[::1]:0"]);
    }
    let mut command = Command::new(program("server"));
    let process = Process::start(command.args(["--script", "", "--stay"]).args(listen));
    let banner = process.wait_for_err(|line| line.contains("listening on"));
    let words = banner.split([' ', ',']);
    let addresses: Vec<SocketAddr> = words.filter_map(|word| word.parse().ok()).collect();
    assert_eq!(addresses.len(), if has_ipv6 { 3 } else { 2 }, "{banner}");
    for address in addresses {
        Spectator::join(address);
    }
}

#[test]
fn server_listens_on_one_port_for_ipv4_and_ipv6() {
    let Ok(probe) = TcpListener::bind("[::]:0") else { return };
    let port = probe.local_addr().unwrap().port();
    drop(probe);
    let both = [format!("0.0.0.0:{port}"), format!("[::]:{port}")];
    let mut command = Command::new(program("server"));
    let args = ["--script", "", "--listen", &both[0], "--listen", &both[1]];
    let finished = Process::start(command.args(args)).finish();
    assert_eq!(finished.code(), Some(0), "{:?}", finished.err);
}
