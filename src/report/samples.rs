//! Analyses made by hand, for the tests of the reports.

use std::net::IpAddr;

use crate::login::steps::StageReport;
use crate::login::timeline::{Direction, Moment};
use crate::model::{At, By, DropPoint, Evidence, Frame, How, Mac, Outcome, SECOND, Stage, Time, Verdict, Warning};
use crate::text::WireText;
use crate::verdict::{Analysis, AttemptSummary, CaptureSummary, DeviceAnalysis, Finding, Heading, Obstacle, Onward, Repeats};

/// Frame `frame`, `milliseconds` after 2009-04-10 22:01:03 UTC.
fn at(frame: u64, milliseconds: i64) -> At {
    At { frame: Frame::new(frame), time: Time::from_seconds(1_239_400_863).plus(milliseconds * SECOND / 1000) }
}

fn capture(frames: u64) -> CaptureSummary {
    CaptureSummary {
        format: "pcapng",
        frames,
        bytes: 9_123_123,
        first_time: Some(at(1, 0).time),
        last_time: Some(at(frames, 463_001).time),
        ..CaptureSummary::default()
    }
}

fn stages(ok: &[Stage], failed: Option<Stage>) -> Vec<StageReport> {
    let report = |stage: Stage, outcome| StageReport {
        stage,
        outcome,
        first: Some(at(17, 0)),
        last: Some(at(20, 40)),
        detail: format!("{stage} in a few words").into(),
    };
    ok.iter().map(|stage| report(*stage, Outcome::Ok)).chain(failed.map(|stage| report(stage, Outcome::Failed))).collect()
}

fn moment(at: At, stage: Stage, direction: Direction, peer: &str, text: &str) -> Moment {
    Moment { at, stage, direction, peer: peer.into(), text: text.to_owned(), decisive: false }
}

const BEFORE_TLS: [Stage; 6] = [Stage::Address, Stage::Names, Stage::Time, Stage::Directory, Stage::Enrolment, Stage::Connect];

fn drop_at(at: At) -> DropPoint {
    DropPoint { stage: Stage::Tls, by: By::Device, how: How::Fin, at }
}

/// The CX700 of the founding report, with nothing tried yet.
fn phone(last_octet: u8) -> DeviceAnalysis {
    DeviceAnalysis {
        mac: Some(Mac([0x00, 0x04, 0xf2, 0x1a, 0x2b, last_octet])),
        ips: vec![IpAddr::from([10, 0, 4, last_octet])],
        vlan: Some(20),
        name: Some(WireText::from("Polycom CX700")),
        profile: Some(("communicator-phone-edition".to_owned(), "Communicator Phone Edition".to_owned())),
        profile_evidence: vec!["MAC prefix 00:04:f2 (Polycom)".to_owned(), "DHCP vendor class \"CPE-OCPhone\"".to_owned()],
        verdict: Verdict::NoLogin,
        confidence: 0.98,
        attempts: Vec::new(),
        repeats: None,
        findings: Vec::new(),
        screens: vec![(Stage::Tls, "Connecting to Office Communications Server".to_owned())],
        chains: Vec::new(),
        onward: None,
        heading: Heading::default(),
    }
}

fn founding_attempt(number: u32) -> AttemptSummary {
    let (frame, time) = (u64::from(number - 1) * 130, i64::from(number - 1) * 62_400);
    let at = |first: u64, milliseconds: i64| at(first + frame, milliseconds + time);
    let pool = "pool.contoso.com:5061";
    let mut timeline = vec![
        moment(
            at(17, 0),
            Stage::Names,
            Direction::Out,
            "DNS 10.0.0.2",
            "SRV? _ldap._tcp.dc._msdcs.contoso.com → dc.contoso.com:389",
        ),
        moment(at(21, 12), Stage::Directory, Direction::Out, "dc.contoso.com:389", "SYN, accepted"),
        moment(
            at(40, 410),
            Stage::Enrolment,
            Direction::Out,
            "ca.contoso.com:80",
            "GET /certsrv/certnew.p7b?ReqID=CACert&Renewal=0&Enc=b64 → 401, 401, 200, 2 certificates",
        ),
        moment(at(128, 902), Stage::Connect, Direction::Out, pool, "SYN, accepted"),
        moment(at(131, 915), Stage::Tls, Direction::Out, pool, "ClientHello TLS 1.0, no server_name"),
        moment(at(139, 940), Stage::Tls, Direction::In, pool, "Certificate: RSA 4096, sha256WithRSAEncryption, 2 certificates"),
        moment(at(141, 1020), Stage::Tls, Direction::Out, pool, "FIN, no ClientKeyExchange"),
    ];
    timeline[6].decisive = true;
    if number > 2 {
        timeline.clear();
    }
    AttemptSummary {
        number,
        first: at(17, 0),
        last: at(143, 1100),
        stages: stages(&BEFORE_TLS[1..], Some(Stage::Tls)),
        drop: Some(drop_at(at(141, 1020))),
        screen: Some("Connecting to Office Communications Server".to_owned()),
        primary_cause: Some("cert-unsupported-signature"),
        timeline,
    }
}

