//! Tests with real processes.

mod launcher;

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::{runtime::Builder, time::timeout};

/// Longer than anything that is tested takes on a slow machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// Runs `test` while no other test runs that forks: [`Processes`](super::processes::Processes)
/// reaps all children of this process that were not forked through it.
pub(super) fn run_exclusively(test: impl Future<Output = ()>) {
    static FORKING: Mutex<()> = Mutex::new(());
    let _lock = FORKING.lock().unwrap_or_else(PoisonError::into_inner);
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { timeout(DEADLINE, test).await.expect("the test takes too long") });
}
