//! `dhcp-rogue-server`: two DHCP servers give conflicting values in the same kind of message.

use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::findings::shared::own_network::{answer_of, is_beyond};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::login::steps::{Lease, StepKind};
use crate::model::{At, Evidence, How, Stage};
use crate::protocols::dhcp::{Message, option};
use crate::text::WireText;

/// The rule.
pub static RULE: Rule = Rule {
    code: "dhcp-rogue-server",
    stage: Some(Stage::Address),
    weight: Weight::Specific,
    order: 110,
    help: Help {
        what: "Two DHCP servers answer the same question of the device with conflicting values.",
        why: "The device takes the answer that comes first: at one time it has the right router, DNS and configuration server, at another \
              the wrong ones, and its login fails as luck has it.",
        fix: "Find the server that does not belong there by its address and MAC (show mac address-table on the switch) and take it off, and \
              let the switches drop foreign servers (ip dhcp snooping). A new capture must show OFFERs of one server, or equal ones.",
        look_alikes: "Failover partners give equal options. A UC registrar answers an INFORM beside the DHCP server, which is meant so. \
                      Relay agents have addresses of their own: option 54 tells the servers apart.",
        references: &["RFC 2131 section 4.4.1", "RFC 2132 section 9.7"],
    },
    check: |case| found(case).into_iter().collect(),
};

/// Options whose values must agree. Addresses agree in any order.
const COMPARED: [u8; 10] =
    [option::ROUTERS, option::NAME_SERVERS, option::DOMAIN_NAME, option::VENDOR, 66, option::SIP_SERVERS, 150, 159, 160, 242];

/// Two answers to one question that contradict each other.
struct Conflict<'a> {
    /// In which step of the attempt; none, where the lease is older than the attempt.
    index: Option<usize>,
    /// Whose lease the device took.
    taken: Option<Ipv4Addr>,
    answers: [Answer<'a>; 2],
    options: Vec<u8>,
}

fn found(case: &Case<'_>) -> Option<Found> {
    let all: Vec<Conflict<'_>> = case
        .attempt
        .steps
        .iter()
        .enumerate()
        .filter_map(|(index, step)| match &step.kind {
            StepKind::Lease(lease) if lease.informs.is_empty() => conflict(Some(index), lease),
            _ => None,
        })
        .collect();
    let earlier = earlier(case);
    let blamed = all.iter().chain(&earlier).find_map(|conflict| Some((conflict, blame(case, conflict)?)));
    let shown = blamed.map(|(conflict, _)| conflict).or_else(|| all.first())?;
    let [first, second] = shown.answers;
    let (one, other) = (first.server, second.server);
    let values: Vec<String> = shown
        .options
        .iter()
        .take(3)
        .map(|code| {
            format!("option {code} {} from {one} and {} from {other}", value(first.message, *code), value(second.message, *code))
        })
        .collect();
    let kind = first.message.kind.unwrap_or_default();
    let show = format!("dhcp.option.dhcp == {kind}");
    Some(Found {
        stage: Stage::Address,
        step: shown.index,
        proof: Proof::Proven,
        explains_drop: blamed.is_some(),
        confidence: blamed.map_or(0.75, |(_, confidence)| confidence),
        summary: format!("two DHCP servers contradict each other: {}", values.join("; ")),
        fix: format!(
            "Find out which of {one} and {other} belongs in the phone's VLAN, take the other off (its MAC is the source of its frame) and \
             let the switches drop foreign DHCP servers. A new capture must show OFFERs of one server, or equal ones."
        ),
        evidence: vec![
            Evidence::new(first.at.frame, &show, format!("the answer of {one}")),
            Evidence::new(second.at.frame, &show, format!("the answer of {other}")),
        ],
    })
}

/// The contradiction behind a lease of an attempt before, where this one asks for none.
fn earlier<'a>(case: &Case<'a>) -> Option<Conflict<'a>> {
    let asks_anew = case.attempt.leases().any(|(_, lease)| lease.informs.is_empty() && !lease.offers.is_empty());
    case.contested.filter(|_| !asks_anew).and_then(|lease| conflict(None, lease))
}

