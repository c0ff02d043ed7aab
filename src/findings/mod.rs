//! Closed attempts in, explanations out: one file a cause code. Only this module explains; it decides neither that
//! something dropped nor which cause is the primary one.
//!
//! To add a finding: write `findings/<code>.rs` with its `RULE` and tests. `TIDY=write cargo test --test tidy` puts it into
//! the index below and into the docs. Rules do not use each other; what several ask is in `shared/`.

pub mod shared;
#[cfg(test)]
pub(crate) mod testing;

// index begin
pub mod account_unusable;
pub mod cert_cross_signed_expired;
pub mod cert_expired;
pub mod cert_missing_intermediate;
pub mod cert_name_mismatch;
pub mod cert_not_yet_valid;
pub mod cert_revocation_unreachable;
pub mod cert_revoked;
pub mod cert_self_signed;
pub mod cert_unsupported_key;
pub mod cert_unsupported_signature;
pub mod cert_untrusted_issuer;
pub mod cert_weak;
pub mod cert_wrong_usage;
pub mod clock_skew;
pub mod device_restarted;
pub mod dhcp_bad_option;
pub mod dhcp_declined;
pub mod dhcp_missing_option;
pub mod dhcp_nak;
pub mod dhcp_no_ack;
pub mod dhcp_no_offer;
pub mod dhcp_rogue_server;
pub mod directory_no_answer;
pub mod dns_name_not_found;
pub mod dns_no_answer;
pub mod dns_server_error;
pub mod dns_srv_target_mismatch;
pub mod dns_srv_target_unresolved;
pub mod dot1x_no_answer;
pub mod dot1x_rejected;
pub mod enrolment_auth_scheme;
pub mod enrolment_bad_content;
pub mod enrolment_chain_incomplete;
pub mod enrolment_forbidden;
pub mod enrolment_no_answer;
pub mod enrolment_not_found;
pub mod enrolment_redirected;
pub mod enrolment_server_error;
pub mod enrolment_unauthorised;
pub mod gateway_unreachable;
pub mod icmp_unreachable;
pub mod kerberos_clock_skew;
pub mod kerberos_error;
pub mod kerberos_etype_unsupported;
pub mod kerberos_preauth_failed;
pub mod kerberos_principal_unknown;
pub mod ldap_bind_failed;
pub mod ldap_no_ca_found;
pub mod ldap_search_failed;
pub mod ntp_no_answer;
pub mod ntp_unsynchronised;
pub mod ntp_wrong_time;
pub mod path_loss;
pub mod path_mtu_black_hole;
pub mod provision_loop;
pub mod provision_no_answer;
pub mod provision_no_server;
pub mod provision_not_found;
pub mod provision_rejected;
pub mod provision_trust_list_rejected;
pub mod register_ended_encrypted;
pub mod session_dropped;
pub mod session_idle_cut;
pub mod sip_auth_rejected;
pub mod sip_auth_scheme_unsupported;
pub mod sip_client_version_blocked;
pub mod sip_clock_skew;
pub mod sip_forbidden;
pub mod sip_interval_too_brief;
pub mod sip_no_answer;
pub mod sip_redirect_loop;
pub mod sip_rejected;
pub mod sip_server_error;
pub mod sip_user_not_found;
pub mod tcp_accepted_then_closed;
pub mod tcp_no_answer;
pub mod tcp_refused;
pub mod tls_client_certificate_rejected;
pub mod tls_closed_after_certificate;
pub mod tls_handshake_failed;
pub mod tls_intercepted;
pub mod tls_issuer_list_truncated;
pub mod tls_no_answer;
pub mod tls_no_shared_cipher;
pub mod tls_no_sni;
pub mod tls_server_closed;
pub mod tls_version_mismatch;
pub mod update_loop;
pub mod update_name_unresolved;
pub mod update_unreachable;
pub mod vlan_flapping;
pub mod vlan_mismatch;

