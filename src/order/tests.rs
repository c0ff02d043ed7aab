//! Events in, and in which order they come out, by their frames.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use super::*;
use crate::event::What;
use crate::findings::testing::{sip_answer, sip_request};
use crate::flow::{Flow, Signal, TcpStats, Transport};
use crate::model::{Endpoint, Frame, Mac, Side};
use crate::packet::Link;
use crate::protocols::{Message, arp, dns, icmp, sip};

const MILLISECOND: i64 = SECOND / 1_000;

#[derive(Default)]
struct Log(Vec<At>);

impl EventSink for Log {
    fn event(&mut self, event: Event) {
        self.0.push(event.at);
    }
}

/// What is told of the frames: one a millisecond, if no other distance is named.
struct Bench {
    ordered: Ordered<Log>,
    frame: u64,
    time: i64,
}

impl Bench {
    fn new() -> Self {
        Self { ordered: Ordered::new(Log::default()), frame: 0, time: 0 }
    }

    fn after(&mut self, nanoseconds: i64) -> &mut Self {
        self.time += nanoseconds - MILLISECOND;
        self
    }

    fn event(&mut self, transport: Transport, side: Side, what: What) -> &mut Self {
        self.frame += 1;
        self.time += MILLISECOND;
        let end = |host: u8, port: u16| Endpoint::Ip(SocketAddr::from(([10, 0, 0, host], port)));
        let flow = Flow { id: 1, transport, client: end(23, 50_000), server: end(5, 53), oriented: true };
        let at = At { frame: Frame::new(self.frame), time: Time(self.time) };
        self.ordered.event(Event { at, link: Link::default(), flow, side, what });
        self
    }

    fn dns(&mut self, id: u16, response: bool) -> &mut Self {
        self.dns_with(id, response, Vec::new())
    }

    /// The answer names the host to which `syn` goes.
    fn named(&mut self, id: u16) -> &mut Self {
        let data = dns::RecordData::Address([10, 0, 0, 5].into());
        self.dns_with(id, true, vec![dns::Record { name: "pbx.contoso.com".into(), answer: true, data }])
    }

    fn dns_with(&mut self, id: u16, response: bool, records: Vec<dns::Record>) -> &mut Self {
        let side = if response { Side::Server } else { Side::Client };
        let message = dns::Message {
            id,
            response,
            opcode: 0,
            rcode: 0,
            truncated: false,
            iterative: false,
            question: None,
            records,
            tcp: false,
            problem: None,
        };
        self.event(Transport::Udp, side, What::Message(Message::Dns(Arc::new(message))))
    }

    fn asked(&mut self, id: u16) -> &mut Self {
        self.dns(id, false)
    }

    fn answered(&mut self, id: u16) -> &mut Self {
        self.dns(id, true)
    }

    fn syn(&mut self) -> &mut Self {
        self.event(Transport::Tcp, Side::Client, What::Tcp(Signal::Syn { first: true }, Arc::new(TcpStats::default())))
    }

    fn arp(&mut self, operation: u16) -> &mut Self {
        let (phone, router) = ((Mac([2; 6]), Ipv4Addr::new(10, 0, 0, 23)), (Mac([4; 6]), Ipv4Addr::new(10, 0, 0, 1)));
        let ((sender_mac, sender_ip), (target_mac, target_ip)) = if operation == 1 { (phone, router) } else { (router, phone) };
        let message = arp::Message { operation, sender_mac, sender_ip, target_mac, target_ip };
        self.event(Transport::Link, Side::Client, What::Message(Message::Arp(message)))
    }

    fn unreachable(&mut self) -> &mut Self {
        let quoted = icmp::Quoted {
            protocol: 6,
            source: SocketAddr::from(([10, 0, 0, 23], 50_000)),
            destination: SocketAddr::from(([10, 0, 0, 5], 53)),
        };
        let message = icmp::Message { v6: false, kind: 3, code: 1, quoted: Some(quoted), mtu: None, discovery: None };
        self.event(Transport::Icmp, Side::Server, What::Message(Message::Icmp(message)))
    }

    /// What has come out by now.
    fn out(&self) -> Vec<u64> {
        self.ordered.sink.0.iter().map(|at| at.frame.number()).collect()
    }
}

#[test]
fn an_answer_before_its_question_comes_after_it() {
    let mut bench = Bench::new();
    assert_eq!(bench.asked(1).answered(1).answered(2).asked(2).out(), [1, 2, 4, 3]);
    let frames: Vec<Frame> = bench.ordered.sink.0.iter().map(|at| at.frame).collect();
    assert!(frames.is_sorted(), "and its frame stands before");
}

