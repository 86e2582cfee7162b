use std::fmt::Write;

use super::document::Document;

/// How it went over time, as a table: a row each second, with everything so far.
pub fn csv(document: &Document) -> String {
    let mut table = String::from(
        "t_ms,active,started,done,failed,received,lost,duplicated,out_of_order,malformed,told,p50_us,p99_us\n",
    );
    let optional = |value: Option<u64>| value.map_or_else(String::new, |value| value.to_string());
    for row in &document.timeline {
        let _ = writeln!(
            table,
            "{},{},{},{},{},{},{},{},{},{},{},{},{}",
            row.t_ms,
            row.active,
            row.started,
            row.done,
            row.failed,
            row.counts.received,
            row.counts.lost,
            row.counts.duplicated,
            row.counts.out_of_order,
            row.counts.malformed,
            row.counts.told,
            optional(row.p50_us),
            optional(row.p99_us)
        );
    }
    table
}
