//! Text that could steer a terminal or mislead a reader is sent and shown with escapes.

use std::{
    fs,
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::Command,
    thread,
};

use rustix::process::Signal;
use serde_json::Value;
use tempfile::tempdir;
use tribune_tests::{DEADLINE, Process, Server, program};

use crate::misbehave;

/// Whether `char` is a control character, a format character or invisible. These are the most
/// dangerous of those that the programs escape, whose list comes from Unicode.
fn is_bad(char: char) -> bool {
    matches!(char,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{61c}'
        | '\u{115f}'..='\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn bad_text() -> String {
    ('\0'..='\u{e007f}').filter(|&char| is_bad(char) && char != '\n').collect()
}

#[track_caller]
fn assert_printable<'a>(source: &str, lines: impl IntoIterator<Item = &'a String>) {
    for line in lines {
        assert!(!line.chars().any(is_bad), "{source}: {}", line.escape_debug());
    }
}

#[test]
fn output_of_programs_is_sent_and_shown_with_escapes() {
    let mut server =
        Server::start(&["--script", "", "--stay", "--agent", &misbehave("unprintable")]);
    let mut raw = TcpStream::connect(server.address()).unwrap();
    raw.set_read_timeout(Some(DEADLINE)).unwrap();
    raw.read_exact(&mut [0]).unwrap();
    let json = Process::start(&mut server.client(&["watch", "--json"]));
    json.next_out().unwrap();
    let text = Process::start(&mut server.client(&["watch"]));
    text.wait_for_err(|line| line.starts_with("connected"));

    server.type_in("1\n");
    server.join().wait_for(|line| line["type"] == "exited");
    server.signal(Signal::INT);

    let mut lines = String::new();
    raw.read_to_string(&mut lines).unwrap();
    let lines: Vec<String> = lines.lines().map(str::to_owned).collect();
    assert_printable("the stream", &lines);
    let json = json.finish();
    assert_printable("watch --json", json.out.iter().chain(&json.err));
    let text = text.finish();
    assert_printable("watch", text.out.iter().chain(&text.err));
    let server = server.finish();
    assert_printable("the server", server.out.iter().chain(&server.err));

    // Every character is escaped, and none is lost.
    for lines in [&lines[1..], &json.out[2..]] {
        let events = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let printed: Vec<Value> = events.filter(|event| event["type"] == "output").collect();
        let text: String =
            printed.iter().map(|event| event["line"].as_str().unwrap().to_owned()).collect();
        for char in bad_text().chars().filter(|&char| char != '\r') {
            assert!(text.contains(char), "{char:?} is missing");
        }
        assert!(text.contains("N \u{3164}"), "an invalid name was accepted");
    }
    assert!(text.out.iter().any(|line| line.contains("\\u{1b}[2J")), "{:?}", text.out);
}

/// A server that sends `bytes` to each client, and then waits for it to close.
fn server_that_sends(bytes: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let bytes = bytes.clone();
            thread::spawn(move || {
                // A client may close before it has read all.
                let _ = stream.write_all(&bytes);
                let _ = io::copy(&mut stream, &mut io::sink());
            });
        }
    });
    address
}

