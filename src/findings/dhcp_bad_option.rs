//! `dhcp-bad-option`: a DHCP option that the login stands on is there, and malformed.

use std::collections::BTreeSet;

use crate::findings::shared::option_need::{Given, UC_CLIENT, example, given, name, would_help};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::{Evidence, How, Stage};
use crate::protocols::dhcp::{self, SipServers, option};
use crate::text::WireText;

/// The rule.
pub static RULE: Rule = Rule {
    code: "dhcp-bad-option",
    stage: Some(Stage::Address),
    weight: Weight::Specific,
    order: 125,
    help: Help {
        what: "A DHCP option that the device needs does not have the form that it must have.",
        why: "The device cannot read the router, the servers or the certificate service out of it, and is left as if it were absent.",
        fix: "Enter the option again in the form that the device reads (addresses as 4 octets each, option 43 as sub-options of code, \
              length and value, option 120 as an octet 00 and DNS labels). Lync: DHCPUtil.exe -EmulateClient checks 43 and 120. A new \
              capture must show the values in Wireshark without a warning.",
        look_alikes: "Option 43 belongs to each maker: plain text in it is right for some. The answer for vendor class CPE-OCPHONE holds \
                      the VLAN alone, and only that for MS-UC-Client holds the certificate service.",
        references: &["RFC 2132 section 8.4", "RFC 3361", "RFC 3396"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let given = given(case);
    if given.is_empty() {
        return Vec::new();
    }
    let uc: Vec<Given<'_>> = given.iter().filter(|one| one.is_uc()).copied().collect();
    let own = case.profile.required_options.iter().map(|needed| needed.option);
    let own = own.chain(asked(&given, case));
    let own: BTreeSet<u8> = own.filter(|code| !matches!(*code, option::VENDOR | option::SIP_SERVERS) || uc.is_empty()).collect();
    let mut found: Vec<Found> =
        own.into_iter().filter_map(|code| tell(case, &given, code, |message| plain(message, code, asker(&given)))).collect();
    found.extend(tell(case, &uc, option::VENDOR, vendor));
    found.extend(tell(case, &uc, option::SIP_SERVERS, servers));
    found
}

/// The options that a device asked for, where it took up none of the offers that have them: one of them may be why.
fn asked(given: &[Given<'_>], case: &Case<'_>) -> Vec<u8> {
    let quiet = |how: How| matches!(how, How::Abandoned | How::Timeout);
    let left = case.attempt.drop.is_some_and(|drop| drop.stage == Stage::Address && quiet(drop.how));
    let last = given.last().filter(|last| left && last.message.kind == Some(dhcp::kind::OFFER));
    last.map_or_else(Vec::new, |last| last.asked.iter().copied().filter(|code| *code != option::VENDOR).collect())
}

/// As what the device asks (option 60).
fn asker<'a>(given: &[Given<'a>]) -> Option<&'a WireText> {
    given.iter().rev().find_map(|one| one.class)
}

/// One finding, if all the answers that have the option have it wrong: the device takes the first good one.
fn tell(case: &Case<'_>, given: &[Given<'_>], code: u8, wrong: impl Fn(&dhcp::Message) -> Option<String>) -> Option<Found> {
    let having = || given.iter().filter(|one| one.message.option(code).is_some());
    if having().any(|one| one.message.cut || wrong(one.message).is_none()) {
        return None;
    }
    let last = having().next_back()?;
    let problem = wrong(last.message)?;
    let server = last.message.server_id().map_or_else(|| "the DHCP server".to_owned(), |server| server.to_string());
    Some(Found {
        stage: Stage::Address,
        step: last.index,
        proof: Proof::Proven,
        explains_drop: would_help(case, code),
        confidence: if matches!(code, option::VENDOR | option::SIP_SERVERS) { 0.8 } else { 0.9 },
        summary: format!("DHCP option {code} ({}) of {server} is malformed: {problem}", name(code)),
        fix: format!(
            "Correct option {code} in the scope of the phone's VLAN on {server} ({problem}): {}. A new capture must show the right value in \
             the ACK.",
            example(code)
        ),
        evidence: having()
            .take(4)
            .map(|one| {
                Evidence::new(one.at.frame, &format!("dhcp.option.type == {code}"), wrong(one.message).unwrap_or_default())
            })
            .collect(),
    })
}

