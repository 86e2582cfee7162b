//! Termination of many programs at once.

use rustix::process::Signal;
use tribune_tests::{Server, assert_contiguous, program, seq, unprivileged};

const PROGRAMS: usize = 200;

#[test]
fn many_stubborn_programs_are_killed_with_few_scans_while_the_clock_goes_on() {
    // With control groups there would be nothing to scan for.
    let mut command = unprivileged(&program("server"));
    command.env("RUST_LOG", "tribune_server::programs=debug");
    let script = vec!["0:1"; PROGRAMS].join(",");
    let agent = "sh -c 'trap \"\" TERM; echo ready; exec sleep 1000'";
    let args = ["--script", &script, "--agent", agent, "--tick", "50ms", "--grace", "500ms"];
    let server = Server::start_as(&mut command, &args);
    let mut ready = 0;
    while ready < PROGRAMS {
        ready += usize::from(server.next_out().unwrap().contains("ready"));
    }
    let mut spectator = server.join();
    let begin = seq(&spectator.state).unwrap();
    server.signal(Signal::TERM);
    let events = spectator.rest();
    assert_contiguous(begin, &events);
    let killed = events.iter().filter(|event| event["type"] == "exited" && event["signal"] == 9);
    assert_eq!(killed.count(), PROGRAMS);
    let clocks: Vec<u64> = events.iter().filter_map(|event| event["clock"].as_u64()).collect();
    assert!(clocks.windows(2).all(|pair| pair[1] == pair[0] + 1), "{clocks:?}");
    assert!(clocks.len() > 5, "{clocks:?}");
    let finished = server.finish();
    assert_eq!(finished.code(), Some(0));
    let scans = finished.err.iter().filter(|line| line.contains("scanned")).count();
    assert!((1..PROGRAMS / 2).contains(&scans), "{scans} scans for {PROGRAMS} programs");
}
