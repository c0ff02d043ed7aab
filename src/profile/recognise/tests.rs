//! What devices show of themselves, and the family that is recognised.

use super::*;
use crate::model::Mac;

fn texts(texts: &[&str]) -> Vec<WireText> {
    texts.iter().map(|text| WireText::from(*text)).collect()
}

fn family(facts: &DeviceFacts) -> Option<(String, Vec<String>)> {
    let profiles = Profiles::builtin();
    let found = profiles.recognise(facts);
    found.profile.map(|profile| (profile.name.clone(), found.evidence))
}

fn name(facts: &DeviceFacts) -> Option<String> {
    family(facts).map(|(name, _)| name)
}

const CPE: &str = "communicator-phone-edition";
const LPE: &str = "lync-phone-edition";
const SIP: &str = "generic-sip";
const POLYCOM: Mac = Mac([0x00, 0x04, 0xf2, 0x1a, 0x2b, 0x3c]);

#[test]
fn a_vendor_class_of_its_own_is_enough_whatever_its_case() {
    let facts = DeviceFacts { vendor_classes: texts(&["CPE-OCPHONE"]), ..Default::default() };
    assert_eq!(family(&facts), Some((CPE.to_owned(), vec!["DHCP vendor class CPE-OCPHONE (option 60)".to_owned()])));
    let facts = DeviceFacts { vendor_classes: texts(&["MS-UC-Client"]), ..Default::default() };
    assert_eq!(name(&facts).as_deref(), Some(LPE));
}

#[test]
fn the_lync_generation_sends_both_classes() {
    let facts = DeviceFacts { vendor_classes: texts(&["CPE-OCPHONE", "MS-UC-Client"]), ..Default::default() };
    assert_eq!(name(&facts).as_deref(), Some(LPE));
}

#[test]
fn the_firmware_tells_the_two_editions_apart() {
    let agent = |agent: &str| DeviceFacts {
        vendor_classes: texts(&["CPE-OCPhone"]),
        user_agents: texts(&[agent]),
        paths_asked: texts(&["/certsrv/certnew.p7b?ReqID=CACert"]),
        ..Default::default()
    };
    assert_eq!(
        name(&agent("CPE/1.0.522.101 OCPhone/1.0.522.101 (Microsoft Office Communicator Phone Edition)")).as_deref(),
        Some(CPE)
    );
    assert_eq!(name(&agent("CPE/3.5.6907.35 OCPhone/3.5.6907.35 (Phone Edition)")).as_deref(), Some(CPE));
    assert_eq!(name(&agent("CPE/4.0.7577.4444 OCPhone/4.0.7577.4444 (Microsoft Lync Phone Edition)")).as_deref(), Some(LPE));
}

/// Both Phone Editions and the PC client ask for this name: it needs a sign of the old stack or of the maker beside it.
#[test]
fn the_name_of_the_internal_pool_alone_makes_no_phone_edition() {
    let alone = DeviceFacts { names_asked: texts(&["_sipinternaltls._tcp.contoso.com"]), ..Default::default() };
    assert_eq!(name(&alone).as_deref(), Some(SIP));

    let with_maker = DeviceFacts { mac: Some(POLYCOM), ..alone.clone() };
    let (profile, evidence) = family(&with_maker).unwrap();
    assert_eq!(profile, CPE);
    assert_eq!(
        evidence,
        ["MAC 00:04:f2:1a:2b:3c has the prefix 00:04:f2 of Polycom", "asked DNS for _sipinternaltls._tcp.contoso.com"]
    );
    let with_old_hello = DeviceFacts { highest_tls: Some(0x0301), sends_server_name: Some(false), ..alone.clone() };
    assert_eq!(name(&with_old_hello).as_deref(), Some(CPE));

    let mut with_enrolment = DeviceFacts { paths_asked: texts(&["/CertSrv/CertNew.p7b?ReqID=CACert"]), ..alone.clone() };
    with_enrolment.names_asked.push(WireText::from("_ldap._tcp.dc._msdcs.contoso.com"));
    assert_eq!(name(&with_enrolment).as_deref(), Some(CPE));

    let with_new_hello = DeviceFacts { highest_tls: Some(0x0303), sends_server_name: Some(true), ..with_maker.clone() };
    assert_eq!(name(&with_new_hello).as_deref(), Some(SIP));
}

#[test]
fn a_pc_is_no_phone_edition() {
    let facts = DeviceFacts {
        vendor_classes: texts(&["MSFT 5.0"]),
        names_asked: texts(&["_ldap._tcp.dc._msdcs.contoso.com", "_sipinternaltls._tcp.contoso.com"]),
        highest_tls: Some(0x0301),
        sends_server_name: Some(false),
        ..Default::default()
    };
    assert_eq!(name(&facts).as_deref(), Some(SIP), "it asked for SIP servers, so it is told as that");
    let facts = DeviceFacts { names_asked: texts(&["_ldap._tcp.dc._msdcs.contoso.com", "www.contoso.com"]), ..facts };
    assert_eq!(name(&facts), None);
}

#[test]
fn the_mac_of_a_maker_of_nothing_but_phones_shows_a_phone_and_no_family() {
    assert_eq!(name(&DeviceFacts { mac: Some(POLYCOM), ..Default::default() }).as_deref(), Some(SIP));
    let local = crate::model::Mac(POLYCOM.0.map(|octet| octet | 2));
    assert_eq!(name(&DeviceFacts { mac: Some(local), ..Default::default() }), None, "a local address bears no prefix");
}