#[test]
fn what_comes_in_between_stays_behind_the_answer() {
    assert_eq!(Bench::new().answered(1).arp(1).syn().asked(1).syn().out(), [4, 1, 2, 3, 5]);
}

#[test]
fn an_answer_whose_question_does_not_come_is_told_after_a_moment_in_the_order_of_the_capture() {
    let mut bench = Bench::new();
    assert_eq!(bench.answered(1).syn().out(), [] as [u64; 0]);
    assert_eq!(bench.after(PATIENCE).asked(1).out(), [1, 2, 3], "that question is another one");
}

#[test]
fn where_time_stands_still_frames_are_counted() {
    let mut bench = Bench::new();
    bench.answered(1).frame += PATIENCE_FRAMES;
    assert_eq!(bench.after(0).asked(1).out(), [1, PATIENCE_FRAMES + 2]);
}

#[test]
fn no_more_events_wait_than_there_may_be() {
    let mut bench = Bench::new();
    bench.answered(1);
    for _ in 0..WAITING {
        bench.after(0).syn();
    }
    assert_eq!(bench.out().len(), WAITING, "the answer, and what came behind it");
}

#[test]
fn of_more_questions_than_are_remembered_the_answers_to_the_oldest_wait() {
    let mut bench = Bench::new();
    bench.asked(0);
    for id in 1..=ASKED as u16 {
        bench.after(0).asked(id);
    }
    assert_eq!(bench.after(0).answered(0).out().len(), ASKED + 1);
    assert_eq!(bench.after(0).answered(2).out().len(), ASKED + 1, "behind it");
    assert_eq!(bench.ordered.finish().0.len(), ASKED + 3);
}

#[test]
fn the_end_of_the_capture_is_the_end_of_waiting() {
    let mut bench = Bench::new();
    bench.answered(1);
    assert_eq!(bench.ordered.finish().0.len(), 1);
}

#[test]
fn a_neighbour_answers_each_question_once_in_the_same_words() {
    assert_eq!(Bench::new().arp(1).arp(2).arp(2).arp(1).out(), [1, 2, 4, 3]);
}

#[test]
fn what_an_error_quotes_comes_before_the_error() {
    assert_eq!(Bench::new().unreachable().syn().out(), [2, 1]);
}

#[test]
fn a_call_to_a_host_comes_after_the_answer_that_names_it() {
    assert_eq!(Bench::new().asked(1).syn().named(1).out(), [1, 3, 2]);
    assert_eq!(Bench::new().asked(1).syn().answered(1).after(2 * PATIENCE).arp(1).out(), [1, 2, 3, 4], "it names another");
    assert_eq!(Bench::new().asked(1).named(1).syn().out(), [1, 2, 3], "nothing more is to come");
}

#[test]
fn a_question_goes_before_its_answer_and_behind_what_waits_already() {
    assert_eq!(Bench::new().asked(1).syn().answered(2).asked(2).named(1).out(), [1, 5, 2, 4, 3]);
}

#[test]
fn a_sip_answer_waits_for_its_request_by_call_and_number_or_by_the_branch_where_the_capture_cut_them() {
    let crossed = |change: &dyn Fn(u32, &mut sip::Message)| {
        let mut bench = Bench::new();
        for (number, is_answer) in [(1, true), (2, false), (1, false), (2, true)] {
            let asked = sip_request("REGISTER", number);
            let mut message = if is_answer { sip_answer(401, number) } else { asked };
            change(number, &mut message);
            let side = if is_answer { Side::Server } else { Side::Client };
            bench.event(Transport::Udp, side, What::Message(Message::Sip(Arc::new(message))));
        }
        bench.out()
    };
    assert_eq!(crossed(&|_, _| ()), [3, 1, 2, 4]);
    let cut = |number: u32, message: &mut sip::Message| {
        (message.cut, message.branch) = (true, Some(format!("z9hG4bK{number}").as_str().into()));
        (message.call_id, message.cseq) = Default::default();
    };
    assert_eq!(crossed(&cut), [3, 1, 2, 4]);
    let nameless = |number: u32, message: &mut sip::Message| {
        cut(number, message);
        message.branch = None;
    };
    assert_eq!(crossed(&nameless), [1, 2, 3, 4], "whose it is does not show");
}
