use proptest::prelude::*;

use super::*;

/// The line of `event`: its number, and a filler so that it has `length` bytes or a few more.
fn line(event: u64, length: usize) -> Vec<u8> {
    format!("{event}:{:.<length$}\n", "").into_bytes()
}

fn lines(first: u64, lengths: &[usize]) -> Vec<u8> {
    (first..).zip(lengths).flat_map(|(event, &length)| line(event, length)).collect()
}

fn batch(first: u64, lengths: &[usize]) -> Batch {
    let mut batch = Batch::default();
    for (event, &length) in (first..).zip(lengths) {
        batch.push_line(&line(event, length)).unwrap();
    }
    batch
}

/// All that `view` can read from `from` on.
fn read_all(view: &View, from: Seq) -> Vec<u8> {
    let (mut bytes, mut cursor) = (Vec::new(), Cursor::new(from));
    loop {
        let lines = cursor.due(view, usize::MAX);
        if lines.is_empty() {
            return bytes;
        }
        bytes.extend_from_slice(lines);
        assert!(cursor.advance(view, lines.len()).is_empty(), "a segment ends with a whole line");
    }
}

/// Where a log may begin.
fn first_event() -> impl Strategy<Value = u64> {
    prop_oneof![Just(1), 2_u64..3000, Just(u64::from(u32::MAX)), Just(1 << 62)]
}

#[test]
fn an_empty_log_has_no_event_and_expects_the_first() {
    for first in [1, 2, 1000, 1 << 62] {
        let log = Arc::new(Log::starting_at(Seq(first), MIN_LOG_BYTES).unwrap());
        assert_eq!(log.head(), Seq(first - 1));
        let view = View::new(log);
        assert_eq!((view.head(), view.oldest()), (Seq(first - 1), Seq(first)));
        assert!(view.lines_from(Seq(first)).is_empty());
    }
    assert_eq!(Log::new(MIN_LOG_BYTES).head(), Seq(0));
    assert_eq!(
        Log::starting_at(Seq(0), MIN_LOG_BYTES).unwrap().head(),
        Seq(0),
        "there is no event 0"
    );
}

#[test]
fn a_view_sees_what_was_there_when_it_was_refreshed() {
    let log = Arc::new(Log::new(MIN_LOG_BYTES));
    let mut view = View::new(log.clone());
    log.append(&batch(1, &[10, 10]));
    assert_eq!(view.head(), Seq(0));
    view.refresh();
    assert_eq!(view.head(), Seq(2));
    assert_eq!(read_all(&view, Seq(2)), line(2, 10));
}

#[test]
fn a_line_larger_than_the_log_is_held_until_the_next() {
    let log = Arc::new(Log::new(MIN_LOG_BYTES));
    log.append(&batch(1, &[10, 3 * MIN_LOG_BYTES]));
    let view = View::new(log.clone());
    assert_eq!((view.oldest(), view.head()), (Seq(2), Seq(2)));
    assert_eq!(read_all(&view, Seq(2)), line(2, 3 * MIN_LOG_BYTES));
    log.append(&batch(3, &[10]));
    assert_eq!(View::new(log).oldest(), Seq(3));
}

#[test]
fn a_view_that_is_not_refreshed_keeps_its_events() {
    let log = Arc::new(Log::new(MIN_LOG_BYTES));
    log.append(&batch(1, &[100; 20]));
    let mut view = View::new(log.clone());
    let had = read_all(&view, Seq(1));
    log.append(&batch(21, &[100; 500]));
    assert_eq!(read_all(&view, Seq(1)), had);
    view.refresh();
    assert!(view.oldest() > Seq(21));
}

#[test]
fn a_write_that_stops_within_a_line_leaves_its_rest() {
    let log = Arc::new(Log::new(MIN_LOG_BYTES));
    log.append(&batch(1, &[5, 5, 5]));
    let view = View::new(log);
    let length = line(1, 5).len();
    assert_eq!(view.after(Seq(1), 0), (&b""[..], Seq(1)));
    assert_eq!(view.after(Seq(1), 1), (&line(1, 5)[1..], Seq(2)));
    assert_eq!(view.after(Seq(1), length), (&b""[..], Seq(2)));
    assert_eq!(view.after(Seq(2), length + 3), (&line(3, 5)[3..], Seq(4)));
    assert_eq!(view.after(Seq(1), 3 * length), (&b""[..], Seq(4)));
}

#[test]
fn rejects_bytes_that_are_not_one_line() {
    let mut batch = Batch::default();
    for bytes in [&b""[..], b"a", b"a\nb", b"a\nb\n", b"\n\n"] {
        assert_eq!(batch.push_line(bytes), Err(LineError::NotOneLine), "{bytes:?}");
    }
    let mut longest = vec![b'x'; tribune_protocol::MAX_SERVER_LINE];
    longest.push(b'\n');
    batch.push_line(&longest).unwrap();
    longest.insert(0, b'x');
    assert_eq!(batch.push_line(&longest), Err(LineError::TooLong));
    assert_eq!(batch.lines().count(), 1);
    assert_eq!(batch.lines().next(), Some(&longest[1..]), "the line as it is");
}

/// What can be done to a log with two views.
#[derive(Clone, Debug)]
enum Step {
    Append(Vec<usize>),
    Refresh(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        prop::collection::vec(prop_oneof![9 => 0usize..300, 1 => 0usize..6000], 0..20)
            .prop_map(Step::Append),
        (0usize..2).prop_map(Step::Refresh),
    ]
}

