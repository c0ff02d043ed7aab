//! A login that goes well beside one that does not.

use super::*;

fn compared(healthy: &str, failing: &str) -> (Option<Stage>, Vec<Difference>) {
    let options = Options { profiles: crate::profile::Profiles::builtin(), ..Options::default() };
    let story = |case: &str, wanted| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("captures").join(case).join("capture.pcapng");
        #[expect(clippy::disallowed_methods, reason = "a test reads a capture of the project")]
        let bytes = std::fs::read(path).unwrap();
        story(|| Ok(bytes.as_slice()), &options, wanted).unwrap().unwrap()
    };
    let (healthy, failing) = (story(healthy, Wanted::Best), story(failing, Wanted::Worst));
    let comparison = compare(&healthy, &failing);
    (comparison.parting.map(|parting| parting.stage), comparison.differences)
}

fn values(side: Option<&(Vec<String>, Frame)>) -> Vec<&str> {
    side.iter().flat_map(|(values, _)| values).map(String::as_str).collect()
}

#[test]
fn a_login_beside_itself_has_no_difference() {
    assert_eq!(compared("healthy-sha1-2048", "healthy-sha1-2048"), (None, Vec::new()));
}

#[test]
fn the_founding_loop_parts_from_its_healthy_twin_in_tls_for_the_hash_and_the_key() {
    let (stage, differences) = compared("healthy-sha1-2048", "founding-loop-fin");
    assert_eq!(stage, Some(Stage::Tls));
    let of_leaf =
        |key: &str| differences.iter().find(|one| one.subject.starts_with("TLS certificates of pool01") && one.key == key);
    let signature = of_leaf("1: signature").unwrap();
    assert_eq!(values(signature.healthy.as_ref()), ["sha1WithRSAEncryption"]);
    assert_eq!(values(signature.failing.as_ref()), ["sha256WithRSAEncryption"]);
    let key = of_leaf("1: key").unwrap();
    assert_eq!((values(key.healthy.as_ref()), values(key.failing.as_ref())), (vec!["RSA 2048"], vec!["RSA 4096"]));
    for volatile in ["dhcp.id", "dns.id", "sip.Call-ID"] {
        assert!(differences.iter().all(|one| one.key != volatile), "{volatile}");
    }
}

#[test]
fn what_comes_after_the_drop_is_no_difference() {
    let (_, differences) = compared("healthy-sha1-2048", "founding-loop-fin");
    assert!(differences.iter().all(|one| !one.subject.starts_with("SIP")), "{differences:#?}");
}
