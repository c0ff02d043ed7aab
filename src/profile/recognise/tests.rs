//! What devices show of themselves, and the family that is recognised.

use super::*;
use crate::device::conduct::Conduct;
use crate::device::services::Services;
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
const CISCO: &str = "cisco-cucm";
const PC: &str = "communicator-pc";
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

    // A VVX with the base profile for Lync does the same with a newer stack.
    let speaks = DeviceFacts { sip_domains: texts(&["contoso.com"]), ..with_maker.clone() };
    let with_new_hello = DeviceFacts { highest_tls: Some(0x0303), sends_server_name: Some(true), ..speaks };
    assert_eq!(name(&with_new_hello).as_deref(), Some("polycom-ucs"));
}

#[test]
fn who_looks_for_a_time_server_by_srv_may_be_of_another_domain_than_that_of_a_domain_controller() {
    let asks = |names: &[&str]| name(&DeviceFacts { names_asked: texts(names), ..Default::default() });
    assert_eq!(asks(&["_ntp._udp.contoso.com"]), None);
    assert_eq!(asks(&["_ldap._tcp.ipa.example", "_kerberos._udp.ipa.example", "_ntp._udp.ipa.example"]), None, "FreeIPA");
    assert_eq!(asks(&["_kerberos._tcp.dc._msdcs.contoso.com", "_ntp._udp.contoso.com"]).as_deref(), Some(CPE));
}

