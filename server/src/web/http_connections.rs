use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use tokio_util::sync::CancellationToken;

/// The connections that are not streams, of which there is a maximum. Clones share them.
///
/// A full table makes room for a new connection by closing the one that has been idle for longest, of
/// the address that has the most: connections that send nothing, and browsers that keep theirs
/// open, do not keep others out.
#[derive(Clone, Debug)]
pub struct HttpConnections {
    max: usize,
    table: Arc<Mutex<Table>>,
}

#[derive(Debug, Default)]
struct Table {
    /// The one that has been idle for longest first.
    entries: Vec<Entry>,
    last_id: u64,
}

#[derive(Debug)]
struct Entry {
    id: u64,
    address: IpAddr,
    evicted: CancellationToken,
}

/// The entry of one connection, which is removed when this is dropped.
#[derive(Debug)]
pub struct HttpPermit {
    id: u64,
    table: Arc<Mutex<Table>>,
    evicted: CancellationToken,
}

impl HttpConnections {
    /// At most `max` connections, which is not 0.
    pub fn new(max: usize) -> Self {
        Self { max, table: Arc::default() }
    }

    /// Adds a connection from `address`, and evicts another if there are too many.
    pub fn add(&self, address: IpAddr) -> HttpPermit {
        let mut table = lock(&self.table);
        while table.entries.len() >= self.max && table.evict() {}
        table.last_id += 1;
        let (id, evicted) = (table.last_id, CancellationToken::new());
        table.entries.push(Entry { id, address, evicted: evicted.clone() });
        HttpPermit { id, table: self.table.clone(), evicted }
    }

    /// Evicts one connection, and returns whether there was one.
    pub fn evict(&self) -> bool {
        lock(&self.table).evict()
    }
}

impl Table {
    fn evict(&mut self) -> bool {
        let mut counts: HashMap<IpAddr, usize> = HashMap::new();
        for entry in &self.entries {
            *counts.entry(entry.address).or_default() += 1;
        }
        let most = counts.values().max().copied().unwrap_or(0);
        let Some(index) = self.entries.iter().position(|entry| counts[&entry.address] == most)
        else {
            return false;
        };
        self.entries.remove(index).evicted.cancel();
        true
    }
}

impl HttpPermit {
    /// Notes that the connection is not idle now.
    pub fn touch(&self) {
        let mut table = lock(&self.table);
        if let Some(index) = table.entries.iter().position(|entry| entry.id == self.id) {
            table.entries[index..].rotate_left(1);
        }
    }

    /// Waits until the connection is to be closed to make room for another.
    pub async fn evicted(&self) {
        self.evicted.cancelled().await;
    }
}

impl Drop for HttpPermit {
    fn drop(&mut self) {
        lock(&self.table).entries.retain(|entry| entry.id != self.id);
    }
}

fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    table.lock().expect("no code panics while it holds this lock")
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn address(last: u8) -> IpAddr {
        [10, 0, 0, last].into()
    }

    fn is_evicted(permit: &HttpPermit) -> bool {
        permit.evicted().now_or_never().is_some()
    }

    #[test]
    fn evicts_the_connection_that_has_been_idle_for_longest() {
        let connections = HttpConnections::new(3);
        let [one, two, three] = [(); 3].map(|()| connections.add(address(1)));
        one.touch();
        let four = connections.add(address(1));
        assert_eq!([&one, &two, &three, &four].map(is_evicted), [false, true, false, false]);
        drop(two);
        drop(three);
        let five = connections.add(address(1));
        assert_eq!([&one, &four, &five].map(is_evicted), [false; 3]);
    }

    #[test]
    fn evicts_a_connection_of_the_address_that_has_the_most() {
        let connections = HttpConnections::new(4);
        let one = connections.add(address(1));
        let many = [(); 3].map(|()| connections.add(address(2)));
        let another = connections.add(address(3));
        assert!(!is_evicted(&one) && !is_evicted(&another));
        assert_eq!(many.each_ref().map(is_evicted), [true, false, false]);
    }

    #[test]
    fn closed_connections_leave_nothing() {
        let connections = HttpConnections::new(2);
        drop([(); 5].map(|()| connections.add(address(1))));
        assert!(lock(&connections.table).entries.is_empty());
        assert!(!connections.evict());
        let one = connections.add(address(1));
        assert!(connections.evict() && is_evicted(&one));
    }
}
