//! `cert-not-yet-valid`: a certificate's time has not begun, by the capture's clock or the device's.

use crate::findings::shared::chain::{self, certificate_found};
use crate::findings::shared::judged::Judged;
use crate::findings::{Case, Found, Help, Rule, Weight};
use crate::trust::{Clock, FaultKind};

/// The rule.
pub static RULE: Rule = Rule {
    code: "cert-not-yet-valid",
    stage: None,
    weight: Weight::Specific,
    order: 725,
    help: Help {
        what: "A certificate in the server's chain is not valid yet, at the time of the capture or by the device's own clock.",
        why: "A phone without a clock of its own starts years in the past. Until NTP has told it the time, every certificate is \
              still to come, and it leaves after the Certificate, often with alert 42 (bad_certificate).",
        fix: "If only the device's clock puts it ahead: mend its time source (NTP server, DHCP option 42, the _ntp._udp record). \
              If the certificate does begin in the future: set the CA's clock right and issue it again. Check with \
              `openssl x509 -noout -dates -in server.pem`.",
        look_alikes: "Alert 42 is given for names and key sizes too. A capture taken with a wrong clock shows the same: compare with an \
                      NTP answer or an HTTP Date in it.",
        references: &["RFC 5280 section 4.1.2.5 (validity)"],
    },
    check: |case| chain::judged(case).iter().filter_map(|judged| found(case, judged)).collect(),
};

fn found(case: &Case<'_>, judged: &Judged<'_>) -> Option<Found> {
    let fault = judged.faults.iter().find(|fault| matches!(fault.kind, FaultKind::NotYetValid { .. }))?;
    let FaultKind::NotYetValid { not_before, clock } = fault.kind else { return None };
    let (which, server) = (judged.which(fault.certificate), judged.place().server());
    let (begin, now) = (not_before.whole_seconds(), judged.at.time.whole_seconds());
    let own = chain::device_time(case, judged.at).map_or_else(|| "not known".to_owned(), |time| time.whole_seconds());
    let (summary, fix) = match clock {
        Clock::Both => (
            format!("{which} is valid from {begin} on, and it is {now}"),
            format!(
                "Set the clock of the CA that issued {which} right, and issue it again for {server}; `openssl x509 -noout -dates`."
            ),
        ),
        Clock::DeviceOnly => (
            format!("by the device's clock ({own}) {which} is not valid before {begin}, though it is {now}"),
            format!(
                "Leave {which} as it is and give the device the right time: check that it gets an NTP answer, then capture again."
            ),
        ),
        Clock::CaptureOnly => (
            format!("{which} is valid from {begin} on, and it is {now} by the capture, but {own} by the device's clock"),
            format!("Check the clock of the capturing machine, that of the device, and that of the CA that issued {which}."),
        ),
    };
    Some(certificate_found(case, judged, fault, summary, fix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::facts::{ClockSource, Whose};
    use crate::findings::Proof;
    use crate::findings::testing::*;
    use crate::model::{SECOND, Time};

    fn early(clock: Clock) -> [crate::trust::Fault; 1] {
        [fault(FaultKind::NotYetValid { not_before: Time::from_seconds(1_230_768_000), clock }, 1.0)]
    }

    #[test]
    fn a_device_that_lives_in_the_past_is_shown_with_its_own_clock() {
        let past = Time::from_seconds(1_136_073_600);
        let login = refused_saying(42, vec![leaf()])
            .clock(Whose::Device, ClockSource::TlsRandom, at(4), past.plus(-SECOND / 100))
            .clock(Whose::Device, ClockSource::TlsRandom, at(5), past);
        let found = found(&login.case(), &chain::judged_as(&login.case(), &early(Clock::DeviceOnly))[0]).unwrap();
        fit_to_print(&found);
        assert_eq!(
            found.summary,
            "by the device's clock (2006-01-01T00:00:00Z) the server's certificate (CN=pool.contoso.com) is not valid before \
             2009-01-01T00:00:00Z, though it is 2009-04-10T22:00:00Z"
        );
        assert_eq!((found.proof, found.explains_drop), (Proof::Proven, true));
    }

    #[test]
    fn a_chain_that_was_taken_gives_nothing() {
        assert!(chain::judged_as(&accepted(vec![leaf()]).case(), &early(Clock::Both)).is_empty());
        let login = refused(vec![leaf()]);
        assert!(found(&login.case(), &chain::judged_as(&login.case(), &[])[0]).is_none());
    }
}
