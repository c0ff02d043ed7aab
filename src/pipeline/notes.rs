//! Ends of TCP connections and what became of their encryption in, notes on the capture out: what it cannot show because of how
//! it was taken.

use crate::event::{Event, What};
use crate::flow::{Signal, TcpStats};
use crate::protocols::Message;
use crate::protocols::tls::{self, Decryption, Why};
use crate::verdict::CaptureSummary;

/// What the TCP flows show of the capture itself.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Notes {
    lossy: u64,
    one_sided: u64,
    two_sided: u64,
    decryption: Outcomes,
}

/// What became of connections that were encrypted, where there are secrets at all.
#[derive(Clone, Copy, Debug, Default)]
struct Outcomes {
    opened: u64,
    no_secrets: u64,
    unfit: u64,
    unsupported: u64,
    gap: u64,
    torn: u64,
}

impl Notes {
    /// Takes note of an event.
    pub(super) fn event(&mut self, event: &Event) {
        match &event.what {
            What::Tcp(Signal::Ended, stats) => self.ended(stats),
            What::Message(Message::Tls(tls::Message::Decryption(what))) => self.decryption.count(*what),
            _ => {}
        }
    }

    /// A TCP connection is over.
    fn ended(&mut self, stats: &TcpStats) {
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

    /// Did the capture lose packets that were on the wire?
    pub(super) fn is_lossy(&self, capture: &CaptureSummary) -> bool {
        capture.dropped > 0 || self.lossy > 0
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
        notes.extend(self.decryption.tell());
        notes
    }

    /// What is to be said of secrets alone.
    pub(super) fn of_secrets(self) -> Vec<(&'static str, String)> {
        self.decryption.tell().into_iter().collect()
    }
}

impl Outcomes {
    fn count(&mut self, what: Decryption) {
        let count = match what {
            Decryption::Opened => &mut self.opened,
            Decryption::Sealed(Why::NoSecrets) => &mut self.no_secrets,
            Decryption::Sealed(Why::Unfit) => &mut self.unfit,
            Decryption::Sealed(Why::Unsupported) => &mut self.unsupported,
            Decryption::Sealed(Why::Gap) => &mut self.gap,
            Decryption::Torn => &mut self.torn,
        };
        *count = count.saturating_add(1);
    }

    fn tell(self) -> Option<(&'static str, String)> {
        let all = [self.opened, self.no_secrets, self.unfit, self.unsupported, self.gap].into_iter().fold(0, u64::saturating_add);
        let reasons = [
            (self.no_secrets, "the key log holds no secrets for"),
            (self.unfit, "the secrets of the key log do not fit"),
            (self.unsupported, "what encrypts is none of what is understood in"),
            (self.gap, "packets are missing on which decryption stands in"),
            (self.torn, "secrets or packets are missing to go on in"),
        ];
        let told: Vec<String> = reasons
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, reason)| format!("{reason} {count} of {all} encrypted connections"))
            .collect();
        (!told.is_empty()).then(|| ("capture-encrypted", told.join("; ")))
    }
}
