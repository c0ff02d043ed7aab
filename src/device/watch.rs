//! Who asks a device whether it is still there. SIP messages in, what is known of the watch out. The one that asks is whose event it is:
//! what the other one answers is taken note of here.

use std::net::IpAddr;

use crate::event::Event;
use crate::model::{SECOND, Time};
use crate::protocols::sip;

/// An answer that comes later than this belongs to no request (timer F, RFC 3261 section 17.1.2.2).
const ANSWERED: i64 = 32 * SECOND;

/// A server that asks a device by SIP whether it is still there (OPTIONS, RFC 3261 section 11), as registrars ask those that are
/// registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watched {
    /// The server.
    pub by: IpAddr,
    /// When it asked last.
    asked: Time,
    /// The first answer.
    first: Time,
    /// The last answer.
    last: Time,
    /// How many there were.
    answers: u32,
}

impl Watched {
    /// Is it asked again and again, so that a question now and then is none of it, and was it then?
    pub fn covers(&self, at: Time) -> bool {
        const ANSWERS: u32 = 3;
        const LONG: i64 = 30 * SECOND;
        const RARE: i64 = 600 * SECOND;
        let (since, times) = (self.last.since(self.first), i64::from(self.answers.saturating_sub(1)).max(1));
        let interval = since.checked_div(times).unwrap_or_default();
        let lasts = self.answers >= ANSWERS && since >= LONG && interval <= RARE;
        lasts && self.first.since(at) <= interval && at.since(self.last) <= interval
    }

    /// One that was answered so often, from then to then.
    #[cfg(test)]
    pub(crate) fn answered(by: IpAddr, answers: u32, first: Time, last: Time) -> Self {
        Self { by, asked: last, first, last, answers }
    }

    /// Is it asked again and again at all?
    pub fn is_steady(&self) -> bool {
        self.covers(self.last)
    }
}

/// What is known of the watch after this message between a server and the device.
pub(super) fn after(before: Option<Watched>, event: &Event, message: &sip::Message) -> Option<Watched> {
    let time = event.at.time;
    let Some(code) = message.code() else {
        let by = event.source().ip().filter(|_| message.method() == "OPTIONS")?;
        return Some(match before.filter(|before| before.by == by || before.is_steady() && before.covers(time)) {
            Some(before) if before.by == by => Watched { asked: time, ..before },
            Some(before) => before,
            None => Watched { by, asked: time, first: time, last: time, answers: 0 },
        });
    };
    let mut watched = before?;
    // Where the capture cut the answer, its place tells what it answers.
    let nameless = message.cut && message.method().is_empty();
    let answers = (200..=299).contains(&code) && (message.method() == "OPTIONS" || nameless);
    let in_time = time.since(watched.asked) <= ANSWERED && event.destination().ip() == Some(watched.by);
    if answers && in_time && (watched.answers == 0 || watched.last < watched.asked) {
        if watched.answers == 0 {
            watched.first = time;
        }
        watched.last = time;
        watched.answers = watched.answers.saturating_add(1);
    }
    Some(watched)
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::event::What;
    use crate::findings::testing::{DEVICE, at_second, ip, sip_answer, sip_request};
    use crate::flow::{Flow, Transport};
    use crate::model::{Endpoint, Side};
    use crate::packet::Link;
    use crate::protocols::Message;
    use crate::text::WireText;

    const REGISTRAR: &str = "10.0.0.5";

    /// A question of that host, or the device's answer to it, at this second.
    fn said(by: IpAddr, second: f64, answer: Option<sip::Message>) -> (Event, sip::Message) {
        let [client, server] = [by, DEVICE].map(|ip| Endpoint::Ip(SocketAddr::new(ip, 5060)));
        let flow = Flow { id: 1, transport: Transport::Udp, client, server, oriented: true };
        let side = if answer.is_some() { Side::Server } else { Side::Client };
        let message = answer.unwrap_or_else(|| sip_request("OPTIONS", 1));
        let what = What::Message(Message::Sip(std::sync::Arc::new(message.clone())));
        (Event { at: at_second(second as u64, second), link: Link::default(), flow, side, what }, message)
    }

    fn granted(method: &str, cut: bool) -> sip::Message {
        sip::Message { cseq: (1, WireText::from(method)), cut, ..sip_answer(200, 1) }
    }

    fn watched(said: Vec<(Event, sip::Message)>) -> Option<Watched> {
        said.iter().fold(None, |before, (event, message)| after(before, event, message).or(before))
    }

    /// Asked by this host so often, at this interval, and answered so.
    fn asked(by: &str, times: u32, interval: f64, answer: &sip::Message) -> Vec<(Event, sip::Message)> {
        let seconds = (1..=times).map(|time| f64::from(time) * interval);
        seconds.flat_map(|at| [said(ip(by), at, None), said(ip(by), at + 0.1, Some(answer.clone()))]).collect()
    }

    fn is_steady(times: u32, interval: f64, answer: &sip::Message) -> bool {
        watched(asked(REGISTRAR, times, interval, answer)).is_some_and(|watched| watched.is_steady())
    }

    #[test]
    fn who_is_asked_again_and_again_whether_it_is_there_is_watched() {
        assert!(is_steady(4, 30.0, &granted("OPTIONS", false)));
        assert!(is_steady(4, 30.0, &granted("", true)), "the capture cut what it answers");
        assert!(!is_steady(2, 30.0, &granted("OPTIONS", false)), "too few");
        assert!(!is_steady(4, 1.0, &granted("OPTIONS", false)), "a scan");
        assert!(!is_steady(4, 3_600.0, &granted("OPTIONS", false)), "now and then");
        assert!(!is_steady(4, 30.0, &granted("NOTIFY", false)), "the answer to something else");
        assert!(!is_steady(4, 30.0, &sip_answer(404, 1)), "it does not know who is meant");
    }

    #[test]
    fn a_watch_lasts_from_its_first_answer_to_its_last_and_an_interval_around() {
        let watched = watched(asked(REGISTRAR, 4, 30.0, &granted("OPTIONS", false))).unwrap();
        let covers = |second: f64| watched.covers(at_second(1, second).time);
        assert_eq!([-5.0, 5.0, 100.0, 140.0, 200.0].map(covers), [false, true, true, true, false]);
    }

    #[test]
    fn another_one_that_asks_now_and_then_is_not_the_one_that_watches() {
        let mut all = asked(REGISTRAR, 4, 30.0, &granted("OPTIONS", false));
        all.extend(asked("10.0.0.66", 1, 121.0, &granted("OPTIONS", false)));
        assert_eq!(watched(all).map(|watched| (watched.by, watched.answers)), Some((ip(REGISTRAR), 4)));
    }
}
