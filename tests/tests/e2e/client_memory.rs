//! The memory of `client watch`, which no server can fill.

use std::{
    fmt::Write as _,
    io::Write,
    net::TcpListener,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use tribune_tests::{Process, program};

use crate::other_servers::{send, serve};

/// More MB than a client and the system's buffers may hold.
const TOO_MUCH: usize = 128;

const GREETING: &str = "{\"type\":\"welcome\",\"protocol\":1,\"game\":\"g\",\"server\":\"0\",\"you\":\"tcp#1\",\"seq\":0,\"oldest\":1,\"tick_ms\":1000}\n\
     {\"type\":\"state\",\"seq\":0,\"ms\":0,\"clock\":0,\"board\":{\"width\":1,\"height\":1},\"players\":[],\"workers\":[]}\n";

/// The labels of all these programs take 120 MB.
const EVENTS: u64 = 40_000;

/// The private memory of the process `id` in bytes.
fn memory(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}

#[test]
fn watch_stops_reading_while_its_output_is_not_read() {
    let (sender, sent) = std::sync::mpsc::channel();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(3))).unwrap();
        stream.write_all(GREETING.as_bytes()).unwrap();
        let text = "x".repeat(1 << 20);
        // Until the client reads no more.
        let taken = (1..=TOO_MUCH).take_while(|seq| {
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
    assert!(taken < TOO_MUCH / 2, "it has read {taken} MB");
}

#[test]
fn endless_programs_do_not_fill_the_memory_of_watch() {
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
    let mut max = 0;
    for count in 0..EVENTS {
        watcher.next_out().unwrap();
        if count % 1000 == 0 {
            max = max.max(memory(watcher.id()));
        }
    }
    max = max.max(memory(watcher.id()));
    assert!((1..40 << 20).contains(&max), "it uses {} MB", max >> 20);
}