#[test]
fn weak_evidence_alone_decides_nothing() {
    assert_eq!(name(&DeviceFacts { parameter_list: vec![1, 3, 6, 15, 44, 46, 47], ..Default::default() }), None);
    assert_eq!(name(&DeviceFacts { parameter_list: vec![1, 66, 6, 3, 15, 150, 35], ..Default::default() }), None);
    assert_eq!(name(&DeviceFacts { vendor_classes: texts(&["Microsoft Windows CE"]), ..Default::default() }), None);
    assert_eq!(name(&DeviceFacts { highest_tls: Some(0x0301), sends_server_name: Some(false), ..Default::default() }), None);
    assert_eq!(name(&DeviceFacts::default()), None);
}

#[test]
fn a_port_of_sip_shows_a_phone_but_trying_all_ports_does_not() {
    let opens = |ports: std::ops::RangeInclusive<u16>| DeviceFacts { ports_opened: ports.collect(), ..Default::default() };
    assert_eq!(name(&opens(5061..=5061)).as_deref(), Some(SIP));
    assert_eq!(name(&opens(5020..=5083)), None);
    assert_eq!(name(&opens(443..=443)), None);
}

#[test]
fn a_locally_administered_mac_bears_no_prefix() {
    let profile = r#"name = "test"
title = "T"
about = "a"
order = []
registrar_names = []
registrar_ports = []
sources = []
trust = {}
mark = [{ kind = "oui", value = "02:04:F2", weight = 3 }]
"#;
    let mut profiles = Profiles::default();
    profiles.load("test.toml", profile).unwrap();
    let facts = DeviceFacts { mac: Some(Mac([2, 4, 0xf2, 0, 0, 1])), ..Default::default() };
    assert!(profiles.recognise(&facts).profile.is_none());
}

#[test]
fn whoever_speaks_sip_and_is_nothing_else_is_a_sip_phone() {
    assert_eq!(name(&DeviceFacts { speaks_sip: true, ..Default::default() }).as_deref(), Some(SIP));
    let facts = DeviceFacts { sip_domains: texts(&["example.com"]), mac: Some(POLYCOM), ..Default::default() };
    assert_eq!(name(&facts).as_deref(), Some(SIP));
    let facts = DeviceFacts { user_agents: texts(&["Yealink SIP-T46G 28.72.0.1"]), ..Default::default() };
    assert_eq!(name(&facts).as_deref(), Some(SIP));
}

#[test]
fn other_phones_that_send_the_class_of_uc_clients_are_not_taken_for_lync_phone_edition() {
    let vvx = DeviceFacts {
        vendor_classes: texts(&["MS-UC-Client"]),
        user_agents: texts(&["PolycomVVX-VVX_400-UA/5.4.0.5841"]),
        ..Default::default()
    };
    assert_eq!(name(&vvx).as_deref(), Some(SIP));
    let audiocodes =
        DeviceFacts { vendor_classes: texts(&["MS-UC-Client"]), mac: Some(Mac([0, 0x90, 0x8f, 1, 2, 3])), ..Default::default() };
    assert_eq!(name(&audiocodes).as_deref(), Some(SIP));
}

/// One fact that fits two marks counts once.
#[test]
fn a_fact_counts_once() {
    let facts = DeviceFacts { user_agents: texts(&["CPE/9.9 OCPhone/9.9"]), ..Default::default() };
    assert_eq!(family(&facts), Some((CPE.to_owned(), vec!["user agent CPE/9.9 OCPhone/9.9".to_owned()])));
}

#[test]
fn two_signs_of_one_family_are_surer_than_one() {
    let profiles = Profiles::builtin();
    let one = DeviceFacts { vendor_classes: texts(&["CPE-OCPhone"]), ..Default::default() };
    let two = DeviceFacts { mac: Some(POLYCOM), ..one.clone() };
    assert!(profiles.recognise(&two).certainty > profiles.recognise(&one).certainty);
}

#[test]
fn prefixes_end_at_characters() {
    assert!(!begins("é", "e"));
    assert!(!begins("aé", "ab"));
    assert!(begins("É", ""));
}

#[test]
fn what_a_phone_says_by_lldp_or_cdp_and_the_files_it_asks_for_make_it_known() {
    let described = DeviceFacts { described: texts(&["Cisco IP Phone CP-7911G,V2, SCCP11.8-4-3S"]), ..Default::default() };
    let wanted = "describes itself as Cisco IP Phone CP-7911G,V2, SCCP11.8-4-3S (LLDP or CDP)";
    assert_eq!(family(&described), Some((SIP.to_owned(), vec![wanted.to_owned()])));
    let asks = DeviceFacts { paths_asked: texts(&["/CTLSEP0004F21A2B3C.tlv"]), ..Default::default() };
    assert_eq!(family(&asks), Some((SIP.to_owned(), vec!["asked a server for /CTLSEP0004F21A2B3C.tlv".to_owned()])));
    let switch = DeviceFacts { described: texts(&["cisco WS-C3560-24TS"]), ..Default::default() };
    assert_eq!(name(&switch), None);
}
