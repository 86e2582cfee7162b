use std::collections::BTreeMap;

/// A map that keeps a bounded number of entries: beyond it, the entry with the lowest key is dropped. Ids
/// grow, so that is the oldest.
#[derive(Clone, Debug)]
pub struct BoundedMap<K, V> {
    entries: BTreeMap<K, V>,
    max: usize,
}

impl<K: Ord, V> BoundedMap<K, V> {
    /// An empty map that keeps at most `max` entries.
    pub fn new(max: usize) -> Self {
        Self { entries: BTreeMap::new(), max }
    }

    /// Adds or replaces the entry of `key`.
    pub fn insert(&mut self, key: K, value: V) {
        self.entries.insert(key, value);
        if self.entries.len() > self.max {
            self.entries.pop_first();
        }
    }

    /// The entry of `key`.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key)
    }

    /// Removes the entry of `key`.
    pub fn remove(&mut self, key: &K) {
        self.entries.remove(key);
    }

    /// Removes all entries.
    pub fn clear(&mut self) {
        self.entries.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_entries_with_the_highest_keys() {
        let mut map = BoundedMap::new(2);
        for key in [1, 2, 3, 2] {
            map.insert(key, key * 10);
        }
        assert_eq!([1, 2, 3].map(|key| map.get(&key).copied()), [None, Some(20), Some(30)]);
        map.remove(&3);
        map.insert(1, 11);
        assert_eq!(map.get(&1), Some(&11));
        map.clear();
        assert_eq!(map.get(&1), None);
    }
}
