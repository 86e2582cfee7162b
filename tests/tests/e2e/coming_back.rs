//! A client that loses its connection just before the game ends.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

use rustix::process::Signal;
use serde_json::Value;
use tribune_tests::{Process, Server, assert_contiguous};

/// A network that carries two connections. The first is cut when the test says so. Of the second,
/// what the client says is held up until the server has said `bye`.
struct SlowReturn {
    address: SocketAddr,
    cut: Sender<()>,
    is_back: Receiver<()>,
}

impl SlowReturn {
    fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (cut, cuts) = channel();
        let (back, is_back) = channel();
        thread::spawn(move || {
            let (client, _) = listener.accept().unwrap();
            carry_until(&client, server, &cuts);
            let (client, _) = listener.accept().unwrap();
            carry_slowly(client, server, &back);
        });
        Self { address, cut, is_back }
    }
}

/// Carries all lines of the server, until it is cut: then not one more, nor any event before.
fn carry_until(client: &TcpStream, server: SocketAddr, cuts: &Receiver<()>) {
    let server = BufReader::new(TcpStream::connect(server).unwrap());
    let mut to = client;
    for line in server.lines().map_while(Result::ok) {
        writeln!(to, "{line}").unwrap();
        if cuts.try_recv().is_ok() {
            break;
        }
    }
    client.shutdown(std::net::Shutdown::Both).unwrap();
}

fn carry_slowly(mut client: TcpStream, server: SocketAddr, back: &Sender<()>) {
    let mut server = BufReader::new(TcpStream::connect(server).unwrap());
    let mut line = String::new();
    let mut lines = 0;
    while server.read_line(&mut line).unwrap_or(0) > 0 {
        client.write_all(line.as_bytes()).unwrap();
        lines += 1;
        if lines == 2 {
            back.send(()).unwrap();
        }
        if line.contains(r#""type":"bye""#) {
            break;
        }
        line.clear();
    }
    let (mut up, mut to) = (client.try_clone().unwrap(), server.get_ref().try_clone().unwrap());
    thread::spawn(move || std::io::copy(&mut up, &mut to));
    // What comes in answer, to the end.
    let _ = std::io::copy(&mut server, &mut client);
}

#[test]
fn who_comes_back_while_the_game_ends_misses_nothing() {
    let server = Server::start(&["--script", "", "--stay", "--tick", "20ms"]);
    let network = SlowReturn::to(server.address());
    let address = network.address.to_string();
    let watcher = Process::start(&mut server.client(&["watch", "--json", "--server", &address]));
    for _ in 0..5 {
        watcher.next_out().unwrap();
    }
    network.cut.send(()).unwrap();
    network.is_back.recv().unwrap();
    server.signal(Signal::TERM);
    let watched = watcher.finish();
    assert_eq!(watched.code(), Some(0), "{:?}", watched.err);
    let events: Vec<Value> =
        watched.out.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_contiguous(events[0]["seq"].as_u64().unwrap() - 1, &events);
    assert_eq!(events.last().unwrap()["type"], "bye");
    let said = watched.err.join("\n");
    assert!(said.contains("nothing was missed") && !said.contains("were missed"), "{said}");
}