fn finding(code: &'static str, stage: Stage, primary: bool, confidence: f32, summary: &str) -> Finding {
    Finding {
        code,
        stage,
        primary,
        confidence,
        summary: summary.to_owned(),
        why: "The phone must check the signature on every certificate up to a CA that it trusts.",
        fix: "Have the certificate of pool.contoso.com:5061 issued again with a signature that the phone verifies (sha1WithRSAEncryption) and an RSA key of 2048 bits. Then `openssl s_client -connect pool.contoso.com:5061` must show it, and a new capture a ClientKeyExchange of the phone.".to_owned(),
        evidence: vec![Evidence::new(Frame::new(139), "tls.handshake.certificate", "Certificate: sha256WithRSAEncryption (1.2.840.113549.1.1.11)")],
        attempts: vec![1, 2],
    }
}

/// The founding case: a SHA-256 certificate, seven attempts.
pub(super) fn founding_loop() -> Analysis {
    let mut device = phone(0x3c);
    device.verdict = Verdict::Loop;
    device.attempts = (1..=7).map(founding_attempt).collect();
    device.repeats = Some(Repeats { attempts: 7, period_s: 62.4, drop_stage: Stage::Tls, restarts_at: Stage::Directory });
    device.findings = vec![
        finding(
            "cert-unsupported-signature",
            Stage::Tls,
            true,
            0.97,
            "the certificate of pool.contoso.com is signed with sha256WithRSAEncryption, and Communicator Phone Edition verifies only MD2, MD5 and SHA-1",
        ),
        finding(
            "cert-unsupported-key",
            Stage::Tls,
            false,
            0.5,
            "the key of pool.contoso.com is RSA 4096, and Communicator Phone Edition uses RSA up to 2048 bits",
        ),
        finding("update-name-unresolved", Stage::Update, false, 0.9, "ucupdates-r2.contoso.com does not exist"),
    ];
    let key = device.findings[1].clone();
    let (summary, fix, evidence) = (key.summary, key.fix, key.evidence);
    let next = Obstacle { code: key.code, stage: Stage::Tls, confidence: 0.45, summary, fix, evidence };
    device.onward = Some(Onward::Stopped { next, further: Vec::new() });
    Analysis { capture: capture(14_203), devices: vec![device] }
}

/// A phone that signs in.
pub(super) fn healthy() -> Analysis {
    let mut device = phone(0x01);
    device.verdict = Verdict::SignedIn;
    device.confidence = 0.9;
    device.attempts = vec![AttemptSummary {
        number: 1,
        first: at(1, 0),
        last: at(145, 4000),
        stages: stages(&[Stage::Address, Stage::Names, Stage::Tls, Stage::Register, Stage::Session], None),
        drop: None,
        screen: None,
        primary_cause: None,
        timeline: Vec::new(),
    }];
    Analysis { capture: capture(145), devices: vec![device] }
}

/// One attempt, dropped, for which nothing is found; in a capture that lacks a good deal.
pub(super) fn dropped_without_cause() -> Analysis {
    let mut device = phone(0x02);
    device.verdict = Verdict::Dropped;
    device.confidence = 0.7;
    device.mac = None;
    (device.name, device.profile) = (None, None);
    let mut attempt = founding_attempt(1);
    attempt.primary_cause = None;
    attempt.screen = None;
    attempt.stages.insert(
        0,
        StageReport {
            stage: Stage::Address,
            outcome: Outcome::Unseen,
            first: None,
            last: None,
            detail: "no DHCP in the capture".into(),
        },
    );
    device.attempts = vec![attempt];
    let mut capture = capture(143);
    capture.truncated = true;
    capture.snaplen_limited = true;
    capture.warnings =
        vec![Warning { frame: Some(Frame::new(143)), text: "the file is cut inside a packet at offset 9123".to_owned() }];
    capture.notes = vec![("capture-one-sided", "nothing that was sent to 10.0.4.2 is in the capture".to_owned())];
    Analysis { capture, devices: vec![device] }
}

/// A looping phone between two good ones, and hosts that are no phones.
pub(super) fn several_phones() -> Analysis {
    let mut analysis = founding_loop();
    analysis.devices.insert(0, healthy().devices.remove(0));
    let mut unfinished = phone(0x05);
    unfinished.verdict = Verdict::Incomplete;
    unfinished.attempts = healthy().devices.remove(0).attempts;
    analysis.devices.push(unfinished);
    for octet in [0x60, 0x61, 0x62, 0x63, 0x64, 0x65] {
        let mut host = phone(octet);
        (host.name, host.profile) = (None, None);
        analysis.devices.push(host);
    }
    analysis
}

/// A capture in which nobody logs in.
pub(super) fn nobody() -> Analysis {
    let mut analysis = several_phones();
    analysis.devices.retain(|device| device.verdict == Verdict::NoLogin);
    analysis.devices.truncate(2);
    // This one knocks at the port of its switch: some phones do, and others.
    analysis.devices[1].confidence = 0.7;
    analysis
}

/// Names that would steer a terminal.
pub(super) fn hostile() -> Analysis {
    let mut analysis = founding_loop();
    let device = &mut analysis.devices[0];
    device.name = Some(WireText::from("evil\u{1b}[2J\",\"x\":\u{202e}1"));
    device.attempts.truncate(1);
    device.attempts[0].timeline[0].text = "SRV? evil\u{1b}]0;pwned\u{7}\n.example".to_owned();
    device.attempts[0].timeline[0].peer = "DNS \u{9b}31m".into();
    device.findings.truncate(1);
    device.findings[0].summary = "the certificate of \u{202e}moc.osotnoc is bad\u{1b}[31m".to_owned();
    device.findings[0].fix = "Reissue it for \u{1b}[5mpool.contoso.com.".to_owned();
    analysis
}