#[test]
fn who_asks_for_all_services_side_by_side_is_a_pc_unless_it_says_that_it_is_a_telephone() {
    let asks = |side_by_side: bool, is_telephone: bool| {
        let names = texts(&["_sipinternaltls._tcp.contoso.com", "_sipinternal._tcp.contoso.com", "_sip._tls.contoso.com"]);
        let mut services = Services::default();
        services.side_by_side = side_by_side;
        DeviceFacts { names_asked: names, sip_domains: texts(&["contoso.com"]), services, is_telephone, ..Default::default() }
    };
    assert_eq!(name(&asks(true, false)).as_deref(), Some(PC));
    assert_eq!(name(&asks(false, false)).as_deref(), Some(SIP));
    assert_eq!(name(&asks(true, true)).as_deref(), Some(SIP));
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
    assert_eq!(name(&facts).as_deref(), Some(PC), "it asked for SIP servers, so it is the program on a PC");
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
    assert_eq!(name(&DeviceFacts { parameter_list: vec![1, 3, 6, 15, 66, 150], ..Default::default() }), None);
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
fn who_connects_to_a_port_of_sip_for_others_is_no_phone_for_that() {
    let connects = |passes_on_sip: bool| DeviceFacts { ports_opened: [5060].into(), passes_on_sip, ..Default::default() };
    assert_eq!((name(&connects(false)).as_deref(), name(&connects(true))), (Some(SIP), None));
    assert_eq!(name(&DeviceFacts { speaks_sip: true, ..connects(true) }).as_deref(), Some(SIP), "it registers, too");
}

#[test]
fn who_only_tries_a_port_of_sip_is_no_phone_unless_something_else_says_so() {
    let conduct = Conduct { knocked: true, ..Conduct::default() };
    let tries = DeviceFacts { ports_opened: [5060].into(), conduct, ..Default::default() };
    assert_eq!(name(&tries), None);
    let refuses_certificates = DeviceFacts { conduct: Conduct { broke_off: true, ..conduct }, ..tries.clone() };
    assert_eq!(name(&refuses_certificates).as_deref(), Some(SIP));
    let by_name = DeviceFacts { names_asked: texts(&["sip.contoso.com"]), ..tries.clone() };
    assert_eq!(name(&by_name), None, "a monitor looks up its host, too");
    let by_service = DeviceFacts { names_asked: texts(&["_sip._tcp.contoso.com"]), ..tries.clone() };
    assert_eq!(name(&by_service).as_deref(), Some(SIP));
    let by_hello = DeviceFacts { server_names: texts(&["sip.contoso.com"]), ..tries.clone() };
    assert_eq!(name(&by_hello), None);
    assert_eq!(name(&DeviceFacts { speaks_sip: true, ..tries.clone() }).as_deref(), Some(SIP), "it registers");
    let pings = DeviceFacts { speaks_sip: true, only_pings: true, ..tries.clone() };
    assert_eq!(name(&pings), None, "a monitor that asks by OPTIONS");
    assert_eq!(name(&DeviceFacts { is_telephone: true, ..tries.clone() }).as_deref(), Some(SIP));
    let of_snom = DeviceFacts { mac: Some(Mac([0x00, 0x04, 0x13, 1, 2, 3])), ..tries };
    assert_eq!(name(&of_snom).as_deref(), Some("snom"));
}

#[test]
fn a_computer_that_finds_a_port_of_sip_shut_is_no_phone_for_that() {
    let opens = |ports: &[u16]| DeviceFacts { ports_opened: ports.iter().copied().collect(), ..Default::default() };
    assert_eq!(name(&opens(&[5060, 80, 389])).as_deref(), Some(SIP));
    assert_eq!(name(&opens(&[5060, 80, 445])), None);
    let asked = Conduct { asked: true, ..Conduct::default() };
    assert_eq!(name(&DeviceFacts { conduct: asked, ..opens(&[5061, 445]) }).as_deref(), Some(SIP), "a phone of software");
}

#[test]
fn who_only_asks_by_options_or_is_configured_as_a_computer_is_no_phone_for_a_port_of_sip_that_is_shut() {
    let opens = DeviceFacts { ports_opened: [5060].into(), ..Default::default() };
    let says = |only_pings: bool| DeviceFacts { speaks_sip: true, only_pings, ..opens.clone() };
    assert_eq!((name(&says(true)), name(&says(false)).as_deref()), (None, Some(SIP)));
    let asks = |options: &[u8]| name(&DeviceFacts { parameter_list: options.to_vec(), ..opens.clone() });
    assert_eq!(asks(&[1, 28, 2, 3, 15, 6, 119, 12, 44, 47, 26, 121, 42]), None, "a client of DHCP that comes with Linux");
    assert_eq!(asks(&[1, 3, 6, 15, 66, 121]).as_deref(), Some(SIP), "it asks where its configuration is");
    assert_eq!(asks(&[1, 3, 6, 12, 15, 42]).as_deref(), Some(SIP));
    let computer = DeviceFacts { parameter_list: vec![1, 3, 6, 15, 119], speaks_sip: true, ..opens };
    assert_eq!(name(&computer).as_deref(), Some(SIP), "a phone of software");
}

#[test]
fn who_asks_where_its_configuration_is_as_only_phones_do_is_one() {
    let asks = |options: &[u8]| name(&DeviceFacts { parameter_list: options.to_vec(), ..Default::default() });
    assert_eq!(asks(&[1, 3, 6, 15, 42, 66, 159, 160]).as_deref(), Some(SIP));
    assert_eq!(asks(&[1, 3, 66, 176]).as_deref(), Some(SIP));
    assert_eq!(asks(&[1, 6, 15, 44, 3, 7, 33, 66, 150, 43]), None, "a switch asks for its start-up configuration");
    assert_eq!(asks(&[1, 3, 6, 15, 31, 33, 43, 44, 46, 47, 119, 121, 249, 252]), None, "Windows");
    assert_eq!(asks(&[1, 3, 6, 15, 160]), None, "the page of a captive portal was there, too (RFC 7710)");
    let started_over_the_network =
        [1, 2, 3, 4, 5, 6, 12, 13, 15, 17, 43, 54, 60, 66, 67, 97, 128, 129, 130, 131, 132, 133, 134, 135];
    assert_eq!(asks(&started_over_the_network), None);
    assert_eq!(asks(&[6, 3, 1, 15, 66, 67, 13, 44, 12, 81]), None, "a printer");
    assert_eq!(asks(&(1..=254).collect::<Vec<u8>>()), None, "one that asks for all there is");
}

#[test]
fn who_is_provisioned_by_the_server_of_its_lease_is_taken_for_a_phone() {
    let facts = DeviceFacts { conduct: Conduct { is_provisioned: true, ..Conduct::default() }, ..Default::default() };
    assert_eq!(name(&facts).as_deref(), Some(SIP));
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
mark = [{ kind = "oui", value = ["02:04:F2"], weight = 3 }]
"#;
    let mut profiles = Profiles::default();
    profiles.load("test.toml", profile).unwrap();
    let facts = DeviceFacts { mac: Some(Mac([2, 4, 0xf2, 0, 0, 1])), ..Default::default() };
    assert!(profiles.recognise(&facts).profile.is_none());
}

#[test]
fn whoever_speaks_sip_and_is_nothing_else_is_a_sip_phone() {
    assert_eq!(name(&DeviceFacts { speaks_sip: true, ..Default::default() }).as_deref(), Some(SIP));
    let facts = DeviceFacts { sip_domains: texts(&["example.com"]), ..Default::default() };
    assert_eq!(name(&facts).as_deref(), Some(SIP));
    let facts = DeviceFacts { user_agents: texts(&["Fanvil X4 2.10.2.6887 0c383e07e16c"]), ..Default::default() };
    assert_eq!(name(&facts).as_deref(), Some(SIP));
}

#[test]
fn other_phones_that_send_the_class_of_uc_clients_are_not_taken_for_lync_phone_edition() {
    let vvx = DeviceFacts {
        vendor_classes: texts(&["MS-UC-Client"]),
        user_agents: texts(&["PolycomVVX-VVX_400-UA/5.4.0.5841"]),
        ..Default::default()
    };
    assert_eq!(name(&vvx).as_deref(), Some("polycom-ucs"));
    let audiocodes =
        DeviceFacts { vendor_classes: texts(&["MS-UC-Client"]), mac: Some(Mac([0, 0x90, 0x8f, 1, 2, 3])), ..Default::default() };
    assert_eq!(name(&audiocodes).as_deref(), Some("audiocodes"));
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
    assert_eq!(family(&described), Some((CISCO.to_owned(), vec![wanted.to_owned()])));
    let asks = DeviceFacts { paths_asked: texts(&["/CTLSEP0004F21A2B3C.tlv"]), ..Default::default() };
    assert_eq!(family(&asks), Some((CISCO.to_owned(), vec!["asked a server for /CTLSEP0004F21A2B3C.tlv".to_owned()])));
    let switch = DeviceFacts { described: texts(&["cisco WS-C3560-24TS"]), ..Default::default() };
    assert_eq!(name(&switch), None);
}

/// What each family says of itself, by the way in which it says it (readings of captures, makers' guides).
#[test]
fn each_family_is_known_by_any_of_the_ways_in_which_it_names_itself() {
    let agents = [
        ("PolycomVVX-VVX_400-UA/4.1.4.7430", "polycom-ucs"),
        ("FileTransport PolycomSoundPointIP-SPIP_550-UA/4.0.8.1608 Type/Application", "polycom-ucs"),
        ("Yealink SIP-T46G 28.72.0.1 00:15:65:4a:a9:37", "yealink"),
        ("Mozilla/4.0 (compatible; snom710-SIP 8.7.5.35 1.1.5-IFX-05.01.12 000413741767)", "snom"),
        ("Aastra6731i MAC:00-08-5D-23-74-29 V:3.2.0.70-SIP", "mitel"),
        ("Mitel6920 MAC:14-00-E9-00-00-01 V:6.4.0.140-SIP", "mitel"),
        ("Mozilla/4.0 (compatible; MSIE 6.0) AVAYA/J179-4.1.3.0.6 (MAC:c81fea83e85a)", "avaya"),
        ("Cisco/SPA508G-7.4.4 (0002FDFF2103)(CBT141400UK)", "cisco-multiplatform"),
        ("Cisco-CP-8841-3PCC/11.0 (00562b043615)", "cisco-multiplatform"),
        ("Cisco-CP8841/12.5.1", "cisco-cucm"),
        ("Grandstream Model HW GXP1405 SW 1.0.4.23 DevId 000b8240d55c", "grandstream"),
        ("AUDC-IPPhone/2.2.16 (420HD-Rev0; 00908F123456)", "audiocodes"),
        ("UCCAPI/4.0.7577.314 OC/4.0.7577.314 (Microsoft Lync 2010)", PC),
    ];
    for (agent, family) in agents {
        let facts = DeviceFacts { user_agents: texts(&[agent]), ..Default::default() };
        assert_eq!(name(&facts).as_deref(), Some(family), "{agent}");
    }
    let classes = [
        ("Cisco Systems, Inc. IP Phone CP-7960G", CISCO),
        ("Cisco System, Inc. IP Phone CP-8945", CISCO),
        ("Cisco Systems, Inc. IP Phone CP-8841-3PCC", "cisco-multiplatform"),
        ("LINKSYS SPA-942", "cisco-multiplatform"),
        ("ccp.avaya.com", "avaya"),
        ("ipphone.mitel.com", "mitel"),
        ("AastraIPPhone6867i", "mitel"),
        ("Poly-TrioC60", "polycom-ucs"),
        // RFC 3925 style: enterprise 13885, a length, then TLVs.
        ("\0\u{0}6=\u{1b}\u{1}\u{7}Polycom\u{2}\u{a}SSIP_5000", "polycom-ucs"),
        ("Grandstream GXP1405 dslforum.org", "grandstream"),
        ("yealink", "yealink"),
        ("snom370", "snom"),
    ];
    for (class, family) in classes {
        let facts = DeviceFacts { vendor_classes: texts(&[class]), ..Default::default() };
        assert_eq!(name(&facts).as_deref(), Some(family), "{class:?}");
    }
    let identity = DeviceFacts { vendor_identities: texts(&["1027:ipphone.mitel.com"]), ..Default::default() };
    assert_eq!(name(&identity).as_deref(), Some("mitel"));
    let avaya = DeviceFacts {
        host_name: Some("AVX1A2B3C".into()),
        parameter_list: vec![1, 28, 3, 6, 15, 12, 42, 242],
        ..Default::default()
    };
    assert_eq!(name(&avaya).as_deref(), Some("avaya"));
}

#[test]
fn a_maker_of_phones_and_sip_make_a_phone_of_that_maker() {
    for (oui, family) in [([0x80, 0x5e, 0xc0], "yealink"), ([0x00, 0x04, 0x13], "snom"), ([0xc0, 0x74, 0xad], "grandstream")] {
        let [a, b, c] = oui;
        let facts = DeviceFacts { mac: Some(Mac([a, b, c, 1, 2, 3])), speaks_sip: true, ..Default::default() };
        assert_eq!(name(&facts).as_deref(), Some(family));
    }
    // Avaya makes switches, AudioCodes gateways: there it takes more.
    for oui in [[0x00, 0x1b, 0x4f], [0x00, 0x90, 0x8f]] {
        let [a, b, c] = oui;
        let facts = DeviceFacts { mac: Some(Mac([a, b, c, 1, 2, 3])), speaks_sip: true, ..Default::default() };
        assert_eq!(name(&facts).as_deref(), Some(SIP));
    }
}

#[test]
fn what_bears_a_makers_name_and_is_no_phone_is_none() {
    for agent in [
        "Cisco-CSF/12.6 (Jabber)",
        "Mediant 800/v.7.20A",
        "Avaya one-X Communicator",
        "Grandstream UCM6202 V1.5A 1.0.20.20",
        "Polycom RealPresence Desktop - Windows/3.8",
    ] {
        let facts = DeviceFacts { user_agents: texts(&[agent]), speaks_sip: true, ..Default::default() };
        assert_eq!(name(&facts).as_deref(), Some(SIP), "{agent}");
    }
    let gateway = DeviceFacts {
        mac: Some(Mac([0, 0x90, 0x8f, 1, 2, 3])),
        host_name: Some("acl_66176".into()),
        speaks_sip: true,
        ..Default::default()
    };
    assert_eq!(name(&gateway).as_deref(), Some(SIP));
}

#[test]
fn a_phone_of_a_service_in_the_cloud_is_known_by_the_names_that_it_asks_for() {
    let yealink = DeviceFacts { mac: Some(Mac([0x80, 0x5e, 0xc0, 1, 2, 3])), ..Default::default() };
    let asks = |names: &[&str], facts: &DeviceFacts| DeviceFacts { names_asked: texts(names), ..facts.clone() };
    let teams = ["login.microsoftonline.com", "teams.microsoft.com"];
    assert_eq!(name(&asks(&teams, &yealink)).as_deref(), Some("teams-phone"));
    let by_tls = DeviceFacts { server_names: texts(&["eu.teams.microsoft.com"]), ..yealink.clone() };
    assert_eq!(name(&by_tls).as_deref(), Some("teams-phone"));
    let zoom = DeviceFacts { user_agents: texts(&["Yealink SIP-T54W 96.86.0.70 80:5e:c0:01:02:03"]), ..yealink.clone() };
    assert_eq!(name(&asks(&["provpp.zoom.us"], &zoom)).as_deref(), Some("zoom-phone"));
    assert_eq!(name(&asks(&["pbx.contoso.com"], &zoom)).as_deref(), Some("yealink"));
    // Names in other domains that end alike.
    assert_eq!(name(&asks(&["notzoom.us", "zoom.us.contoso.com"], &zoom)).as_deref(), Some("yealink"));
    // A phone with SIP asks Microsoft 365 for its calendar; a PC asks for all of these.
    let calendar = DeviceFacts { speaks_sip: true, ..asks(&["login.microsoftonline.com"], &yealink) };
    assert_eq!(name(&calendar).as_deref(), Some("yealink"));
    assert_eq!(name(&asks(&["login.microsoftonline.com", "teams.microsoft.com", "zoom.us"], &DeviceFacts::default())), None);
}

/// One that says for what and for whom it is good.
fn certificate(host: Option<&str>, purposes: &[&str]) -> Option<std::sync::Arc<crate::formats::x509::Certificate>> {
    let mut certificate = crate::findings::testing::leaf();
    let body = std::sync::Arc::make_mut(&mut certificate).body.as_mut().unwrap();
    body.alternative_names = host.map(|host| AlternativeName::Dns(host.into())).into_iter().collect();
    body.common_name = None;
    body.extended_key_usage = Some(purposes.iter().map(|purpose| (*purpose).to_owned()).collect());
    Some(certificate)
}

#[test]
fn a_client_with_the_certificate_of_a_server_is_a_server() {
    const BOTH: [&str; 2] = ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"];
    let shows = |own_certificate| DeviceFacts { own_certificate, ports_opened: [5061].into(), ..Default::default() };
    assert_eq!(name(&shows(certificate(Some("edge.contoso.com"), &BOTH))).as_deref(), Some("sip-server"));
    assert_eq!(name(&shows(certificate(Some("edge.contoso.com"), &BOTH[1..]))).as_deref(), Some(SIP));
    assert_eq!(name(&shows(certificate(None, &BOTH))).as_deref(), Some(SIP), "a phone's bears no host name");
    assert_eq!(name(&shows(None)).as_deref(), Some(SIP));
}

#[test]
fn who_says_by_lldp_that_it_is_a_telephone_is_one() {
    let facts = DeviceFacts { is_telephone: true, ..DeviceFacts::default() };
    assert!(Profiles::builtin().family(&facts).is_some());
    let switch = DeviceFacts { described: vec![WireText::from("a telephone")], ..DeviceFacts::default() };
    assert!(Profiles::builtin().family(&switch).is_none(), "others may use the word");
}

#[test]
fn the_class_of_a_maker_of_other_things_tells_a_phone_only_with_what_phones_ask_for() {
    let facts = |asked: &[u8]| DeviceFacts {
        vendor_classes: vec![WireText::from("Panasonic")],
        parameter_list: asked.to_vec(),
        ..DeviceFacts::default()
    };
    assert!(Profiles::builtin().family(&facts(&[1, 3, 6, 15, 42, 66, 159, 160])).is_some());
    assert!(Profiles::builtin().family(&facts(&[1, 3, 6, 15])).is_none());
}

#[test]
fn the_prefix_of_a_maker_of_phones_shows_one_and_that_of_a_maker_of_pcs_none() {
    let of = |[a, b, c]: [u8; 3]| DeviceFacts { mac: Some(Mac([a, b, c, 1, 2, 3])), ..Default::default() };
    for phones in [[0xb4, 0xb0, 0x17], [0x0, 0x9, 0x6e], [0x58, 0x9e, 0xc6], [0xf4, 0xb6, 0x88], [0x0, 0x80, 0x9f]] {
        assert_eq!(name(&of(phones)).as_deref(), Some(SIP), "{phones:02x?}");
    }
    // Avaya's PBX; Dell, HP, Lenovo, VMware; Panasonic's PCs; Axis; Cisco.
    let others = [
        [0x0, 0xe0, 0x7],
        [0xf8, 0xb1, 0x56],
        [0x3c, 0xd9, 0x2b],
        [0x54, 0xe1, 0xad],
        [0x0, 0x50, 0x56],
        [0x0, 0x1b, 0xd3],
        [0x0, 0x40, 0x8c],
        [0x0, 0x1b, 0xd4],
    ];
    for other in others {
        assert_eq!(name(&of(other)), None, "{other:02x?}");
    }
}

#[test]
fn a_switch_of_a_maker_of_phones_is_none() {
    let says = |is_infrastructure: bool| DeviceFacts {
        mac: Some(Mac([0xb4, 0xb0, 0x17, 1, 2, 3])),
        is_infrastructure,
        ..Default::default()
    };
    assert_eq!((name(&says(false)).as_deref(), name(&says(true))), (Some(SIP), None));
    let registers = DeviceFacts { speaks_sip: true, ..says(true) };
    assert_eq!(name(&registers).as_deref(), Some(SIP), "a gateway");
}

#[test]
fn an_access_point_that_names_its_model_is_no_phone_though_its_maker_has_phones() {
    let asks = |class: &str| DeviceFacts {
        mac: Some(Mac([0xc0, 0x74, 0xad, 1, 2, 3])),
        vendor_classes: texts(&[class]),
        ..Default::default()
    };
    assert_eq!(name(&asks("Grandstream GWN7610 dslforum.org")), None);
    assert_eq!(name(&asks("Grandstream GXP2170 dslforum.org")).as_deref(), Some("grandstream"));
}

#[test]
fn further_makers_of_phones_are_known_by_how_they_name_themselves() {
    let says = |agent: &str| name(&DeviceFacts { user_agents: texts(&[agent]), ..Default::default() });
    for agent in ["OpenStage_60_V3 R3.42.0 SIP", "OBIHAI/OBi302-3.2.2.8680", "Digium D70 1_4_0_0_57389", "Gigaset DX800A"] {
        assert_eq!(says(agent).as_deref(), Some(SIP), "{agent}");
    }
    for agent in ["Mozilla/5.0 (Linux; Android 9; Gigaset GS290)", "Mozilla/5.0 (Windows NT 10.0; Win64; x64)", "curl/8.0.1"] {
        assert_eq!(says(agent), None, "{agent}");
    }
}

#[test]
fn who_names_its_user_as_cisco_phones_do_is_one_if_the_mac_is_its_own() {
    let user = |user: &str| DeviceFacts {
        mac: Some(Mac([0x00, 0x1b, 0xd4, 0xa4, 0xe6, 0x85])),
        users: texts(&[user]),
        ..Default::default()
    };
    assert_eq!(name(&user("CP-7962G-SEP001BD4A4E685")).as_deref(), Some(CISCO));
    assert_eq!(name(&user("CP-8851-3PCC-SEP001BD4A4E685")).as_deref(), Some("cisco-multiplatform"));
    assert_eq!(name(&user("CP-7962G-SEP001BD4A4E686")), None, "that of another one");
    for of_a_pc in ["host/pc-sep001.contoso.com", "001bd4a4e685", "contoso\\kim"] {
        assert_eq!(name(&user(of_a_pc)), None, "{of_a_pc}");
    }
}

#[test]
fn the_file_of_one_phone_shows_a_phone_though_nothing_else_is_known_of_it() {
    let asks = |path: &str| name(&DeviceFacts { paths_asked: texts(&[path]), ..Default::default() });
    for path in ["/SEP001BD4A4E685.cnf.xml", "/SEP001BD4A4E685.cnf.xml.sgn", "/SIP001bd4a4e685.cnf"] {
        assert_eq!(asks(path).as_deref(), Some(CISCO), "{path}");
    }
    for path in ["/cfg000b827e505c.xml", "/gs/cfg000b827e505c", "/Config0080F0C8C381.cfg", "/p/0004f21a2b3c-phone.cfg"] {
        assert!(asks(path).is_some(), "{path}");
    }
    let others = [
        "/SEPA/001bd4a4e685.xml",
        "/SEPTEMBER2024.cnf.xml",
        "/pxelinux.cfg/01-00-1b-d4-a4-e6-85",
        "/network-confg",
        "/cfg",
        "/cfgé0b827e505c.xml",
        "/001bd4a4e685.bin",
    ];
    for path in others {
        assert_eq!(asks(path), None, "{path}");
    }
}

#[test]
fn the_vendor_class_of_dhcpv6_is_the_vendor_identity_of_dhcpv4() {
    let says = |identity: &str| name(&DeviceFacts { vendor_identities: texts(&[identity]), ..Default::default() });
    assert_eq!(says("6889:ccp.avaya.com").as_deref(), Some("avaya"));
    assert_eq!(says("9:Cisco Systems, Inc. IP Phone CP-8841").as_deref(), Some(CISCO));
    assert_eq!(says("311:MSFT 5.0"), None);
    assert_eq!(says("9:Cisco AP c2700"), None);
}

#[test]
fn a_name_of_sip_in_a_hello_says_as_much_as_in_dns() {
    let hello = |asked: &str| name(&DeviceFacts { server_names: texts(&[asked]), ..Default::default() });
    assert_eq!(hello("sip.contoso.com").as_deref(), Some(SIP));
    assert_eq!(hello("www.contoso.com"), None);
    assert_eq!(hello("gossip.contoso.com"), None);
}
