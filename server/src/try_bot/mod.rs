//! `server try`: runs one program in a game for a few seconds, and reports how it plays.
//!
//! A [`Trial`](trial::Trial) collects what is seen, with no input or output, and makes a
//! [`Report`](report::Report) of it. [`run_trial`] runs a whole server for it.

mod input_probe;
mod live_view;
mod paint;
mod printer;
mod report;
mod runner;
mod trial;

pub use self::runner::{TrialConfig, run_trial};
