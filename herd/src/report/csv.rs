use std::fmt::Write;

use super::document::Document;

/// The progress of the run as a table: a row each second, with the totals so far.
pub fn csv(document: &Document) -> String {
    let mut table = String::from(
        "t_ms,active,started,completed,failed,received,lost,duplicated,out_of_order,malformed,skipped_notified,p50_us,p99_us\n",
    );
    let optional = |value: Option<u64>| value.map_or_else(String::new, |value| value.to_string());
    for row in &document.timeline {
        let _ = writeln!(
            table,
            "{},{},{},{},{},{},{},{},{},{},{},{},{}",
            row.t_ms,
            row.active,
            row.started,
            row.completed,
            row.failed,
            row.counts.received,
            row.counts.lost,
            row.counts.duplicated,
            row.counts.out_of_order,
            row.counts.malformed,
            row.counts.skipped_notified,
            optional(row.p50_us),
            optional(row.p99_us)
        );
    }
    table
}
