use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use tokio::time::{MissedTickBehavior, interval};

use crate::{limits::SharedBudget, messages::Messages};

/// How often floods are looked for, and addresses that owe nothing are forgotten.
const LOOK: Duration = Duration::from_secs(1);

/// What all connections of one address, together and one after the other, may add to the log.
/// Cloning gives another handle to the same.
#[derive(Clone, Debug)]
pub struct AddressBudgets {
    per_second: Option<NonZeroU32>,
    known: Arc<Mutex<HashMap<IpAddr, Arc<SharedBudget>>>>,
}

/// The budget of one address.
#[derive(Clone, Debug)]
pub(super) struct AddressBudget(Arc<SharedBudget>);

impl AddressBudgets {
    /// Budgets of `per_second` bytes each; `None` for no bound.
    pub fn new(per_second: Option<NonZeroU32>) -> Self {
        Self { per_second, known: Arc::default() }
    }

    /// Tells `messages` what was left out, and forgets who owes nothing. Never returns.
    pub async fn tend(self, messages: Messages) {
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            look.tick().await;
            let now = Instant::now();
            for (address, count) in self.take_left_out(now) {
                let per_second = self.per_second.map_or(0, NonZeroU32::get);
                messages.say(format_args!(
                    "{count} moves of {address} were left out: its connections may add {per_second} bytes a second to \
                     the log (--address-bytes)"
                ));
            }
            self.forget(now);
        }
    }

    /// The budget of the connections from `address`, if there is a bound.
    pub(super) fn of(&self, address: IpAddr) -> Option<AddressBudget> {
        let per_second = self.per_second?;
        let mut known = self.lock();
        let budget = known.entry(network_of(address));
        let budget = budget.or_insert_with(|| Arc::new(SharedBudget::new(per_second)));
        Some(AddressBudget(budget.clone()))
    }

    fn take_left_out(&self, now: Instant) -> Vec<(IpAddr, u64)> {
        let known = self.lock();
        let left_out = known
            .iter()
            .filter_map(|(address, budget)| Some((*address, budget.take_left_out(now)?)));
        left_out.collect()
    }

    /// An address is not forgotten by closing its connections while it owes something.
    fn forget(&self, now: Instant) {
        self.lock().retain(|_, budget| Arc::strong_count(budget) > 1 || !budget.is_as_new(now));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Arc<SharedBudget>>> {
        self.known.lock().expect("nothing that holds the mutex can panic")
    }
}

impl AddressBudget {
    /// Spends `bytes` at `now`, if there is something left to spend.
    pub(super) fn spend(&self, bytes: usize, now: Instant) -> bool {
        self.0.spend(bytes, now)
    }
}

/// What is one address: with IPv6 a host has 2^64 of them (RFC 4291, 2.5.4).
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budgets() -> AddressBudgets {
        AddressBudgets::new(NonZeroU32::new(1000))
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_is_remembered_over_its_connections_as_long_as_it_owes() {
        let budgets = budgets();
        let now = Instant::now();
        let at = |seconds| now + Duration::from_secs(seconds);
        let first = budgets.of(address("10.0.0.1")).unwrap();
        assert!(first.spend(5000, now) && !first.spend(1, now));
        drop(first);
        budgets.of(address("10.0.0.2"));
        budgets.forget(now);
        assert!(!budgets.of(address("10.0.0.1")).unwrap().spend(1, now));
        assert_eq!(budgets.lock().len(), 1);
        assert_eq!(budgets.take_left_out(at(6)), [(address("10.0.0.1"), 2)]);
        budgets.forget(at(6));
        assert!(budgets.lock().is_empty());
    }

    #[test]
    fn hosts_have_a_budget_each_and_an_ipv6_host_one_for_its_network() {
        let budgets = budgets();
        let now = Instant::now();
        let spend = |text: &str| budgets.of(address(text)).unwrap().spend(5000, now);
        assert!(spend("10.0.0.1") && spend("10.0.0.2") && !spend("10.0.0.1"));
        assert!(!spend("::ffff:10.0.0.1"), "the same address written for IPv6");
        assert!(spend("2001:db8::1") && !spend("2001:db8::2") && spend("2001:db8:0:1::1"));
    }
}
