//! CDP frames, TLV by TLV: hand-made bytes, read as the documents say.

use super::*;
use crate::protocols::{Asker, Describe};

fn tlv(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = value.len() as u16 + 4;
    [&kind.to_be_bytes(), &length.to_be_bytes(), value].concat()
}

fn frame(tlvs: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = vec![2, 180, 0, 0];
    bytes.extend(tlvs.concat());
    bytes
}

#[test]
fn a_switch_gives_the_voice_vlan() {
    let bytes =
        frame(&[tlv(1, b"S1"), tlv(4, &[0, 0, 0, 0x28]), tlv(6, b"cisco WS-C3560-24TS"), tlv(10, &[0, 1]), tlv(14, &[1, 0, 20])]);
    let message = parse(&bytes).expect("a frame");
    assert_eq!((message.asker(), message.announced_voice_vlan()), (Asker::Nobody, Some(20)));
    let mut fields = serde_json::Map::new();
    message.fields(&mut |key, value| {
        fields.insert(key.to_owned(), value);
    });
    assert_eq!(
        serde_json::Value::Object(fields),
        serde_json::json!({"cdp.deviceid": "S1", "cdp.platform": "cisco WS-C3560-24TS", "cdp.native_vlan": 1, "cdp.voice_vlan": 20})
    );
}

#[test]
fn a_phone_asks_for_it() {
    let message = parse(&frame(&[tlv(1, b"SEP001B54945A8B"), tlv(15, &[0x20, 2, 0, 1])])).expect("a frame");
    assert!(message.is_endpoint());
    assert_eq!(message.asker(), Asker::Sender);
    let by_capability = parse(&frame(&[tlv(4, &[0, 0, 4, 0x90])])).expect("a frame");
    assert!(by_capability.is_endpoint());
}

#[test]
fn untagged_and_priority_alone_are_no_vlan() {
    for vlan in [0_u16, 4095] {
        let [high, low] = vlan.to_be_bytes();
        assert_eq!(parse(&frame(&[tlv(14, &[1, high, low])])).and_then(|message| message.announced_voice_vlan()), None);
    }
}

#[test]
fn a_malformed_tlv_costs_no_other_and_a_cut_frame_makes_no_trouble() {
    let bytes = frame(&[tlv(14, &[1]), tlv(10, &[1]), tlv(1, b"S1")]);
    assert_eq!(parse(&bytes).and_then(|message| message.device_id), Some("S1".into()));
    for length in 0..bytes.len() {
        assert_eq!(parse(&bytes[..length]).is_some(), length >= 9);
    }
    assert_eq!(parse(&[2, 180, 0, 0, 0, 1, 0, 3]), None, "a length below four");
    assert_eq!(parse(&[9, 180, 0, 0, 0, 1, 0, 4]), None);
}
