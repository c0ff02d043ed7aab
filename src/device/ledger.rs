//! What each of many devices takes of a memory that they share in, whose turn it is to give some back out: that of the
//! longest idle one.

use super::DeviceId;
use crate::model::Time;

/// An account for each device.
#[derive(Debug)]
pub struct Ledger {
    limit: usize,
    held: usize,
    accounts: Vec<Account>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Account {
    last: Time,
    held: usize,
}

impl Ledger {
    /// All devices together are to take no more than `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self { limit, held: 0, accounts: Vec::new() }
    }

    /// A device does something at this time.
    pub fn seen(&mut self, device: DeviceId, now: Time) {
        if let Some(account) = self.accounts.get_mut(device.0) {
            account.last = now;
        }
    }

    /// A device takes so many bytes now.
    pub fn set(&mut self, device: DeviceId, held: usize) {
        if self.accounts.len() <= device.0 {
            self.accounts.resize(device.0.saturating_add(1), Account::default());
        }
        let Some(account) = self.accounts.get_mut(device.0) else { return };
        self.held = self.held.saturating_sub(account.held).saturating_add(held);
        account.held = held;
    }

    /// For how long a device has done nothing; `None` where it takes nothing.
    pub fn pause(&self, device: DeviceId, now: Time) -> Option<i64> {
        self.accounts.get(device.0).filter(|account| account.held > 0).map(|account| now.since(account.last))
    }

    /// Do they take too much together?
    pub fn is_over(&self) -> bool {
        self.held > self.limit
    }

    /// Do they take so little that it was worth the trouble?
    pub fn is_roomy(&self) -> bool {
        self.held <= self.limit / 2
    }

    /// Those that take anything, the longest idle first.
    pub fn longest_idle_first(&self) -> Vec<DeviceId> {
        let mut order: Vec<(Time, DeviceId)> = self
            .accounts
            .iter()
            .enumerate()
            .filter(|(_, account)| account.held > 0)
            .map(|(n, one)| (one.last, DeviceId(n)))
            .collect();
        order.sort_unstable();
        order.into_iter().map(|(_, device)| device).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_idle_give_back_first_and_half_of_it_is_enough() {
        let mut ledger = Ledger::new(100);
        for (device, second) in [(0, 3), (1, 1), (2, 2)] {
            ledger.set(DeviceId(device), 34);
            ledger.seen(DeviceId(device), Time::from_seconds(second));
        }
        assert!(ledger.is_over());
        assert_eq!(ledger.pause(DeviceId(1), Time::from_seconds(5)), Some(Time::from_seconds(5).since(Time::from_seconds(1))));
        assert_eq!(ledger.longest_idle_first(), [DeviceId(1), DeviceId(2), DeviceId(0)]);
        ledger.set(DeviceId(1), 0);
        assert_eq!(ledger.pause(DeviceId(1), Time::from_seconds(5)), None);
        assert!(!ledger.is_over() && !ledger.is_roomy());
        assert_eq!(ledger.longest_idle_first(), [DeviceId(2), DeviceId(0)]);
        ledger.set(DeviceId(2), 4);
        assert!(ledger.is_roomy());
    }
}
