//! Which hosts a device has heard from. Most hear from a few, and the same one speaks again and again.

use std::net::IpAddr;

/// Addresses, each once, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts {
    all: Vec<IpAddr>,
    /// Who spoke last.
    last: Option<IpAddr>,
}

impl Hosts {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Is this one of them?
    pub fn contains(&self, host: IpAddr) -> bool {
        self.all.binary_search(&host).is_ok()
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = IpAddr> {
        self.all.iter().copied()
    }

    /// Adds one, unless there are so many already.
    pub(super) fn add(&mut self, host: IpAddr, most: usize) {
        if self.last.replace(host) == Some(host) {
            return;
        }
        if let Err(place) = self.all.binary_search(&host)
            && self.all.len() < most
        {
            self.all.insert(place, host);
        }
    }

    /// Adds these, as long as there is room.
    pub(super) fn join(&mut self, others: Hosts, most: usize) {
        let room = most.saturating_sub(self.all.len());
        others.all.into_iter().take(room).for_each(|host| self.add(host, most));
    }
}

impl<const N: usize> From<[IpAddr; N]> for Hosts {
    fn from(hosts: [IpAddr; N]) -> Self {
        let mut all = Self::default();
        hosts.into_iter().for_each(|host| all.add(host, N));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(number: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, number])
    }

    #[test]
    fn each_host_is_there_once_and_no_more_than_there_may_be() {
        let mut hosts = Hosts::from([host(9), host(3), host(9)]);
        assert_eq!((hosts.len(), hosts.contains(host(3)), hosts.contains(host(4))), (2, true, false));
        hosts.add(host(4), 3);
        hosts.add(host(5), 3);
        assert_eq!((hosts.len(), hosts.contains(host(4)), hosts.contains(host(5))), (3, true, false));
    }

    #[test]
    fn what_was_heard_under_another_name_is_taken_over_as_long_as_there_is_room() {
        let mut hosts = Hosts::from([host(1), host(2)]);
        hosts.join(Hosts::from([host(2), host(7)]), 4);
        assert_eq!(hosts, Hosts::from([host(1), host(2), host(7)]));
        hosts.join(Hosts::from([host(8), host(9)]), 4);
        assert_eq!(hosts.len(), 4);
    }
}
