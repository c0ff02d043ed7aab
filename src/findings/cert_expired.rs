//! `cert-expired`: a certificate is past its end, by the capture's clock or the device's.

use crate::findings::shared::alert;
use crate::findings::shared::chain::{self, certificate_found};
use crate::findings::shared::judged::Judged;
use crate::findings::shared::place::alert_name;
use crate::findings::{Case, Found, Help, Rule, Weight};
use crate::trust::{Clock, FaultKind};

/// The rule.
pub static RULE: Rule = Rule {
    code: "cert-expired",
    stage: None,
    weight: Weight::Specific,
    order: 720,
    help: Help {
        what: "A certificate in the server's chain is past its end, at the time of the capture or by the device's own clock.",
        why: "The device checks the dates of every certificate against its own clock, and leaves after the Certificate, often with \
              alert 45 (certificate_expired).",
        fix: "Renew the certificate and restart the service so that it sends the new one; check with `openssl x509 -noout -dates \
              -in server.pem`. If only the device's clock puts it past its end, mend the clock instead: NTP first.",
        look_alikes: "A good certificate and a wrong clock: clock-skew, ntp-wrong-time. A good certificate and an expired \
                      cross-signed root above it: cert-cross-signed-expired. Alert 45 can also speak of an expired revocation list.",
        references: &["RFC 5280 section 4.1.2.5 (validity)", "RFC 5246 section 7.2.2 (certificate_expired)"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let judged = chain::judged(case);
    let mut all: Vec<Found> = judged.iter().filter_map(|judged| found(case, judged)).collect();
    all.extend(told(case, &judged));
    all
}

fn found(case: &Case<'_>, judged: &Judged<'_>) -> Option<Found> {
    let fault = judged.faults.iter().find(|fault| matches!(fault.kind, FaultKind::Expired { .. }))?;
    let FaultKind::Expired { not_after, clock } = fault.kind else { return None };
    let (which, server) = (judged.which(fault.certificate), judged.place().server());
    let (end, now) = (not_after.whole_seconds(), judged.at.time.whole_seconds());
    let own = chain::device_time(case, judged.at).map_or_else(|| "not known".to_owned(), |time| time.whole_seconds());
    let (summary, fix) = match clock {
        Clock::Both => (
            format!("{which} expired on {end}, and it is {now}"),
            format!(
                "Renew {which} on {server} and restart the service. `{} | openssl x509 -noout -dates` must then show an end that lies \
                 ahead.",
                judged.show()
            ),
        ),
        Clock::DeviceOnly => (
            format!("by the device's clock ({own}) {which} expired on {end}, though it is only {now}"),
            format!(
                "Leave {which} as it is and set the device's clock right: check the NTP server that it asks, then capture again."
            ),
        ),
        Clock::CaptureOnly => (
            format!("{which} expired on {end}, and it is {now} by the capture, but only {own} by the device's clock"),
            format!(
                "Renew {which} on {server}, and set the device's clock right; as long as that is behind, the device takes it."
            ),
        ),
    };
    Some(certificate_found(case, judged, fault, summary, fix))
}

/// The device says certificate_expired, and no certificate that can be read is: its own clock, a certificate that it
/// holds, or a revocation list.
fn told(case: &Case<'_>, judged: &[Judged<'_>]) -> Vec<Found> {
    let dated = |kind: &FaultKind| {
        matches!(kind, FaultKind::Expired { .. } | FaultKind::NotYetValid { .. } | FaultKind::CrossSignedExpired)
    };
    let explained =
        |index: usize| judged.iter().any(|one| one.place().index == index && one.faults.iter().any(|fault| dated(&fault.kind)));
    let alerted = alert::alerted(case, 45).into_iter().filter(|(shaken, _)| !explained(shaken.place.index));
    alerted
        .map(|(shaken, leaving)| {
            let readable = judged.iter().any(|one| one.place().index == shaken.place.index);
            let but = if readable { ", though all that was sent is valid by the capture's clock" } else { "" };
            let summary = format!("the device says {} to the certificate of {}{but}", alert_name(45), shaken.place.server());
            let fix = format!(
                "Compare the dates of the whole chain (`openssl s_client -connect {} -showcerts`), the CA certificates that the device \
                 holds, and the device's own clock; renew what is past its end, or mend the clock.",
                shaken.place.target()
            );
            alert::told_found(case, &shaken, leaving, if readable { 0.6 } else { 0.85 }, summary, fix)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::Proof;
    use crate::findings::testing::*;
    use crate::login::steps::{Close, Purpose};
    use crate::model::{Side, Time};

    fn expired(clock: Clock) -> [crate::trust::Fault; 1] {
        [fault(FaultKind::Expired { not_after: Time::from_seconds(1_239_321_600), clock }, 1.0)]
    }

    #[test]
    fn an_expired_certificate_is_proven_by_its_dates() {
        let login = refused_saying(45, vec![leaf()]);
        let found = found(&login.case(), &chain::judged_as(&login.case(), &expired(Clock::Both))[0]).unwrap();
        fit_to_print(&found);
        assert_eq!(
            found.summary,
            "the server's certificate (CN=pool.contoso.com) expired on 2009-04-10T00:00:00Z, and it is 2009-04-10T22:00:00Z"
        );
        assert_eq!((found.proof, found.explains_drop), (Proof::Proven, true));
    }

    #[test]
    fn the_chain_itself_is_asked() {
        let old = certificate_with("CN=pool.contoso.com", "CN=Contoso Issuing CA", |body| {
            body.not_after = Time::from_seconds(1_239_321_600)
        });
        assert_eq!(refused(vec![old]).the(&RULE).proof, Proof::Proven);
        refused(vec![leaf()]).nothing(&RULE);
    }

    #[test]
    fn a_device_whose_clock_is_behind_has_not_refused_it_for_its_age() {
        let login = refused(vec![leaf()]);
        let found = found(&login.case(), &chain::judged_as(&login.case(), &expired(Clock::CaptureOnly))[0]).unwrap();
        assert!(!found.explains_drop);
    }

    #[test]
    fn alert_45_is_told_where_no_chain_can_be_read() {
        let cut = tcp(Purpose::Registrar).hello().alert(Side::Client, 2, 45).leaves(Side::Client, Close::Fin);
        assert_eq!(Login::new().step(cut).dropped().the(&RULE).proof, Proof::Told);
    }

    #[test]
    fn a_chain_that_is_valid_gives_nothing() {
        let login = refused(vec![leaf()]);
        assert!(found(&login.case(), &chain::judged_as(&login.case(), &[])[0]).is_none());
        let taken = accepted(vec![leaf()]);
        assert!(chain::judged_as(&taken.case(), &expired(Clock::Both)).is_empty(), "the device has taken it");
    }
}
