//! More devices, addresses and stations than are remembered.

use std::net::{IpAddr, Ipv4Addr};

use super::*;
use crate::event::{Event, What};
use crate::flow::{Flow, Transport};
use crate::model::Endpoint;
use crate::model::{At, Frame, Side};
use crate::packet::Link;
use crate::protocols::dhcp;
use crate::protocols::dns;
use crate::protocols::http;
use crate::protocols::lldp;
use crate::protocols::sip;

fn station(number: u8) -> Mac {
    Mac([0, 4, 0xf2, 0, 0, number])
}

fn address(number: u8) -> IpAddr {
    IpAddr::from([10, 0, 4, number])
}

fn event(client: Endpoint, server: Endpoint, transport: Transport, message: Message) -> Event {
    let flow = Flow { id: 1, transport, client, server, oriented: true };
    let at = At { frame: Frame::new(1), time: Time::from_seconds(1) };
    Event { at, link: Link::default(), flow, side: Side::Client, what: What::Message(message) }
}

/// A station says that this address is its own.
fn announces(devices: &mut Devices, number: u8, address: [u8; 4]) {
    let (mac, ip) = (station(number), Ipv4Addr::from(address));
    let message = arp::Message { operation: 1, sender_mac: mac, sender_ip: ip, target_mac: Mac::default(), target_ip: ip };
    devices.observe(&event(Endpoint::Mac(mac), Endpoint::Mac(Mac([0xff; 6])), Transport::Link, Message::Arp(message)));
}

/// The host with this address asks for a name.
fn asks(devices: &mut Devices, number: u8, name: &str) -> Option<Owner> {
    dns(devices, number, [10, 0, 0, 3], name, Side::Client)
}

/// The host asks this server for a name, or the server answers.
fn dns(devices: &mut Devices, number: u8, server: [u8; 4], name: &str, side: Side) -> Option<Owner> {
    let message = dns::Message { response: side == Side::Server, ..question(name) };
    let end = |address: IpAddr, port: u16| Endpoint::Ip(std::net::SocketAddr::new(address, port));
    let (client, server) = (end(address(number), 40_000), end(IpAddr::from(server), 53));
    let event = event(client, server, Transport::Udp, Message::Dns(std::sync::Arc::new(message)));
    devices.observe(&Event { side, ..event })
}

/// The host asks the host 3 for this file, and is answered. `passed_on` says whether the request, and the answer, say that they are.
fn web(devices: &mut Devices, number: u8, uri: &str, passed_on: (bool, bool)) {
    let end = |number: u8, port: u16| Endpoint::Ip(std::net::SocketAddr::new(address(number), port));
    let request = std::sync::Arc::new(http::Request {
        method: "GET".into(),
        uri: uri.into(),
        host: None,
        user_agent: Some("Yealink SIP-T46S".into()),
        content_type: None,
        authorization: None,
        to_proxy: false,
        credentials: None,
        is_passed_on: passed_on.0,
        index: 0,
    });
    let response = http::Response {
        code: 200,
        server: None,
        content_type: None,
        location: None,
        www_authenticate: Vec::new(),
        proxy_authenticate: Vec::new(),
        date: None,
        ntlm: None,
        is_passed_on: passed_on.1,
        request: Some(std::sync::Arc::clone(&request)),
        body: http::Body::default(),
    };
    let asked = event(end(number, 40_000), end(3, 80), Transport::Tcp, Message::Http(http::Message::Request(request)));
    let answer = What::Message(Message::Http(http::Message::Response(response.into())));
    devices.observe(&asked);
    devices.observe(&Event { side: Side::Server, what: answer, ..asked });
}

fn question(name: &str) -> dns::Message {
    dns::Message {
        id: 1,
        response: false,
        opcode: 0,
        rcode: 0,
        truncated: false,
        iterative: false,
        question: Some(dns::Question { name: name.into(), kind: dns::kind::A }),
        records: Vec::new(),
        tcp: false,
        problem: None,
    }
}

