//! DHCP options that a login stands on: which answers give them, and whether one would have helped where an attempt dropped.

use crate::findings::Case;
use crate::findings::shared::own_network::reached_beyond;
use crate::login::steps::{Lease, Purpose, Step, StepKind};
use crate::model::{At, How, Outcome, Stage};
use crate::protocols::dhcp;
use crate::text::WireText;

/// An answer of a DHCP server that the device goes by.
#[derive(Clone, Copy)]
pub struct Given<'a> {
    /// Index of its exchange; `None` where that was in an earlier attempt.
    pub index: Option<usize>,
    /// What the device asked for (option 55).
    pub asked: &'a [u8],
    /// As what it asked (option 60), where that shows.
    pub class: Option<&'a WireText>,
    /// Its frame.
    pub at: At,
    /// The message.
    pub message: &'a dhcp::Message,
}

/// The vendor class of a UC client (RFC 2132 option 60), which it gives in its INFORM.
pub const UC_CLIENT: &str = "MS-UC-Client";

impl Given<'_> {
    /// Was it given to who asked as a UC client?
    pub fn is_uc(&self) -> bool {
        self.class.is_some_and(|class| class.raw().eq_ignore_ascii_case(UC_CLIENT))
    }
}

/// The answers that the device goes by: ACKs, to INFORM too; where none came, the OFFERs that the device did not take up;
/// where the attempt has no DHCP at all, the lease that the device still has.
pub fn given<'a>(case: &Case<'a>) -> Vec<Given<'a>> {
    let mut acks = Vec::new();
    let mut offers = Vec::new();
    for (index, step) in case.attempt.steps.iter().enumerate() {
        let StepKind::Lease(lease) = &step.kind else { continue };
        // What was given back counts for nothing: the question for a voice VLAN, as a rule.
        if lease.releases.is_empty() {
            acks.extend(lease.acks.iter().map(|(at, message)| of_exchange(index, lease, *at, message)));
        }
        if lease.acks.is_empty() && lease.requests.is_empty() && step.outcome == Outcome::Failed {
            offers.extend(lease.offers.iter().map(|(at, message)| of_exchange(index, lease, *at, message)));
        }
    }
    if acks.is_empty() && offers.is_empty() && case.attempt.leases().next().is_none() {
        let lease = case.known.lease.as_ref().filter(|(at, _)| *at < case.attempt.last);
        let kept =
            lease.map(|(at, message)| Given { index: None, asked: &case.known.parameter_list, class: None, at: *at, message });
        return kept.into_iter().collect();
    }
    if acks.is_empty() { offers } else { acks }
}

fn of_exchange<'a>(index: usize, lease: &'a Lease, at: At, message: &'a dhcp::Message) -> Given<'a> {
    Given { index: Some(index), asked: &lease.parameter_list, class: lease.vendor_class.as_ref(), at, message }
}

/// Did the attempt drop where this option would have helped?
pub fn would_help(case: &Case<'_>, code: u8) -> bool {
    let (Some(drop), Some(dropped)) = (case.attempt.drop, case.attempt.dropped()) else { return false };
    let quiet = matches!(drop.how, How::Timeout | How::Abandoned);
    let at_address = drop.stage == Stage::Address && matches!(dropped.kind, StepKind::Lease(_)) && quiet;
    let begun = case.attempt.first;
    match code {
        dhcp::option::MASK | dhcp::option::ROUTERS => at_address || quiet && !reached_beyond(case, begun),
        dhcp::option::NAME_SERVERS => at_address || !asked_for_names(case) && quiet,
        dhcp::option::DOMAIN_NAME | 119 => at_address || is_lookup(dropped) && drop.how == How::Rejected,
        4 | dhcp::option::NTP_SERVERS => drop.stage == Stage::Time || is_lookup(dropped) && dropped.purpose == Purpose::Clock,
        dhcp::option::VENDOR | dhcp::option::SIP_SERVERS => {
            at_address
                || matches!(drop.stage, Stage::Provision | Stage::Enrolment) && quiet
                || is_lookup(dropped) && dropped.purpose == Purpose::Registrar
        }
        66 | 67 | 125 | 128..=135 | 150..=162 | 176 | 242 => at_address || drop.stage == Stage::Provision,
        _ => at_address,
    }
}

fn is_lookup(step: &Step) -> bool {
    matches!(step.kind, StepKind::Lookup(_))
}

fn asked_for_names(case: &Case<'_>) -> bool {
    case.attempt.lookups().any(|(_, lookup)| !lookup.queries.is_empty())
}

/// What people call an option.
pub fn name(code: u8) -> &'static str {
    match code {
        1 => "subnet mask",
        3 => "router",
        4 => "time server",
        6 => "DNS servers",
        15 => "domain name",
        42 => "NTP servers",
        43 => "vendor-specific information",
        51 => "lease time",
        66 => "TFTP server name",
        67 => "boot file",
        119 => "domain search list",
        120 => "SIP servers",
        125 => "vendor-identifying information",
        150 => "TFTP servers",
        160 => "provisioning URL",
        242 => "Avaya settings",
        _ => "option",
    }
}

/// An example of what an option must hold.
pub fn example(code: u8) -> &'static str {
    match code {
        1 => "for example 255.255.255.0",
        3 => "the router's address in the phone's VLAN",
        6 => "the addresses of the DNS servers that know the SIP domain",
        15 | 119 => "the DNS suffix, for example contoso.com",
        4 | 42 => "the addresses of time servers that answer",
        43 => {
            "for class MS-UC-Client the sub-options 1 (MS-UC-Client), 2 (https), 3 (the pool's web name), 4 (443 as text) and 5 \
               (/CertProv/CertProvisioningService.svc)"
        }
        51 => "for example 691200 seconds",
        66 => "the name or address of the server, as text",
        150 => "the servers' IPv4 addresses, four octets each and not as text",
        120 => "an octet 00, then the pool's name as DNS labels",
        _ => "the value that the maker's manual gives",
    }
}
