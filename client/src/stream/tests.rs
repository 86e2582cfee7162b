use tokio::{io::AsyncWriteExt, net::TcpListener};

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