#[test]
fn a_server_that_answers_one_device_could_be_heard_by_another() {
    let is_heard = |devices: &Devices, number: usize| devices.facts(DeviceId(number)).is_some_and(|facts| facts.seen_both_ways);
    let mut devices = Devices::default();
    asks(&mut devices, 1, "sip.contoso.com");
    assert!(!is_heard(&devices, 0));
    dns(&mut devices, 2, [10, 0, 0, 3], "sip.contoso.com", Side::Client);
    dns(&mut devices, 2, [10, 0, 0, 3], "sip.contoso.com", Side::Server);
    asks(&mut devices, 1, "sip.contoso.com");
    assert!(is_heard(&devices, 0) && is_heard(&devices, 1));
    dns(&mut devices, 3, [10, 0, 0, 4], "sip.contoso.com", Side::Client);
    assert!(!is_heard(&devices, 2), "of that server nothing was captured");
}

#[test]
fn of_more_answering_servers_than_are_remembered_the_first_ones_count() {
    let mut devices = Devices::default();
    for server in 0..=255_u8 {
        dns(&mut devices, 1, [10, 1, 0, server], "sip.contoso.com", Side::Server);
    }
    // One device remembers no more than that itself.
    dns(&mut devices, 2, [10, 2, 0, 1], "sip.contoso.com", Side::Server);
    dns(&mut devices, 3, [10, 2, 0, 1], "sip.contoso.com", Side::Client);
    dns(&mut devices, 4, [10, 1, 0, 9], "sip.contoso.com", Side::Client);
    let heard = |number: usize| devices.facts(DeviceId(number)).is_some_and(|facts| facts.seen_both_ways);
    assert_eq!((heard(2), heard(3)), (false, true));
}

/// Would the capture show what is said to the host with this address, that asks a server which nobody has heard, by these answers to
/// others?
fn would_hear(answers: &[([u8; 4], [u8; 4])], own: [u8; 4]) -> bool {
    let mut devices = Devices::default();
    let says = |devices: &mut Devices, host: [u8; 4], server: [u8; 4], side: Side| {
        let end = |address: [u8; 4], port: u16| Endpoint::Ip(std::net::SocketAddr::new(address.into(), port));
        let message =
            Message::Dns(std::sync::Arc::new(dns::Message { response: side == Side::Server, ..question("a.contoso.com") }));
        let event = event(end(host, 40_000), end(server, 53), Transport::Udp, message);
        devices.observe(&Event { side, ..event }).map(|owner| owner.device)
    };
    for (host, server) in answers {
        says(&mut devices, *host, *server, Side::Server);
    }
    let asks = says(&mut devices, own, [203, 0, 113, 9], Side::Client).unwrap();
    devices.facts(asks).is_some_and(|facts| facts.neighbours_hear && !facts.seen_both_ways)
}

#[test]
fn what_comes_to_a_neighbour_from_afar_would_come_to_the_device_too() {
    assert!(would_hear(&[([10, 0, 4, 7], [10, 9, 9, 9])], [10, 0, 4, 8]));
    assert!(!would_hear(&[], [10, 0, 4, 8]));
    assert!(!would_hear(&[([10, 0, 5, 7], [10, 9, 9, 9])], [10, 0, 4, 8]), "that is another network");
    assert!(!would_hear(&[([10, 0, 4, 7], [10, 0, 4, 1])], [10, 0, 4, 8]), "that did not come from afar");
}

#[test]
fn of_more_networks_that_are_heard_than_are_remembered_the_first_ones_count() {
    let many: Vec<_> = (0..=255_u8).map(|network| ([10, 1, network, 7], [10, 9, 9, 9])).collect();
    let with_one_more: Vec<_> = many.iter().copied().chain([([10, 2, 0, 7], [10, 9, 9, 9])]).collect();
    assert!(would_hear(&with_one_more, [10, 1, 255, 8]));
    assert!(!would_hear(&with_one_more, [10, 2, 0, 8]));
}

#[test]
fn further_devices_are_left_out_and_that_is_told() {
    let mut devices = Devices::new(Limits { devices: 3, ..Limits::default() });
    let known: Vec<bool> = (1..=5).map(|number| asks(&mut devices, number, "sip.contoso.com").is_some()).collect();
    assert_eq!(known, [true, true, true, false, false]);
    assert!(asks(&mut devices, 2, "time.contoso.com").is_some(), "those that are known are followed on");
    let told: Vec<String> = devices.warnings().into_iter().map(|warning| warning.text).collect();
    assert_eq!(told, ["2 events of further devices were left out: no more than 3 devices are followed"]);
}

