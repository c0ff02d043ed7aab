//! Intermediate CAs that a device has gone on with: chains and the device's next word in, the CAs between server and root out.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::formats::x509::Certificate;
use crate::model::Frame;

/// Handshakes that wait for the device's next word.
const WAITING: usize = 8;
/// Intermediates that are kept.
const KEPT: usize = 16;
/// Bytes of a certificate; real ones have at most half as many.
const LONGEST: usize = 4_096;

/// The intermediates. Most devices have met none.
#[derive(Clone, Debug, Default)]
pub struct Intermediates(Option<Box<Met>>);

#[derive(Clone, Debug, Default)]
struct Met {
    waiting: VecDeque<(u64, Frame, Vec<Arc<Certificate>>)>,
    taken: Vec<(Frame, Arc<Certificate>)>,
}

impl Intermediates {
    /// A server gives a chain in this flow.
    pub(super) fn shown(&mut self, flow: u64, frame: Frame, chain: &[Arc<Certificate>]) {
        let between: Vec<Arc<Certificate>> =
            chain.iter().skip(1).filter(|one| is_intermediate(one)).take(KEPT).cloned().collect();
        if let Some(met) = &mut self.0 {
            met.waiting.retain(|(waiting, ..)| *waiting != flow);
        }
        if !between.is_empty() {
            self.0.get_or_insert_default().wait(flow, frame, between);
        }
    }

    /// The device goes on in this flow: it has nothing against the chain (RFC 5246 section 7.4.7).
    pub(super) fn goes_on(&mut self, flow: u64) {
        let Some(met) = &mut self.0 else { return };
        let Some(place) = met.waiting.iter().position(|(waiting, ..)| *waiting == flow) else { return };
        let Some((_, frame, between)) = met.waiting.remove(place) else { return };
        between.into_iter().for_each(|certificate| met.keep(frame, certificate));
    }

    /// The same device was seen under another name, too.
    pub(super) fn join(&mut self, other: Intermediates) {
        let Some(other) = other.0 else { return };
        let met = self.0.get_or_insert_default();
        other.taken.into_iter().for_each(|(frame, certificate)| met.keep(frame, certificate));
    }

    /// Those that it has gone on with, with the frame that showed each.
    pub fn taken(&self) -> &[(Frame, Arc<Certificate>)] {
        self.0.as_ref().map_or(&[], |met| &met.taken)
    }

    pub(super) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |met| met.waiting.len().saturating_add(met.taken.len()))
    }

    /// Memory that they take, about.
    pub(super) fn held(&self) -> usize {
        let waiting = self.0.iter().flat_map(|met| &met.waiting).flat_map(|(.., between)| between);
        let taken = self.taken().iter().map(|(_, one)| one);
        waiting.chain(taken).map(|one| one.held()).fold(0, usize::saturating_add)
    }

    pub(super) fn cut_down(&mut self, keep: usize) {
        let taken: Vec<_> = self.taken().iter().take(keep).cloned().collect();
        self.0 = (!taken.is_empty()).then(|| Box::new(Met { waiting: VecDeque::new(), taken }));
    }
}

impl Met {
    fn wait(&mut self, flow: u64, frame: Frame, between: Vec<Arc<Certificate>>) {
        if self.waiting.len() >= WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back((flow, frame, between));
    }

    fn keep(&mut self, frame: Frame, certificate: Arc<Certificate>) {
        if self.taken.len() < KEPT && !self.taken.iter().any(|(_, known)| *known == certificate) {
            self.taken.push((frame, certificate));
        }
    }
}

fn is_intermediate(certificate: &Certificate) -> bool {
    let is_below_another = certificate.body.as_ref().is_ok_and(|body| {
        let is_ca = body.basic_constraints.is_none_or(|(is_ca, _)| is_ca);
        is_ca && body.subject.der != body.issuer.der
    });
    is_below_another && certificate.der.len() <= LONGEST
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::{certificate, leaf};

    #[test]
    fn only_the_intermediates_of_a_chain_that_the_device_went_on_with_are_taken() {
        let issuing = || certificate("CN=Contoso Issuing CA", "CN=Contoso Root CA");
        let root = certificate("CN=Contoso Root CA", "CN=Contoso Root CA");
        let mut known = Intermediates::default();
        known.shown(1, Frame::new(5), &[leaf(), issuing(), root]);
        assert!(known.taken().is_empty());
        known.goes_on(2);
        assert!(known.taken().is_empty(), "another connection");
        known.goes_on(1);
        assert_eq!(known.taken(), [(Frame::new(5), issuing())]);
        known.shown(3, Frame::new(9), &[leaf(), issuing()]);
        known.goes_on(3);
        assert_eq!(known.taken().len(), 1, "each once");
    }

    #[test]
    fn no_more_are_kept_than_the_bounds_allow() {
        let mut known = Intermediates::default();
        for flow in 0..100 {
            let issuing = certificate(&format!("CN=Issuing CA {flow}"), "CN=Contoso Root CA");
            known.shown(flow, Frame::new(flow + 1), &[leaf(), Arc::clone(&issuing)]);
            known.shown(1_000 + flow, Frame::new(flow + 1), &[leaf(), issuing]);
            known.goes_on(flow);
        }
        assert_eq!(known.taken().len(), KEPT);
        assert!(known.len() <= KEPT + WAITING);
    }
}
