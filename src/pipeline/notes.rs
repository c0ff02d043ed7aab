//! Ends of TCP connections in, notes on the capture out: what it cannot show because of how it was taken.

use crate::flow::TcpStats;
use crate::verdict::CaptureSummary;

/// What the TCP flows show of the capture itself.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Notes {
    lossy: u64,
    one_sided: u64,
    two_sided: u64,
}

impl Notes {
    /// A TCP connection is over.
    pub(super) fn ended(&mut self, stats: &TcpStats) {
        let both = stats.client.last.is_some() && stats.server.last.is_some();
        let lost = stats.client.uncaptured > 0 || stats.server.uncaptured > 0;
        self.lossy = self.lossy.saturating_add(u64::from(both && lost));
        match (stats.client.last.is_some(), stats.server.last.is_some()) {
            (true, true) => self.two_sided = self.two_sided.saturating_add(1),
            // A side that answers nothing may be silent; one whose answers are acknowledged was not captured.
            (true, false) if stats.client.sent > 0 => self.one_sided = self.one_sided.saturating_add(1),
            (false, true) if stats.server.sent > 0 => self.one_sided = self.one_sided.saturating_add(1),
            _ => {}
        }
    }

    /// The notes, code and text.
    pub(super) fn tell(self, capture: &CaptureSummary) -> Vec<(&'static str, String)> {
        let mut notes = Vec::new();
        if capture.truncated {
            notes
                .push(("capture-truncated", "the file ends in the middle of a packet; what comes after is not in it".to_owned()));
        }
        if capture.snaplen_limited {
            notes.push((
                "capture-truncated",
                "packets are cut: what stood beyond the snap length is not in the capture".to_owned(),
            ));
        }
        if self.one_sided > self.two_sided {
            notes.push((
                "capture-one-sided",
                format!(
                    "{} of {} TCP connections show one direction only: no silence of the other is concluded",
                    self.one_sided,
                    self.one_sided.saturating_add(self.two_sided)
                ),
            ));
        }
        if capture.dropped > 0 {
            let text = format!("the capturing system lost {} packets, by its own count", capture.dropped);
            notes.push(("capture-lossy", text));
        }
        if self.lossy > 0 {
            notes.push((
                "capture-lossy",
                format!("in {} TCP connections bytes were acknowledged that the capture does not hold", self.lossy),
            ));
        }
        notes
    }
}
