//! A frame in a capture whose bytes come again with another content: the login is judged by the first reading, and the
//! report says that there is the other one.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::path::Path;

use loginloop::model::Frame;
use loginloop::pipeline::{Options, analyse};
use loginloop::profile::Profiles;
use loginloop::verdict::{Analysis, Finding};

fn analysis(bytes: &[u8]) -> Analysis {
    analyse(bytes, &Options { profiles: Profiles::builtin(), ..Options::default() }).unwrap().result
}

fn primary(analysis: &Analysis) -> &Finding {
    analysis.devices.iter().flat_map(|device| &device.findings).find(|finding| finding.primary).unwrap()
}

/// The number in four octets of a little-endian file.
fn number(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

/// A capture as pcapng, little-endian, in which a packet follows that is like that of `frame` but for its last octet.
fn contradicted(bytes: &[u8], frame: Frame) -> Vec<u8> {
    const ENHANCED_PACKET: usize = 6;
    let (mut at, mut frames) = (0, 0);
    loop {
        frames += u64::from(number(bytes, at) == ENHANCED_PACKET);
        let end = at + number(bytes, at + 4);
        if frames == frame.number() {
            let mut other = bytes[at..end].to_vec();
            let last = 28 + number(&other, 20) - 1;
            other[last] ^= 0xff;
            return [&bytes[..end], &other, &bytes[end..]].concat();
        }
        at = end;
    }
}

#[test]
fn evidence_of_which_there_is_another_reading_says_so_and_the_verdict_stays() {
    let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/founding-loop-alert/capture.pcapng");
    let bytes = support::read(&capture);
    let before = analysis(&bytes);
    assert!(before.capture.warnings.is_empty());
    let certificate = |analysis: &Analysis| {
        let evidence = primary(analysis).evidence.iter().find(|one| one.display_filter.contains("tls.handshake.type == 11"));
        evidence.unwrap().clone()
    };
    let frame = certificate(&before).frame;
    let after = analysis(&contradicted(&bytes, frame));
    let again = Frame::new(frame.number() + 1);
    let [warning] = after.capture.warnings.as_slice() else { panic!("{:?}", after.capture.warnings) };
    assert_eq!(warning.frame, Some(again));
    assert!(warning.text.contains(&format!("repeats bytes of frame {frame} with another content")), "{}", warning.text);
    assert_eq!(certificate(&after).frame, frame);
    let doubt = format!("; frame {again} repeats bytes of frame {frame} with another content");
    assert_eq!(certificate(&after).text, certificate(&before).text + &doubt);
    assert_eq!((after.devices[0].verdict, primary(&after).code), (before.devices[0].verdict, primary(&before).code));
    // The other attempts show the same in frames of which there is one reading.
    let (sure, less_sure) = (primary(&before).confidence, primary(&after).confidence);
    assert!(less_sure < sure && less_sure > 0.9 * sure, "{sure} {less_sure}");
}

#[test]
fn what_stands_on_one_of_two_readings_alone_is_much_less_sure() {
    let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/dropped-once/capture.pcapng");
    let bytes = support::read(&capture);
    let before = analysis(&bytes);
    let evidence = primary(&before).evidence.iter().find(|one| one.display_filter.contains("tls.handshake.type == 11")).unwrap();
    let after = analysis(&contradicted(&bytes, evidence.frame));
    assert_eq!(primary(&after).code, primary(&before).code);
    assert!(primary(&after).confidence < 0.8 * primary(&before).confidence);
    assert_eq!(after.devices[0].confidence, before.devices[0].confidence, "how the phone left is not in doubt");
}