proptest! {
    /// The model is the list of all lines ever appended.
    #[test]
    fn a_view_reads_the_newest_events_whole_and_in_order(
        first in first_event(),
        bytes in MIN_LOG_BYTES..4 * MIN_LOG_BYTES,
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let log = Arc::new(Log::starting_at(Seq(first), bytes).unwrap());
        let mut views = [View::new(log.clone()), View::new(log.clone())];
        let mut model: Vec<Vec<u8>> = Vec::new();
        for step in steps {
            match step {
                Step::Append(lengths) => {
                    let next = first + model.len() as u64;
                    log.append(&batch(next, &lengths));
                    model.extend((next..).zip(lengths).map(|(event, length)| line(event, length)));
                }
                Step::Refresh(which) => {
                    let view = &mut views[which];
                    view.refresh();
                    prop_assert_eq!(view.head().0, first - 1 + model.len() as u64);
                    let oldest = usize::try_from(view.oldest().since(Seq(first))).unwrap();
                    let held = model[oldest..].concat();
                    prop_assert_eq!(&read_all(view, view.oldest()), &held);
                    for from in view.oldest().0..=view.head().next().0 {
                        prop_assert_eq!(view.bytes_from(Seq(from)), read_all(view, Seq(from)).len());
                    }
                    // No more than it may, but for the newest line, and no less than it could:
                    // dropped is one segment at a time, and an eighth of it is one segment.
                    prop_assert!(held.len() <= bytes || oldest + 1 == model.len());
                    let with_one_more = held.len() + oldest.checked_sub(1).map_or(0, |last| model[last].len());
                    let largest = model.iter().map(Vec::len).max().unwrap_or(0);
                    prop_assert!(oldest == 0 || with_one_more + bytes / 8 + largest > bytes);
                }
            }
        }
    }

    #[test]
    fn a_cursor_reads_on_from_wherever_a_write_stopped(
        first in first_event(),
        lengths in prop::collection::vec(0usize..300, 1..60),
        writes in prop::collection::vec(1usize..700, 1..20),
    ) {
        let log = Arc::new(Log::starting_at(Seq(first), 64 << 10).unwrap());
        log.append(&batch(first, &lengths));
        let view = View::new(log);
        let (mut written, mut cursor) = (Vec::new(), Cursor::new(Seq(first)));
        for limit in writes.into_iter().cycle() {
            let due = cursor.due(&view, limit);
            prop_assert!(due.len() <= limit);
            if due.is_empty() { break; }
            written.extend_from_slice(due);
            let before = cursor;
            let rest = cursor.advance(&view, due.len());
            prop_assert!(rest.is_empty() || cursor.next() > before.next());
            written.extend_from_slice(rest);
        }
        prop_assert_eq!(written, lines(first, &lengths));
        prop_assert_eq!(cursor.next(), view.head().next());
    }

    /// Every event is either read, in order, or counted as missed.
    #[test]
    fn a_cursor_that_takes_lines_accounts_for_every_event(
        first in first_event(),
        behind in 0_u64..100,
        rounds in prop::collection::vec((prop::collection::vec(0usize..900, 0..30), 0usize..5000), 1..40),
    ) {
        let log = Arc::new(Log::starting_at(Seq(first), MIN_LOG_BYTES).unwrap());
        let mut view = View::new(log.clone());
        // It may also stand before the beginning of the log.
        let begin = Seq(first.saturating_sub(behind));
        let (mut cursor, mut accounted, mut next) = (Cursor::new(begin), 0, first);
        for (lengths, limit) in rounds {
            log.append(&batch(next, &lengths));
            next += lengths.len() as u64;
            view.refresh();
            accounted += cursor.skip_missed(&view);
            prop_assert_eq!(cursor.missed(&view), 0);
            let expected = cursor.next();
            let taken = cursor.take_lines(&view, limit);
            prop_assert_eq!(taken.is_empty(), expected > view.head());
            let count = taken.split_inclusive(|&byte| byte == b'\n').count() as u64;
            for (event, line) in (expected.0..).zip(taken.split_inclusive(|&byte| byte == b'\n')) {
                let number = format!("{event}:");
                prop_assert!(line.starts_with(number.as_bytes()) && line.ends_with(b"\n"));
            }
            // No more than the limit without the last line.
            let last = taken.split_inclusive(|&byte| byte == b'\n').next_back().map_or(0, <[u8]>::len);
            prop_assert!(taken.len() - last < limit.max(1));
            prop_assert_eq!(cursor.next().0, expected.0 + count);
            accounted += count;
        }
        prop_assert_eq!(accounted, cursor.next().since(begin));
    }
}

#[test]
fn rejects_first_events_near_the_end_of_the_numbers() {
    for first in [MAX_FIRST.next(), Seq(u64::MAX)] {
        let error = Log::starting_at(first, MIN_LOG_BYTES).unwrap_err();
        assert_eq!(error, FirstEventError(first));
    }
    let log = Log::starting_at(MAX_FIRST, MIN_LOG_BYTES).unwrap();
    let mut batch = Batch::default();
    batch.push_line(b"{}\n").unwrap();
    log.append(&batch);
    assert_eq!(log.head(), MAX_FIRST);
}
