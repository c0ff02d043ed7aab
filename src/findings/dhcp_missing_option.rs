//! `dhcp-missing-option`: an option that this device must have is in no answer of a DHCP server.

use std::net::{IpAddr, Ipv4Addr};

use crate::findings::shared::option_need::{Given, example, given, name, would_help};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::login::steps::{Purpose, Step};
use crate::model::{Evidence, Stage};
use crate::profile::RequiredOption;
use crate::protocols::dhcp::{self, option};
use crate::text::WireText;

/// The rule.
pub static RULE: Rule = Rule {
    code: "dhcp-missing-option",
    stage: Some(Stage::Address),
    weight: Weight::Specific,
    order: 120,
    help: Help {
        what: "A DHCP option without which this device cannot log in stands in no answer that it was given.",
        why: "Without it the device has no way to the next step: no router, no DNS server, no name of its pool or configuration server.",
        fix: "Add the option to the scope of the phones' VLAN (Windows: netsh dhcp server scope SCOPE set optionvalue; for a vendor class, \
              under that class). A new capture must show it in the ACK: filter `dhcp.option.type == NUMBER`.",
        look_alikes: "A server rightly leaves out what the device does not ask for in option 55. The answer to an INFORM may bring what the \
                      first ACK did not, and option 52 may put it into the fields for server name and boot file.",
        references: &["RFC 2132", "RFC 2131 section 4.3.1"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    if case.attempt.drop.is_none() {
        return Vec::new();
    }
    let given = given(case);
    // What a cut frame does not show may have been there.
    if given.is_empty() || given.iter().any(|one| one.message.cut) {
        return Vec::new();
    }
    let offers_alone = given.iter().all(|one| one.message.kind == Some(dhcp::kind::OFFER));
    let of_family = &case.profile.required_options;
    let of_protocol = of_protocol(&given);
    let is_new = |needed: &&RequiredOption| of_family.iter().all(|known| known.option != needed.option);
    let known: Vec<Found> = of_family
        .iter()
        .chain(of_protocol.iter().filter(is_new))
        .filter(|needed| (offers_alone || !needed.in_offer) && is_missing(&given, needed))
        .filter(|needed| would_help(case, needed.option))
        .filter_map(|needed| tell(&given, needed, KNOWN))
        .collect();
    if known.is_empty() { supposed(case, &given).into_iter().collect() } else { known }
}

/// How sure it is where the need is documented, or follows from the answers.
const KNOWN: f32 = 0.8;
/// The same where it follows from what the device leaves undone alone.
const SUPPOSED: f32 = 0.5;

/// Most registrars are known by a name: a device that asks for name servers, is given none, and starts over before it has tried
/// anything else may miss them.
fn supposed(case: &Case<'_>, given: &[Given<'_>]) -> Option<Found> {
    let takes = |one: &Given<'_>| one.message.kind == Some(dhcp::kind::ACK) && one.asked.contains(&option::NAME_SERVERS);
    let tries = |step: &Step| !matches!(step.purpose, Purpose::Access | Purpose::Address);
    let does_nothing = given.iter().any(takes) && !case.attempt.steps.iter().any(tries);
    if !does_nothing {
        return None;
    }
    let why = "the device asks for it, does nothing with its address, and starts over".to_owned();
    let needed = RequiredOption { option: option::NAME_SERVERS, why, ..RequiredOption::default() };
    let is_it = is_missing(given, &needed) && would_help(case, needed.option);
    is_it.then(|| tell(given, &needed, SUPPOSED))?
}

/// What every device needs: what an OFFER must hold, whatever the device asks for (RFC 2131 table 3), and a router where what it
/// is given lies beyond its own network, and name servers where it is given a name.
fn of_protocol(given: &[Given<'_>]) -> Vec<RequiredOption> {
    let why = "an offer without it is none that a device must take".to_owned();
    let lease = RequiredOption { option: option::LEASE, in_offer: true, why, ..RequiredOption::default() };
    let router = given.iter().find_map(|one| first_beyond(one.message)).map(|server| RequiredOption {
        option: option::ROUTERS,
        why: format!("without a router it reaches only its own network, and {server} lies beyond"),
        ..RequiredOption::default()
    });
    let is_name = |host: &String| host.parse::<IpAddr>().is_err();
    let named = given.iter().flat_map(|one| one.message.configuration_hosts()).find(is_name);
    let names = named.map(|host| RequiredOption {
        option: option::NAME_SERVERS,
        why: format!("{}, which another option names, cannot be found without", WireText::from(host)),
        ..RequiredOption::default()
    });
    [lease].into_iter().chain(router).chain(names).collect()
}

/// The first server that an answer names beyond the network of the address that it gives, where it names no way there.
fn first_beyond(message: &dhcp::Message) -> Option<Ipv4Addr> {
    /// Static routes, in three forms (RFC 2132 section 5.8, RFC 3442, Microsoft's number for the latter).
    const ROUTES: [u8; 3] = [33, 121, 249];
    const SERVERS: [u8; 3] = [option::NAME_SERVERS, option::NTP_SERVERS, 150];
    let mask = message.addresses(option::MASK).first()?.to_bits();
    // An INFORM is answered without an address.
    if message.your.is_unspecified() || ROUTES.iter().any(|code| message.option(*code).is_some()) {
        return None;
    }
    let own = message.your.to_bits() & mask;
    SERVERS.into_iter().flat_map(|code| message.addresses(code)).find(|server| server.to_bits() & mask != own)
}

fn is_missing(given: &[Given<'_>], needed: &RequiredOption) -> bool {
    let lacks =
        |one: &Given<'_>| [Some(needed.option), needed.or].iter().flatten().all(|code| one.message.option(*code).is_none());
    is_wanted(given, needed) && given.iter().all(lacks) && !came_with_the_lease(given, needed)
}

/// Who sends an INFORM has an address already (RFC 2131 section 3.4): what it needs for that came with the lease, which these
/// answers are not. It asks for what a UC client needs.
fn came_with_the_lease(given: &[Given<'_>], needed: &RequiredOption) -> bool {
    let asked_for = matches!(needed.option, option::VENDOR | option::SIP_SERVERS);
    !asked_for && given.iter().all(|one| one.message.your.is_unspecified())
}

/// Does the device want it from who answered?
fn is_wanted(given: &[Given<'_>], needed: &RequiredOption) -> bool {
    if let Some(class) = &needed.class {
        return given.iter().all(|one| one.class.is_some_and(|own| own.raw().eq_ignore_ascii_case(class)));
    }
    // Who asks as anything else than a UC client is not given these, and an INFORM of an earlier attempt may have brought them.
    let of_uc = matches!(needed.option, option::VENDOR | option::SIP_SERVERS);
    if of_uc && (given.iter().all(|one| one.class.is_some() && !one.is_uc()) || given.iter().any(|one| one.index.is_none())) {
        return false;
    }
    // A server gives the lease time unasked (RFC 2131 section 4.3.1).
    needed.option == option::LEASE || given.iter().any(|one| one.asked.is_empty() || one.asked.contains(&needed.option))
}

fn tell(given: &[Given<'_>], needed: &RequiredOption, confidence: f32) -> Option<Found> {
    let code = needed.option;
    let last = given.last()?;
    let server = last.message.server_id().map_or_else(|| "the DHCP server".to_owned(), |server| server.to_string());
    let kind = last.message.kind.unwrap_or_default();
    let why = WireText::from(needed.why.as_str());
    Some(Found {
        stage: Stage::Address,
        step: last.index,
        proof: Proof::Inferred,
        explains_drop: true,
        confidence,
        summary: format!("{server} gives no DHCP option {code} ({}): {why}", name(code)),
        fix: format!(
            "Add option {code} ({}) to the scope of the phone's VLAN on {server}: {}. A new capture must show dhcp.option.type == {code} in \
             the ACK.",
            name(code),
            example(code)
        ),
        evidence: given
            .iter()
            .rev()
            .take(4)
            .rev()
            .map(|one| {
                Evidence::new(
                    one.at.frame,
                    &format!("dhcp.option.dhcp == {} && !(dhcp.option.type == {code})", one.message.kind.unwrap_or(kind)),
                    format!("no option {code} in it"),
                )
            })
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::Ending;
    use crate::model::{By, How};

    fn login(options: &[(u8, &[u8])]) -> Login {
        Login::new()
            .profile(|profile| profile.required_options = vec![RequiredOption { why: WITHOUT_ROUTER.to_owned(), ..needed(3) }])
            .step(lease(options))
    }

    const WITHOUT_ROUTER: &str = "without a router it reaches only its own network";
    const MASK: (u8, &[u8]) = (1, &[255, 255, 255, 0]);

    #[test]
    fn no_router_and_silence_beyond() {
        let found = login(&[MASK]).step(lookup("sip.contoso.com").times(3)).dropped().the(&RULE);
        assert!(found.explains_drop);
        assert_eq!(found.summary, "10.0.4.1 gives no DHCP option 3 (router): without a router it reaches only its own network");
        assert_eq!(found.evidence[0].display_filter, "frame.number == 4 && dhcp.option.dhcp == 5 && !(dhcp.option.type == 3)");
    }

    #[test]
    fn a_later_attempt_still_lacks_what_the_lease_did_not_bring() {
        let ack = std::sync::Arc::new(dhcp_message(5, &[MASK]));
        let later = Login::new()
            .profile(|profile| profile.required_options = vec![needed(3), needed(43)])
            .knowing(|known| known.lease = Some((at(1), ack)))
            .step(lookup("a").times(2))
            .step(lookup("sip.contoso.com").times(3))
            .dropped();
        assert!(later.the(&RULE).summary.contains("option 3"));
    }

    #[test]
    fn no_router_and_servers_beyond_the_own_network() {
        let without =
            |options: &[(u8, &[u8])]| Login::new().step(lease(options)).step(lookup("sip.contoso.com").times(3)).dropped();
        let found = without(&[MASK, (6, &[10, 0, 9, 2])]).the(&RULE);
        assert!(found.summary.ends_with("without a router it reaches only its own network, and 10.0.9.2 lies beyond"));
        without(&[MASK, (6, &[10, 0, 4, 2])]).nothing(&RULE);
        without(&[MASK, (6, &[10, 0, 9, 2]), (121, &[0, 10, 0, 4, 1])]).nothing(&RULE);
        without(&[(6, &[10, 0, 9, 2])]).nothing(&RULE);
    }

    /// A lease of a device that asks for these options, of which it is given some, with which it does nothing.
    fn left_at_that(asked: &'static [u8], options: &[(u8, &[u8])]) -> Login {
        let asks = lease(options).act(move |lease, _| lease.parameter_list = asked.to_vec());
        let mut step = asks.into_step(1);
        step.ending = Some(Ending { by: By::Device, how: How::Abandoned, at: step.last });
        Login::new().step(step).dropped()
    }

    #[test]
    fn a_device_that_is_given_no_name_servers_and_starts_over_may_miss_them() {
        let found = left_at_that(&[1, 3, 6], &[MASK, (3, &[10, 0, 4, 1])]).the(&RULE);
        assert_eq!((found.confidence, found.explains_drop), (SUPPOSED, true));
        assert!(found.summary.contains("gives no DHCP option 6 (DNS servers): the device asks for it"));
        left_at_that(&[1, 3], &[MASK, (3, &[10, 0, 4, 1])]).nothing(&RULE);
        left_at_that(&[1, 3, 6], &[MASK, (6, &[10, 0, 4, 2])]).nothing(&RULE);
        let tries = lease(&[MASK]).act(|lease, _| lease.parameter_list = vec![1, 3, 6]);
        let tries = Login::new().step(tries).step(ntp_exchange(3, &[])).dropped();
        assert!(tries.check(&RULE).iter().all(|found| !found.summary.contains("option 6 ")));
    }

    #[test]
    fn a_server_that_is_named_cannot_be_found_without_name_servers() {
        let found = left_at_that(&[1, 3, 6, 66], &[MASK, (66, b"http://prov.contoso.com/p")]).the(&RULE);
        assert_eq!(found.confidence, KNOWN);
        assert!(found.summary.ends_with("prov.contoso.com, which another option names, cannot be found without"));
        assert_eq!(left_at_that(&[1, 3, 6, 66], &[MASK, (66, b"10.0.4.9")]).the(&RULE).confidence, SUPPOSED);
    }

    #[test]
    fn the_answer_to_an_inform_need_not_tell_what_came_with_the_lease() {
        let informed = |needed: Vec<RequiredOption>| {
            let answered = dhcp_exchange().inform().ack(&[(6, &[10, 0, 4, 2])]).act(|lease, _| {
                for (_, ack) in &mut lease.acks {
                    let message = dhcp::Message { your: Ipv4Addr::UNSPECIFIED, ..ack.as_ref().clone() };
                    *ack = std::sync::Arc::new(message);
                }
            });
            let mut step = answered.into_step(1);
            step.ending = Some(Ending { by: By::Device, how: How::Abandoned, at: step.last });
            Login::new().profile(|profile| profile.required_options = needed).step(step).dropped()
        };
        informed(vec![needed(1)]).nothing(&RULE);
        assert!(informed(vec![needed(1), needed(43)]).the(&RULE).summary.contains("option 43"));
    }

    #[test]
    fn the_option_is_there() {
        login(&[MASK, (3, &[10, 0, 4, 1])]).step(lookup("sip.contoso.com").times(3)).dropped().nothing(&RULE);
    }

    #[test]
    fn a_device_that_gets_far_does_not_miss_it() {
        login(&[MASK])
            .step(lookup("sip.contoso.com").address("10.0.0.5"))
            .step(syn(crate::login::steps::Purpose::Registrar).timed_out(crate::model::By::Unknown))
            .dropped()
            .nothing(&RULE);
    }

    #[test]
    fn an_option_that_the_device_does_not_ask_for_may_be_left_out() {
        let asked = lease(&[MASK]).act(|lease, _| lease.parameter_list = vec![1, 6]);
        let login = Login::new().profile(|profile| profile.required_options = vec![needed(3)]).step(asked);
        login.step(lookup("sip.contoso.com").times(3)).dropped().nothing(&RULE);
    }

    #[test]
    fn no_device_need_take_an_offer_without_lease_time() {
        let left =
            |options| dhcp_exchange().discover().offer(options).discover().act(|lease, _| lease.parameter_list = vec![1, 3, 6]);
        assert!(Login::new().step(left(&[MASK])).dropped().the(&RULE).summary.contains("gives no DHCP option 51"));
        Login::new().step(left(&[MASK, (51, &[0, 0, 14, 16])])).dropped().nothing(&RULE);
    }

    #[test]
    fn an_offer_without_lease_time_that_the_device_leaves_asked_for_or_not() {
        let asks = dhcp_exchange().discover().offer(&[MASK]).discover().act(|lease, _| lease.parameter_list = vec![1, 3, 6]);
        let offered = Login::new().profile(|profile| profile.required_options = vec![needed(51)]).step(asks);
        let abandoned = offered.dropped();
        assert!(abandoned.the(&RULE).summary.starts_with("10.0.4.1 gives no DHCP option 51"));
    }

    #[test]
    fn a_phone_that_finds_its_call_server_in_the_offer_leaves_one_that_names_none() {
        let left = |class: &'static str, option: Option<u8>| {
            let mut options: Vec<(u8, &[u8])> = vec![MASK, (51, &[0, 0, 14, 16])];
            options.extend(option.map(|code| (code, [1, 1, 1].as_slice())));
            let asks = move |lease: &mut crate::login::steps::Lease, _| lease.vendor_class = Some(WireText::from(class));
            let call_server =
                RequiredOption { or: Some(125), class: Some("ipphone.mitel.com".to_owned()), in_offer: true, ..needed(43) };
            Login::new()
                .profile(|profile| profile.required_options = vec![call_server])
                .step(dhcp_exchange().discover().offer(&options).discover().act(asks))
                .dropped()
        };
        assert!(left("ipphone.mitel.com", None).the(&RULE).summary.starts_with("10.0.4.1 gives no DHCP option 43"));
        left("ipphone.mitel.com", Some(43)).nothing(&RULE);
        left("ipphone.mitel.com", Some(125)).nothing(&RULE);
        left("another", None).nothing(&RULE);
    }
}
