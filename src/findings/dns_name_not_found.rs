//! `dns-name-not-found`: dNS answered that the names which the device looks for do not exist.

use crate::findings::shared::answers::{self, Failure, Words};
use crate::findings::shared::{directory, name_errand, no_server};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::login::steps::Purpose;
use crate::model::{Evidence, Stage};

/// The rule.
pub static RULE: Rule = Rule {
    code: "dns-name-not-found",
    stage: Some(Stage::Names),
    weight: Weight::Specific,
    order: 210,
    help: Help {
        what: "DNS answered that the names which the device looks for do not exist.",
        why: "The device walks its list of names and stops where none of them exists: there is nothing it could connect to.",
        fix: "Add the SRV or A records that the device asks for to the zone that its DNS server serves; `nslookup -type=SRV NAME` must then show host and port.",
        look_alikes: "One success in the same list cancels it. NXDOMAIN for a name with a doubled suffix, and an empty AAAA answer beside a good A, are noise.",
        references: &["RFC 1035 section 4.1.1", "RFC 2308"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let untold = no_server::untold(case).is_some();
    let lists = name_errand::failures(case, |lookup| {
        if untold && no_server::is_unknown_maker(case, lookup) {
            return None;
        }
        let answer = lookup.answer.as_ref().filter(|answer| matches!(answer.rcode, 0 | 3) && !answer.truncated)?;
        if name_errand::service(case, lookup).is_some() {
            return None;
        }
        let says = if answer.rcode == 3 { "there is no such name as" } else { "there is no such record for" };
        let text = format!("{} says that {says} {}", answer.server, lookup.name);
        let shown = Evidence::new(answer.at.frame, &format!("dns.flags.rcode == {}", answer.rcode), text);
        Some((lookup.name.to_string(), vec![shown]))
    });
    lists.into_iter().flat_map(|(purpose, list)| tell(case, purpose, &list)).collect()
}

/// Did the directory name a host: that of an enrolment service, which the device fetches the CA's certificate from?
fn names_host(case: &Case<'_>) -> bool {
    let requests = case.attempt.steps.iter().filter_map(directory::requests);
    requests.flat_map(|(ldap, _)| ldap).any(|request| request.hosts > 0)
}

fn tell(case: &Case<'_>, purpose: Purpose, list: &[Failure<'_>]) -> Vec<Found> {
    let (what, record) = match purpose {
        Purpose::Clock => {
            ("its time server", "an SRV record _ntp._udp in the SIP domain, port 123, with a time server as target")
        }
        Purpose::Directory => (
            "the domain controller",
            "the SRV records that domain controllers register (restart Netlogon there), or a forwarder to the server that has them; the \
             user must give the domain by its full DNS name",
        ),
        Purpose::Registrar => {
            ("its registrar", "an SRV record _sipinternaltls._tcp in the SIP domain, port 5061, with the pool as target")
        }
        Purpose::Provision => ("its configuration server", "a record for it, or name another server in DHCP"),
        Purpose::Other if names_host(case) => (
            "a host, after the directory has named one",
            "the host's address, or correct dNSHostName of the CA's pKIEnrollmentService object in the directory",
        ),
        _ => ("its server", "a record for it"),
    };
    // Configuration servers are asked for by address.
    let look = if purpose == Purpose::Provision { "`nslookup NAME`" } else { "`nslookup -type=SRV NAME` (or `dig SRV NAME`)" };
    let mut found = name_errand::told(case, purpose, list, |names| Words {
        proof: Proof::Told,
        confidence: 0.93,
        summary: format!("DNS has none of the names by which the device looks for {what}: {names}"),
        fix: format!(
            "Add to the zone that the phone's DNS server answers for {record}; asked for were {names}. {look} at \
             that server must give it."
        ),
    });
    if purpose == Purpose::Clock {
        answers::explain_by_no_time(case, &mut found);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::protocols::dns;

    #[test]
    fn the_whole_list_is_told_once() {
        let found = Login::new()
            .step(lookup("_sipinternaltls._tcp.contoso.com").rcode(3))
            .step(lookup("_sip._tls.contoso.com").rcode(3))
            .step(lookup("sip.contoso.com").rcode(0))
            .step(lookup("sip.contoso.com.corp.contoso.com").rcode(3))
            .step(lookup("sip.contoso.com").kind(dns::kind::AAAA).rcode(0))
            .dropped_in(2)
            .the(&RULE);
        assert_eq!(
            found.summary,
            "DNS has none of the names by which the device looks for its registrar: _sipinternaltls._tcp.contoso.com, \
             _sip._tls.contoso.com, sip.contoso.com"
        );
        assert!(found.explains_drop);
        assert_eq!(found.evidence[0].display_filter, "frame.number == 2 && dns.flags.rcode == 3");
        assert_eq!(found.evidence[2].display_filter, "frame.number == 6 && dns.flags.rcode == 0");
    }

    #[test]
    fn an_attempt_that_ends_with_the_last_name_and_a_suffix_ends_with_the_list() {
        let found = Login::new()
            .step(lookup("sipexternal.contoso.com").rcode(3))
            .step(lookup("sipexternal.contoso.com.corp.contoso.com").rcode(3))
            .dropped_in(1)
            .the(&RULE);
        assert!(found.explains_drop);
    }

    #[test]
    fn a_name_of_no_telling_purpose_with_which_the_attempt_ended_is_told_with_a_suffix_or_without() {
        let found = Login::new()
            .step(lookup("files.contoso.com").purpose(Purpose::Other).rcode(3))
            .step(lookup("pki01.contoso.com").purpose(Purpose::Other).rcode(3))
            .step(lookup("pki01.contoso.com.corp.contoso.com").purpose(Purpose::Other).rcode(3))
            .dropped_in(2)
            .the(&RULE);
        assert_eq!(found.summary, "DNS has none of the names by which the device looks for its server: pki01.contoso.com");
        assert!(found.explains_drop);
    }

    #[test]
    fn a_configuration_server_is_looked_for_by_its_address() {
        let fix = |purpose: Purpose| {
            Login::new().step(lookup("conf.contoso.com").purpose(purpose).rcode(3)).dropped_in(0).the(&RULE).fix
        };
        assert!(fix(Purpose::Provision).contains("`nslookup NAME`"));
        assert!(fix(Purpose::Registrar).contains("`nslookup -type=SRV NAME`"));
    }

    #[test]
    fn the_host_that_the_directory_named_is_told_as_that() {
        let directory = tcp(Purpose::Directory).bind(0, "").search("(objectCategory=pKIEnrollmentService)", 1, 0).hosts(1);
        let found = Login::new()
            .step(directory)
            .step(lookup("pki01.contoso.com").purpose(Purpose::Other).rcode(3))
            .dropped_in(1)
            .the(&RULE);
        assert!(found.summary.ends_with("looks for a host, after the directory has named one: pki01.contoso.com"));
        assert!(found.fix.contains("dNSHostName"));
    }

    #[test]
    fn any_success_of_the_same_errand_cancels_it() {
        Login::new()
            .step(lookup("_sipinternaltls._tcp.contoso.com").rcode(3))
            .step(lookup("sip.contoso.com").address("10.0.0.5"))
            .step(syn(Purpose::Registrar).timed_out(crate::model::By::Unknown))
            .dropped()
            .nothing(&RULE);
    }

    #[test]
    fn the_update_server_and_a_service_target_have_codes_of_their_own() {
        Login::new().step(lookup("ucupdates-r2.contoso.com").purpose(Purpose::Update).rcode(3)).nothing(&RULE);
        Login::new()
            .step(lookup("_sipinternaltls._tcp.contoso.com").service("pool.contoso.com", 5061))
            .step(lookup("pool.contoso.com").rcode(3))
            .dropped()
            .nothing(&RULE);
    }

    #[test]
    fn errands_are_told_apart() {
        let found = Login::new()
            .step(lookup("_ntp._udp.contoso.com").purpose(Purpose::Clock).rcode(3))
            .step(lookup("sip.contoso.com").rcode(3))
            .dropped()
            .check(&RULE);
        assert_eq!(found.iter().map(|one| one.explains_drop).collect::<Vec<_>>(), [false, true]);
    }
}