/// What the parser has against an option.
fn plain(message: &dhcp::Message, code: u8, asker: Option<&WireText>) -> Option<String> {
    let (_, problem) = message.problems.iter().find(|(of, _)| *of == code)?;
    // Each maker fills its own option 43, and some take text where others have addresses; whose option 150 is does not.
    let strict = code == 150 && asker.is_some_and(|class| class.raw().starts_with("Cisco System"));
    let own = matches!(code, option::VENDOR | 150) && !strict && message.option(code).is_some_and(|value| is_text(&value));
    (!own).then(|| WireText::from(problem.as_str()).to_string())
}

fn is_text(value: &[u8]) -> bool {
    let end = value.iter().rposition(|byte| *byte != 0).map_or(0, |last| last.saturating_add(1));
    value.get(..end).is_some_and(|text| !text.is_empty() && text.iter().all(|byte| matches!(byte, b' '..=b'~')))
}

/// What is wrong with option 43 for a UC client: five sub-options, the port as digits.
fn vendor(message: &dhcp::Message) -> Option<String> {
    let value = message.option(option::VENDOR)?;
    if value.len() >= 16 && value.len().is_multiple_of(2) && value.iter().all(u8::is_ascii_hexdigit) {
        return Some("its octets stand in it as hexadecimal text".to_owned());
    }
    if let Some((_, problem)) = message.problems.iter().find(|(of, _)| *of == option::VENDOR) {
        return Some(WireText::from(problem.as_str()).to_string());
    }
    let list = message.vendor_suboptions();
    let sub = |wanted: u8| list.iter().find(|(code, _)| *code == wanted).map(|(_, value)| value.as_slice());
    let text = |value: &[u8]| WireText::from_bytes(value).to_string();
    match (sub(1), sub(4)) {
        (None, _) if sub(10).is_some() => Some(format!("it holds the VLAN (sub-option 10), but no sub-option 1 ({UC_CLIENT})")),
        (None, _) => Some(format!("no sub-option 1 ({UC_CLIENT})")),
        (Some(class), _) if !class.eq_ignore_ascii_case(UC_CLIENT.as_bytes()) => {
            Some(format!("sub-option 1 is {} instead of {UC_CLIENT}", text(class)))
        }
        (_, Some(port)) if port.is_empty() || !port.iter().all(u8::is_ascii_digit) => {
            let octets: Vec<String> = port.iter().take(8).map(|octet| format!("{octet:02x}")).collect();
            Some(format!("sub-option 4 (the port) is {} instead of digits as text", octets.join(" ")))
        }
        _ => [(2, "the scheme"), (3, "the web server"), (4, "the port"), (5, "the path")]
            .into_iter()
            .find(|(code, _)| sub(*code).is_none_or(<[u8]>::is_empty))
            .map(|(code, what)| format!("no sub-option {code} ({what})")),
    }
}

