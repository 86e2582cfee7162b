//! What clients observe, as numbers of a fixed size however long a run takes. Pure: no sockets, and no
//! clock of its own.

mod counts;
mod delays;
mod event_summary;
mod fingerprint;
mod latencies;
mod ledger;
mod lock;
mod recent_events;
mod state_check;
mod stream_comparison;
mod tally;
mod ticks;
mod violation;

pub use self::{
    counts::Counts,
    delays::Delays,
    event_summary::{EventSummary, SummaryKind},
    fingerprint::Fingerprint,
    latencies::{Latencies, Percentiles},
    ledger::{Finding, Ledger},
    stream_comparison::StreamComparison,
    tally::{ObservedViolation, SharedTally, Tally},
    ticks::TickQuality,
    violation::Violation,
};