#[test]
fn of_more_bindings_than_are_remembered_the_oldest_goes() {
    let mut devices = Devices::new(Limits { bindings: 3, ..Limits::default() });
    for number in 1..=5 {
        announces(&mut devices, number, [10, 0, 4, number]);
    }
    let bound: Vec<Option<Mac>> = (1..=5).map(|number| devices.mac_of(address(number))).collect();
    assert_eq!(bound, [None, None, Some(station(3)), Some(station(4)), Some(station(5))]);
    assert_eq!((devices.bindings.len(), devices.bound.len()), (3, 3));
}

#[test]
fn of_more_stations_than_are_counted_counting_begins_anew() {
    let router = |devices: &mut Devices| {
        (1..=40).for_each(|host| announces(devices, 1, [10, 9, 0, host]));
        (1..=40).filter(|host| devices.mac_of(IpAddr::from([10, 9, 0, *host])).is_some()).count()
    };
    // A router with proxy ARP binds as many addresses as a host may have, and no more.
    let mut devices = Devices::new(Limits { arp_stations: 3, ..Limits::default() });
    assert_eq!(router(&mut devices), ADDRESSES_OF_A_HOST as usize);
    for number in 2..=20 {
        announces(&mut devices, number, [10, 0, 4, number]);
        assert!(devices.arp_addresses.len() <= 3);
    }
    assert_eq!(router(&mut devices), 2 * ADDRESSES_OF_A_HOST as usize, "what it was known for is forgotten");
}

#[test]
fn a_device_with_ever_other_names_keeps_the_first_ones() {
    let mut devices = Devices::default();
    for number in 0..300 {
        asks(&mut devices, 1, &format!("host{number}.contoso.com"));
    }
    let names = &devices.facts(DeviceId(0)).expect("a device").names_asked;
    assert_eq!((names.len(), names[0].raw(), names[255].raw()), (facts::ENTRIES, "host0.contoso.com", "host255.contoso.com"));
}

#[test]
fn a_text_that_is_too_long_to_tell_anything_is_not_kept() {
    let mut devices = Devices::default();
    for length in [facts::TEXT, facts::TEXT + 1] {
        asks(&mut devices, 1, &"x".repeat(length));
    }
    let names = &devices.facts(DeviceId(0)).expect("a device").names_asked;
    assert_eq!(names.iter().map(|name| name.raw().len()).collect::<Vec<_>>(), [facts::TEXT]);
}

#[test]
fn of_more_clocks_than_are_remembered_what_a_time_server_said_last_stays() {
    use facts::{ClockSource, ClockWitness, Whose};
    let witness = |number: u64, whose: Whose, from: ClockSource| {
        let at = At { frame: Frame::new(number), time: Time::from_seconds(number.cast_signed()) };
        ClockWitness { at, says: at.time, whose, from }
    };
    let time_server = |number: u64| witness(number, Whose::Server(address(9)), ClockSource::Ntp);
    let mut known = DeviceFacts::default();
    for clock in
        [time_server(1), time_server(2)].into_iter().chain((3..9).map(|n| witness(n, Whose::Device, ClockSource::TlsRandom)))
    {
        known.clocks.push_back(clock);
        known.keep_clocks(3);
    }
    let kept: Vec<u64> = known.clocks.iter().map(|clock| clock.at.frame.number()).collect();
    assert_eq!(kept, [2, 7, 8]);
    assert_eq!(known.time_told_before(Frame::new(9)).map(|told| told.at.frame), Some(Frame::new(2)));
    assert_eq!(known.time_told_before(Frame::new(2)), None);
    known.keep_clocks(0);
    assert!(known.clocks.is_empty());
}

#[test]
fn an_address_is_of_the_device_to_which_it_was_bound_last() {
    let whose = |devices: &mut Devices, number: u8| {
        announces(devices, number, [10, 0, 4, 7]);
        asks(devices, 7, "sip.contoso.com").and_then(|owner| devices.facts(owner.device)?.mac)
    };
    let mut devices = Devices::default();
    assert_eq!([1, 2, 1].map(|number| whose(&mut devices, number)), [1, 2, 1].map(|number| Some(station(number))));
    let mut devices = Devices::new(Limits { bindings: 1, ..Limits::default() });
    assert_eq!(whose(&mut devices, 1), Some(station(1)));
    announces(&mut devices, 2, [10, 0, 4, 8]);
    let owner = asks(&mut devices, 7, "sip.contoso.com").expect("a device");
    assert_eq!(devices.facts(owner.device).and_then(|facts| facts.mac), None, "that binding was forgotten");
}

