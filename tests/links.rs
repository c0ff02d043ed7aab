//! What a login stands on below and beside IP, from the wire to the verdict: 802.1X, VLANs, DHCPv6, configuration files.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod wire;

use loginloop::model::{By, How, Stage, Verdict};
use loginloop::pipeline::{Options, analyse};
use loginloop::profile::Profiles;
use loginloop::verdict::DeviceAnalysis;
use wire::Capture;

/// The phone of a capture.
fn phone(capture: &Capture) -> DeviceAnalysis {
    let options = Options { profiles: Profiles::builtin(), ..Options::default() };
    let analysis = analyse(capture.bytes(), &options).expect("a capture").result;
    let mut devices = analysis.devices;
    let phone = devices.iter().position(|device| device.mac.is_some_and(|mac| mac.0 == wire::PHONE));
    devices.swap_remove(phone.expect("the phone was seen"))
}

fn primary(device: &DeviceAnalysis) -> Option<&'static str> {
    device.findings.iter().find(|finding| finding.primary).map(|finding| finding.code)
}

/// Stage, by, how and frame of each drop.
fn drops(device: &DeviceAnalysis) -> Vec<(Stage, By, How, u64)> {
    let drops = device.attempts.iter().filter_map(|attempt| attempt.drop);
    drops.map(|drop| (drop.stage, drop.by, drop.how, drop.at.frame.number())).collect()
}

/// What makes the device known as a phone.
fn known_phone() -> Capture {
    let mut capture = Capture::new();
    capture.discovers(1, 2);
    capture
}

#[test]
fn a_port_that_refuses_the_phone_again_and_again_is_a_loop_at_the_link() {
    let mut capture = Capture::new();
    for round in 1..=3 {
        capture.eapol_start().authenticates(round, 4).pause(1.0).discovers(round, 2).pause(60.0);
    }
    let device = phone(&capture);
    assert_eq!((device.verdict, primary(&device)), (Verdict::Loop, Some("dot1x-rejected")));
    assert_eq!(device.attempts.len(), 3);
}

#[test]
fn a_refusal_with_nothing_after_it_is_the_decisive_frame() {
    let mut capture = known_phone();
    let before = capture.frames;
    capture.pause(100.0).authenticates(7, 4);
    let device = phone(&capture);
    assert_eq!(drops(&device).last().map(|drop| drop.3), Some(before), "the DHCP before it is further on its way");
    let mut alone = Capture::new();
    alone.authenticates(7, 4).pause(60.0).authenticates(8, 4).pause(60.0).lease(1);
    let device = phone(&alone);
    assert_eq!(drops(&device), [(Stage::Link, By::Server, How::Rejected, 3)], "the second try ends in a lease");
}

#[test]
fn a_phone_that_is_let_in_by_its_mac_after_a_failure_has_no_fault() {
    let mut capture = Capture::new();
    capture.authenticates(1, 4).pause(5.0).lease(1).file(2000, "y000000000000.cfg").registers().pause(40.0);
    let device = phone(&capture);
    assert_eq!((device.verdict, primary(&device)), (Verdict::SignedIn, None));
    assert!(device.findings.iter().all(|finding| !finding.code.starts_with("dot1x")));
}

#[test]
fn three_starts_and_then_dhcp_are_an_open_port() {
    let mut capture = Capture::new();
    for _ in 0..3 {
        capture.eapol_start().pause(30.0);
    }
    capture.lease(1).registers().pause(40.0);
    let device = phone(&capture);
    assert_eq!((device.verdict, device.findings.len()), (Verdict::SignedIn, 0));
}

#[test]
fn a_switch_that_asks_again_in_mid_session_begins_nothing() {
    let mut capture = Capture::new();
    capture.authenticates(1, 3).lease(1).registers();
    for round in 2..6 {
        capture.pause(100.0).authenticates(round, 3);
    }
    let device = phone(&capture);
    assert_eq!((device.verdict, device.attempts.len()), (Verdict::SignedIn, 1));
}

#[test]
fn read_requests_that_nobody_answers_are_a_loop_at_provisioning() {
    let mut capture = Capture::new();
    for round in 1..=2 {
        capture.lease(round);
        for _ in 0..3 {
            capture.read(2000 + u16::from(round), "y000000000000.cfg").pause(4.0);
        }
        capture.pause(20.0);
    }
    let device = phone(&capture);
    assert_eq!((device.verdict, primary(&device)), (Verdict::Loop, Some("provision-no-answer")));
    assert!(drops(&device).iter().all(|drop| (drop.0, drop.2) == (Stage::Provision, How::Timeout)), "{:?}", drops(&device));
}

#[test]
fn an_answer_from_a_new_port_belongs_to_the_request() {
    let mut capture = Capture::new();
    capture.lease(1).read(2000, "y000000000000.cfg").answers_from_new_port(2000, b"\0\x05\0\x01File not found\0");
    let decisive = capture.frames;
    capture
        .pause(30.0)
        .lease(2)
        .read(2001, "y000000000000.cfg")
        .answers_from_new_port(2001, b"\0\x05\0\x01File not found\0")
        .pause(30.0);
    let device = phone(&capture);
    assert_eq!((device.verdict, primary(&device)), (Verdict::Loop, Some("provision-not-found")));
    assert_eq!(drops(&device).first(), Some(&(Stage::Provision, By::Server, How::Rejected, decisive)));
}

