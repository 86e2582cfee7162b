use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Permits for players in the game, whatever their origins. Clones share the permits.
#[derive(Clone, Debug)]
pub struct PlayerPermits(Arc<Permits>);

#[derive(Debug)]
struct Permits {
    taken: AtomicUsize,
    max: usize,
}

impl PlayerPermits {
    /// `max` permits.
    pub fn new(max: usize) -> Self {
        Self(Arc::new(Permits { taken: AtomicUsize::new(0), max }))
    }

    /// How many there are, taken or not.
    pub fn max(&self) -> usize {
        self.0.max
    }

    /// Takes a permit, and says whether there was one.
    pub fn try_acquire(&self) -> bool {
        let one_more = |taken| (taken < self.0.max).then_some(taken + 1);
        // Relaxed: no other memory is read or written by virtue of this number.
        self.0.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_ok()
    }

    /// Releases `count` permits that were acquired.
    pub fn release(&self, count: usize) {
        self.0.taken.fetch_sub(count, Ordering::Relaxed);
    }
}
