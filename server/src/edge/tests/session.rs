use proptest::prelude::*;
use tokio::runtime::Builder;
use tribune_protocol::{ClosingCode, ControlMessage, ErrorCode, ServerLine};

use super::{super::session::Session, Client, Edge, NARROW, client::closing_code, is_event, pipe};

/// Runs `test` in a time that goes on by itself when nothing else can.
fn run<T>(test: impl Future<Output = T>) -> T {
    let mut builder = Builder::new_current_thread();
    builder.enable_all().start_paused(true).build().unwrap().block_on(test)
}

async fn joined(edge: &Edge) -> Client {
    let mut client = edge.connect().await;
    client.join().await;
    client
}

/// What a reply is: the code of an error, or the id of a pong.
fn reply(line: &ServerLine) -> String {
    match line {
        ServerLine::Control(ControlMessage::Error { code, .. }) => code.to_string(),
        ServerLine::Control(ControlMessage::Pong { id }) => format!("{id:?}"),
        other => panic!("{other:?}"),
    }
}

fn is_pong(line: &ServerLine) -> bool {
    matches!(line, ServerLine::Control(ControlMessage::Pong { .. }))
}

#[test]
fn a_silent_client_costs_no_more_than_a_small_future() {
    fn future_size<A, F>(_: impl FnOnce(A) -> F) -> usize {
        size_of::<F>()
    }
    type TcpSession = Session<tokio::net::tcp::OwnedReadHalf>;
    assert!(size_of::<TcpSession>() <= 80, "{}", size_of::<TcpSession>());
    let future = future_size(TcpSession::run);
    assert!(future <= 216, "{future}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn lines_are_handled_whole_wherever_they_are_split(
        lines in prop::collection::vec(0_usize..6, 1..30),
        chunk in 1_usize..40,
    ) {
        let forms = ["N ann", "S bob\r", "", "E", "{\"type\":\"move\",\"direction\":\"W\",\"name\":\"eve\"}", "what"];
        let mut last = None;
        let (mut moves, mut errors) = (Vec::new(), Vec::new());
        for &line in &lines {
            match (line, last) {
                (0, _) => { last = Some("ann"); moves.push("N ann".to_owned()); }
                (1, _) => { last = Some("bob"); moves.push("S bob".to_owned()); }
                (3, Some(name)) => moves.push(format!("E {name}")),
                (3, None) => errors.push("no_name_yet".to_owned()),
                (4, _) => { last = Some("eve"); moves.push("W eve".to_owned()); }
                (5, _) => errors.push("bad_line".to_owned()),
                _ => {}
            }
        }
        let mut text: String = lines.iter().map(|&line| forms[line].to_owned() + "\n").collect();
        text += "{\"type\":\"ping\",\"id\":7}\n";
        run(async {
            let mut edge = Edge::new(10, 1);
            let mut client = joined(&edge).await;
            let mut replies = client.exchange(text.as_bytes(), chunk, is_pong).await;
            prop_assert!(replies.pop().is_some_and(|line| is_pong(&line)));
            let replies: Vec<String> = replies.iter().map(reply).collect();
            prop_assert_eq!(replies, errors);
            prop_assert_eq!(edge.next_moves(pipe(1), moves.len()).await, moves);
            Ok(())
        })?;
    }
}

#[test]
fn refuses_an_endless_line_and_handles_the_next() {
    run(async {
        let mut edge = Edge::new(10, 1);
        let mut client = joined(&edge).await;
        let text = "x".repeat(5000) + "\nN ann\n{\"type\":\"ping\",\"id\":7}\n";
        let replies = client.exchange(text.as_bytes(), NARROW, is_pong).await;
        let replies: Vec<String> = replies.iter().map(reply).collect();
        assert_eq!(replies[0], ErrorCode::LineTooLong.to_string());
        assert_eq!(replies.len(), 2);
        assert_eq!(edge.next_moves(pipe(1), 1).await, ["N ann"]);
    });
}

#[test]
fn closes_a_connection_with_too_many_errors() {
    run(async {
        let mut edge = Edge::new(10, 1);
        let mut client = joined(&edge).await;
        let text = "N ann\n".to_owned() + &"what\n".repeat(1100);
        let lines = client.exchange(text.as_bytes(), 1000, |_| false).await;
        assert_eq!(lines.last().and_then(closing_code), Some(ClosingCode::TooManyErrors));
        assert!(lines[..lines.len() - 1].iter().all(|line| reply(line) == "bad_line"));
        assert_eq!(edge.next_moves(pipe(1), 1).await, ["N ann"]);
        assert_eq!(edge.next_disconnect(pipe(1)).await, "too many errors");
    });
}

#[test]
fn a_half_closed_client_gets_the_events_and_its_players_leave() {
    run(async {
        let mut edge = Edge::new(10, 1);
        let mut client = joined(&edge).await;
        // The last line has no end, so it may be the beginning of another.
        client.exchange(b"N ann\n{\"type\":\"ping\",\"id\":7}\nS an", 3, is_pong).await;
        client.half_close().await;
        assert_eq!(edge.next_moves(pipe(1), 1).await, ["N ann"]);
        assert_eq!(edge.next_disconnect(pipe(1)).await, "connection closed");
        edge.publish(1).await;
        assert!(client.next_line().await.is_some_and(|line| is_event(&line)));
    });
}

#[test]
fn a_client_that_has_sent_nothing_leaves_without_a_word() {
    run(async {
        let mut edge = Edge::new(10, 1);
        drop(joined(&edge).await);
        let mut other = joined(&edge).await;
        other.exchange(b"N ann\n{\"type\":\"ping\",\"id\":7}\n", 100, is_pong).await;
        // The first input is of the second client.
        assert_eq!(edge.next_moves(pipe(2), 1).await, ["N ann"]);
    });
}

#[test]
fn a_resume_is_answered_before_the_events() {
    run(async {
        let edge = Edge::new(10, 1);
        edge.publish(1).await;
        let mut client = joined(&edge).await;
        edge.publish(2).await;
        let text = b"{\"type\":\"resume\",\"game\":\"g\",\"after\":0}\n";
        let lines = client
            .exchange(text, 5, |line| {
                matches!(line, ServerLine::Control(ControlMessage::Resumed { .. }))
            })
            .await;
        assert!(lines.len() <= 3, "{lines:?}");
        for seq in 1..=2 {
            match client.next_line().await {
                Some(ServerLine::Event(event)) => assert_eq!(event.seq.0, seq),
                other => panic!("{other:?}"),
            }
        }
    });
}

#[test]
fn a_client_that_reads_no_replies_is_not_read_from() {
    run(async {
        let mut edge = Edge::new(10, 1);
        let mut client = joined(&edge).await;
        let ping = b"{\"type\":\"ping\",\"id\":7}\n".repeat(50);
        let mut flood = ping.clone();
        flood.extend_from_slice(b"N ann\n");
        // Nothing is read, so the server stops reading, and the pipe is full.
        let send = client.send(&flood);
        let stuck = tokio::time::timeout(std::time::Duration::from_secs(5), send).await;
        assert!(stuck.is_err(), "all was read");
        assert!(edge.inputs.try_recv().is_err());
    });
}
