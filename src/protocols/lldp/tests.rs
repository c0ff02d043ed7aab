//! LLDP frames with their media extensions: hand-made bytes, read as the documents say.

use super::*;
use crate::protocols::{Asker, Describe};

fn tlv(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = (kind << 9 | value.len() as u16).to_be_bytes().to_vec();
    bytes.extend(value);
    bytes
}

/// A frame of 00:04:f2:1a:2b:3c with these TLVs behind the chassis, and an end.
fn frame(tlvs: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = tlv(1, &[4, 0x00, 0x04, 0xf2, 0x1a, 0x2b, 0x3c]);
    bytes.extend(tlvs.concat());
    bytes.extend([0, 0]);
    bytes
}

fn media(kind: u8, value: &[u8]) -> Vec<u8> {
    tlv(127, &[&[0x00, 0x12, 0xbb, kind], value].concat())
}

/// Voice, tagged, VLAN 100, priority 5, DSCP 46: 1 byte of application, then 0x40c96e by TIA-1057 figure 12.
fn voice(flags: u8) -> Vec<u8> {
    let bits = u32::from(flags) << 21 | 100 << 9 | 5 << 6 | 46;
    media(2, &[1, (bits >> 16) as u8, (bits >> 8) as u8, bits as u8])
}

const NETWORK: [u8; 3] = [0, 0x3f, 4];
const TAGGED: u8 = 0b010;
const UNKNOWN: u8 = 0b100;

#[test]
fn a_switch_announces_the_voice_vlan() {
    let message = parse(&frame(&[tlv(5, b"sw1"), media(1, &NETWORK), voice(TAGGED)])).expect("a frame");
    assert_eq!((message.asker(), message.announced_voice_vlan()), (Asker::Nobody, Some(100)));
    assert_eq!(message.system_name, Some("sw1".into()));
}

#[test]
fn a_policy_that_is_untagged_or_unknown_or_of_vlan_0_announces_none() {
    for flags in [0, UNKNOWN | TAGGED] {
        assert_eq!(parse(&frame(&[media(1, &NETWORK), voice(flags)])).and_then(|m| m.announced_voice_vlan()), None);
    }
    let zero = media(2, &[1, 0x40, 0x01, 0x6e]);
    assert_eq!(parse(&frame(&[media(1, &NETWORK), zero])).and_then(|m| m.announced_voice_vlan()), None);
    let signalling = media(2, &[2, 0x40, 0xc9, 0x6e]);
    assert_eq!(parse(&frame(&[media(1, &NETWORK), signalling])).and_then(|m| m.announced_voice_vlan()), None);
}

#[test]
fn a_phone_speaks_of_itself_and_announces_nothing() {
    let phone = [
        tlv(6, b"Polycom;SoundPoint IP"),
        tlv(7, &[0, 0x24, 0, 0x24]),
        media(1, &[0, 0x33, 3]),
        media(10, b"IP 550\0"),
        voice(TAGGED),
    ];
    let message = parse(&frame(&phone)).expect("a frame");
    assert!(message.is_endpoint());
    assert_eq!((message.asker(), message.announced_voice_vlan()), (Asker::Sender, None));
    assert_eq!((message.model, message.chassis), (Some("IP 550".into()), Some(Mac([0x00, 0x04, 0xf2, 0x1a, 0x2b, 0x3c]))));
}

#[test]
fn without_lldp_med_the_capabilities_tell() {
    let endpoint = |capabilities: u8| parse(&frame(&[tlv(7, &[0, 0xff, 0, capabilities])])).map(|m| m.is_endpoint());
    // Telephone with a bridge; station; bridge; router.
    assert_eq!([0x24, 0x80, 0x04, 0x14].map(endpoint), [Some(true), Some(true), Some(false), Some(false)]);
    assert_eq!(parse(&frame(&[])).map(|m| m.is_endpoint()), Some(false), "who does not say is not taken for a phone");
}

#[test]
fn the_keys_are_those_of_wireshark() {
    let mut fields = serde_json::Map::new();
    let organisation = tlv(127, &[0x00, 0x80, 0xc2, 1, 0, 20]);
    parse(&frame(&[tlv(5, b"sw1"), organisation, voice(TAGGED)])).expect("a frame").fields(&mut |key, value| {
        fields.insert(key.to_owned(), value);
    });
    assert_eq!(
        serde_json::Value::Object(fields),
        serde_json::json!({"lldp.tlv.system.name": "sw1", "lldp.ieee.802_1.port_vlan.id": 20, "lldp.media.vlan_id": [100],
            "lldp.media.app_type": [1], "lldp.media.policy_flag.tagged": [true]})
    );
}

#[test]
fn a_short_tlv_costs_no_other_and_a_cut_frame_makes_no_trouble() {
    let bytes = frame(&[media(2, &[1]), tlv(7, &[0]), tlv(127, &[0]), tlv(5, b"sw1")]);
    assert_eq!(parse(&bytes).and_then(|m| m.system_name), Some("sw1".into()));
    for length in 0..bytes.len() {
        assert_eq!(parse(&bytes[..length]).is_some(), length >= 9);
    }
    assert_eq!(parse(&tlv(5, b"sw1")), None);
}

#[test]
fn a_switch_passes_on_what_others_send_and_a_phone_with_a_port_for_a_pc_is_none() {
    let capable = |enabled: u16| {
        let [high, low] = enabled.to_be_bytes();
        tlv(7, &[0xff, 0xff, high, low])
    };
    let is_infrastructure = |tlvs: &[Vec<u8>]| parse(&frame(tlvs)).expect("a frame").is_infrastructure();
    assert!(is_infrastructure(&[capable(1 << 2)]), "a switch");
    assert!(is_infrastructure(&[capable(1 << 3)]), "an access point");
    assert!(is_infrastructure(&[capable(1 << 2 | 1 << 4), media(1, &NETWORK)]));
    assert!(!is_infrastructure(&[capable(1 << 2 | 1 << 5)]), "a phone");
    assert!(!is_infrastructure(&[capable(1 << 2), media(1, &[0, 0x3f, 3])]), "a phone that is not registered");
    assert!(!is_infrastructure(&[capable(1 << 7)]), "a PC");
    assert!(!is_infrastructure(&[]), "it does not say");
}