/// A message of the DHCP exchange of a station.
fn dhcp(devices: &mut Devices, number: u8, kind: u8, options: &[(u8, &[u8])]) {
    let message = crate::findings::testing::dhcp_message(kind, options);
    let operation = if kind == dhcp::kind::OFFER { 2 } else { 1 };
    let your = if operation == 2 { Ipv4Addr::from([10, 0, 4, number]) } else { Ipv4Addr::UNSPECIFIED };
    let message = dhcp::Message { operation, your, hardware_address: Some(station(number)), ..message };
    let end = |address: [u8; 4], port: u16| Endpoint::Ip(std::net::SocketAddr::from((address, port)));
    let event = event(end([0; 4], 68), end([255; 4], 67), Transport::Udp, Message::Dhcp(std::sync::Arc::new(message)));
    devices.observe(&event);
}

/// A question for the MAC of this address, or the answer to that of a station.
fn arp(devices: &mut Devices, number: u8, operation: u16, sender_ip: [u8; 4], target_ip: [u8; 4]) {
    let router = Mac([0, 0x1b, 0x54, 0, 0, 1]);
    let (sender_mac, target_mac) = if operation == 1 { (station(number), Mac::default()) } else { (router, station(number)) };
    let (sender_ip, target_ip) = (Ipv4Addr::from(sender_ip), Ipv4Addr::from(target_ip));
    let message = arp::Message { operation, sender_mac, sender_ip, target_mac, target_ip };
    let (from, to) = (Endpoint::Mac(sender_mac), Endpoint::Mac(target_mac));
    devices.observe(&event(from, to, Transport::Link, Message::Arp(message)));
}

#[test]
fn who_takes_up_the_address_that_it_was_offered_has_it_though_the_capture_lacks_the_ack() {
    let bound = |takes_up: &dyn Fn(&mut Devices)| {
        let mut devices = Devices::default();
        dhcp(&mut devices, 7, dhcp::kind::OFFER, &[]);
        dhcp(&mut devices, 7, dhcp::kind::REQUEST, &[(50, &[10, 0, 4, 7])]);
        takes_up(&mut devices);
        let taken_up = devices.facts(DeviceId(0)).is_some_and(|facts| facts.taken_up.is_some());
        (devices.mac_of(address(7)), taken_up)
    };
    let is_its = (Some(station(7)), true);
    assert_eq!(bound(&|_| ()), (None, false), "an offer alone gives nothing");
    assert_eq!(bound(&|devices| arp(devices, 7, 1, [0; 4], [10, 0, 4, 7])), is_its, "it looks whether it is free");
    assert_eq!(bound(&|devices| arp(devices, 7, 1, [10, 0, 4, 7], [10, 0, 4, 1])), is_its, "it speaks from it");
    assert_eq!(bound(&|devices| arp(devices, 7, 2, [10, 0, 4, 1], [10, 0, 4, 7])), is_its, "it is answered there");
    assert_eq!(bound(&|devices| arp(devices, 7, 1, [0; 4], [10, 0, 4, 8])), (None, false), "that is another one");
    let anew = |devices: &mut Devices| {
        dhcp(devices, 7, dhcp::kind::DISCOVER, &[]);
        arp(devices, 7, 2, [10, 0, 4, 1], [10, 0, 4, 7]);
    };
    assert_eq!(bound(&anew), (None, false), "it asked anew");
}

#[test]
fn a_station_without_lease_that_looks_whether_an_address_is_free_has_none_yet() {
    let mut devices = Devices::default();
    dhcp(&mut devices, 7, dhcp::kind::DISCOVER, &[]);
    arp(&mut devices, 7, 1, [0; 4], [10, 0, 4, 7]);
    assert_eq!(devices.mac_of(address(7)), None);
}

#[test]
fn packets_from_an_offered_address_are_those_of_the_station_that_sends_them() {
    let bound = |sender: u8| {
        let mut devices = Devices::default();
        dhcp(&mut devices, 7, dhcp::kind::REQUEST, &[(50, &[10, 0, 4, 7])]);
        let end = |address: IpAddr, port: u16| Endpoint::Ip(std::net::SocketAddr::new(address, port));
        let message = Message::Dns(std::sync::Arc::new(question("sip.contoso.com")));
        let asks = event(end(address(7), 40_000), end([10, 0, 0, 3].into(), 53), Transport::Udp, message);
        let link = Link { source: Some(station(sender)), ..Link::default() };
        devices.observe(&Event { link, ..asks });
        devices.mac_of(address(7))
    };
    assert_eq!((bound(7), bound(9)), (Some(station(7)), None));
}

