//! A subscriber against a client that checks every line, over a transport that takes as few bytes at
//! a time as it likes: directly, and in frames that have to be polled.

use std::sync::Arc;

use proptest::prelude::*;
use tokio::runtime::Builder;
use tribune_protocol::{ClosingCode, ControlMessage, Seq, ServerLine};

use super::{
    large_state,
    polled_stream::unchunk,
    pong,
    stream_check::{check, parse},
    subscriber_scene::{Kind, Scene},
};
use crate::{
    feed::{outbound_queue::QueueItem, snapshot::Snapshot, subscriber::FlushOutcome},
    log::Log,
};

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![Just(Kind::Direct), Just(Kind::Framed)]
}

#[derive(Clone, Debug)]
enum Step {
    Append(u64),
    Room(usize),
    Flush,
    Reply,
    /// Resume after so many events of the log, or before its beginning.
    Resume(i64),
    ResumeAfter(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0u64..40).prop_map(Step::Append),
        1 => (100u64..300).prop_map(Step::Append),
        4 => (0usize..3000).prop_map(Step::Room),
        6 => Just(Step::Flush),
        1 => Just(Step::Reply),
        1 => prop_oneof![
            9 => (-20_i64..400).prop_map(Step::Resume),
            1 => prop_oneof![Just(0), Just(u64::MAX)].prop_map(Step::ResumeAfter),
        ],
    ]
}

/// Where a log may begin.
fn first_event() -> impl Strategy<Value = u64> {
    prop_oneof![Just(1), 2_u64..3000, Just(1 << 62)]
}

proptest! {
    #[test]
    fn whole_lines_arrive_in_order_whatever_the_transport_takes(
        kind in kind(),
        first in first_event(),
        before in 0u64..200,
        steps in prop::collection::vec(step(), 0..80),
    ) {
        let mut scene = Scene::new(kind, first, before);
        let mut replies = 0;
        for step in steps {
            match step {
                Step::Append(count) => scene.append(count),
                Step::Room(room) => scene.set_room(room),
                Step::Flush => {
                    if scene.subscriber.blocked_since().is_none() {
                        scene.flush();
                    }
                }
                Step::Reply => {
                    replies += 1;
                    scene.subscriber.enqueue(QueueItem::lines(pong(replies).into()));
                }
                Step::Resume(offset) => {
                    let after = Seq((first - 1).saturating_add_signed(offset));
                    scene.subscriber.enqueue(QueueItem::Resume(after));
                }
                Step::ResumeAfter(after) => {
                    scene.subscriber.enqueue(QueueItem::Resume(Seq(after)));
                }
            }
        }
        scene.catch_up();
        let checked = check(&scene.received());
        prop_assert_eq!(checked.last, scene.log.head());
        prop_assert_eq!(checked.replies, replies);
    }

    #[test]
    fn a_client_that_never_resumes_learns_exactly_how_much_it_missed(
        kind in kind(),
        first in first_event(),
        rooms in prop::collection::vec((0u64..200, 0usize..2000), 1..40),
    ) {
        let mut scene = Scene::new(kind, first, 0);
        for (count, room) in rooms {
            scene.append(count);
            scene.set_room(room);
            scene.flush();
        }
        scene.catch_up();
        prop_assert_eq!(check(&scene.received()).accounted, scene.log.head().0);
    }

    #[test]
    fn the_closing_notice_follows_a_whole_line(
        kind in kind(),
        before in 1u64..50,
        room in 0usize..3000,
    ) {
        let mut scene = Scene::new(kind, 1, before);
        scene.set_room(room);
        scene.flush();
        let Scene { subscriber, narrow, kind, .. } = scene;
        if let Some(closing) = subscriber.abort(ClosingCode::SlowClient, "you have read nothing") {
            narrow.set_room(usize::MAX / 2);
            Builder::new_current_thread().enable_time().build().unwrap().block_on(closing);
        }
        let taken = narrow.taken();
        let received = match kind {
            Kind::Direct => taken,
            Kind::Framed => {
                let (received, is_complete) = unchunk(&taken);
                prop_assert!(is_complete, "the last chunk says that nothing follows");
                received
            }
        };
        let last = parse(&received).last();
        let Some(ServerLine::Control(ControlMessage::Closing { code, .. })) = last else {
            panic!("{last:?}")
        };
        prop_assert_eq!(code, ClosingCode::SlowClient);
    }
}

#[test]
fn resuming_before_the_beginning_of_the_log_gives_the_state() {
    for kind in [Kind::Direct, Kind::Framed] {
        let mut scene = Scene::new(kind, 1000, 10);
        scene.catch_up();
        let begin = scene.received().len();
        scene.subscriber.enqueue(QueueItem::Resume(Seq(17)));
        scene.catch_up();
        let received = scene.received();
        let mut lines = parse(&received[begin..]);
        let Some(ServerLine::Control(ControlMessage::Resync { missed, seq })) = lines.next() else {
            panic!("no resync")
        };
        assert_eq!((missed, seq), (1009 - 17, Seq(1009)));
        let next = lines.next();
        assert!(matches!(next, Some(ServerLine::Control(ControlMessage::State(_)))), "{next:?}");
        // The event before the first is held by no log, and known to every state.
        let begin = received.len();
        scene.subscriber.enqueue(QueueItem::Resume(Seq(999)));
        scene.catch_up();
        let received = scene.received();
        let next = parse(&received[begin..]).next();
        let Some(ServerLine::Control(ControlMessage::Resumed { after })) = next else {
            panic!("{next:?}")
        };
        assert_eq!(after, Seq(999));
    }
}

