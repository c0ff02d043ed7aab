//! Stories as people read them.

use super::*;
use crate::findings::testing::{
    self, Login, as_req, certificate, kerberos, krb_error, lease, lookup, ntp_exchange, registration, router, syn, tcp, ticket,
};
use crate::login::steps::Close;
use crate::model::{By, SECOND, Side, Time};
use crate::protocols::http::Body;

/// A line a moment: mark, frame, stage, arrow, peer, text.
fn story(attempt: &Attempt) -> String {
    let lines = moments(attempt).into_iter().map(|moment| {
        let mark = if moment.decisive { ">>" } else { "  " };
        let arrow = match moment.direction {
            Direction::Out => "->",
            Direction::In => "<-",
            Direction::Silence => "..",
        };
        format!("{mark} {:>3} {} {arrow} {}: {}\n", moment.at.frame.number(), moment.stage, moment.peer, moment.text)
    });
    lines.collect()
}

fn founding() -> Login {
    let chain = vec![testing::leaf(), certificate("CN=Contoso Issuing CA", "CN=Contoso Root CA")];
    let credentials = |tcp: testing::Tcp| tcp.get("/certsrv/certnew.p7b?ReqID=CACert&Renewal=0&Enc=b64");
    let asked = tcp(Purpose::Enrolment).named("ca.contoso.com").to("10.0.0.3", 80);
    let pem = |response: &mut crate::protocols::http::Response| {
        response.body = Body { bytes: b"no bundle".as_slice().into(), complete: true, arrived: true };
    };
    Login::new()
        .step(lease(&[(3, &[10, 0, 4, 1]), (6, &[10, 0, 0, 2]), (54, &[10, 0, 0, 1])]))
        .step(router(1, true))
        .step(ntp_exchange(1, &[(0, 3, Time(1_239_400_800 * SECOND))]))
        .step(lookup("_ldap._tcp.dc._msdcs.contoso.com").purpose(Purpose::Directory).service("dc.contoso.com", 389))
        .step(tcp(Purpose::Directory).named("dc.contoso.com").to("10.0.0.2", 389).data(Side::Client, 200).data(Side::Server, 300))
        .step(credentials(credentials(credentials(asked).answer(401)).answer(401)).answer_with(200, pem))
        .step(lookup("_sipinternaltls._tcp.contoso.com").service("pool.contoso.com", 5061))
        .step(lookup("pool.contoso.com").address("10.0.0.5"))
        .step(tcp(Purpose::Registrar).hello().server_flight(chain).leaves(Side::Client, Close::Fin))
        .dropped()
}

#[test]
fn the_founding_loop() {
    insta::assert_snapshot!(story(&founding().attempt));
}

#[test]
fn a_list_of_names_that_do_not_exist_is_one_line() {
    let mut login = Login::new();
    for name in ["_sipinternaltls._tcp.contoso.com", "_sip._tls.contoso.com", "sipinternal.contoso.com", "sip.contoso.com"] {
        login = login.step(lookup(name).rcode(3));
    }
    insta::assert_snapshot!(story(&login.attempt));
}

#[test]
fn silence_is_told_as_such() {
    let login = Login::new()
        .step(lookup("pool.contoso.com").times(3))
        .step(syn(Purpose::Registrar).syn_again(3).timed_out(By::Unknown))
        .dropped();
    insta::assert_snapshot!(story(&login.attempt));
}

#[test]
fn sip_over_udp_refused() {
    let ask = |sequence| testing::sip_request("REGISTER", sequence);
    let answer = |code, sequence| Some(testing::sip_answer(code, sequence));
    let login = Login::new().step(registration(vec![(1, ask(1), answer(401, 1)), (1, ask(2), answer(403, 2))])).dropped();
    insta::assert_snapshot!(story(&login.attempt));
}

#[test]
fn a_drop_has_exactly_one_decisive_moment_and_the_story_a_length_that_people_read() {
    let mut long = Login::new();
    for number in 0..80 {
        long = long.step(lookup(&format!("host{number}.contoso.com")).address("10.0.0.7"));
    }
    let chain = vec![testing::leaf()];
    let long = long.step(tcp(Purpose::Registrar).hello().server_flight(chain.clone()).leaves(Side::Client, Close::Rst)).dropped();
    let alerted = testing::refused_saying(42, chain.clone());
    let cut = testing::cut_by_server(chain);
    for login in [long, founding(), alerted, cut] {
        let told = moments(&login.attempt);
        assert_eq!(told.iter().filter(|moment| moment.decisive).count(), 1, "{told:#?}");
        let decisive = told.iter().find(|moment| moment.decisive).unwrap();
        assert_eq!(Some(decisive.at.frame), login.attempt.drop.map(|drop| drop.at.frame));
        assert!(told.len() <= LONGEST, "{}", told.len());
        assert!(told.is_sorted_by_key(|moment| moment.at.frame));
    }
}

#[test]
fn an_attempt_that_got_through_has_no_decisive_moment() {
    let login = Login::new()
        .step(tcp(Purpose::Registrar).hello().server_flight(vec![testing::leaf()]).client_finished().server_finished())
        .signed_in();
    assert!(moments(&login.attempt).iter().all(|moment| !moment.decisive));
    insta::assert_snapshot!(story(&login.attempt));
}

#[test]
fn a_directory_is_told_request_by_request() {
    let controller = || tcp(Purpose::Directory).named("dc.contoso.com").to("10.0.0.3", 389);
    let tickets = vec![(as_req(false), Some(krb_error(25))), (as_req(true), Some(ticket()))];
    let login = Login::new()
        .step(kerberos(tickets))
        .step(controller().bind(14, "").bind(0, "").search("(objectCategory=certificationAuthority)", 2, 0).certificates(3))
        .step(controller().bind(14, "").bind(49, "AcceptSecurityContext error, data 775, v1db1").leaves(Side::Client, Close::Fin))
        .dropped();
    insta::assert_snapshot!(story(&login.attempt));
}

/// The moments of a connection to a registrar, as it stands after this.
fn told(change: impl FnOnce(testing::Tcp) -> testing::Tcp) -> String {
    story(&Login::new().step(change(tcp(Purpose::Registrar).to("10.0.0.5", 5061))).attempt)
}

#[test]
fn nobody_is_said_to_be_silent_whose_answer_was_not_captured() {
    let lost = |tcp: testing::Tcp| tcp.change(|connection| connection.syn_ack = None);
    assert!(told(|tcp| lost(tcp.hello().server_hello(0x0303, 0xc02f))).contains("SYN, accepted"));
    assert!(told(|tcp| lost(tcp.hello())).contains("SYN, whose answer is not in the capture"));
    assert!(told(lost).contains("SYN, no answer"));
}

#[test]
fn a_handshake_that_the_server_ends_under_seal_is_not_told_as_complete() {
    let sealed =
        |tcp: testing::Tcp| tcp.hello().server_hello(0x0304, 0x1302).sealed(Side::Server, 1_900).sealed(Side::Client, 25);
    let finished = |tcp: testing::Tcp| sealed(tcp).sealed(Side::Client, 69);
    let rejected = told(|tcp| finished(tcp).sealed(Side::Server, 19).leaves(Side::Server, Close::Fin));
    assert!(rejected.contains("the device's part of the handshake, sealed") && !rejected.contains("handshake complete"));
    assert!(told(|tcp| finished(tcp).sealed(Side::Server, 250)).contains("handshake complete"));
}
