//! A subscription that its owner reads.

use futures_util::FutureExt;
use tokio::time::timeout;
use tribune_protocol::{ControlMessage, Seq, ServerLine};

use super::{DEADLINE, events, publish, state};
use crate::{
    feed::{Delivery, FeedWriter, Subscription},
    log::MIN_LOG_BYTES,
};

#[tokio::test]
async fn gets_what_is_published_and_then_the_end() {
    for before in [0, 999] {
        let mut writer = FeedWriter::new(state(Seq(before)), MIN_LOG_BYTES).unwrap();
        let mut subscription = writer.subscribe();
        assert!(subscription.next(usize::MAX).now_or_never().is_none(), "there is no event yet");
        let reads = tokio::spawn(async move {
            let mut bytes = Vec::new();
            while let Some(delivery) = subscription.next(usize::MAX).await {
                let Delivery::Lines(lines) = delivery else { panic!("{delivery:?}") };
                bytes.extend_from_slice(lines);
            }
            bytes
        });
        let last = publish(&mut writer, Seq(before), 3).await;
        tokio::task::yield_now().await;
        publish(&mut writer, last, 2).await;
        drop(writer);
        let bytes = timeout(DEADLINE, reads).await.expect("the feed ends").unwrap();
        assert_eq!(bytes, events(Seq(before), 5).lines().collect::<Vec<_>>().concat());
    }
}

#[tokio::test]
async fn counts_what_it_missed_and_goes_on_with_the_oldest() {
    let mut writer = FeedWriter::new(state(Seq(99)), MIN_LOG_BYTES).unwrap();
    let mut subscription = writer.subscribe();
    publish(&mut writer, Seq(99), 1000).await;
    drop(writer);
    let Some(Delivery::Missed(missed)) = subscription.next(usize::MAX).await else {
        panic!("a log of this size does not hold a thousand events")
    };
    let mut read = 0;
    while let Some(delivery) = subscription.next(100).await {
        let Delivery::Lines(lines) = delivery else { panic!("{delivery:?}") };
        assert!(lines.len() < 200, "a read is bounded");
        let first = format!("{{\"seq\":{},", 100 + missed + read);
        assert!(lines.starts_with(first.as_bytes()));
        read += lines.split_inclusive(|&byte| byte == b'\n').count() as u64;
    }
    assert_eq!(missed + read, 1000);
}

/// A feed, a subscription that is about to read that it missed events, and the last event.
async fn fallen_behind() -> (FeedWriter, Subscription, Seq) {
    let mut writer = FeedWriter::new(state(Seq(99)), MIN_LOG_BYTES).unwrap();
    let mut subscription = writer.subscribe();
    let last = publish(&mut writer, Seq(99), 1000).await;
    let missed = subscription.next(usize::MAX).await;
    assert!(matches!(missed, Some(Delivery::Missed(_))), "{missed:?}");
    (writer, subscription, last)
}

/// The event that the `state` line `line` is after.
fn state_seq(line: &[u8]) -> Seq {
    match ServerLine::parse(line) {
        Ok(ServerLine::Control(ControlMessage::State(state))) => state.seq,
        other => panic!("{other:?}"),
    }
}

async fn assert_next_is(subscription: &mut Subscription, seq: u64) {
    let Some(Delivery::Lines(lines)) = subscription.next(1).await else { panic!("no event") };
    assert!(lines.starts_with(format!("{{\"seq\":{seq},").as_bytes()));
}

#[tokio::test]
async fn continues_from_a_snapshot_after_it_missed_events() {
    let (mut writer, mut subscription, last) = fallen_behind().await;
    let source = async {
        timeout(DEADLINE, writer.snapshot_requested()).await.expect("a snapshot is requested");
        // The log does not hold what follows this one, so another is requested.
        writer.publish_snapshot(state(Seq(100)));
        timeout(DEADLINE, writer.snapshot_requested()).await.expect("a snapshot is requested");
        writer.publish_snapshot(state(last));
    };
    let (line, ()) = tokio::join!(subscription.resync(), source);
    assert_eq!(state_seq(&line.expect("the feed goes on")), last);
    assert!(writer.snapshot_requested().now_or_never().is_none(), "no more of them are needed");
    publish(&mut writer, last, 2).await;
    assert_next_is(&mut subscription, last.0 + 1).await;
    // The latest snapshot is older than what it has read.
    assert!(subscription.resync().now_or_never().is_none());
    assert_next_is(&mut subscription, last.0 + 2).await;
}

#[tokio::test]
async fn continues_from_the_last_snapshot_when_the_feed_has_ended() {
    let (writer, mut subscription, last) = fallen_behind().await;
    // A state before the last event, as that of a game is before `bye`.
    let before_last = Seq(last.0 - 1);
    let resync = tokio::spawn(async move { (subscription.resync().await, subscription) });
    tokio::task::yield_now().await;
    writer.close(state(before_last));
    let (line, mut subscription) = timeout(DEADLINE, resync).await.expect("it ends").unwrap();
    assert_eq!(state_seq(&line.expect("there is a last snapshot")), before_last);
    assert_next_is(&mut subscription, last.0).await;
    assert_eq!(subscription.next(1).await, None);
}

#[tokio::test]
async fn does_not_wait_for_a_snapshot_of_a_source_that_is_gone() {
    let (writer, mut subscription, _) = fallen_behind().await;
    let resync = tokio::spawn(async move { (subscription.resync().await, subscription) });
    tokio::task::yield_now().await;
    drop(writer);
    let (line, mut subscription) = timeout(DEADLINE, resync).await.expect("it ends").unwrap();
    assert_eq!(line, None);
    let next = subscription.next(1).await;
    assert!(matches!(next, Some(Delivery::Lines(_))), "nothing was skipped: {next:?}");
}