#[test]
fn a_missing_file_of_its_own_beside_a_common_one_is_no_fault() {
    let mut capture = Capture::new();
    capture.lease(1).file(2000, "y000000000000.cfg");
    capture.read(2001, "0004f21a2b3c.cfg").answers_from_new_port(2001, b"\0\x05\0\x01File not found\0").pause(5.0);
    capture.registers().pause(40.0);
    let device = phone(&capture);
    assert_eq!((device.verdict, device.findings.len()), (Verdict::SignedIn, 0));
    let mut unfinished = Capture::new();
    unfinished.lease(1).file(2000, "y000000000000.cfg");
    unfinished
        .read(2001, "0004f21a2b3c.cfg")
        .answers_from_new_port(2001, b"\0\x05\0\x01File not found\0")
        .pause(60.0)
        .eapol_start();
    assert_eq!(phone(&unfinished).verdict, Verdict::Incomplete, "nothing says that the phone stopped there");
}

#[test]
fn the_same_file_again_and_again_is_a_loop_of_its_own() {
    let mut capture = Capture::new();
    for round in 1..=3 {
        capture.lease(round).file(2000 + u16::from(round), "y000000000000.cfg").pause(45.0);
    }
    let device = phone(&capture);
    assert_eq!((device.verdict, primary(&device)), (Verdict::Loop, Some("provision-loop")));
    assert!(drops(&device).iter().all(|drop| (drop.0, drop.2) == (Stage::Provision, How::Abandoned)), "{:?}", drops(&device));
}

#[test]
fn an_image_again_and_again_is_an_update_loop() {
    let mut capture = Capture::new();
    for round in 1..=3 {
        let port = 2000 + 2 * u16::from(round);
        capture.lease(round).file(port, "y000000000000.cfg").file(port + 1, "T46-28.83.0.50.rom").pause(90.0);
    }
    let device = phone(&capture);
    assert_eq!((device.verdict, primary(&device)), (Verdict::Loop, Some("update-loop")));
}

#[test]
fn a_signed_file_that_is_never_used_is_a_matter_of_the_trust_list() {
    let mut capture = Capture::new();
    for round in 1..=3 {
        let port = 2000 + 2 * u16::from(round);
        capture.lease(round).file(port, "ITLSEP0004F21A2B3C.tlv").file(port + 1, "SEP0004F21A2B3C.cnf.xml.sgn").pause(45.0);
    }
    assert_eq!(primary(&phone(&capture)), Some("provision-trust-list-rejected"));
}

#[test]
fn a_phone_that_restarts_with_nothing_to_explain_it_is_said_to_restart() {
    let mut capture = Capture::new();
    capture.lease(1).file(2000, "y000000000000.cfg").pause(10.0);
    capture.lease(2).file(2001, "y000000000000.cfg").registers().pause(40.0);
    let device = phone(&capture);
    assert_eq!(device.verdict, Verdict::SignedIn);
    assert!(device.findings.iter().any(|finding| finding.code == "device-restarted"), "{:?}", device.findings);
    assert!(device.findings.iter().all(|finding| finding.code != "provision-loop"), "it went on the second time");
}

#[test]
fn dhcpv6_that_nobody_answers_beside_a_good_lease_is_no_fault() {
    let mut capture = Capture::new();
    capture.dhcpv6(1, 1).pause(1.0).dhcpv6(1, 1).pause(2.0).dhcpv6(1, 1).lease(1).registers();
    for _ in 0..5 {
        capture.pause(30.0).dhcpv6(1, 1).pause(2.0).dhcpv6(11, 9);
    }
    let device = phone(&capture);
    assert_eq!((device.verdict, device.findings.len(), device.attempts.len()), (Verdict::SignedIn, 0, 1));
}

#[test]
fn dhcpv6_that_nobody_answers_with_no_other_address_is_the_drop() {
    let mut capture = Capture::new();
    capture.discovers(1, 3).dhcpv6(1, 1).pause(1.0).dhcpv6(1, 1).pause(2.0).dhcpv6(1, 1).pause(20.0).announces(20);
    let device = phone(&capture);
    assert_eq!((device.verdict, primary(&device)), (Verdict::Dropped, Some("dhcp-no-offer")));
}

#[test]
fn dhcp_in_another_vlan_than_the_announced_one_fails_for_that() {
    let mut capture = Capture::new();
    capture.announces(20).vlan(Some(30)).discovers(1, 5).pause(30.0).eapol_start();
    assert_eq!(primary(&phone(&capture)), Some("vlan-mismatch"));
    let mut untagged = Capture::new();
    untagged.announces(20).discovers(1, 5).pause(30.0).eapol_start();
    assert_eq!(primary(&phone(&untagged)), Some("dhcp-no-offer"), "a capture without tags proves nothing");
}

