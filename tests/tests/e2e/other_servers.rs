//! The client against servers that are full, of another version, or not Tribune servers.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::Command,
    thread,
};

use tribune_tests::{EchoServer, Finished, Process, Server, program};

/// Starts a server that calls `handle` with each connection, and returns its address.
pub fn serve(handle: impl Fn(TcpStream) + Send + Sync + Copy + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || handle(stream));
        }
    });
    address
}

fn client(args: &[&str], address: &str) -> Finished {
    let mut command = Command::new(program("client"));
    Process::start(command.args(args).args(["--server", address])).finish()
}

/// Sends `bytes`, and waits until the client closes the connection.
pub fn send(mut stream: TcpStream, bytes: &[u8]) {
    // The client may close before it has read everything.
    let _ = stream.write_all(bytes).and_then(|()| std::io::copy(&mut stream, &mut std::io::sink()));
}

const WELCOME: &str = r#"{"type":"welcome","protocol":2,"game":"g","planet":"mars"}"#;

#[test]
fn server_of_another_version_is_refused_with_its_version() {
    let address = serve(|stream| send(stream, format!("{WELCOME}\n{{}}\n").as_bytes()));
    for args in [&["watch"][..], &["play", "--name", "ann"], &["ping"]] {
        let finished = client(args, &address);
        let message = finished.err.last().unwrap();
        assert_eq!(finished.code(), Some(1), "{message}");
        assert!(message.contains("version 2") && message.contains("version 1"), "{message}");
    }
    let herd = client(&["herd", "--mode", "watch", "-n", "2", "--json"], &address);
    assert_eq!(herd.code(), Some(1));
    assert!(herd.out[0].contains("uses version 2 of the protocol"), "{:?}", herd.out);
}

#[test]
fn server_that_sends_no_greeting_times_out() {
    let silent = serve(|stream| send(stream, b""));
    let prompt = serve(|stream| send(stream, b"login: "));
    for (address, part) in [(silent, "no welcome within 5s"), (prompt, "only \"login: \"")] {
        let finished = client(&["watch"], &address);
        let message = finished.err.last().unwrap();
        assert_eq!(finished.code(), Some(1), "{message}");
        for part in [part, "may not be a Tribune server", "--server HOST:PORT"] {
            assert!(message.contains(part), "{message}");
        }
    }
}

#[test]
fn unexpected_first_line_is_quoted() {
    let http = serve(|stream| send(stream, b"HTTP/1.1 400 Bad Request\r\n\r\n\x1b[2J"));
    for args in [&["watch"][..], &["ping"]] {
        let finished = client(args, &http);
        let message = finished.err.last().unwrap();
        assert_eq!(finished.code(), Some(1), "{message}");
        assert!(message.contains("\"HTTP/1.1 400 Bad Request\""), "{message}");
    }
    let closes = serve(drop);
    let message = client(&["watch"], &closes).err.pop().unwrap();
    assert!(message.contains("closed without a welcome"), "{message}");
}

#[test]
fn server_that_only_responds_is_distinguished_from_a_silent_one() {
    let echo = EchoServer::start(&["--delay", "0s"]);
    let web = serve(|mut stream| {
        let _ = stream.read(&mut [0; 1024]);
        send(stream, b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    for (address, part) in [(echo.address().to_string(), "ping"), (web, "HTTP/1.1 400")] {
        let finished = client(&["watch"], &address);
        let message = finished.err.last().unwrap();
        assert_eq!(finished.code(), Some(1), "{message}");
        assert!(
            message.contains("not a Tribune server: expected a welcome line, got"),
            "{message}"
        );
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn full_server_is_distinguished_from_an_unreachable_one() {
    let server = Server::start(&["--script", "", "--stay", "--max-clients", "1"]);
    let _spectator = server.join();
    let finished = client(&["watch"], &server.address().to_string());
    assert_eq!(finished.code(), Some(1));
    let message = finished.err.last().unwrap();
    assert!(
        message.contains("maximum of clients") && message.contains("--max-clients"),
        "{message}"
    );
}