/// All rules, sorted by code.
pub static ALL: &[&Rule] = &[
    &account_unusable::RULE,
    &cert_cross_signed_expired::RULE,
    &cert_expired::RULE,
    &cert_missing_intermediate::RULE,
    &cert_name_mismatch::RULE,
    &cert_not_yet_valid::RULE,
    &cert_revocation_unreachable::RULE,
    &cert_revoked::RULE,
    &cert_self_signed::RULE,
    &cert_unsupported_key::RULE,
    &cert_unsupported_signature::RULE,
    &cert_untrusted_issuer::RULE,
    &cert_weak::RULE,
    &cert_wrong_usage::RULE,
    &clock_skew::RULE,
    &device_restarted::RULE,
    &dhcp_bad_option::RULE,
    &dhcp_declined::RULE,
    &dhcp_missing_option::RULE,
    &dhcp_nak::RULE,
    &dhcp_no_ack::RULE,
    &dhcp_no_offer::RULE,
    &dhcp_rogue_server::RULE,
    &directory_no_answer::RULE,
    &dns_name_not_found::RULE,
    &dns_no_answer::RULE,
    &dns_server_error::RULE,
    &dns_srv_target_mismatch::RULE,
    &dns_srv_target_unresolved::RULE,
    &dot1x_no_answer::RULE,
    &dot1x_rejected::RULE,
    &enrolment_auth_scheme::RULE,
    &enrolment_bad_content::RULE,
    &enrolment_chain_incomplete::RULE,
    &enrolment_forbidden::RULE,
    &enrolment_no_answer::RULE,
    &enrolment_not_found::RULE,
    &enrolment_redirected::RULE,
    &enrolment_server_error::RULE,
    &enrolment_unauthorised::RULE,
    &gateway_unreachable::RULE,
    &icmp_unreachable::RULE,
    &kerberos_clock_skew::RULE,
    &kerberos_error::RULE,
    &kerberos_etype_unsupported::RULE,
    &kerberos_preauth_failed::RULE,
    &kerberos_principal_unknown::RULE,
    &ldap_bind_failed::RULE,
    &ldap_no_ca_found::RULE,
    &ldap_search_failed::RULE,
    &ntp_no_answer::RULE,
    &ntp_unsynchronised::RULE,
    &ntp_wrong_time::RULE,
    &path_loss::RULE,
    &path_mtu_black_hole::RULE,
    &provision_loop::RULE,
    &provision_no_answer::RULE,
    &provision_no_server::RULE,
    &provision_not_found::RULE,
    &provision_rejected::RULE,
    &provision_trust_list_rejected::RULE,
    &register_ended_encrypted::RULE,
    &session_dropped::RULE,
    &session_idle_cut::RULE,
    &sip_auth_rejected::RULE,
    &sip_auth_scheme_unsupported::RULE,
    &sip_client_version_blocked::RULE,
    &sip_clock_skew::RULE,
    &sip_forbidden::RULE,
    &sip_interval_too_brief::RULE,
    &sip_no_answer::RULE,
    &sip_redirect_loop::RULE,
    &sip_rejected::RULE,
    &sip_server_error::RULE,
    &sip_user_not_found::RULE,
    &tcp_accepted_then_closed::RULE,
    &tcp_no_answer::RULE,
    &tcp_refused::RULE,
    &tls_client_certificate_rejected::RULE,
    &tls_closed_after_certificate::RULE,
    &tls_handshake_failed::RULE,
    &tls_intercepted::RULE,
    &tls_issuer_list_truncated::RULE,
    &tls_no_answer::RULE,
    &tls_no_shared_cipher::RULE,
    &tls_no_sni::RULE,
    &tls_server_closed::RULE,
    &tls_version_mismatch::RULE,
    &update_loop::RULE,
    &update_name_unresolved::RULE,
    &update_unreachable::RULE,
    &vlan_flapping::RULE,
    &vlan_mismatch::RULE,
];
// index end

use std::cell::OnceCell;

use crate::device::facts::DeviceFacts;
use crate::device::servers::Servers;
use crate::login::steps::{AskedNames, Attempt, Lease};
use crate::model::{Evidence, Stage};
use crate::profile::Profile;
use crate::trust::Fault;

/// What a rule may look at.
pub struct Case<'a> {
    /// What the device needs and can verify.
    pub profile: &'a Profile,
    /// The attempt.
    pub attempt: &'a Attempt,
    /// What is known of the device beyond it.
    pub known: &'a DeviceFacts,
    /// The lease that it was given in an attempt before and lives on, where several servers answered then.
    pub contested: Option<&'a Lease>,
    /// The shortest and the longest silence before the ends of its sessions in attempts before, in nanoseconds.
    pub idled: Option<(i64, i64)>,
    /// What servers showed to anybody in the capture.
    pub servers: Option<&'a Servers>,
    /// What `trust` has against the attempt's chains, once a rule has asked: a dozen do.
    faults: OnceCell<Vec<Vec<Fault>>>,
    /// The names that it asked for, once a rule has asked.
    asked: OnceCell<AskedNames>,
}