#[test]
fn switches_that_announce_different_vlans_prove_nothing() {
    let mut capture = Capture::new();
    capture.announces(20).announces(40).vlan(Some(30)).discovers(1, 5).pause(30.0).announces(20);
    assert_eq!(primary(&phone(&capture)), Some("dhcp-no-offer"), "which of them is the phone's does not show");
}

#[test]
fn to_and_fro_between_vlans_is_flapping() {
    let mut capture = Capture::new();
    for round in 0..3 {
        capture.vlan(None).discovers(2 * round + 1, 3).pause(10.0).vlan(Some(20)).discovers(2 * round + 2, 3).pause(10.0);
    }
    assert_eq!(primary(&phone(&capture)), Some("vlan-flapping"));
}

#[test]
fn a_normal_start_walks_into_its_vlan_each_time() {
    let mut capture = Capture::new();
    for round in 0..3 {
        capture.vlan(None).lease(2 * round + 1).pause(1.0).vlan(Some(20)).lease(2 * round + 2);
        capture.file(2000 + u16::from(round), "y000000000000.cfg").registers().pause(400.0);
    }
    let device = phone(&capture);
    assert!(device.findings.iter().all(|finding| !finding.code.starts_with("vlan")), "{:?}", device.findings);
}

/// A capture of a phone that has nothing but IPv6.
fn over_ipv6() -> Capture {
    let mut capture = known_phone();
    capture.router_v6();
    capture
}

#[test]
fn no_address_left_over_ipv6_is_a_refusal() {
    let mut capture = over_ipv6();
    capture.dhcpv6(1, 1).dhcpv6_refuses(2, 1).pause(5.0).dhcpv6(1, 1).dhcpv6_refuses(2, 1).pause(30.0).announces(20);
    let device = phone(&capture);
    assert_eq!((device.verdict, primary(&device)), (Verdict::Dropped, Some("dhcp-nak")));
    assert_eq!(drops(&device).first().map(|drop| (drop.1, drop.2)), Some((By::Server, How::Rejected)));
}

#[test]
fn a_router_of_ipv6_that_does_not_answer_is_unreachable() {
    let leased = |answers: bool| {
        let mut capture = over_ipv6();
        capture.dhcpv6(1, 1).dhcpv6_gives(2, 1).dhcpv6(3, 2).dhcpv6_gives(7, 2);
        capture.asks_for_router_v6(3, answers).pause(30.0).announces(20);
        phone(&capture)
    };
    assert_eq!(primary(&leased(false)), Some("gateway-unreachable"));
    assert_eq!((leased(true).verdict, primary(&leased(true))), (Verdict::Incomplete, None));
}

#[test]
fn a_router_of_ipv6_that_does_not_answer_beside_ipv4_that_works_is_no_fault() {
    let mut capture = Capture::new();
    capture.router_v6().lease(1).asks_for_router_v6(3, false).registers().pause(40.0).announces(20);
    let device = phone(&capture);
    assert_eq!((device.verdict, device.findings.len()), (Verdict::SignedIn, 0));
}

#[test]
fn addresses_of_both_families_are_one_device() {
    let mut capture = Capture::new();
    capture.router_v6().lease(1).dhcpv6(1, 1).dhcpv6_gives(2, 1).dhcpv6(3, 2).dhcpv6_gives(7, 2).asks_for_router_v6(1, true);
    let ips: Vec<String> = phone(&capture).ips.iter().map(ToString::to_string).collect();
    assert_eq!(ips, [wire::ADDRESS.to_string(), wire::PHONE_V6.to_owned()]);
}

#[test]
fn trust_lists_that_come_do_not_make_up_for_the_configuration() {
    let mut capture = Capture::new();
    for round in 1..=2 {
        let port = 2000 + 2 * u16::from(round);
        capture.lease(round).file(port, "ITLSEP0004F21A2B3C.tlv").read(port + 1, "SEP0004F21A2B3C.cnf.xml");
        capture.answers_from_new_port(port + 1, b"\0\x05\0\x01File not found\0").pause(30.0);
    }
    let device = phone(&capture);
    assert_eq!((device.verdict, primary(&device)), (Verdict::Loop, Some("provision-not-found")));
}

#[test]
fn media_between_the_same_hosts_is_not_taken_for_a_file() {
    let mut capture = Capture::new();
    capture.lease(1).file(2000, "y000000000000.cfg").registers();
    for _ in 0..20 {
        capture.answers_from_new_port(2000, &[0x80, 0, 0, 1, 0, 0, 0, 160]);
    }
    capture.pause(40.0).announces(20);
    assert_eq!(phone(&capture).verdict, Verdict::SignedIn);
}

#[test]
fn a_phone_whose_lease_was_not_captured_is_one_device_all_the_same() {
    let mut capture = Capture::new();
    capture.dhcp(1, 1).registers();
    let options = Options { profiles: Profiles::builtin(), ..Options::default() };
    let devices = analyse(capture.bytes(), &options).expect("a capture").result.devices;
    assert_eq!(devices.len(), 1);
    assert_eq!((devices[0].mac.map(|mac| mac.to_string()), devices[0].ips.len()), (Some("00:04:f2:1a:2b:3c".to_owned()), 1));
}