/// What a server answered.
#[derive(Clone, Copy)]
struct Answer<'a> {
    at: At,
    message: &'a Message,
    server: Ipv4Addr,
}

impl<'a> Answer<'a> {
    fn of((at, message): &'a (At, Arc<Message>)) -> Option<Self> {
        Some(Self { at: *at, message, server: message.server_id()? })
    }

    /// Does the same server give the same once more?
    fn repeats(&self, earlier: &Self) -> bool {
        self.server == earlier.server
            && COMPARED.into_iter().all(|code| self.message.option(code) == earlier.message.option(code))
    }

    /// The options in which another server says something else.
    fn against(&self, other: &Self) -> Vec<u8> {
        let differs = |code: &u8| disagree(self.message, other.message, *code);
        if self.server == other.server { Vec::new() } else { COMPARED.into_iter().filter(differs).collect() }
    }
}

/// The first two answers that contradict each other. A device that asks again and again is told the same again and again.
fn conflict(index: Option<usize>, lease: &Lease) -> Option<Conflict<'_>> {
    let taken = lease.acks.last().and_then(|(_, ack)| ack.server_id());
    [&lease.offers, &lease.acks].into_iter().find_map(|answers| {
        let mut different: Vec<Answer<'_>> = Vec::new();
        for answer in answers.iter().filter_map(Answer::of) {
            if !different.iter().any(|earlier| answer.repeats(earlier)) {
                different.push(answer);
            }
        }
        let pairs = different
            .iter()
            .enumerate()
            .flat_map(|(place, first)| different.iter().skip(place.saturating_add(1)).map(move |second| (*first, *second)));
        pairs
            .map(|(first, second)| (first, second, first.against(&second)))
            .find(|(_, _, options)| !options.is_empty())
            .map(|(first, second, options)| Conflict { index, taken, answers: [first, second], options })
    })
}

/// Do both have the option, with other values?
fn disagree(one: &Message, other: &Message, code: u8) -> bool {
    let (Some(first), Some(second)) = (one.option(code), other.option(code)) else { return false };
    match code {
        option::ROUTERS | option::NAME_SERVERS | 150 => {
            let sorted = |message: &Message| {
                let mut list = message.addresses(code);
                list.sort_unstable();
                list
            };
            sorted(one) != sorted(other)
        }
        option::DOMAIN_NAME | 66 => {
            let text = |message: &Message| message.text(code).map(|text| text.raw().trim_end_matches('.').to_ascii_lowercase());
            text(one) != text(other)
        }
        _ => first != second,
    }
}

fn value(message: &Message, code: u8) -> String {
    match code {
        option::ROUTERS | option::NAME_SERVERS | 150 => {
            message.addresses(code).iter().take(4).map(ToString::to_string).collect::<Vec<_>>().join(" ")
        }
        option::DOMAIN_NAME | 66 | 159 | 160 | 242 => message.text(code).unwrap_or_else(|| WireText::from("")).to_string(),
        _ => {
            let octets = message.option(code).unwrap_or_default();
            octets.iter().take(12).map(|octet| format!("{octet:02x}")).collect::<String>()
        }
    }
}