#[test]
fn an_address_that_is_made_of_the_mac_that_sends_it_is_that_stations() {
    let bound = |source: Mac, address: &str| {
        let address: IpAddr = address.parse().unwrap();
        let end = |address: IpAddr| Endpoint::Ip(std::net::SocketAddr::new(address, 53));
        let asks =
            event(end(address), end("2001:db8::53".parse().unwrap()), Transport::Udp, Message::Dns(question("sip.a").into()));
        let link = Link { source: Some(source), ..Link::default() };
        let mut devices = Devices::default();
        devices.observe(&Event { link, ..asks });
        devices.mac_of(address)
    };
    assert_eq!(bound(station(7), "2001:db8::204:f2ff:fe00:7"), Some(station(7)));
    assert_eq!(bound(station(8), "2001:db8::204:f2ff:fe00:7"), None, "a router passes it on");
    assert_eq!(bound(station(7), "2001:db8::7"), None, "it does not show whose that is");
}

#[test]
fn a_station_that_goes_to_a_registrar_over_ipv6_is_the_one_that_speaks_from_its_ipv4_address() {
    let bound = |port: u16| {
        let mut devices = Devices::default();
        let link = Link { source: Some(station(7)), ..Link::default() };
        let calls = |client: &str, server: &str, port: u16| {
            let end = |address: &str, port: u16| Endpoint::Ip(std::net::SocketAddr::new(address.parse().unwrap(), port));
            let flow =
                Flow { id: 1, transport: Transport::Tcp, client: end(client, 40_000), server: end(server, port), oriented: true };
            let what = What::Tcp(crate::flow::Signal::Syn { first: true }, Default::default());
            Event { at: At::default(), link, flow, side: Side::Client, what }
        };
        devices.observe(&calls("2001:db8::204:f2ff:fe00:7", "2001:db8::5", port));
        devices.observe(&calls("10.0.4.7", "10.0.0.5", port));
        devices.observe(&calls("10.0.4.8", "10.0.0.5", port));
        (devices.mac_of(address(7)), devices.mac_of(address(8)))
    };
    assert_eq!(bound(5060), (Some(station(7)), None), "it has one address");
    assert_eq!(bound(443), (None, None), "that may be a router");
}

#[test]
fn a_datagram_that_cannot_be_read_is_its_senders_if_that_is_known() {
    let mut devices = Devices::default();
    asks(&mut devices, 1, "sip.contoso.com");
    let end = |address: IpAddr| Endpoint::Ip(std::net::SocketAddr::new(address, 5060));
    let speaks = |number: u8| {
        let flow = Flow {
            id: 1,
            transport: Transport::Udp,
            client: end(address(number)),
            server: end([10, 0, 0, 5].into()),
            oriented: false,
        };
        Event { at: At::default(), link: Link::default(), flow, side: Side::Client, what: What::Unread { whole: true } }
    };
    assert_eq!((devices.bystander(&speaks(1)), devices.bystander(&speaks(2))), (Some(DeviceId(0)), None));
    assert!(devices.observe(&speaks(2)).is_none(), "it makes no device known");
    let said = |devices: &Devices| devices.facts(DeviceId(0)).and_then(|facts| facts.last_said);
    let later = At { time: Time::from_seconds(60), ..At::default() };
    devices.observe(&Event { at: later, side: Side::Server, ..speaks(1) });
    assert_eq!(said(&devices), Some(Time::from_seconds(1)), "somebody else speaks to it");
    devices.observe(&Event { at: later, ..speaks(1) });
    assert_eq!(said(&devices), Some(Time::from_seconds(60)), "it is alive");
    let answers = |devices: &mut Devices, number: u8, second: i64| {
        let IpAddr::V4(ip) = address(number) else { panic!("no IPv4") };
        let (mac, router) = (station(number), Mac([0, 9, 0x0f, 0, 0, 1]));
        let message = arp::Message { operation: 2, sender_mac: mac, sender_ip: ip, target_mac: router, target_ip: ip };
        let answer = event(Endpoint::Mac(mac), Endpoint::Mac(router), Transport::Link, Message::Arp(message));
        devices.observe(&Event { at: At { time: Time::from_seconds(second), ..At::default() }, ..answer });
    };
    answers(&mut devices, 1, 90);
    answers(&mut devices, 2, 120);
    assert_eq!(said(&devices), Some(Time::from_seconds(90)), "it answers its router");
}

