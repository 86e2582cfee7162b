//! What members of a herd saw, in numbers of a fixed size however long it takes. Pure: no socket, no
//! clock of its own.

mod comparison;
mod delays;
mod latencies;
mod ledger;
mod tally;
mod ticks;

pub use self::{
    comparison::{Comparison, Kind, LinePrint, Settled, Summary},
    delays::Delays,
    latencies::{Latencies, Percentiles},
    ledger::{Counts, Finding, Ledger, Offence},
    tally::{Offender, Tally},
    ticks::TickQuality,
};