/// What is wrong with option 120 for a UC client: it must be a name, because TLS has nothing else to check.
fn servers(message: &dhcp::Message) -> Option<String> {
    match message.sip_servers()? {
        SipServers::Malformed(problem) => Some(WireText::from(problem.as_str()).to_string()),
        SipServers::Addresses(_) => Some("addresses (encoding 1) instead of the pool's name (encoding 0)".to_owned()),
        SipServers::Names(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::{Attempt, Purpose};

    /// The example for pool01.contoso.com, 85 octets.
    const GOOD: &[u8] =
        b"\x01\x0cMS-UC-Client\x02\x05https\x03\x12pool01.contoso.com\x04\x03443\x05\x25/CertProv/CertProvisioningService.svc";
    const GOOD_120: &[u8] = b"\x00\x06pool01\x07contoso\x03com\x00";

    fn informed(class: &str, answers: &[&[(u8, &[u8])]]) -> Login {
        let class = class.to_owned();
        let mut asked = dhcp_exchange().inform().act(move |lease, _| lease.vendor_class = Some(WireText::from(class.as_str())));
        for answer in answers {
            asked = asked.ack(answer);
        }
        Login::new().step(asked).step(lookup("_sipinternaltls._tcp.contoso.com").purpose(Purpose::Registrar).rcode(3)).dropped()
    }

    fn problem(value: &[u8]) -> Option<String> {
        vendor(&dhcp_message(5, &[(43, value)]))
    }

    #[test]
    fn a_phone_that_takes_no_offer_may_miss_what_it_asked_for() {
        let offered = |class: &'static str| {
            let mut message = dhcp_message(dhcp::kind::OFFER, &[(150, b"10.0.7.45")]);
            message.problems.push((150, "9 octets long, which is not a list of 4 octets each".to_owned()));
            let message = std::sync::Arc::new(message);
            let asked = dhcp_exchange().discover().act(|lease, at| lease.offers.push((at, message))).discover();
            let asked = asked.act(move |lease, _| {
                lease.vendor_class = Some(WireText::from(class));
                lease.parameter_list = vec![1, 66, 6, 3, 15, 150, 35];
            });
            let left_it = |attempt: &mut Attempt| attempt.drop.as_mut().unwrap().how = How::Abandoned;
            Login::new().step(asked).dropped().with(left_it)
        };
        let found = offered("Cisco Systems, Inc. IP Phone CP-7911G").the(&RULE);
        assert!(found.explains_drop && found.summary.contains("option 150"), "{}", found.summary);
        // Other makers take text there.
        offered("yealink").nothing(&RULE);
    }

    #[test]
    fn the_documented_example_is_good() {
        assert_eq!(GOOD.len(), 85);
        assert_eq!(problem(GOOD), None);
        informed("MS-UC-Client", &[&[(43, GOOD), (120, GOOD_120)]]).nothing(&RULE);
    }

    #[test]
    fn a_port_in_two_octets() {
        let bad = b"\x01\x0cMS-UC-Client\x02\x05https\x03\x12pool01.contoso.com\x04\x02\x01\xbb\x05\x25/CertProv/CertProvisioningService.svc";
        let found = informed("ms-uc-client", &[&[(43, bad), (120, GOOD_120)]]).the(&RULE);
        assert_eq!(
            found.summary,
            "DHCP option 43 (vendor-specific information) of 10.0.4.1 is malformed: sub-option 4 (the port) is 01 bb instead of digits as text"
        );
        assert!(found.explains_drop && found.proof == Proof::Proven);
    }

    #[test]
    fn the_other_faults_of_option_43() {
        assert_eq!(
            problem(b"\x0a\x02\x00\x64").unwrap(),
            "it holds the VLAN (sub-option 10), but no sub-option 1 (MS-UC-Client)"
        );
        assert_eq!(problem(b"\x01\x03abc").unwrap(), "sub-option 1 is abc instead of MS-UC-Client");
        assert_eq!(problem(b"010c4d532d55432d436c69656e74").unwrap(), "its octets stand in it as hexadecimal text");
        assert_eq!(problem(b"\x01\x0cMS-UC-Client").unwrap(), "no sub-option 2 (the scheme)");
    }

    #[test]
    fn option_120_as_text_or_addresses() {
        assert!(
            servers(&dhcp_message(5, &[(120, b"pool01.contoso.com")])).unwrap().starts_with("text without the encoding octet")
        );
        assert!(servers(&dhcp_message(5, &[(120, b"\x01\x0a\x00\x00\x05")])).unwrap().starts_with("addresses"));
    }

    #[test]
    fn the_first_good_answer_to_an_inform_is_enough() {
        informed("MS-UC-Client", &[&[(43, b"\x0a\x02\x00\x64")], &[(43, GOOD), (120, GOOD_120)]]).nothing(&RULE);
    }

    #[test]
    fn text_for_another_class_is_its_makers_matter() {
        informed("ipphone.mitel.com", &[&[(43, b"id:ipphone.mitel.com;sw_tftp=10.0.0.5")]]).nothing(&RULE);
        informed("CPE-OCPHONE", &[&[(43, b"\x0a\x02\x00\x64")]]).nothing(&RULE);
    }

    #[test]
    fn a_router_of_three_octets_where_the_family_needs_one() {
        let bad = dhcp_exchange().discover().request().act(|lease, at| {
            let mut message = dhcp_message(5, &[(3, &[10, 0, 4])]);
            message.problems = vec![(3, "3 octets long, which is not a list of 4 octets each".to_owned())];
            lease.acks.push((at, std::sync::Arc::new(message)));
        });
        let login = Login::new().profile(|profile| profile.required_options = vec![needed(3)]);
        let found = login.step(bad).step(lookup("sip.contoso.com").times(3)).dropped().the(&RULE);
        assert!(found.explains_drop && found.summary.contains("3 octets long"), "{}", found.summary);
    }
}
