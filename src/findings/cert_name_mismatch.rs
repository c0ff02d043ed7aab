//! `cert-name-mismatch`: no name in the certificate covers the one that the device looked up.

use std::net::IpAddr;

use crate::findings::shared::chain::{self, certificate_found};
use crate::findings::shared::judged::Judged;
use crate::findings::shared::role_names;
use crate::findings::{Case, Found, Help, Rule, Weight};
use crate::model::Evidence;
use crate::text::WireText;
use crate::trust::FaultKind;

/// Names of a certificate that a line shows.
const SHOWN: usize = 4;

/// The rule.
pub static RULE: Rule = Rule {
    code: "cert-name-mismatch",
    stage: None,
    weight: Weight::Specific,
    order: 740,
    help: Help {
        what: "No subject alternative name (or common name, where there is none) of the server's certificate covers the name that \
               the device looked up.",
        why: "The device found the server by a name, through DNS, and accepts only a certificate for that name. It leaves after \
              the Certificate or right after the handshake.",
        fix: "Issue the certificate with that name among its subject alternative names, or let DNS lead the device to a name that \
              is in it. Check with `openssl x509 -noout -ext subjectAltName -in server.pem`.",
        look_alikes: "A load balancer or reverse proxy that leads to another site gives another site's certificate; with a hello that \
                      names no server, see tls-no-sni. A wildcard covers one label only, and some phones take none.",
        references: &["RFC 6125 section 6 (verifying service identity)", "RFC 2818 section 3.1"],
    },
    check: |case| chain::judged(case).iter().filter_map(|judged| found(case, judged)).collect(),
};

fn found(case: &Case<'_>, judged: &Judged<'_>) -> Option<Found> {
    let fault = judged.faults.iter().find(|fault| matches!(fault.kind, FaultKind::NameMismatch { .. }))?;
    let FaultKind::NameMismatch { wanted, names } = &fault.kind else { return None };
    let wanted = WireText::from(wanted.as_str());
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| WireText::from(name.as_str()).to_string()).collect();
    let more = if names.len() > SHOWN { format!(" and {} more", names.len().saturating_sub(SHOWN)) } else { String::new() };
    let rows = role_names::table(case, judged);
    let roles: Vec<&str> = rows.iter().filter(|row| row.covered).filter_map(|row| Some(row.role?.label)).collect();
    let has = match () {
        () if shown.is_empty() => "no name at all".to_owned(),
        () if !roles.is_empty() => format!("only other names of the site ({})", roles.join(", ")),
        () => format!("only {}{more}", shown.join(", ")),
    };
    let by_address = wanted.raw().parse::<IpAddr>().is_ok();
    let (did, kind, or) = if by_address {
        ("connected to the address", "IP", "enter on the device a name that the certificate has instead of the address")
    } else {
        ("looked for", "DNS", "change the DNS record so that it leads to a name that the certificate has")
    };
    let summary = format!("the device {did} {wanted}, and the server's certificate ({}) has {has}", judged.subject());
    let beside = if roles.is_empty() { "" } else { ", beside the names that it has" };
    let fix = format!(
        "Issue the certificate on {} with {kind}:{wanted} among its subject alternative names{beside}, or {or}. Check with `{} | openssl x509 \
         -noout -ext subjectAltName`.",
        judged.place().server(),
        judged.show()
    );
    let mut found = certificate_found(case, judged, fault, summary, fix);
    if let Some(frame) = judged.place().connection.name_frame {
        found.evidence.insert(0, Evidence::new(frame, "dns", format!("DNS leads the device to this server as {wanted}")));
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::{Close, Purpose};
    use crate::model::{Frame, Side};

    #[test]
    fn the_name_looked_up_and_those_in_the_certificate_are_shown() {
        let tcp =
            tcp(Purpose::Registrar).named("sip.contoso.com").hello().server_flight(vec![leaf()]).leaves(Side::Client, Close::Fin);
        let login = Login::new().step(tcp.change(|connection| connection.name_frame = Some(Frame::new(2)))).dropped();
        let names = vec!["pool.contoso.com".to_owned(), "pool\u{1b}[2J".to_owned()];
        let mismatch = [fault(FaultKind::NameMismatch { wanted: "sip.contoso.com".to_owned(), names }, 1.0)];
        let found = found(&login.case(), &chain::judged_as(&login.case(), &mismatch)[0]).unwrap();
        fit_to_print(&found);
        assert_eq!(
            found.summary,
            r"the device looked for sip.contoso.com, and the server's certificate (CN=pool.contoso.com) has only pool.contoso.com, pool\u{1b}[2J"
        );
        assert_eq!(found.evidence[0].display_filter, "frame.number == 2 && dns");
        assert!(found.explains_drop);
    }

    #[test]
    fn the_chain_itself_is_asked() {
        let given = |name: &str| {
            let tcp = tcp(Purpose::Registrar).named(name).hello().server_flight(vec![leaf()]).leaves(Side::Client, Close::Fin);
            Login::new().step(tcp).dropped()
        };
        assert!(given("sip.contoso.com").the(&RULE).explains_drop);
        given("POOL.contoso.com").nothing(&RULE);
        given("").nothing(&RULE);
    }

    #[test]
    fn a_device_that_got_its_lease_before_came_by_address_whatever_lease_it_gets_later() {
        let by_address = |leased: bool| {
            let unnamed = tcp(Purpose::Provision).change(|connection| connection.name = None);
            let hello = unnamed.hello_with(|hello| hello.server_name = None).server_flight(vec![leaf()]);
            let login = if leased { Login::new().step(lease(&[])) } else { Login::new() };
            let renewed = std::sync::Arc::new(dhcp_message(5, &[]));
            login.step(hello.alert(Side::Client, 2, 42)).dropped().knowing(|known| known.lease = Some((at(900), renewed)))
        };
        let found = by_address(true).the(&RULE);
        assert!(
            found.explains_drop && found.summary.starts_with("the device connected to the address 10.0.0.5"),
            "{}",
            found.summary
        );
        by_address(false).nothing(&RULE);
    }

    #[test]
    fn a_device_that_says_unknown_ca_does_not_mean_the_name() {
        let mismatch = [fault(FaultKind::NameMismatch { wanted: "sip.contoso.com".to_owned(), names: Vec::new() }, 1.0)];
        let login = refused_saying(48, vec![leaf()]);
        assert!(!found(&login.case(), &chain::judged_as(&login.case(), &mismatch)[0]).unwrap().explains_drop);
        assert!(chain::judged_as(&accepted(vec![leaf()]).case(), &mismatch).is_empty());
    }
}
