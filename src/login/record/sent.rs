//! What a device sends, and may send again: a message in, unless a mirrored port gives the last one twice.

use crate::model::At;

use super::{MIRRORED, add_newest};

/// A message that a device sends, and may send again.
pub(super) trait Sent {
    /// When.
    fn at(&self) -> At;
    /// Is it the same?
    fn is_like(&self, other: &Self) -> bool;
}

impl Sent for At {
    fn at(&self) -> At {
        *self
    }

    fn is_like(&self, _: &Self) -> bool {
        true
    }
}

impl<Content: PartialEq> Sent for (At, Content) {
    fn at(&self) -> At {
        self.0
    }

    fn is_like(&self, other: &Self) -> bool {
        self.1 == other.1
    }
}

/// Adds a message of the device as `add_newest` does, unless a mirrored port gives the last one twice: that was sent once.
pub(super) fn add_sent<Message: Sent>(list: &mut Vec<Message>, message: Message) {
    let twice = |last: &Message| message.at().time.since(last.at().time) <= MIRRORED && message.is_like(last);
    if !list.last().is_some_and(twice) {
        add_newest(list, message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Frame, Time};

    fn at(frame: u64, microseconds: i64) -> At {
        At { frame: Frame(frame), time: Time::from_seconds(0).plus(microseconds * 1_000) }
    }

    #[test]
    fn what_a_mirrored_port_gives_twice_was_sent_once() {
        let mut asked = Vec::new();
        for (frame, microseconds) in [(1, 0), (2, 30), (3, 3_000_000), (4, 3_000_020)] {
            add_sent(&mut asked, at(frame, microseconds));
        }
        assert_eq!(asked.iter().map(|at| at.frame.0).collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn two_servers_that_are_asked_at_once_are_asked_both() {
        let mut asked = vec![(at(1, 0), "first")];
        add_sent(&mut asked, (at(2, 20), "second"));
        assert_eq!(asked.len(), 2);
    }
}
