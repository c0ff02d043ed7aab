//! `provision-no-server`: nothing tells the device where its configuration is.

use crate::findings::shared::no_server::{self, Untold};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::{Evidence, Stage};

/// The rule.
pub static RULE: Rule = Rule {
    code: "provision-no-server",
    stage: Some(Stage::Provision),
    weight: Weight::General,
    order: 400,
    help: Help {
        what: "The device asks DHCP for its configuration server, no answer names one, and it starts over.",
        why: "A phone without configuration knows no registrar and no account.",
        fix: "Name the server in the option that this family takes: 66 or 160 for most, 150 for Cisco, 242 for Avaya, 43 for some, in the \
              scope of the phones' VLAN. A new capture must show the option in the ACK, and a request to that server.",
        look_alikes: "A phone that was configured by hand, or by a redirect service of its maker, needs no option: where DNS does not know \
                      another name than that of such a service, somebody gave it that, and it is dns-name-not-found. A multicast SUBSCRIBE \
                      that nobody answers only shows that there is no plug-and-play server.",
        references: &["RFC 2132 section 9.4", "RFC 5859", "RFC 3925"],
    },
    check: |case| found(case).into_iter().collect(),
};

fn found(case: &Case<'_>) -> Option<Found> {
    let Untold { drop, last, asked, in_vain, is_stopped } = no_server::untold(case)?;
    let asked = asked.iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
    let leases = case.attempt.leases().filter_map(|(_, lease)| lease.plug_and_play);
    let all_hosts =
        leases.last().map(|at| Evidence::new(at.frame, "sip.Method == \"SUBSCRIBE\"", "the device asks all hosts for one"));
    let unknown = case.attempt.lookups().map(|(_, lookup)| lookup).find(|lookup| no_server::is_unknown_maker(case, lookup));
    let maker = unknown.map(|lookup| format!(", DNS does not know its maker's service {}", lookup.name)).unwrap_or_default();
    let server = last.message.server_id().map_or_else(|| "the DHCP server".to_owned(), |server| server.to_string());
    Some(Found {
        stage: Stage::Provision,
        step: last.index,
        proof: Proof::Inferred,
        explains_drop: !is_stopped,
        confidence: if in_vain { 0.85 } else { 0.6 },
        summary: format!(
            "{server} names no configuration server (the device asks for option {asked}){maker}, and the device starts over"
        ),
        fix: format!(
            "Name the configuration server in the scope of the phone's VLAN on {server}, in the option that this family takes (it asks for \
             {asked}). A new capture must show the option in the ACK and a request to that server."
        ),
        evidence: [
            Evidence::new(
                last.at.frame,
                &format!("dhcp.option.dhcp == {}", last.message.kind.unwrap_or_default()),
                "no configuration server in it",
            ),
            Evidence::new(drop.at.frame, "", "the last that the device had"),
        ]
        .into_iter()
        .chain(all_hosts)
        .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::facts::VlanStay;
    use crate::findings::dns_name_not_found;
    use crate::findings::testing::*;
    use crate::login::steps::{Ending, Purpose};
    use crate::model::{By, DropPoint, How};
    use crate::protocols::dhcp;

    fn login(options: &[(u8, &[u8])]) -> Login {
        let asks = |lease: &mut crate::login::steps::Lease, _| lease.parameter_list = vec![1, 3, 6, 66, 160];
        let mut step = lease(options).act(asks).into_step(1);
        if let crate::login::steps::StepKind::Lease(lease) = &mut step.kind {
            lease.acks = vec![(at(4), std::sync::Arc::new(nameless(options)))];
        }
        step.ending = Some(Ending { by: By::Device, how: How::Abandoned, at: at(4) });
        Login::new().profile(|profile| profile.order = Stage::ALL.to_vec()).step(step).dropped()
    }

    /// An ACK with no boot server in its header.
    fn nameless(options: &[(u8, &[u8])]) -> crate::protocols::dhcp::Message {
        crate::protocols::dhcp::Message { server: std::net::Ipv4Addr::UNSPECIFIED, ..dhcp_message(5, options) }
    }

    #[test]
    fn a_lease_that_names_none_and_a_device_that_starts_over() {
        let found = login(&[]).the(&RULE);
        assert!(found.explains_drop && found.proof == Proof::Inferred);
        assert_eq!(
            found.summary,
            "10.0.4.1 names no configuration server (the device asks for option 66, 160), and the device starts over"
        );
    }

    #[test]
    fn a_device_that_leaves_its_lease_for_another_vlan_misses_nothing_in_it() {
        let to_and_fro = [Some(20), Some(30), Some(20), Some(30), Some(20)].into_iter().zip(1..);
        let stays = to_and_fro.map(|(vlan, frame)| VlanStay { vlan, first: at(frame), last: at(frame) }).collect();
        login(&[]).knowing(|known| known.vlan_stays = stays).nothing(&RULE);
    }

    #[test]
    fn a_device_that_asks_all_hosts_for_a_server_and_starts_over() {
        let mut login = login(&[]);
        if let crate::login::steps::StepKind::Lease(lease) = &mut login.attempt.steps[0].kind {
            lease.plug_and_play = Some(at(9));
        }
        let found = login.with(|attempt| attempt.drop = attempt.drop.map(|drop| DropPoint { stage: Stage::Provision, ..drop }));
        let found = found.the(&RULE);
        assert!(found.explains_drop);
        assert_eq!(found.evidence.last().unwrap().display_filter, "frame.number == 9 && sip.Method == \"SUBSCRIBE\"");
    }

    #[test]
    fn a_name_that_only_the_maker_gave_it_tells_it_nothing_where_dns_does_not_know_that() {
        let asks = |options: &[(u8, &[u8])], name: &str, rcode: u16| {
            let asked = lookup(name).purpose(Purpose::Provision).rcode(rcode);
            let maker = |profile: &mut crate::profile::Profile| {
                profile.redirect_names = ["rps.yealink.com", "CiscoCM1"].map(str::to_owned).into()
            };
            login(options).profile(maker).step(asked).dropped()
        };
        let found = asks(&[], "RPS.yealink.com.", 3).the(&RULE);
        assert!(found.explains_drop && found.summary.contains("DNS does not know its maker's service RPS.yealink.com."));
        asks(&[], "rps.yealink.com", 3).nothing(&dns_name_not_found::RULE);
        assert!(asks(&[], "ciscocm1.contoso.com", 3).the(&RULE).explains_drop, "in its own domain");
        asks(&[], "rps.contoso.com", 3).nothing(&RULE);
        // What somebody gave it; what fails in DNS itself; what DHCP gives.
        for other in
            [asks(&[], "cfg.contoso.com", 3), asks(&[], "rps.yealink.com", 2), asks(&[(66, b"cfg")], "rps.yealink.com", 3)]
        {
            other.nothing(&RULE);
        }
        assert!(asks(&[], "cfg.contoso.com", 3).the(&dns_name_not_found::RULE).explains_drop);
        assert!(asks(&[(66, b"cfg")], "rps.yealink.com", 3).the(&dns_name_not_found::RULE).explains_drop);
    }

    #[test]
    fn a_device_that_asks_everybody_for_its_file_knows_no_server() {
        let asked = crate::findings::shared::testing_link::file("SEP0004F21A2B3C.cnf.xml").again().silent().into_step(9);
        let to = |address: &str| {
            let mut asked = asked.clone();
            if let crate::login::steps::StepKind::File(transfer) = &mut asked.kind {
                let server = std::net::SocketAddr::new(address.parse().expect("an address"), 69);
                transfer.flow.server = crate::model::Endpoint::Ip(server);
            }
            login(&[]).step(asked).dropped()
        };
        assert!(to("255.255.255.255").the(&RULE).explains_drop);
        assert!(to("10.0.4.1").the(&RULE).explains_drop, "whoever gave it its address is a guess");
        to("10.0.4.1").nothing(&crate::findings::provision_no_answer::RULE);
        to("10.0.0.69").nothing(&RULE);
    }

    #[test]
    fn an_offer_that_the_device_leaves_is_no_lease_without_a_server() {
        let offered = dhcp_exchange().discover().offer(&[]).discover().act(|lease, _| lease.parameter_list = vec![1, 3, 66]);
        Login::new().profile(|profile| profile.order = Stage::ALL.to_vec()).step(offered).dropped().nothing(&RULE);
    }

    #[test]
    fn any_option_that_can_name_one_is_enough() {
        login(&[(66, b"cfg.contoso.com")]).nothing(&RULE);
        login(&[(43, &[1, 1, 1])]).nothing(&RULE);
    }

    #[test]
    fn a_family_without_configuration_files_needs_none() {
        login(&[]).profile(|profile| profile.order = vec![Stage::Address, Stage::Register]).nothing(&RULE);
    }

    #[test]
    fn a_device_that_asks_for_a_host_on_its_link_again_and_again_means_that_one() {
        let asks = |times: u64, options: &[(u8, &[u8])]| {
            let mut asked = router(times, false).into_step(9);
            if let crate::login::steps::StepKind::Neighbour(neighbour) = &mut asked.kind {
                neighbour.router = false;
            }
            login(options).step(asked)
        };
        asks(4, &[]).nothing(&RULE);
        assert!(asks(1, &[]).the(&RULE).explains_drop);
        assert!(!asks(4, &[(6, &[10, 0, 4, 1])]).the(&RULE).explains_drop, "a name server leads to anything, and stops it first");
    }

    #[test]
    fn a_device_that_knows_its_server_goes_on() {
        login(&[]).step(lookup("pbx.contoso.com").address("10.0.0.5")).nothing(&RULE);
        login(&[]).step(tcp(Purpose::Provision).get("/a.cfg").answer(200)).nothing(&RULE);
        login(&[]).step(tcp(Purpose::Registrar).hello()).nothing(&RULE);
    }

    #[test]
    fn a_server_that_puts_its_own_address_into_the_header_names_none_by_that() {
        let with_header = |server: [u8; 4]| {
            let mut login = login(&[]);
            if let crate::login::steps::StepKind::Lease(lease) = &mut login.attempt.steps[0].kind {
                lease.acks = vec![(at(4), std::sync::Arc::new(dhcp::Message { server: server.into(), ..nameless(&[]) }))];
            }
            login
        };
        assert!(with_header([10, 0, 4, 1]).the(&RULE).explains_drop, "10.0.4.1 is the DHCP server");
        with_header([10, 0, 4, 69]).nothing(&RULE);
    }
}
