//! The port for browsers of the real server.

use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;
use tribune_tests::{
    HttpConnection, Process, Server, Spectator, WebClient, assert_contiguous, eventually, program,
    seq,
};

const PAGE: [&str; 4] = ["--web", "127.0.0.1:0", "--script", ""];

fn start(args: &[&str]) -> Server {
    Server::start(&[&PAGE[..], &["--stay"], args].concat())
}

fn is_move(line: &Value) -> bool {
    line["type"] == "move"
}

#[test]
fn a_stream_over_http_has_the_events_of_tcp() {
    let server = start(&["--tick", "50ms"]);
    let mut web = WebClient::join(server.web_address(), "");
    assert_eq!(web.stream.welcome["you"], "web#1");
    let mut tcp = server.join();
    assert_eq!(tcp.welcome["you"], "tcp#2");
    assert_eq!(web.act("N ann\nE bob"), 204);
    let is_last = |line: &Value| is_move(line) && line["name"] == "bob";
    let (from_web, from_tcp) = (web.stream.until(is_last), tcp.until(is_last));
    assert_contiguous(web.stream.start(), &from_web);
    let start = tcp.start();
    let common: Vec<&Value> = from_web.iter().filter(|line| seq(line) > Some(start)).collect();
    assert_eq!(common, from_tcp.iter().collect::<Vec<_>>());
    assert!(from_web.iter().filter(|line| is_move(line)).all(|line| line["from"] == "web#1"));
}

#[test]
fn a_stream_resumes_after_an_event() {
    let server = start(&[]);
    let web = server.web_address();
    let mut first = WebClient::join(web, "");
    first.act("N ann\nN ann\nN ann\n");
    let moves =
        first.stream.until(|line| is_move(line) && line["moves"].is_null() && seq(line) >= Some(5));
    let last = seq(moves.last().unwrap()).unwrap();
    let game = first.stream.welcome["game"].as_str().unwrap().to_owned();
    for query in ["?after=0".to_owned(), format!("?game={game}&after=0")] {
        let mut second = WebClient::join(web, &query);
        second.stream.wait_for(|line| line["type"] == "resumed" && line["after"] == 0);
        let events = second.stream.until(|line| seq(line) == Some(last));
        assert_contiguous(0, &events);
        assert_eq!(events.len() as u64, last);
    }
    let mut other = WebClient::join(web, "?game=nowhere&after=0");
    assert_eq!(other.stream.wait_for(|line| line["type"] == "error")["code"], "unknown_game");
}

#[test]
fn players_leave_when_their_page_is_closed() {
    let server = start(&[]);
    let mut spectator = server.join();
    let [one, two] = [(); 2].map(|()| WebClient::join(server.web_address(), ""));
    for (client, origin) in [(&one, "web#2"), (&two, "web#3")] {
        assert_eq!(client.act("N ann"), 204);
        assert_eq!(spectator.wait_for(|line| line["type"] == "joined")["from"], origin);
    }
    one.stream.half_close();
    let left = spectator.wait_for(|line| line["type"] == "left");
    assert_eq!((&left["from"], &left["reason"]), (&"web#2".into(), &"connection closed".into()));
    eventually("its key is removed", || (one.act("N ann") == 404).then_some(()));
    assert_eq!(two.act("S"), 204);
    assert_eq!(
        spectator.wait_for(|line| is_move(line) && line["direction"] == "S")["from"],
        "web#3"
    );
}

#[test]
fn the_page_is_served_with_a_strict_policy() {
    let server = start(&[]);
    let mut connection = HttpConnection::open(server.web_address());
    let page = connection.exchange("GET", "/", &[], "");
    assert_eq!(page.status, 200);
    assert!(page.body.contains("Tribune"), "{}", page.body);
    assert!(page.header("content-security-policy").unwrap().starts_with("default-src 'none'"));
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    let known = format!("If-None-Match: {}", page.header("etag").unwrap());
    // On the same connection.
    assert_eq!(connection.exchange("GET", "/", &[&known], "").status, 304);
    assert_eq!(connection.exchange("GET", "/nothing", &[], "").status, 404);
    let wrong = connection.exchange("DELETE", "/", &[], "");
    assert_eq!((wrong.status, wrong.header("allow")), (405, Some("GET, HEAD")));
}

