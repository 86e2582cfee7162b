use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// The number of half-closed subscribers in all shards: those whose peer sends nothing any more and
/// may still read. Clones share the number.
#[derive(Clone, Debug, Default)]
pub struct HalfClosedCount(Arc<AtomicUsize>);

/// Counts one subscriber as half-closed until it is dropped.
#[derive(Debug)]
pub struct HalfClosed(HalfClosedCount);

impl HalfClosedCount {
    /// Counts one more.
    pub fn add(&self) -> HalfClosed {
        // Nothing else depends on the number, so no order is needed.
        self.0.fetch_add(1, Ordering::Relaxed);
        HalfClosed(self.clone())
    }

    /// Whether there is none.
    pub fn is_zero(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }
}

impl Drop for HalfClosed {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}