impl<'a> Case<'a> {
    /// An attempt of a device of this family, of which this is known.
    pub fn new(profile: &'a Profile, attempt: &'a Attempt, known: &'a DeviceFacts) -> Self {
        Self {
            profile,
            attempt,
            known,
            contested: None,
            idled: None,
            servers: None,
            faults: OnceCell::new(),
            asked: OnceCell::new(),
        }
    }

    /// The same, on a contested lease of an attempt before.
    pub fn on_lease(self, contested: Option<&'a Lease>) -> Self {
        Self { contested, ..self }
    }

    /// The same, behind sessions that ended after silences from the shortest to the longest.
    pub fn after_idling(self, idled: Option<(i64, i64)>) -> Self {
        Self { idled, ..self }
    }

    /// The same, with what servers showed to anybody.
    pub fn beside(self, servers: &'a Servers) -> Self {
        Self { servers: Some(servers), ..self }
    }

    /// The names that the attempt asked for.
    pub fn asked(&self) -> &AskedNames {
        self.asked.get_or_init(|| AskedNames::of(self.attempt))
    }
}

/// Something that holds.
#[derive(Clone, Debug)]
pub struct Found {
    /// Where: the stage of the exchange that it speaks of.
    pub stage: Stage,
    /// Index of that exchange in the attempt's steps, where it is one.
    pub step: Option<usize>,
    /// How it is known.
    pub proof: Proof,
    /// Would its removal let the device past the drop (is it on the path to the drop, not only true)?
    pub explains_drop: bool,
    /// Between 0 and 1; of the findings given 0.9, nine in ten are right.
    pub confidence: f32,
    /// One line, lower case, no full stop: the value seen and the value wanted.
    pub summary: String,
    /// What an administrator does, with this case's values: which server, which setting, which value, how to check.
    pub fix: String,
    /// The frames that prove it; never empty.
    pub evidence: Vec<Evidence>,
}

/// How something is known. Proven goes before told, told before inferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Proof {
    /// What the profile says of such devices.
    Inferred,
    /// The peer's alert, code or silence.
    Told,
    /// Repeatable from the captured bytes.
    Proven,
}

/// How a rule stands to others that explain the same drop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weight {
    /// A residual code: only where nothing else explains the drop.
    Fallback,
    /// An alert or closing as such: yields to any specific one.
    General,
    /// Names the cause.
    Specific,
}

/// The texts that `explain` and the docs show.
#[derive(Clone, Copy, Debug)]
pub struct Help {
    /// What it means, in a sentence or two.
    pub what: &'static str,
    /// Why it makes a phone drop.
    pub why: &'static str,
    /// What an administrator does, in general: server, setting, value, how to check.
    pub fix: &'static str,
    /// What looks like it and is not.
    pub look_alikes: &'static str,
    /// Sources: RFC sections, vendors' documents.
    pub references: &'static [&'static str],
}

/// A cause code.
pub struct Rule {
    /// The stable code.
    pub code: &'static str,
    /// Its usual stage; `None` for codes that take the stage of the connection that they speak of.
    pub stage: Option<Stage>,
    /// How it stands to others.
    pub weight: Weight,
    /// Order among causes on one path: no address, no name, wrong clock, missing CA, certificate, TLS close… Lower is
    /// the earlier cause.
    pub order: u16,
    /// The texts.
    pub help: Help,
    /// Does it hold? Each exchange that it holds for gives one `Found`; at most a few.
    pub check: fn(&Case<'_>) -> Vec<Found>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_unique_and_fit_for_files() {
        let codes: Vec<&str> = ALL.iter().map(|rule| rule.code).collect();
        assert!(codes.is_sorted_by(|a, b| a < b), "{codes:?}");
        assert!(codes.iter().all(|code| code.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')));
    }

    #[test]
    fn every_rule_explains_itself_in_sentences() {
        for rule in ALL {
            let Help { what, why, fix, look_alikes, references } = &rule.help;
            for text in [what, why, fix, look_alikes] {
                assert!(text.ends_with('.'), "{}: {text:?}", rule.code);
                assert!(!text.contains("  ") && !text.contains('\n'), "{}: {text:?}", rule.code);
            }
            assert!(!references.is_empty(), "{}", rule.code);
        }
    }

    #[test]
    fn a_login_without_steps_gives_nothing() {
        for rule in ALL {
            testing::Login::new().nothing(rule);
        }
    }
}
