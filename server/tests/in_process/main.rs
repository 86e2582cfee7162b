//! Whole servers in the process of the test: on a port that the system chooses, without a keyboard,
//! a console, a banner or signals.

#![allow(clippy::unwrap_used, reason = "what is missing fails the test")]

mod client;
mod test_server;

use std::time::Duration;

use tokio::{net::TcpStream, time::timeout};
use tribune_protocol::{ClosingCode, EventKind, ServerLine};
use tribune_server::{Outcome, shutdown};

use self::{
    client::Client,
    test_server::{DEADLINE, TestServer},
};

/// The numbers of shards that each test runs with.
const SHARDS: [&str; 2] = ["1", "4"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_reaches_all_clients_with_the_same_events() {
    for shards in SHARDS {
        let server = TestServer::start(&["--shards", shards]);
        let mut clients = Vec::new();
        for number in 1..=6 {
            let client = Client::join(server.address).await;
            assert_eq!(client.welcome.you.to_string(), format!("tcp#{number}"));
            clients.push(client);
        }
        clients[0].send("E ann\n").await;
        let mut streams = Vec::new();
        for client in &mut clients {
            streams.push(client.moves(1).await);
        }
        assert_eq!(streams[0][0].0, "tcp#1 E ann");
        assert!(streams.iter().all(|stream| *stream == streams[0]), "{streams:?}");
        let late = Client::join(server.address).await;
        let players = &late.state.players;
        assert_eq!((players.len(), players[0].moves), (1, 1));
        assert_eq!(server.drain("done").await, Outcome::Finished);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn players_leave_with_their_connection() {
    for shards in SHARDS {
        let server = TestServer::start(&["--shards", shards]);
        let mut spectator = Client::join(server.address).await;
        let mut player = Client::join(server.address).await;
        player.send("N ann\nbob\nS bob\n").await;
        assert_eq!(player.wait_for_error().await, "bad_line");
        drop(player);
        let left = spectator.events_until(|kind| matches!(kind, EventKind::Left { .. })).await;
        assert!(
            matches!(left.last(), Some(EventKind::Left { name, .. }) if name.as_str() == "ann")
        );
        let left = spectator.events_until(|kind| matches!(kind, EventKind::Left { .. })).await;
        assert!(
            matches!(left.last(), Some(EventKind::Left { name, .. }) if name.as_str() == "bob")
        );
        server.drain("done").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drains_with_bye_for_everyone() {
    for shards in SHARDS {
        let server = TestServer::start(&["--shards", shards]);
        let mut clients = Vec::new();
        for _ in 0..6 {
            clients.push(Client::join(server.address).await);
        }
        let address = server.address;
        let drained = tokio::spawn(server.drain("maintenance"));
        for client in &mut clients {
            let last = client.rest().await.pop();
            let Some(ServerLine::Event(event)) = last else { panic!("{last:?}") };
            assert_eq!(event.kind, EventKind::Bye { reason: "maintenance".to_owned() });
        }
        drop(clients);
        assert_eq!(drained.await.unwrap(), Outcome::Finished);
        assert!(tokio::net::TcpStream::connect(address).await.is_err(), "it still listens");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_abort_does_not_wait_for_a_client_that_does_not_read() {
    for shards in SHARDS {
        let server = TestServer::start(&["--shards", shards, "--move-rate", "0"]);
        let mut reading = Client::join(server.address).await;
        let mut stuck = Client::join_with_small_buffer(server.address).await;
        // More than its buffers hold.
        stuck.send(&"N ann\n".repeat(20_000)).await;
        reading.moves(20_000).await;
        server.handle.drain("first");
        reading.events_until(|kind| matches!(kind, EventKind::Bye { .. })).await;
        server.handle.abort();
        assert_eq!(server.outcome().await, Outcome::Aborted);
        drop(stuck);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_abort_closes_connections_without_a_notice() {
    for shards in SHARDS {
        let server = TestServer::start(&["--shards", shards]);
        let mut clients = Vec::new();
        for _ in 0..8 {
            clients.push(Client::join(server.address).await);
        }
        server.handle.abort();
        assert_eq!(server.outcome().await, Outcome::Aborted);
        for mut client in clients {
            assert_eq!(client.closing_code().await, None);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_future_is_dropped_accepts_no_clients() {
    for shards in SHARDS {
        let server = TestServer::start(&["--shards", shards]);
        let mut client = Client::join(server.address).await;
        let address = server.cancel().await;
        assert_eq!(client.closing_code().await, None);
        let refused = async { while TcpStream::connect(address).await.is_ok() {} };
        timeout(DEADLINE, refused).await.expect("the listener is closed");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refuses_a_client_beyond_the_limit() {
    for shards in SHARDS {
        let server = TestServer::start(&["--shards", shards, "--max-clients", "2"]);
        let (first, _second) =
            (Client::join(server.address).await, Client::join(server.address).await);
        assert_eq!(Client::refused(server.address).await, ClosingCode::ServerFull);
        drop(first);
        Client::join_eventually(server.address).await;
        server.drain("done").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_half_closed_client_gives_way_to_a_new_one() {
    for shards in SHARDS {
        let server = TestServer::start(&["--shards", shards, "--max-clients", "1"]);
        let mut first = Client::join(server.address).await;
        first.half_close().await;
        Client::join_eventually(server.address).await;
        assert_eq!(first.closing_code().await, Some(ClosingCode::ServerFull));
        server.drain("done").await;
    }
}

#[tokio::test]
async fn the_end_of_a_game_ends_the_server() {
    let server = TestServer::start_with(&["--script", ""]);
    assert_eq!(server.outcome().await, Outcome::Finished);
}

#[tokio::test]
async fn runs_until_it_is_asked_to_stop_even_if_no_one_can_ask() {
    let mut server = TestServer::start(&[]);
    // The only handle.
    server.handle = shutdown().0;
    let mut client = Client::join(server.address).await;
    client.send("N ann\n").await;
    client.moves(1).await;
    let ended = timeout(Duration::from_millis(50), server.outcome()).await;
    assert!(ended.is_err(), "{ended:?}");
}

#[tokio::test]
async fn a_server_without_programs_rejects_a_script() {
    let server = TestServer::start_with(&["--script", "0:1"]);
    let error = server.error().await;
    assert!(error.contains("script"), "{error}");
}
