use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
};

use super::*;

const WELCOME: &str = r#"{"type":"welcome","protocol":1,"game":"g","server":"0","you":"tcp#1","seq":3,"oldest":1,"tick_ms":1000}"#;
const STATE: &str = r#"{"type":"state","seq":3,"ms":0,"clock":0,"board":{"width":1,"height":1},"players":[],"workers":[]}"#;
const LEFT: &str =
    r#"{"type":"left","seq":4,"ms":0,"player":9,"name":"ann","from":"tcp#1","reason":"x"}"#;
const RESUMED: &str = r#"{"type":"resumed","after":3}"#;
const SIX: &str = r#"{"type":"clock","seq":6,"ms":0,"clock":0}"#;
const FIVE: &str = r#"{"type":"clock","seq":5,"ms":0,"clock":0}"#;
const BYE: &str = r#"{"type":"bye","seq":6,"ms":0,"reason":"over"}"#;

/// The updates about a server that sends `first` on the first connection, and `later` on all others.
async fn updates(first: &[&str], later: &[&str]) -> mpsc::Receiver<Update> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (mut lines, later) = (first.join("\n") + "\n", later.join("\n") + "\n");
    tokio::spawn(async move {
        // They stay open: it is the client that closes them.
        let mut connections = Vec::new();
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            connection.write_all(lines.as_bytes()).await.unwrap();
            connections.push(connection);
            lines.clone_from(&later);
        }
    });
    let (sender, updates) = mpsc::channel(LINES);
    tokio::spawn(Stream::new(address, true, sender, Outbox::closed()).run());
    updates
}

#[tokio::test]
async fn follows_a_stream_that_contradicts_itself_on_one_connection() {
    let mut updates = updates(&[WELCOME, STATE, LEFT, FIVE, BYE], &[]).await;
    let mut seen = Vec::new();
    while let Some(update) = updates.recv().await {
        seen.push(match update {
            Update::Line { raw, .. } => String::from_utf8(raw.to_vec()).unwrap(),
            Update::Contradiction { seq, .. } => format!("contradiction {seq}"),
            other => panic!("{other:?}"),
        });
    }
    assert_eq!(seen, [WELCOME, STATE, "contradiction 4", LEFT, FIVE, BYE]);
}

#[tokio::test]
async fn pauses_grow_as_long_as_no_event_follows_the_state() {
    let mut updates = updates(&[WELCOME, STATE, SIX], &[WELCOME, RESUMED, SIX]).await;
    let mut pauses = Vec::new();
    while pauses.len() < 3 {
        if let Update::Lost { pause, .. } = updates.recv().await.expect("it tries for ever") {
            pauses.push(pause);
        }
    }
    // The first is at most 250 ms, and the bound doubles.
    assert!(pauses[2] >= Duration::from_millis(500), "{pauses:?}");
}

/// Runs a server that sends the state, replies to this many pings, and then ends the game with the next
/// one if it `ends`. Returns the last update, and the time until it arrived.
async fn silent_game(pings: usize, ends: bool) -> (Update, Duration) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let (connection, _) = listener.accept().await.unwrap();
        let (input, mut output) = connection.into_split();
        output.write_all(format!("{WELCOME}\n{STATE}\n").as_bytes()).await.unwrap();
        let mut lines = BufReader::new(input).lines();
        for _ in 0..pings {
            assert_eq!(lines.next_line().await.unwrap().unwrap(), r#"{"type":"ping","id":0}"#);
            output.write_all(b"{\"type\":\"pong\",\"id\":0}\n").await.unwrap();
        }
        lines.next_line().await.unwrap();
        if ends {
            output.write_all(format!("{}\n", BYE.replace('6', "4")).as_bytes()).await.unwrap();
        }
        lines.next_line().await.unwrap();
    });
    let (sender, mut updates) = mpsc::channel(LINES);
    let start = Instant::now();
    tokio::spawn(Stream::new(address, true, sender, Outbox::closed()).run());
    for _ in [WELCOME, STATE] {
        assert!(matches!(updates.recv().await, Some(Update::Line { .. })));
    }
    (updates.recv().await.unwrap(), start.elapsed())
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_that_replies_is_not_taken_for_dead() {
    let (update, took) = silent_game(4, true).await;
    assert!(matches!(&update, Update::Line { line: ServerLine::Event(_), .. }), "{update:?}");
    assert!(took >= 4 * IDLE_TIMEOUT / 2, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_reply_is_lost() {
    let (update, took) = silent_game(0, false).await;
    let Update::Lost { reason, .. } = update else { panic!("{update:?}") };
    assert!(reason.contains("silent for too long"), "{reason}");
    assert!((IDLE_TIMEOUT..2 * IDLE_TIMEOUT).contains(&took), "{took:?}");
}