/// Something at this MAC says by LLDP that it is capable of this.
fn says_by_lldp(devices: &mut Devices, mac: Mac, capabilities: u16) {
    let message = lldp::Message { chassis: Some(mac), capabilities: Some(capabilities), ..lldp::Message::default() };
    let multicast = Endpoint::Mac(Mac([0x01, 0x80, 0xc2, 0, 0, 0x0e]));
    devices.observe(&event(Endpoint::Mac(mac), multicast, Transport::Link, Message::Lldp(Box::new(message))));
}

#[test]
fn a_switch_is_known_by_what_it_says_whichever_of_its_macs_asks_for_the_address() {
    let is_switch = |capabilities: u16, [a, b]: [u8; 2]| {
        let mut devices = Devices::default();
        says_by_lldp(&mut devices, Mac([0, 4, 0xf2, 0, a, b]), capabilities);
        announces(&mut devices, 7, [10, 0, 4, 7]);
        let of_asker = devices.by_key.get(&Key::Mac(station(7))).and_then(|device| devices.facts(*device));
        of_asker.is_some_and(|facts| facts.is_infrastructure)
    };
    let (bridge, telephone) = (1 << 2, 1 << 5);
    assert!(is_switch(bridge, [0, 7]) && is_switch(bridge, [0, 33]));
    assert!(!is_switch(bridge | telephone, [0, 7]));
    assert!(!is_switch(bridge, [1, 7]), "another one");
}

#[test]
fn of_more_switches_than_are_remembered_the_first_ones_count() {
    let mut devices = Devices::default();
    for number in 0..=255 {
        says_by_lldp(&mut devices, Mac([0, 4, 0xf2, 1, number, 1]), 1 << 2);
    }
    says_by_lldp(&mut devices, station(1), 1 << 2);
    announces(&mut devices, 1, [10, 0, 4, 1]);
    assert!(devices.facts(DeviceId(0)).is_some_and(|facts| !facts.is_infrastructure));
}

#[test]
fn what_a_client_of_dhcpv6_says_of_its_maker_is_known() {
    let mut devices = Devices::default();
    let client: std::net::SocketAddr = "[fe80::204:f2ff:fe00:1]:546".parse().unwrap();
    let servers: std::net::SocketAddr = "[ff02::1:2]:547".parse().unwrap();
    let message = dhcpv6::Message {
        outer: dhcpv6::kind::SOLICIT,
        kind: dhcpv6::kind::SOLICIT,
        client_mac: Some(station(1)),
        vendor_class: Some((6889, "ccp.avaya.com".into())),
        ..dhcpv6::Message::default()
    };
    let message = Message::Dhcpv6(std::sync::Arc::new(message));
    devices.observe(&event(Endpoint::Ip(client), Endpoint::Ip(servers), Transport::Udp, message));
    let said = devices.facts(DeviceId(0)).map(|facts| facts.vendor_identities.clone());
    assert_eq!(said, Some(vec!["6889:ccp.avaya.com".into()]));
}

/// What is known of the host with this address.
fn known(devices: &Devices, number: u8) -> Option<&DeviceFacts> {
    devices.known_at(address(number)).and_then(|device| devices.facts(device))
}

#[test]
fn the_names_that_a_name_server_asks_for_are_those_of_others() {
    const SERVICE: &str = "_sip._tcp.contoso.com";
    let mut devices = Devices::default();
    // The phone 1 asks the resolver 3, which asks another one.
    for _ in 0..2 {
        dns(&mut devices, 1, [10, 0, 4, 3], SERVICE, Side::Client);
        dns(&mut devices, 3, [192, 0, 2, 53], SERVICE, Side::Client);
        dns(&mut devices, 3, [192, 0, 2, 53], SERVICE, Side::Server);
        dns(&mut devices, 1, [10, 0, 4, 3], SERVICE, Side::Server);
    }
    let asked = |number: u8| known(&devices, number).map(|facts| (facts.names_asked.len(), facts.sip_domains.len()));
    assert_eq!((asked(1), asked(3)), (Some((1, 1)), Some((0, 0))));
}

