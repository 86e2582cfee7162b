//! The echo service and its client.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    process::Command,
};

use rustix::process::Signal;
use tribune_tests::{DEADLINE, EchoServer, Process, Server, program};

fn connect(server: &EchoServer) -> TcpStream {
    let stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream
}

fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut back = Vec::new();
    stream.read_to_end(&mut back).unwrap();
    back
}

#[test]
fn any_bytes_are_echoed_and_logged_with_escapes() {
    let server = EchoServer::start(&["--delay", "50ms"]);
    let mut stream = connect(&server);
    let peer = stream.local_addr().unwrap();
    stream.write_all(b"\x00\xff\x1b[2J").unwrap();
    assert_eq!(rest(&mut stream), b"\x00\xff\x1b[2J");
    let shown = r#""\u{0}\xff\u{1b}[2J""#;
    for line in [
        "connected",
        &format!("received 6 bytes: {shown}"),
        &format!("sent 6 bytes: {shown}"),
        "closed",
    ] {
        assert_eq!(server.next_out().unwrap(), format!("{peer} {line}"));
    }
}

#[test]
fn client_prints_the_echo() {
    let server = EchoServer::start(&["--delay", "10ms"]);
    let echo = |args: &[&str]| Process::start(server.client("echo").args(args)).finish();
    let finished = echo(&["grüße"]);
    assert_eq!((finished.code(), finished.err.len()), (Some(0), 0));
    assert!(finished.out[0].starts_with("\"grüße\" after 0."), "{:?}", finished.out);
    let too_long = echo(&[&"x".repeat(101)]);
    assert_eq!(too_long.code(), Some(2));
    assert!(too_long.err[0].contains("1 to 100 bytes, not 101"), "{:?}", too_long.err);
}

#[test]
fn ping_reports_whether_the_echo_service_responds() {
    let ping = |server: &EchoServer| {
        Process::start(server.client("ping").args(["--echo", "--timeout", "500ms"])).finish()
    };
    for kind in [&["--delay", "10ms"][..], &["--delay", "10ms", "--stream"]] {
        let server = EchoServer::start(kind);
        let there = ping(&server);
        assert_eq!((there.code(), there.err.len()), (Some(0), 0), "{:?}", there.err);
        let start = format!("echo from {} in ", server.address());
        assert!(there.out[0].starts_with(&start), "{:?}", there.out);
    }
    let late = ping(&EchoServer::start(&["--delay", "1h"]));
    assert_eq!((late.code(), late.out.len()), (Some(1), 0));
    assert!(late.err[0].contains("within 500ms"), "{:?}", late.err);

    // A game server responds, but with something else.
    let game = Server::start(&["--script", "", "--stay"]);
    let address = game.address().to_string();
    let other =
        Process::start(&mut game.client(&["ping", "--echo", "--server", &address])).finish();
    assert_eq!((other.code(), other.out.len()), (Some(1), 0));
    assert!(other.err[0].contains("a different reply to \"ping\""), "{:?}", other.err);
}

#[test]
fn lines_of_standard_input_are_echoed_in_order() {
    let server = EchoServer::start(&["--delay", "10ms"]);
    let mut client = Process::start(&mut server.client("echo"));
    client.type_in(&format!("one\n\n{}\ntwo", "x".repeat(200)));
    let finished = client.finish();
    assert_eq!(finished.code(), Some(1), "one line was too long");
    assert!(finished.out[0].starts_with("\"one\"") && finished.out[1].starts_with("\"two\""));
    assert!(
        finished.err[0].contains("at most 100 bytes; the one that starts with"),
        "{:?}",
        finished.err
    );
}

#[test]
fn missing_echo_is_an_error() {
    let server = EchoServer::start(&["--delay", "1h"]);
    let slow = Process::start(server.client("echo").args(["hello", "--timeout", "50ms"])).finish();
    assert_eq!(slow.code(), Some(1));
    assert!(slow.err[0].contains("no reply to \"hello\": timed out (--timeout)"), "{:?}", slow.err);
    let mut command = Command::new(program("client"));
    let refused = Process::start(command.args(["echo", "hello", "-s", "127.0.0.1:1"])).finish();
    assert_eq!(refused.code(), Some(1));
    assert!(refused.err[0].contains("server echo"), "{:?}", refused.err);
}

#[test]
fn stream_is_echoed_until_the_client_closes() {
    let server = EchoServer::start(&["--stream", "--delay", "0s"]);
    let mut stream = connect(&server);
    for part in ["one", "two", "three"] {
        stream.write_all(part.as_bytes()).unwrap();
        let mut back = vec![0; part.len()];
        stream.read_exact(&mut back).unwrap();
        assert_eq!(back, part.as_bytes());
    }
    stream.shutdown(Shutdown::Write).unwrap();
    assert!(rest(&mut stream).is_empty());
}

#[test]
fn clients_beyond_the_maximum_and_idle_clients_are_closed() {
    let server = EchoServer::start(&["--max-clients", "1", "--idle-timeout", "300ms"]);
    let mut silent = connect(&server);
    assert!(server.next_out().unwrap().ends_with(" connected"));
    let mut second = connect(&server);
    assert!(rest(&mut second).is_empty());
    assert!(server.next_out().unwrap().ends_with("maximum of clients"));
    assert!(rest(&mut silent).is_empty());
    assert!(server.next_out().unwrap().ends_with("closed: nothing was received for 300ms"));
}

#[test]
fn pending_echoes_are_sent_before_the_server_ends() {
    let server = EchoServer::start(&["--delay", "300ms"]);
    let mut asking = connect(&server);
    let mut silent = connect(&server);
    asking.write_all(b"late").unwrap();
    for _ in 0..3 {
        server.next_out().unwrap();
    }
    server.signal(Signal::TERM);
    assert!(rest(&mut silent).is_empty());
    assert_eq!(rest(&mut asking), b"late");
    drop((asking, silent));
    assert_eq!(server.finish().code(), Some(0));
}

#[test]
fn second_signal_ends_the_server_immediately() {
    let server = EchoServer::start(&["--delay", "1h"]);
    connect(&server).write_all(b"never").unwrap();
    for _ in 0..2 {
        server.next_out().unwrap();
    }
    server.signal(Signal::INT);
    server.wait_for_err(|line| line.contains("a second signal"));
    server.signal(Signal::INT);
    assert_eq!(server.finish().code(), Some(130));
}