#[test]
fn a_stream_on_a_connection_that_was_used_is_redirected_to_a_new_one() {
    let server = start(&[]);
    let mut connection = HttpConnection::open(server.web_address());
    assert_eq!(connection.exchange("GET", "/healthz", &[], "").body, "ok\n");
    let response = connection.exchange("GET", "/stream?after=0", &[], "");
    assert_eq!((response.status, response.header("location")), (307, Some("/stream?after=0")));
    assert!(connection.is_closed());
}

#[test]
fn requests_of_foreign_pages_are_refused() {
    let server = start(&["--web-host", "game.example"]);
    let web = server.web_address();
    let status = |target: &str, host: &str, header: &str| {
        let mut connection = HttpConnection::open(web);
        connection.send(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n{header}\r\n"));
        connection.response().unwrap().status
    };
    for target in ["/", "/stream", "/state"] {
        assert_eq!(status(target, "evil.example", ""), 421);
        assert_eq!(status(target, "127.0.0.1", "Origin: http://evil.example\r\n"), 403);
        assert_eq!(status(target, "127.0.0.1", "Sec-Fetch-Site: cross-site\r\n"), 403);
    }
    assert_eq!(status("/", "game.example:80", "Origin: http://game.example:80\r\n"), 200);
    let post = HttpConnection::open(web).exchange("POST", "/act", &[], "N evil");
    assert_eq!(post.status, 400);
}

#[test]
fn http_on_the_port_of_the_game_is_refused_with_the_address_of_the_page() {
    let server = start(&[]);
    let mut spectator = server.join();
    let page = server.web_address().to_string();
    for parts in [
        &["POST / HTTP/1.1\r\nHost: x\r\n\r\nN evil\nN evil\n"][..],
        &["GET ", "/ HT", "TP/1.1\r", "\nHost: x\r\n\r\nN evil\n"],
        &[&format!("POST /{} HTTP/1.1\r\n\r\nN evil\n", "x".repeat(3000))],
        &["\u{16}\u{3}\u{1}\nN evil\n"],
    ] {
        let mut client = Spectator::join(server.address());
        for part in parts {
            client.send(part);
        }
        let closing = client.wait_for(|line| line["type"] == "closing");
        assert_eq!(closing["code"], "wrong_port");
        assert!(closing["message"].as_str().unwrap().contains(&page), "{closing}");
        assert!(client.rest().is_empty());
    }
    spectator.send("N ann\n");
    let lines = spectator.until(is_move);
    assert_eq!(lines.last().unwrap()["name"], "ann");
}

#[test]
fn the_default_port_may_be_taken() {
    let [one, two] = [(); 2].map(|()| {
        let mut command = Command::new(program("server"));
        let args = ["--listen", "127.0.0.1:0", "--script", "", "--stay"];
        let process = Process::start(command.args(args));
        let hint = process.wait_for_err(|line| line.contains("  page    http://127.0.0.1:"));
        (process, hint)
    });
    assert_ne!(one.1, two.1);
}

#[test]
fn a_given_port_that_is_taken_is_named() {
    let server = start(&[]);
    let address = server.web_address().to_string();
    let mut command = Command::new(program("server"));
    let finished =
        Process::start(command.args(["--listen", "127.0.0.1:0", "--web", &address])).finish();
    assert_eq!(finished.code(), Some(1));
    assert!(
        finished.err[0].contains(&address) && finished.err[0].contains("--web"),
        "{:?}",
        finished.err
    );
}

#[test]
fn streams_end_with_bye() {
    let server = start(&[]);
    let mut clients: Vec<WebClient> =
        (0..3).map(|_| WebClient::join(server.web_address(), "")).collect();
    let mut idle = HttpConnection::open(server.web_address());
    assert_eq!(idle.exchange("GET", "/readyz", &[], "").status, 200);
    server.signal(Signal::TERM);
    for client in &mut clients {
        assert_eq!(client.stream.rest().last().unwrap()["type"], "bye");
    }
    assert!(idle.is_closed());
    assert_eq!(server.finish().code(), Some(0));
}

#[test]
fn the_state_is_that_of_now() {
    let server = start(&[]);
    let mut web = WebClient::join(server.web_address(), "");
    let mut connection = HttpConnection::open(server.web_address());
    for count in 1..20 {
        web.act("N ann");
        let step = web.stream.wait_for(is_move);
        let state = connection.exchange("GET", "/state", &[], "");
        assert_eq!(state.header("content-type"), Some("application/json"));
        let state: Value = serde_json::from_str(&state.body).unwrap();
        assert!(seq(&state) >= seq(&step), "{state} after {step}");
        assert_eq!(state["players"][0]["moves"], count);
    }
}