#[test]
fn welcome_names_the_oldest_event_of_a_log_that_begins_later() {
    let mut scene = Scene::new(Kind::Direct, 1000, 0);
    scene.catch_up();
    let received = scene.received();
    let Some(ServerLine::Control(ControlMessage::Welcome(welcome))) = parse(&received).next()
    else {
        panic!("no welcome")
    };
    assert_eq!((welcome.seq, welcome.oldest), (Seq(999), Seq(1000)));
}

#[test]
fn a_blocked_subscriber_holds_no_more_than_the_rest_of_a_line() {
    let mut scene = Scene::new(Kind::Direct, 1, 0);
    scene.catch_up();
    scene.append(10);
    scene.set_room(5);
    assert_eq!(scene.flush(), FlushOutcome::Blocked);
    let held = scene.subscriber.held_bytes();
    for _ in 0..100 {
        scene.append(100);
        scene.view.refresh();
    }
    assert_eq!(scene.subscriber.held_bytes(), held);
    assert!((1..200).contains(&held), "{held} bytes");
}

#[test]
fn a_blocked_subscriber_gets_a_limited_number_of_offered_lines() {
    for kind in [Kind::Direct, Kind::Framed] {
        let mut scene = Scene::new(kind, 1, 0);
        scene.set_room(0);
        assert_eq!(scene.flush(), FlushOutcome::Blocked);
        for number in 0..10_000 {
            scene.subscriber.offer(pong(number).into());
        }
        scene.catch_up();
        assert!((60..=64).contains(&check(&scene.received()).replies));
        scene.subscriber.offer(pong(1).into());
        scene.catch_up();
        let received = scene.received();
        let last = parse(&received).last();
        assert!(matches!(last, Some(ServerLine::Control(ControlMessage::Pong { .. }))), "{last:?}");
    }
}

#[test]
fn a_large_snapshot_serves_later_joiners_for_a_while() {
    let mut scene = Scene::new(Kind::Direct, 1, 0);
    scene.snapshot = Snapshot::new(large_state(Seq(0), 8000)).into();
    // Some 50 bytes each: less than a quarter of the state, and then more.
    scene.append(20);
    scene.rejoin();
    scene.set_room(usize::MAX / 2);
    assert_eq!(scene.flush(), FlushOutcome::CaughtUp);
    assert_eq!(check(&scene.received()).last, Seq(20));
    scene.append(40);
    scene.rejoin();
    assert_eq!(scene.flush(), FlushOutcome::NeedsSnapshot);
}

#[test]
fn a_large_snapshot_is_shared_while_it_is_written() {
    let mut scene = Scene::new(Kind::Direct, 1, 0);
    scene.snapshot = Snapshot::new(large_state(Seq(0), 8000)).into();
    scene.set_room(3000);
    assert_eq!(scene.flush(), FlushOutcome::Blocked);
    let held = scene.subscriber.held_snapshot().expect("it is in the middle of one");
    assert!(std::ptr::eq(held, Arc::as_ptr(&scene.snapshot)), "it is not copied");
    scene.catch_up();
    assert!(scene.subscriber.held_snapshot().is_none());
    check(&scene.received());
}

#[test]
fn a_subscriber_that_takes_the_past_gets_it_in_several_flushes() {
    let mut scene = Scene::with_log(Kind::Direct, Log::new(4 << 20), 0);
    scene.catch_up();
    // Some 50 bytes each.
    scene.append(20_000);
    let mut flushes = 1;
    while scene.flush() == FlushOutcome::HasMore {
        flushes += 1;
    }
    assert!((2..=4).contains(&flushes), "a megabyte took {flushes} flushes");
    assert_eq!(check(&scene.received()).last, Seq(20_000));
}

#[test]
fn a_frame_that_is_not_sent_blocks_a_subscriber_that_has_everything() {
    let mut scene = Scene::new(Kind::Framed, 1, 0);
    scene.catch_up();
    scene.append(1);
    scene.set_room(5);
    assert_eq!(scene.flush(), FlushOutcome::Blocked);
    let since = scene.subscriber.blocked_since();
    assert!(since.is_some());
    scene.set_room(0);
    assert_eq!(scene.subscriber.blocked_since(), since, "nothing went in meanwhile");
    scene.set_room(5);
    assert_eq!(scene.subscriber.blocked_since(), None, "something went in");
    assert_eq!(scene.flush(), FlushOutcome::Blocked);
    scene.catch_up();
    assert_eq!(check(&scene.received()).last, Seq(1));
}

#[test]
fn a_subscriber_is_not_finished_before_its_last_frame_is_sent() {
    let mut scene = Scene::new(Kind::Framed, 1, 0);
    scene.catch_up();
    scene.set_room(0);
    scene.subscriber.enqueue(QueueItem::lines(pong(1).into()));
    scene.subscriber.enqueue(QueueItem::Close);
    assert_eq!(scene.flush(), FlushOutcome::Blocked);
    scene.set_room(5);
    assert_eq!(scene.flush(), FlushOutcome::Blocked);
    scene.set_room(100);
    assert_eq!(scene.flush(), FlushOutcome::Finished);
    assert_eq!(check(&scene.received()).replies, 1);
}