#[test]
fn who_goes_from_name_server_to_name_server_asks_for_others() {
    let asked = |iterative: bool| {
        let mut devices = Devices::default();
        let message = dns::Message { iterative, ..question("_sip._tcp.contoso.com") };
        let end = |address: IpAddr, port: u16| Endpoint::Ip(std::net::SocketAddr::new(address, port));
        let (client, server) = (end(address(3), 40_000), end(IpAddr::from([192, 0, 2, 53]), 53));
        devices.observe(&event(client, server, Transport::Udp, Message::Dns(std::sync::Arc::new(message))));
        known(&devices, 3).map(|facts| facts.names_asked.len())
    };
    assert_eq!((asked(true), asked(false)), (Some(0), Some(1)));
}

#[test]
fn what_a_proxy_of_the_web_asks_for_is_asked_by_others() {
    const FILE: &str = "/0004f2000001.cfg";
    const FILE_ELSEWHERE: &str = "http://prov.contoso.com/0004f2000001.cfg";
    let named = |devices: &Devices, number: u8| known(devices, number).map(|facts| facts.user_agents.len());
    let mut devices = Devices::default();
    web(&mut devices, 2, FILE, (false, false));
    assert_eq!(named(&devices, 2), Some(1));
    web(&mut devices, 2, FILE, (true, false));
    assert_eq!(named(&devices, 2), Some(0), "it says that it passes that on");
    let asks_after = |answer_passed_on: bool| {
        let mut devices = Devices::default();
        web(&mut devices, 1, FILE_ELSEWHERE, (false, answer_passed_on));
        web(&mut devices, 3, FILE, (false, false));
        (named(&devices, 1), named(&devices, 3))
    };
    assert_eq!(asks_after(true), (Some(1), Some(0)), "it is asked for what another host has");
    assert_eq!(asks_after(false), (Some(1), Some(1)), "it answered for itself");
}

#[test]
fn what_a_sip_proxy_passes_on_is_of_the_phone_that_said_it_if_that_is_seen() {
    let phone = address(1);
    let says = |devices: &mut Devices, from: u8, to: u8, message: &sip::Message| {
        let end = |number: u8| Endpoint::Ip(std::net::SocketAddr::new(address(number), 5060));
        devices.observe(&event(end(from), end(to), Transport::Udp, Message::Sip(std::sync::Arc::new(message.clone()))))
    };
    let own = crate::findings::testing::sip_request("REGISTER", 1);
    let passed_on = sip::Message { origin: Some(phone), ..own.clone() };
    let mut devices = Devices::default();
    assert!(says(&mut devices, 2, 3, &passed_on).is_some(), "nobody else is seen");
    let mut devices = Devices::default();
    assert!(says(&mut devices, 1, 2, &own).is_some());
    assert!(says(&mut devices, 2, 3, &own).is_some(), "what it says of its own");
    assert!(says(&mut devices, 2, 3, &passed_on).is_none());
    let passes_on = |number: u8| known(&devices, number).map(|facts| facts.passes_on_sip);
    assert_eq!((passes_on(1), passes_on(2)), (Some(false), Some(true)));
    let answer = sip::Message { origin: Some(phone), ..crate::findings::testing::sip_answer(401, 1) };
    assert!(says(&mut devices, 3, 2, &answer).is_none());
    assert!(says(&mut devices, 2, 1, &crate::findings::testing::sip_answer(401, 1)).is_some());
    assert!(says(&mut devices, 1, 2, &passed_on).is_some(), "by a proxy within the phone");
}

#[test]
fn the_voice_vlan_is_one_where_switches_agree_and_two_where_they_do_not() {
    use crate::protocols::cdp;
    let announced = |vlans: &[u16]| {
        let mut network = network::Network::default();
        let mut facts = DeviceFacts::default();
        for vlan in vlans {
            let message = cdp::Message { voice_vlan: Some(*vlan), ..cdp::Message::default() };
            let message = Message::Cdp(Box::new(message));
            let told = event(Endpoint::Mac(station(9)), Endpoint::Mac(Mac([1; 6])), Transport::Link, message);
            network.event(&told);
            network.tell(&mut facts, &told);
        }
        (facts.voice_vlan.map(|one| one.vlan), facts.rival_voice_vlans.as_ref().map(|both| both.map(|one| one.vlan)))
    };
    assert_eq!(announced(&[110, 110]), (Some(110), None));
    assert_eq!(announced(&[110, 210, 110]), (None, Some([110, 210])));
}