/// `text` as a JSON string with only the escapes that JSON requires.
fn raw(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

fn welcome() -> String {
    let game = raw(&bad_text());
    format!(
        r#"{{"type":"welcome","protocol":1,"game":{game},"server":{game},"you":"tcp#1","seq":0,"oldest":1,"tick_ms":1000}}"#
    )
}

/// A whole game with such text in every field that can have it.
fn bad_game() -> Vec<u8> {
    let bad = raw(&format!("\u{1b}[2J{}", bad_text()));
    let lines = [
        welcome(),
        format!(
            r#"{{"type":"state","seq":0,"ms":0,"clock":0,"board":{{"width":1,"height":1}},"players":[],"workers":[{{"id":1,"label":{bad}}}]}}"#
        ),
        format!(r#"{{"type":"error","code":"bad_line","message":{bad}}}"#),
        format!(
            r#"{{"type":"started","seq":1,"ms":0,"worker":2,"label":{bad},"command":[{bad}]}}"#
        ),
        format!(r#"{{"type":"output","seq":2,"ms":0,"worker":1,"stream":"stdout","line":{bad}}}"#),
        format!(
            r#"{{"type":"exited","seq":3,"ms":0,"worker":1,"label":{bad},"code":1,"reason":{bad},"running":0}}"#
        ),
        r#"{"type":"pong","id":1}"#.to_owned(),
        format!("{{\"type\":\"bye\",\t\r\"seq\":4,\"ms\":0,\"reason\":{bad},{bad}:1}}"),
    ];
    (lines.join("\n") + "\n").into_bytes()
}

/// The streams of faulty servers.
fn faulty_streams() -> Vec<Vec<u8>> {
    let bad = raw(&bad_text());
    let closing = format!(r#"{{"type":"closing","code":"shutting_down","message":{bad}}}"#);
    vec![
        bad_game(),
        format!("{}\n{closing}\n", welcome()).into_bytes(),
        format!("{closing}\n").into_bytes(),
        format!("\u{1b}[2J{}\n", bad_text()).into_bytes(),
        format!("{{\"type\":\"welcome\",\"you\":{bad}}}\n").into_bytes(),
        b"{\"type\":\"welcome\",\"x\":\"\x9b2J\x1b[2J\"}\n".to_vec(),
    ]
}

#[test]
fn client_shows_nothing_raw_from_faulty_servers() {
    for (number, stream) in faulty_streams().into_iter().enumerate() {
        let address = server_that_sends(stream).to_string();
        let commands: [&[&str]; 6] = [
            &["watch"],
            &["watch", "--json"],
            &["play", "--name", "ann"],
            &["play", "--name", "ann", "--json"],
            &["ping"],
            &["herd", "--mode", "watch", "--jobs", "2", "--verbose", "--timeout", "1s"],
        ];
        for command in commands {
            let client = Process::start(
                Command::new(program("client")).args(command).args(["--server", &address]),
            );
            let client = client.finish();
            let source = format!("stream {number} to {command:?}");
            assert!(!client.out.is_empty() || !client.err.is_empty(), "{source}");
            assert_printable(&source, client.out.iter().chain(&client.err));
        }
    }
}

#[test]
fn client_shows_text_of_faulty_servers_with_escapes() {
    let address = server_that_sends(bad_game()).to_string();
    let client = |command: &[&str]| {
        let command = [command, &["--server", &address]].concat();
        Process::start(Command::new(program("client")).args(command)).finish()
    };
    let watched = client(&["watch"]);
    assert_eq!(watched.code(), Some(0), "{:?}", watched.err);
    assert!(
        watched.out.iter().any(|line| line.contains("output `\\u{1b}[2J")),
        "{:?}",
        watched.out
    );
    assert!(watched.err.iter().any(|line| line.contains("\\u{9b}")), "{:?}", watched.err);
    let pong = client(&["ping"]);
    assert!(pong.out[0].contains("\\u{9b}"), "{:?}", pong.out);
    let json = client(&["watch", "--json"]);
    let last: Value = serde_json::from_str(json.out.last().unwrap()).unwrap();
    assert_eq!(last["reason"], format!("\u{1b}[2J{}", bad_text()), "the JSON has another text");
}

#[test]
fn reports_of_a_herd_are_printable() {
    let folder = tempdir().unwrap();
    for (number, stream) in faulty_streams().into_iter().enumerate() {
        let address = server_that_sends(stream).to_string();
        let files = ["html", "json", "csv"]
            .map(|kind| folder.path().join(format!("{number}.{kind}")).display().to_string());
        let mut command = Command::new(program("client"));
        command.args(["herd", "--mode", "watch", "--jobs", "2", "--timeout", "1s", "--json"]);
        command.args(["--server", &address]);
        command.args(files.iter().flat_map(|file| ["--output", file]));
        let herd = Process::start(&mut command).finish();
        assert_printable("the report", herd.out.iter().chain(&herd.err));
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            let lines: Vec<String> = text.lines().map(str::to_owned).collect();
            assert_printable(&file, &lines);
        }
    }
}
