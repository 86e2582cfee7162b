use std::time::Duration;

use tokio::time::sleep;
use tribune_protocol::ClosingCode;

use super::{Edge, client::closing_code, is_event};

#[tokio::test(start_paused = true)]
async fn refuses_clients_beyond_the_limit_and_numbers_only_those_that_join() {
    for shards in [1, 4] {
        let edge = Edge::new(2, shards);
        let (mut first, mut second) = (edge.connect().await, edge.connect().await);
        assert_eq!(first.join().await, "pipe#1");
        assert_eq!(second.join().await, "pipe#2");
        let refused = edge.connect().await.rest().await;
        assert_eq!(refused.len(), 1);
        assert_eq!(closing_code(&refused[0]), Some(ClosingCode::ServerFull));
        drop(first);
        edge.publish(1).await;
        assert!(second.next_line().await.is_some_and(|line| is_event(&line)));
        let mut third = edge.connect().await;
        assert_eq!(third.join().await, "pipe#3");
    }
}

#[tokio::test(start_paused = true)]
async fn a_half_closed_client_is_evicted_for_a_new_one() {
    for shards in [1, 4] {
        let edge = Edge::new(1, shards);
        let mut first = edge.connect().await;
        assert_eq!(first.join().await, "pipe#1");
        first.half_close().await;
        let mut second = edge.connect().await;
        let (rest, second) = tokio::join!(first.rest(), second.join());
        assert_eq!(second, "pipe#2");
        assert_eq!(rest.last().and_then(closing_code), Some(ClosingCode::ServerFull));
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_comes_when_another_closes_is_not_refused() {
    let edge = Edge::new(1, 1);
    let mut first = edge.connect().await;
    first.join().await;
    // The limit is reached, and the permit is free a moment later.
    let (mut second, ()) = tokio::join!(edge.connect(), async {
        drop(first);
        edge.publish(1).await;
    });
    assert_eq!(second.join().await, "pipe#2");
}

#[tokio::test(start_paused = true)]
async fn a_new_client_takes_the_permit_of_one_half_closed_client_that_is_blocked() {
    for shards in [1, 4] {
        let edge = Edge::new(4, shards);
        let mut clients = Vec::new();
        for _ in 0..4 {
            let mut client = edge.connect().await;
            client.join().await;
            client.half_close().await;
            clients.push(client);
        }
        // More than a pipe holds. None of them reads it, so the reason for a closing is stuck, too.
        edge.publish(1).await;
        sleep(Duration::from_millis(1)).await;
        let mut new = edge.connect().await;
        assert_eq!(new.join().await, "pipe#5");
        // Longer than a closing takes.
        sleep(Duration::from_secs(3)).await;
        let mut evicted = 0;
        for client in &mut clients {
            evicted += usize::from(client.is_closed_before_the_next_line().await);
        }
        assert_eq!(evicted, 1);
    }
}
