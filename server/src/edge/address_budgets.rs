use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use tokio::time::{MissedTickBehavior, interval};

use crate::{limits::SharedBudget, messages::Messages};

/// How often refusals are reported and idle budgets removed.
const MAINTENANCE_INTERVAL: Duration = Duration::from_secs(1);

/// How many bytes a second the connections of each address, taken together, may add to the log.
/// Clones share the budgets.
#[derive(Clone, Debug)]
pub struct AddressBudgets {
    per_second: Option<NonZeroU32>,
    budgets: Arc<Mutex<HashMap<IpAddr, Arc<SharedBudget>>>>,
}

/// The budget of one address.
#[derive(Clone, Debug)]
pub(super) struct AddressBudget(Arc<SharedBudget>);

impl AddressBudgets {
    /// Budgets of `per_second` bytes each; `None` for no limit.
    pub fn new(per_second: Option<NonZeroU32>) -> Self {
        Self { per_second, budgets: Arc::default() }
    }

    /// Reports refused moves to `messages` and removes idle budgets, once a second. Never returns.
    pub async fn maintain(self, messages: Messages) {
        let mut interval = interval(MAINTENANCE_INTERVAL);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            let now = Instant::now();
            for (address, count) in self.take_reports(now) {
                let per_second = self.per_second.map_or(0, NonZeroU32::get);
                messages.say(format_args!(
                    "{count} moves from {address} were refused: its connections together may add {per_second} bytes a \
                     second to the log (--address-bytes)"
                ));
            }
            self.remove_idle(now);
        }
    }

    /// The budget of the connections from `address`; `None` if there is no limit.
    pub(super) fn budget_of(&self, address: IpAddr) -> Option<AddressBudget> {
        let per_second = self.per_second?;
        let mut budgets = self.lock();
        let budget = budgets.entry(network_of(address));
        let budget = budget.or_insert_with(|| Arc::new(SharedBudget::new(per_second)));
        Some(AddressBudget(budget.clone()))
    }

    fn take_reports(&self, now: Instant) -> Vec<(IpAddr, u64)> {
        let budgets = self.lock();
        let reports = budgets
            .iter()
            .filter_map(|(address, budget)| Some((*address, budget.take_report(now)?)));
        reports.collect()
    }

    /// Removes the budgets that are like new. A spent budget is kept when its last connection closes,
    /// so that reconnecting does not renew it.
    fn remove_idle(&self, now: Instant) {
        self.lock().retain(|_, budget| Arc::strong_count(budget) > 1 || !budget.is_idle(now));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Arc<SharedBudget>>> {
        self.budgets.lock().expect("no code panics while it holds this lock")
    }
}

impl AddressBudget {
    /// Spends `bytes` at `now`, and says whether they were left.
    pub(super) fn try_spend(&self, bytes: usize, now: Instant) -> bool {
        self.0.try_spend(bytes, now)
    }
}

/// What counts as one address: for IPv6 its /64 network, all of which one host may have (RFC 4291,
/// 2.5.4).
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
    fn a_spent_budget_outlives_its_connections() {
        let budgets = budgets();
        let now = Instant::now();
        let at = |seconds| now + Duration::from_secs(seconds);
        let first = budgets.budget_of(address("10.0.0.1")).unwrap();
        assert!(first.try_spend(5000, now) && !first.try_spend(1, now));
        drop(first);
        budgets.budget_of(address("10.0.0.2"));
        budgets.remove_idle(now);
        assert!(!budgets.budget_of(address("10.0.0.1")).unwrap().try_spend(1, now));
        assert_eq!(budgets.lock().len(), 1);
        assert_eq!(budgets.take_reports(at(6)), [(address("10.0.0.1"), 2)]);
        budgets.remove_idle(at(6));
        assert!(budgets.lock().is_empty());
    }

    #[test]
    fn each_ipv4_address_and_each_ipv6_network_has_a_budget() {
        let budgets = budgets();
        let now = Instant::now();
        let spend = |text: &str| budgets.budget_of(address(text)).unwrap().try_spend(5000, now);
        assert!(spend("10.0.0.1") && spend("10.0.0.2") && !spend("10.0.0.1"));
        assert!(!spend("::ffff:10.0.0.1"), "the same address written for IPv6");
        assert!(spend("2001:db8::1") && !spend("2001:db8::2") && spend("2001:db8:0:1::1"));
    }
}
