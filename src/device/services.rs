//! Does a device look for its registrar by several services side by side? What it asks DNS for and is told in, yes or no out.
//!
//! A phone walks its list: it asks for the next service where the one before is not there, or leads nowhere. Microsoft's programs
//! on a PC ask for all of them before they use the first that is good.

use crate::model::{SECOND, Time};
use crate::protocols::dns;
use crate::text::begins;

/// The first service of the list.
const FIRST: &str = "_sipinternaltls._tcp.";
/// The others.
const OTHERS: [&str; 2] = ["_sipinternal._tcp.", "_sip._tls."];
/// What is asked for side by side is asked for within this time: who waits for an answer in vain waits longer.
const TOGETHER: i64 = SECOND / 2;

/// The first service of the list, since it was asked for last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Asked {
    at: Time,
    /// Was the answer a server in the very domain, which no client passes over?
    is_good: bool,
    /// Was another service asked for before a connection was opened?
    asks_on: bool,
}

/// How a device asks for the services of its list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Services {
    first: Option<Asked>,
    /// Did it ask for others though the first one is good?
    pub side_by_side: bool,
}

impl Services {
    /// The device opens a connection: it has what it asked for.
    pub(super) fn connects(&mut self) {
        self.first = None;
    }

    /// A question of the device.
    pub(super) fn asked(&mut self, at: Time, question: &dns::Question) {
        if domain(question, FIRST).is_some() {
            let goes_on = self.first.is_some_and(|first| at.since(first.at) <= TOGETHER);
            if !goes_on {
                self.first = Some(Asked { at, is_good: false, asks_on: false });
            }
        } else if OTHERS.iter().any(|service| domain(question, service).is_some()) {
            let first = self.first.as_mut().filter(|first| at.since(first.at) <= TOGETHER);
            first.into_iter().for_each(|first| first.asks_on = true);
        }
        self.conclude();
    }

    /// An answer.
    pub(super) fn told(&mut self, question: &dns::Question, message: &dns::Message) {
        let Some(domain) = domain(question, FIRST) else { return };
        let leads_inside = message.records.iter().any(|record| match &record.data {
            dns::RecordData::Service { target, .. } if record.answer => {
                let target = target.raw().trim_end_matches('.').to_ascii_lowercase();
                target.strip_suffix(domain.as_str()).is_some_and(|host| host.ends_with('.'))
            }
            _ => false,
        });
        self.first.iter_mut().for_each(|first| first.is_good |= leads_inside);
        self.conclude();
    }

    fn conclude(&mut self) {
        self.side_by_side |= self.first.is_some_and(|first| first.is_good && first.asks_on);
    }
}

/// The domain whose SIP servers are asked for.
pub(super) fn sip_domain(question: &dns::Question) -> Option<String> {
    let name = question.name.raw();
    let services = ["_sipinternaltls._tcp.", "_sipinternal._tcp.", "_sip._tls.", "_sip._tcp.", "_sip._udp.", "_sips._tcp."];
    let service = services.into_iter().find(|service| begins(name, service))?;
    name.get(service.len()..).map(str::to_ascii_lowercase)
}

/// The domain in which this service is asked for.
fn domain(question: &dns::Question, service: &str) -> Option<String> {
    let name = question.name.raw();
    let begins = name.get(..service.len()).is_some_and(|start| start.eq_ignore_ascii_case(service));
    let rest = name.get(service.len()..).filter(|_| begins && question.kind == dns::kind::SRV)?;
    Some(rest.trim_end_matches('.').to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::WireText;

    /// What happens at a millisecond.
    enum Happens {
        Asks(&'static str),
        /// The first service is answered: with this server, or that it is not there.
        Told(Option<&'static str>),
        Connects,
    }
    use Happens::{Asks, Connects, Told};

    const INTERNAL: &str = "_SipInternalTLS._tcp.contoso.com";
    const EXTERNAL: &str = "_sip._tls.contoso.com";
    const POOL: Option<&str> = Some("pool01.contoso.com.");

    fn side_by_side(what: Vec<(i64, Happens)>) -> bool {
        let question = |name: &str| dns::Question { name: WireText::from(name), kind: dns::kind::SRV };
        let mut services = Services::default();
        for (milliseconds, one) in what {
            match one {
                Asks(name) => services.asked(Time(milliseconds * SECOND / 1000), &question(name)),
                Told(target) => {
                    let data = |target: &str| dns::RecordData::Service {
                        priority: 0,
                        weight: 0,
                        port: 5061,
                        target: WireText::from(target),
                    };
                    let record = |target| dns::Record { name: WireText::from(INTERNAL), data: data(target), answer: true };
                    let records = target.map(record).into_iter().collect();
                    services.told(&question(INTERNAL), &dns::Message { records, ..dns::Message::default() });
                }
                Connects => services.connects(),
            }
        }
        services.side_by_side
    }

    #[test]
    fn who_asks_on_though_the_first_is_good_asks_side_by_side() {
        assert!(side_by_side(vec![(0, Asks(INTERNAL)), (5, Told(POOL)), (6, Asks(EXTERNAL))]));
        assert!(side_by_side(vec![(0, Asks(INTERNAL)), (1, Asks(EXTERNAL)), (5, Told(POOL))]), "before any answer");
    }

    #[test]
    fn who_walks_a_list_asks_on_where_the_first_leads_nowhere() {
        assert!(!side_by_side(vec![(0, Asks(INTERNAL)), (5, Told(None)), (6, Asks(EXTERNAL))]), "it is not there");
        assert!(!side_by_side(vec![(0, Asks(INTERNAL)), (5, Told(Some("pool.fabrikam.net"))), (6, Asks(EXTERNAL))]), "outside");
        assert!(!side_by_side(vec![(0, Asks(INTERNAL)), (5, Told(POOL)), (6, Connects), (9, Asks(EXTERNAL))]), "refused");
        assert!(!side_by_side(vec![(0, Asks(INTERNAL)), (5, Told(POOL)), (4000, Asks(EXTERNAL))]), "much later");
        assert!(!side_by_side(vec![(0, Asks(INTERNAL)), (1, Asks(EXTERNAL))]), "the answer is not in the capture");
    }
}
