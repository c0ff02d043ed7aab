//! `tls-no-sni`: the hello names no server, and the server answers for another site.

use crate::findings::shared::chain::{self, left};
use crate::findings::shared::handshake::{Shaken, handshakes};
use crate::findings::shared::judged::Judged;
use crate::findings::shared::place::leads_to_drop;
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::{Evidence, Side};
use crate::text::WireText;
use crate::trust::FaultKind;

/// unrecognized_name (RFC 6066 section 3).
const UNRECOGNIZED_NAME: u8 = 112;

/// The rule.
pub static RULE: Rule = Rule {
    code: "tls-no-sni",
    stage: None,
    weight: Weight::Specific,
    order: 735,
    help: Help {
        what: "The device's hello has no server_name extension, and the server answers with the certificate of another site, or \
               refuses.",
        why: "Servers and reverse proxies that hold several sites on one address choose the certificate by that name. Old phones do \
              not send it, and get the default site.",
        fix: "Give the phones' name an address of its own, or make its certificate the default of that address (IIS: binding without \
              'Require Server Name Indication'; HTTP.sys: `netsh http show sslcert`; nginx: default_server). Check with \
              `openssl s_client -connect server:443 -noservername`.",
        look_alikes: "A server with one site and a certificate that lacks the name is cert-name-mismatch, with or without the extension.",
        references: &["RFC 6066 section 3 (server_name)"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let elsewhere = chain::judged(case).iter().filter_map(|judged| other_site(case, judged)).collect::<Vec<_>>();
    let refused = handshakes(case).filter_map(|shaken| refused(case, &shaken));
    elsewhere.into_iter().chain(refused).collect()
}

/// Did the device send a hello (of TLS, so that it could) without the server's name?
fn unnamed(shaken: &Shaken<'_>) -> Option<Evidence> {
    let (at, hello) = shaken.tls.client_hello.as_ref()?;
    hello.server_name.is_none().then(|| Evidence::new(at.frame, "tls.handshake.type == 1", "the hello names no server"))
}

fn refused(case: &Case<'_>, shaken: &Shaken<'_>) -> Option<Found> {
    let leaving = shaken.leaving().filter(|left| left.side == Side::Server && left.alert == Some(UNRECOGNIZED_NAME))?;
    let hello = unnamed(shaken)?;
    let name = shaken.place.server();
    let summary = format!("the device's hello names no server, and {name} answers with alert 112 (unrecognized_name)");
    Some(make(
        case,
        shaken,
        Proof::Told,
        0.9,
        summary,
        vec![hello, leaving.evidence("the server does not know which site is meant")],
    ))
}

/// The certificate is for another domain altogether: more than a forgotten name in the right certificate.
fn other_site(case: &Case<'_>, judged: &Judged<'_>) -> Option<Found> {
    let (wanted, names) = judged.faults.iter().find_map(|fault| match &fault.kind {
        FaultKind::NameMismatch { wanted, names } => Some((wanted, names)),
        _ => None,
    })?;
    let first = names.first()?;
    // An address is never named in a hello (RFC 6066 section 3).
    let named = case.servers.and_then(|servers| servers.answered_for(judged.place().connection.flow.server, wanted));
    let is_alike = named.is_none() && names.iter().any(|name| domain(name) == domain(wanted));
    if wanted.parse::<std::net::IpAddr>().is_ok() || is_alike {
        return None;
    }
    let hello = unnamed(&judged.shaken)?;
    let (wanted, first) = (WireText::from(wanted.as_str()), WireText::from(first.as_str()));
    let name = judged.place().server();
    let but = if named.is_some() { "; a hello that names it is answered for it" } else { "" };
    let summary = format!("the device's hello names no server, and {name} answers for {first} instead of {wanted}{but}");
    let right = named.map(|frame| {
        Evidence::new(
            frame,
            "tls.handshake.type == 11",
            format!("to a hello that names {wanted} it gives a certificate for that"),
        )
    });
    // What the same server gives to who names it proves what the missing name does.
    let (proof, confidence) = if named.is_some() { (Proof::Proven, 0.85) } else { (Proof::Inferred, 0.45) };
    let shown = Evidence::new(judged.at.frame, "tls.handshake.type == 11", format!("the certificate is for {first}"));
    let evidence = [hello, shown].into_iter().chain(left(judged.shaken.leaving())).chain(right).collect();
    let mut found = make(case, &judged.shaken, proof, confidence, summary, evidence);
    found.explains_drop &= judged.refusal.is_some();
    Some(found)
}

/// The last two labels of a name, in lower case.
fn domain(name: &str) -> String {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let labels: Vec<&str> = name.rsplit('.').take(2).collect();
    labels.join(".")
}

/// What the device itself could do about it.
fn of_the_device(case: &Case<'_>) -> &'static str {
    match case.profile.trust.sends_sni {
        Some(false) => "the device cannot send the name",
        Some(true) => {
            "the device's family does send names, so see why it sends none here (a server entered by its address, an old firmware)"
        }
        None => "whether the device can send the name is not known",
    }
}

fn make(case: &Case<'_>, shaken: &Shaken<'_>, proof: Proof, confidence: f32, summary: String, evidence: Vec<Evidence>) -> Found {
    Found {
        stage: shaken.place.step.stage,
        step: Some(shaken.place.index),
        proof,
        explains_drop: leads_to_drop(case, shaken.place.index),
        confidence,
        summary,
        fix: format!(
            "Make the certificate for {} the default of {}, or give that name an address of its own; {}. `openssl s_client -connect {} \
             -noservername` must then show it.",
            shaken.place.host(),
            shaken.place.connection.flow.server,
            of_the_device(case),
            shaken.place.target()
        ),
        evidence,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::Purpose;

    fn mismatch(name: &str) -> [crate::trust::Fault; 1] {
        [fault(FaultKind::NameMismatch { wanted: "sip.contoso.com".to_owned(), names: vec![name.to_owned()] }, 1.0)]
    }

    #[test]
    fn another_sites_certificate_for_a_hello_without_a_name() {
        let login = refused_chain();
        let found = other_site(&login.case(), &chain::judged_as(&login.case(), &mismatch("www.fabrikam.com"))[0]).unwrap();
        fit_to_print(&found);
        assert!(found.summary.ends_with("answers for www.fabrikam.com instead of sip.contoso.com"), "{}", found.summary);
        assert_eq!((found.proof, found.explains_drop), (Proof::Inferred, true));
        assert!(other_site(&login.case(), &chain::judged_as(&login.case(), &mismatch("pool.contoso.com"))[0]).is_none());
    }

    #[test]
    fn a_server_that_has_the_right_certificate_for_who_names_it() {
        let other = || vec![certificate("CN=www.fabrikam.com", "CN=Contoso Issuing CA")];
        let login = || {
            let given = tcp(Purpose::Registrar).named("pool.contoso.com").hello().server_flight(other());
            Login::new().step(given.alert(Side::Client, 2, 42)).dropped()
        };
        let found = login().beside("10.0.0.5", Some("pool.contoso.com"), &[leaf()]).the(&RULE);
        fit_to_print(&found);
        assert_eq!((found.proof, found.explains_drop), (Proof::Proven, true));
        assert_eq!(found.evidence.last().unwrap().frame, crate::model::Frame::new(100));
        assert_eq!(login().the(&RULE).proof, Proof::Inferred);
        assert_eq!(login().beside("10.0.0.6", Some("pool.contoso.com"), &[leaf()]).the(&RULE).proof, Proof::Inferred);
        assert!(RULE.order < crate::findings::cert_name_mismatch::RULE.order, "it is the earlier cause");
    }

    #[test]
    fn what_the_device_can_do_about_it_is_what_its_family_can() {
        let fix = |sends: Option<bool>| {
            let login = Login::new().step(tcp(Purpose::Registrar).hello().alert(Side::Server, 2, 112)).dropped();
            login.profile(|profile| profile.trust.sends_sni = sends).the(&RULE).fix
        };
        assert!(fix(Some(false)).contains("cannot send the name"));
        assert!(fix(Some(true)).contains("does send names"));
        assert!(fix(None).contains("is not known"));
    }

    fn refused_chain() -> Login {
        crate::findings::testing::refused(vec![leaf()])
    }

    #[test]
    fn alert_112_counts_only_where_no_name_was_sent_and_where_it_is_fatal() {
        let alerted = |level: u8| tcp(Purpose::Registrar).hello().alert(Side::Server, level, 112);
        assert_eq!(Login::new().step(alerted(2)).dropped().the(&RULE).proof, Proof::Told);
        Login::new().step(alerted(1)).nothing(&RULE);
        let named = tcp(Purpose::Registrar).hello_with(|hello| hello.server_name = Some("sip.contoso.com".into()));
        Login::new().step(named.alert(Side::Server, 2, 112)).dropped().nothing(&RULE);
    }
}
