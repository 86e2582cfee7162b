use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks `mutex`, even if a client panicked while it held the lock: it has left at most its own
/// counts incomplete, and its failure is counted. The counts of all others stay valid.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
