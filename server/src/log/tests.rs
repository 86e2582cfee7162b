use proptest::prelude::*;

use super::*;

/// The line of `event`: its number, and a filler so that it has `length` bytes or a few more.
fn line(event: u64, length: usize) -> Vec<u8> {
    format!("{event}:{:.<length$}\n", "").into_bytes()
}

fn batch(first: u64, lengths: &[usize]) -> Batch {
    let mut batch = Batch::default();
    for (event, &length) in (first..).zip(lengths) {
        batch.push_line(&line(event, length));
    }
    batch
}

/// All that `view` can read from `from` on.
fn read_all(view: &View, from: Seq) -> Vec<u8> {
    let (mut bytes, mut next) = (Vec::new(), from);
    loop {
        let lines = view.lines_from(next);
        if lines.is_empty() {
            return bytes;
        }
        bytes.extend_from_slice(lines);
        next = view.after(next, lines.len()).1;
    }
}

#[test]
fn an_empty_log_has_no_event_and_awaits_the_first() {
    let view = View::new(Arc::new(Log::new(SMALLEST_LOG)));
    assert_eq!((view.head(), view.oldest()), (Seq(0), Seq(1)));
    assert!(view.lines_from(Seq(1)).is_empty());
}

#[test]
fn a_view_sees_what_was_there_when_it_was_refreshed() {
    let log = Arc::new(Log::new(SMALLEST_LOG));
    let mut view = View::new(log.clone());
    log.append(&batch(1, &[10, 10]));
    assert_eq!(view.head(), Seq(0));
    view.refresh();
    assert_eq!(view.head(), Seq(2));
    assert_eq!(read_all(&view, Seq(2)), line(2, 10));
}

#[test]
fn a_line_larger_than_the_log_is_held_until_the_next() {
    let log = Arc::new(Log::new(SMALLEST_LOG));
    log.append(&batch(1, &[10, 3 * SMALLEST_LOG]));
    let view = View::new(log.clone());
    assert_eq!((view.oldest(), view.head()), (Seq(2), Seq(2)));
    assert_eq!(read_all(&view, Seq(2)), line(2, 3 * SMALLEST_LOG));
    log.append(&batch(3, &[10]));
    assert_eq!(View::new(log).oldest(), Seq(3));
}

#[test]
fn an_old_view_keeps_what_it_had_while_the_log_moves_on() {
    let log = Arc::new(Log::new(SMALLEST_LOG));
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
    let log = Arc::new(Log::new(SMALLEST_LOG));
    log.append(&batch(1, &[5, 5, 5]));
    let view = View::new(log);
    let length = line(1, 5).len();
    assert_eq!(view.after(Seq(1), 0), (&b""[..], Seq(1)));
    assert_eq!(view.after(Seq(1), 1), (&line(1, 5)[1..], Seq(2)));
    assert_eq!(view.after(Seq(1), length), (&b""[..], Seq(2)));
    assert_eq!(view.after(Seq(2), length + 3), (&line(3, 5)[3..], Seq(4)));
    assert_eq!(view.after(Seq(1), 3 * length), (&b""[..], Seq(4)));
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
        bytes in SMALLEST_LOG..4 * SMALLEST_LOG,
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let log = Arc::new(Log::new(bytes));
        let mut views = [View::new(log.clone()), View::new(log.clone())];
        let mut model: Vec<Vec<u8>> = Vec::new();
        for step in steps {
            match step {
                Step::Append(lengths) => {
                    let first = model.len() as u64 + 1;
                    log.append(&batch(first, &lengths));
                    model.extend((first..).zip(lengths).map(|(event, length)| line(event, length)));
                }
                Step::Refresh(which) => {
                    let view = &mut views[which];
                    view.refresh();
                    prop_assert_eq!(view.head(), Seq(model.len() as u64));
                    let oldest = usize::try_from(view.oldest().0).unwrap() - 1;
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
    fn a_view_reads_on_from_wherever_a_write_stopped(
        lengths in prop::collection::vec(0usize..300, 1..60),
        writes in prop::collection::vec(1usize..700, 1..20),
    ) {
        let log = Arc::new(Log::new(64 << 10));
        log.append(&batch(1, &lengths));
        let view = View::new(log);
        let (mut written, mut next) = (Vec::new(), Seq(1));
        for most in writes.into_iter().cycle() {
            let lines = view.lines_from(next);
            if lines.is_empty() { break; }
            let length = most.min(lines.len());
            written.extend_from_slice(&lines[..length]);
            let (rest, after) = view.after(next, length);
            prop_assert!(rest.is_empty() || after > next);
            written.extend_from_slice(rest);
            next = after;
        }
        let want: Vec<u8> = (1..).zip(&lengths).flat_map(|(event, &length)| line(event, length)).collect();
        prop_assert_eq!(written, want);
        prop_assert_eq!(next, view.head().next());
    }
}
