//! What a client says that has not found a server of its kind.

use std::{
    fmt::Write as _,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use tribune_tests::{EchoServer, Finished, Process, Server, program};

/// The address of a server that does `talk` with all who come.
fn serve(talk: impl Fn(TcpStream) + Send + Sync + Copy + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || talk(stream));
        }
    });
    address
}

fn client(args: &[&str], address: &str) -> Finished {
    let mut command = Command::new(program("client"));
    Process::start(command.args(args).args(["--server", address])).finish()
}

/// Sends `bytes`, and waits until the client goes.
fn send(mut stream: TcpStream, bytes: &[u8]) {
    // A client that has gone has heard enough.
    let _ = stream.write_all(bytes).and_then(|()| std::io::copy(&mut stream, &mut std::io::sink()));
}

const WELCOME: &str = r#"{"type":"welcome","protocol":2,"game":"g","planet":"mars"}"#;

#[test]
fn a_server_of_another_version_is_refused_and_its_version_named() {
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
fn a_server_that_says_nothing_is_not_waited_for_for_long() {
    let silent = serve(|stream| send(stream, b""));
    let asks = serve(|stream| send(stream, b"login: "));
    for (address, part) in [(silent, "no welcome within 5s"), (asks, "only \"login: \"")] {
        let finished = client(&["watch"], &address);
        let message = finished.err.last().unwrap();
        assert_eq!(finished.code(), Some(1), "{message}");
        for part in [part, "may not be a Tribune server", "--server HOST:PORT"] {
            assert!(message.contains(part), "{message}");
        }
    }
}

#[test]
fn what_a_stranger_says_is_quoted() {
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
fn a_server_that_speaks_only_when_it_is_spoken_to_is_told_from_a_silent_one() {
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
fn a_server_that_is_full_is_told_from_none() {
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

/// The memory of the process `id` in bytes, without what it shares with others.
fn memory(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}

#[test]
fn lines_that_nobody_reads_are_left_to_the_server() {
    let (sender, sent) = std::sync::mpsc::channel();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(3))).unwrap();
        stream.write_all(GREETING.as_bytes()).unwrap();
        let text = "x".repeat(1 << 20);
        // Until the client takes no more.
        let taken = (1..=ENOUGH).take_while(|seq| {
            let line = format!(
                "{{\"type\":\"output\",\"seq\":{seq},\"ms\":0,\"worker\":1,\"stream\":\"stdout\",\"line\":\"{text}\"}}\n"
            );
            stream.write_all(line.as_bytes()).is_ok()
        });
        sender.send(taken.count()).unwrap();
    });
    let mut command = Command::new(program("client"));
    let command = command.args(["watch", "--server", &address]).stderr(Stdio::null());
    let mut watcher = command.stdout(Stdio::piped()).spawn().unwrap();
    let taken = sent.recv().unwrap();
    watcher.kill().unwrap();
    watcher.wait().unwrap();
    assert!(taken < ENOUGH / 2, "it has taken {taken} MB");
}

/// How many MB are more than a client may keep, with what the system does.
const ENOUGH: usize = 128;

const GREETING: &str = "{\"type\":\"welcome\",\"protocol\":1,\"game\":\"g\",\"server\":\"0\",\"you\":\"tcp#1\",\"seq\":0,\"oldest\":1,\"tick_ms\":1000}\n\
     {\"type\":\"state\",\"seq\":0,\"ms\":0,\"clock\":0,\"board\":{\"width\":1,\"height\":1},\"players\":[],\"workers\":[]}\n";

/// To remember the labels of so many would take 120 MB.
const EVENTS: u64 = 40_000;

#[test]
fn events_without_end_do_not_fill_the_memory_of_whoever_watches() {
    let address = serve(|mut stream| {
        let mut lines = String::from(GREETING);
        let label = "x".repeat(3000);
        for seq in 1..=EVENTS {
            writeln!(
                lines,
                "{{\"type\":\"started\",\"seq\":{seq},\"ms\":0,\"worker\":{seq},\"label\":\"{label}\",\"command\":[]}}"
            )
            .unwrap();
            if lines.len() > 1 << 16 {
                if stream.write_all(lines.as_bytes()).is_err() {
                    return;
                }
                lines.clear();
            }
        }
        send(stream, lines.as_bytes());
    });
    let mut command = Command::new(program("client"));
    let watcher = Process::start(command.args(["watch", "--server", &address]));
    let mut most = 0;
    for count in 0..EVENTS {
        watcher.next_out().unwrap();
        if count % 1000 == 0 {
            most = most.max(memory(watcher.id()));
        }
    }
    most = most.max(memory(watcher.id()));
    assert!((1..40 << 20).contains(&most), "it takes {} MB", most >> 20);
}