/// Did the device take one server's lease, and drop at a value that only this server gave? How sure is that?
fn blame(case: &Case<'_>, conflict: &Conflict<'_>) -> Option<f32> {
    let drop = case.attempt.drop?;
    let dropped = case.attempt.dropped()?;
    let taken = conflict.taken?;
    let [first, second] = conflict.answers;
    let (own, theirs) = if taken == first.server {
        (first.message, second.message)
    } else if taken == second.server {
        (second.message, first.message)
    } else {
        return None;
    };
    let only_own = |code: u8, address: Ipv4Addr| {
        conflict.options.contains(&code) && own.addresses(code).contains(&address) && !theirs.addresses(code).contains(&address)
    };
    // A server of its configuration: by address, or by the name that led there.
    let only_own_host = |address: Option<std::net::IpAddr>, name: Option<&WireText>| {
        let is_it = |host: &String| {
            name.is_some_and(|name| name.raw().trim_end_matches('.').eq_ignore_ascii_case(host))
                || address.is_some_and(|address| host.parse() == Ok(address))
        };
        let named = |message: &Message| message.configuration_hosts().iter().any(is_it);
        let by_address = matches!(address, Some(std::net::IpAddr::V4(address)) if only_own(150, address));
        let differ = option::HOSTS.iter().any(|code| conflict.options.contains(code));
        by_address || differ && named(own) && !named(theirs)
    };
    let is_at_its_value = match &dropped.kind {
        StepKind::Neighbour(neighbour) => {
            matches!(neighbour.address, std::net::IpAddr::V4(address) if only_own(option::ROUTERS, address))
        }
        StepKind::Lookup(lookup) => {
            let asked = lookup
                .queries
                .iter()
                .any(|(_, server)| matches!(server, std::net::IpAddr::V4(server) if only_own(option::NAME_SERVERS, *server)));
            // The suffix of the name that is not found is the one that only this server gave.
            let suffix = own.text(option::DOMAIN_NAME).filter(|_| conflict.options.contains(&option::DOMAIN_NAME));
            let under = suffix.is_some_and(|suffix| {
                let (name, suffix) =
                    (lookup.name.raw().to_ascii_lowercase(), suffix.raw().trim_end_matches('.').to_ascii_lowercase());
                !suffix.is_empty() && name.ends_with(&format!(".{suffix}"))
            });
            asked || under || only_own_host(None, Some(&lookup.name))
        }
        StepKind::Connection(connection) => only_own_host(connection.flow.server_ip(), connection.name.as_ref()),
        StepKind::File(transfer) => only_own_host(transfer.flow.server_ip(), transfer.name.as_ref()),
        StepKind::Port(_)
        | StepKind::Lease(_)
        | StepKind::LeaseV6(_)
        | StepKind::Clock(_)
        | StepKind::Registration(_)
        | StepKind::Inquiry(_) => false,
    };
    // Nothing beyond a router that only this server names has ever answered: it may be the wrong one. A client that is given routes
    // does not go by that option (RFC 3442).
    let passes = || case.known.heard_from.iter().any(|host| is_beyond(case, host) == Some(true));
    let routed = own.option(121).is_none()
        && own.addresses(option::ROUTERS).first().is_some_and(|router| only_own(option::ROUTERS, *router));
    let server = || answer_of(dropped).filter(|(server, answer)| answer.is_none() && is_beyond(case, *server) == Some(true));
    let is_unrouted = || drop.how == How::Timeout && server().is_some() && !passes();
    if is_at_its_value { Some(0.85) } else { (routed && is_unrouted()).then_some(0.6) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;

    const RIGHT: &[(u8, &[u8])] = &[(54, &[10, 0, 4, 1]), (3, &[10, 0, 4, 1]), (6, &[10, 0, 0, 2])];
    const WRONG: &[(u8, &[u8])] = &[(54, &[192, 168, 1, 1]), (3, &[192, 168, 1, 1]), (6, &[192, 168, 1, 1])];

    fn two(one: &[(u8, &[u8])], other: &[(u8, &[u8])], ack: &[(u8, &[u8])]) -> Dhcp {
        dhcp_exchange().discover().offer(one).offer(other).request().ack(ack)
    }

    fn asked(server: &'static str) -> Step {
        let mut step = lookup("sip.contoso.com").times(3).into_step(20);
        if let StepKind::Lookup(lookup) = &mut step.kind {
            for (_, asked) in &mut lookup.queries {
                *asked = ip(server);
            }
        }
        step
    }

    use crate::login::steps::Step;

    #[test]
    fn the_lease_of_the_wrong_server_leads_to_its_silent_dns() {
        let found = Login::new().step(two(RIGHT, WRONG, WRONG)).step(asked("192.168.1.1")).dropped().the(&RULE);
        assert!(found.explains_drop);
        assert_eq!(
            found.summary,
            "two DHCP servers contradict each other: option 3 10.0.4.1 from 10.0.4.1 and 192.168.1.1 from 192.168.1.1; option 6 \
             10.0.0.2 from 10.0.4.1 and 192.168.1.1 from 192.168.1.1"
        );
        assert_eq!(found.evidence.len(), 2);
    }

    #[test]
    fn a_drop_that_has_nothing_to_do_with_it_is_not_explained() {
        let found =
            Login::new().step(two(RIGHT, WRONG, RIGHT)).step(tcp(crate::login::steps::Purpose::Registrar)).dropped().the(&RULE);
        assert!(!found.explains_drop);
    }

    #[test]
    fn the_configuration_server_that_only_the_wrong_server_names_has_nothing_for_the_device() {
        let right: &[(u8, &[u8])] = &[(54, &[10, 0, 4, 1]), (66, b"http://10.0.0.7/")];
        let wrong: &[(u8, &[u8])] = &[(54, &[192, 168, 1, 1]), (66, b"http://192.168.1.20/")];
        let refused = |server: &'static str| {
            let asked = tcp(crate::login::steps::Purpose::Provision).to(server, 80).get("/0004f21a2b3c.cfg").answer(404);
            Login::new().step(two(right, wrong, wrong)).step(asked).dropped().the(&RULE).explains_drop
        };
        assert!(refused("192.168.1.20"));
        assert!(!refused("10.0.0.9"), "neither names it");
    }

    #[test]
    fn the_name_of_a_configuration_server_that_only_the_wrong_server_gives_leads_nowhere() {
        let explains = |code: u8, name: &'static str, step: Step| {
            let right: [(u8, &[u8]); 2] = [(54, &[10, 0, 4, 1]), (code, b"cfg.contoso.com")];
            let wrong: [(u8, &[u8]); 2] = [(54, &[192, 168, 1, 1]), (code, name.as_bytes())];
            Login::new().step(two(&right, &wrong, &wrong)).step(step).dropped().the(&RULE).explains_drop
        };
        let unknown = |name: &'static str| lookup(name).purpose(crate::login::steps::Purpose::Provision).rcode(3).into_step(20);
        assert!(explains(66, "tftp.lan", unknown("tftp.lan")) && explains(160, "tftp.lan", unknown("tftp.lan")));
        assert!(!explains(66, "tftp.lan", unknown("ntp.lan")), "neither names it");
        let mut file = crate::findings::shared::testing_link::file("0004f21a2b3c.cfg").again().silent().into_step(20);
        if let StepKind::File(transfer) = &mut file.kind {
            transfer.name = Some(WireText::from("tftp.lan"));
        }
        assert!(explains(66, "tftp.lan", file));
    }

    #[test]
    fn settings_of_avaya_that_contradict_each_other_are_compared_too() {
        let lends = |server: u8, settings: &'static [u8]| (server, settings);
        let found = |(one, right): (u8, &'static [u8]), (other, wrong): (u8, &'static [u8])| {
            let (one, other) = ([10, 0, 4, one], [10, 0, 4, other]);
            let (one, other) = ([(54, one.as_slice()), (242, right)], [(54, other.as_slice()), (242, wrong)]);
            let refused = syn(crate::login::steps::Purpose::Provision).to("10.0.4.9", 80);
            let refused = refused.leaves(crate::model::Side::Server, crate::login::steps::Close::Rst);
            Login::new().step(two(&one, &other, &other)).step(refused).dropped().check(&RULE)
        };
        let contradict = found(lends(1, b"HTTPSRVR=10.0.0.7"), lends(2, b"HTTPSRVR=10.0.4.9"));
        assert!(contradict[0].explains_drop && contradict[0].summary.contains("option 242 HTTPSRVR=10.0.0.7 from 10.0.4.1"));
        assert!(found(lends(1, b"HTTPSRVR=10.0.4.9"), lends(2, b"HTTPSRVR=10.0.4.9")).is_empty(), "they agree");
    }

    #[test]
    fn a_lease_from_before_the_attempt_is_to_blame_for_its_silent_dns_too() {
        let later = |server: &'static str| Login::new().lives_on(two(RIGHT, WRONG, WRONG)).step(asked(server)).dropped();
        let found = later("192.168.1.1").the(&RULE);
        assert!(found.explains_drop && found.step.is_none());
        later("10.0.0.2").nothing(&RULE);
        let anew = Login::new().lives_on(two(RIGHT, WRONG, WRONG)).step(dhcp_exchange().discover().offer(RIGHT));
        anew.step(asked("192.168.1.1")).dropped().nothing(&RULE);
    }

    #[test]
    fn nothing_beyond_the_router_that_only_the_wrong_server_names_can_answer() {
        let mask: &[(u8, &[u8])] = &[(1, &[255, 255, 255, 0])];
        let (right, wrong) = ([RIGHT, mask].concat(), [WRONG, mask].concat());
        let silent = |ack: &[(u8, &[u8])], heard_from: &str| {
            let called = syn(crate::login::steps::Purpose::Registrar).timed_out(crate::model::By::Network);
            let login = Login::new().step(two(&right, &wrong, ack)).step(called).dropped();
            let StepKind::Lease(lease) = &login.attempt.steps[0].kind else { panic!("no lease") };
            let lease = lease.acks.last().cloned();
            login.knowing(|known| (known.lease, known.heard_from) = (lease.clone(), [ip(heard_from)].into())).the(&RULE)
        };
        let found = silent(&wrong, "10.0.4.2");
        assert!(found.explains_drop && found.confidence < 0.7, "which of the two is wrong does not show");
        let mute: &[(u8, &[u8])] = &[(54, &[192, 168, 1, 1]), (6, &[192, 168, 1, 1])];
        assert!(!silent(mute, "10.0.4.2").explains_drop, "its lease names no router");
        assert!(!silent(&wrong, "10.0.0.6").explains_drop, "the router passes on what another host says");
    }

    #[test]
    fn partners_that_agree_give_nothing() {
        let partner: &[(u8, &[u8])] = &[(54, &[10, 0, 4, 2]), (3, &[10, 0, 4, 1]), (6, &[10, 0, 0, 2])];
        Login::new().step(two(RIGHT, partner, RIGHT)).step(asked("10.0.0.2")).dropped().nothing(&RULE);
        Login::new().step(two(RIGHT, RIGHT, RIGHT)).nothing(&RULE);
    }

    #[test]
    fn what_two_servers_say_again_and_again_is_told_of_their_first_answers() {
        let mut repeats = two(RIGHT, WRONG, RIGHT);
        for _ in 0..30 {
            repeats = repeats.discover().offer(RIGHT).offer(WRONG);
        }
        let frames = |dhcp: Dhcp| -> Vec<u64> {
            let found = Login::new().step(dhcp).dropped().the(&RULE);
            found.evidence.iter().map(|evidence| evidence.frame.number()).collect()
        };
        assert_eq!(frames(repeats), frames(two(RIGHT, WRONG, RIGHT)));
        // The third server agrees with the first, and the second contradicts both.
        let partner: &[(u8, &[u8])] = &[(54, &[10, 0, 4, 2]), (3, &[10, 0, 4, 1]), (6, &[10, 0, 0, 2])];
        let three = dhcp_exchange().discover().offer(RIGHT).offer(partner).offer(RIGHT).offer(WRONG);
        assert_eq!(frames(three), [2, 5]);
    }

    #[test]
    fn two_answers_to_an_inform_are_meant_so() {
        Login::new().step(dhcp_exchange().inform().ack(RIGHT).ack(WRONG)).dropped().nothing(&RULE);
    }

    #[test]
    fn another_transaction_may_be_another_vlan() {
        Login::new().step(lease(RIGHT)).step(lease(WRONG)).step(asked("192.168.1.1")).dropped().nothing(&RULE);
    }
}
