//! A subscription that its owner reads.

use futures_util::FutureExt;
use tokio::time::timeout;
use tribune_protocol::Seq;

use super::{DEADLINE, events, publish, state};
use crate::{
    feed::{Delivery, FeedWriter},
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
