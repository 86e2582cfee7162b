use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// How many players the game may have at a time, whatever their origins. Cloning gives another
/// handle to the same.
#[derive(Clone, Debug)]
pub struct PlayerPlaces(Arc<Places>);

#[derive(Debug)]
struct Places {
    taken: AtomicUsize,
    most: usize,
}

impl PlayerPlaces {
    /// Places for at most `most` players.
    pub fn new(most: usize) -> Self {
        Self(Arc::new(Places { taken: AtomicUsize::new(0), most }))
    }

    /// How many there are, free or not.
    pub fn most(&self) -> usize {
        self.0.most
    }

    /// Takes a place, if one is free.
    pub fn take(&self) -> bool {
        let more = |taken| (taken < self.0.most).then_some(taken + 1);
        // Nothing else depends on the number, so no order is needed.
        self.0.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    /// Gives back `count` places that were taken.
    pub fn give_back(&self, count: usize) {
        self.0.taken.fetch_sub(count, Ordering::Relaxed);
    }
}
