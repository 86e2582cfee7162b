//! What members of a herd saw, in numbers of a fixed size however long it takes. Pure: no socket, no
//! clock of its own.

mod comparison;
mod counts;
mod delays;
mod latencies;
mod ledger;
mod offence;
mod tally;
mod ticks;

pub use self::{
    comparison::{Comparison, Kind, LinePrint, Settled, Summary},
    counts::Counts,
    delays::Delays,
    latencies::{Latencies, Percentiles},
    ledger::{Finding, Ledger},
    offence::Offence,
    tally::{Offender, SharedTally, Tally},
    ticks::TickQuality,
};
