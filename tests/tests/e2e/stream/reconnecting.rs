//! `client watch` over connections that break.

use std::{
    io::{BufRead, BufReader, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

use rustix::process::Signal;
use serde_json::Value;
use tribune_tests::{Process, Proxy, assert_contiguous};

use super::start_server;
use crate::misbehave;

#[test]
fn lost_connections_are_resumed_and_no_event_is_lost_or_printed_twice() {
    let server =
        start_server(&["--script", "0:1", "--agent", &misbehave("move-per-tick"), "--tick", "2ms"]);
    // The first connection breaks after the state, in the middle of any line. Some of the others
    // break before the client has caught up.
    let cuts = [5_000, 20_001, 777, 50_002, 400, 30_003];
    let proxy = Proxy::to(server.address(), &cuts);
    let mut command = server.client(&["watch", "--json", "--server", &proxy.address().to_string()]);
    let watcher = Process::start(&mut command);
    let mut lines: Vec<Value> = Vec::new();
    let next = |lines: &mut Vec<Value>| {
        lines.push(serde_json::from_str(&watcher.next_out().unwrap()).unwrap());
    };
    while proxy.connections() <= cuts.len() {
        next(&mut lines);
    }
    let seen = lines.len();
    while lines.len() < seen + 100 {
        next(&mut lines);
    }
    server.signal(Signal::TERM);
    let watched = watcher.finish();
    assert_eq!(watched.code(), Some(0), "{:?}", watched.err);
    lines.extend(watched.out.iter().map(|line| serde_json::from_str::<Value>(line).unwrap()));
    assert_eq!(
        lines.iter().filter(|line| line["type"] == "welcome" || line["type"] == "state").count(),
        2
    );
    assert_contiguous(lines[1]["seq"].as_u64().unwrap(), &lines[2..]);
    assert_eq!(lines.last().unwrap()["type"], "bye");
    assert!(watched.err.iter().any(|line| line.contains("trying again")));
}

/// A proxy for two connections. It breaks the first when the test says so. On the second it holds
/// back what the client sends until the server has sent `bye`.
struct DelayingProxy {
    address: SocketAddr,
    cut: Sender<()>,
    reconnected: Receiver<()>,
}

impl DelayingProxy {
    fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (cut, cuts) = channel();
        let (joined, reconnected) = channel();
        thread::spawn(move || {
            let (client, _) = listener.accept().unwrap();
            forward_until_cut(&client, server, &cuts);
            let (client, _) = listener.accept().unwrap();
            forward_with_delayed_requests(client, server, &joined);
        });
        Self { address, cut, reconnected }
    }
}

/// Forwards the server's lines until it receives from `cuts`. Nothing after that reaches the client.
fn forward_until_cut(client: &TcpStream, server: SocketAddr, cuts: &Receiver<()>) {
    let server = BufReader::new(TcpStream::connect(server).unwrap());
    let mut to = client;
    for line in server.lines().map_while(Result::ok) {
        writeln!(to, "{line}").unwrap();
        if cuts.try_recv().is_ok() {
            break;
        }
    }
    client.shutdown(Shutdown::Both).unwrap();
}

/// Forwards the server's lines, and reports the two of the greeting to `joined`. After `bye` it
/// forwards both ways.
fn forward_with_delayed_requests(mut client: TcpStream, server: SocketAddr, joined: &Sender<()>) {
    let mut server = BufReader::new(TcpStream::connect(server).unwrap());
    let mut line = String::new();
    let mut lines = 0;
    while server.read_line(&mut line).unwrap_or(0) > 0 {
        client.write_all(line.as_bytes()).unwrap();
        lines += 1;
        if lines == 2 {
            joined.send(()).unwrap();
        }
        if line.contains(r#""type":"bye""#) {
            break;
        }
        line.clear();
    }
    let (mut from, mut to) = (client.try_clone().unwrap(), server.get_ref().try_clone().unwrap());
    thread::spawn(move || std::io::copy(&mut from, &mut to));
    // The responses, to the end of the stream.
    let _ = std::io::copy(&mut server, &mut client);
}

#[test]
fn client_that_reconnects_while_the_game_ends_misses_no_event() {
    let server = start_server(&["--script", "", "--stay", "--tick", "20ms"]);
    let proxy = DelayingProxy::to(server.address());
    let address = proxy.address.to_string();
    let watcher = Process::start(&mut server.client(&["watch", "--json", "--server", &address]));
    for _ in 0..5 {
        watcher.next_out().unwrap();
    }
    proxy.cut.send(()).unwrap();
    proxy.reconnected.recv().unwrap();
    server.signal(Signal::TERM);
    let watched = watcher.finish();
    assert_eq!(watched.code(), Some(0), "{:?}", watched.err);
    let events: Vec<Value> =
        watched.out.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_contiguous(events[0]["seq"].as_u64().unwrap() - 1, &events);
    assert_eq!(events.last().unwrap()["type"], "bye");
    let messages = watched.err.join("\n");
    assert!(
        messages.contains("nothing was missed") && !messages.contains("were missed"),
        "{messages}"
    );
}
