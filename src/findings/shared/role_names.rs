//! One certificate for many names: where it misses the one by which a device came to a server of a SIP domain, which names of that
//! domain it covers instead. A chain in, a table out; says nothing of causes.

use crate::findings::Case;
use crate::findings::shared::judged::{Judged, PROBABLE};
use crate::formats::names::covers;
use crate::login::steps::Purpose;
use crate::protocols::dns::kind;
use crate::text::WireText;
use crate::trust::roles::{self, ROLES, Role};
use crate::trust::{FaultKind, Link};

/// Asked names that are listed.
const ASKED: usize = 16;
/// A certificate that covers so many of a domain's roles beside the name asked for serves the whole site.
const SERVES_THE_SITE: usize = 2;

/// A name of a SIP domain, and what the certificate makes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleName {
    /// The name.
    pub name: WireText,
    /// What it is for, where it is the name of a known role.
    pub role: Option<&'static Role>,
    /// Does the certificate cover it?
    pub covered: bool,
    /// Did the device ask for it, and DNS lead it to this server?
    pub asked: bool,
}

/// The names that were asked for and led to this server, then those of the domain's roles that the certificate covers. Nothing where
/// no name is missing, or where it is no server of Communicator or Lync.
pub fn table(case: &Case<'_>, judged: &Judged<'_>) -> Vec<RoleName> {
    let missing = judged.faults.iter().filter(|fault| fault.certainty >= PROBABLE).find_map(|fault| match &fault.kind {
        FaultKind::NameMismatch { wanted, .. } => Some(wanted.as_str()),
        _ => None,
    });
    let (Some(missing), Some(leaf)) = (missing, judged.body(Some(Link::Sent(0)))) else { return Vec::new() };
    let Some(domain) = domain(case, missing) else { return Vec::new() };
    let row = |name: &str, asked: bool| RoleName {
        name: WireText::from(name),
        role: roles::of_name(name).map(|(role, _)| role),
        covered: covers(leaf, name),
        asked,
    };
    let mut rows: Vec<RoleName> = asked(case, judged, missing).iter().map(|name| row(name, true)).collect();
    let known: Vec<RoleName> = ROLES.iter().map(|role| row(&role.name_in(&domain), false)).filter(|row| row.covered).collect();
    let of_the_family = case.profile.registrar_names.iter().any(|name| name.starts_with("_sipinternal"));
    if !of_the_family && known.len() < SERVES_THE_SITE {
        return Vec::new();
    }
    let is_new = |row: &RoleName| !rows.iter().any(|asked| asked.name.raw().eq_ignore_ascii_case(row.name.raw()));
    let known: Vec<RoleName> = known.into_iter().filter(is_new).collect();
    rows.extend(known);
    rows
}

/// The SIP domain: of a role's name, or the one whose service records lead to this name.
fn domain(case: &Case<'_>, name: &str) -> Option<String> {
    let name = name.trim_end_matches('.');
    let by_role = roles::of_name(name).map(|(_, domain)| domain);
    let leads_there = |target: &WireText| target.raw().trim_end_matches('.').eq_ignore_ascii_case(name);
    let by_record = || {
        let services = case.attempt.lookups().filter(|(step, _)| step.purpose == Purpose::Registrar);
        let mut services = services.filter(|(_, lookup)| lookup.targets().any(|(target, _)| leads_there(target)));
        services.find_map(|(_, lookup)| lookup.name.raw().split_once("._t")?.1.split_once('.').map(|(_, domain)| domain))
    };
    by_role.or_else(by_record).map(|domain| domain.trim_end_matches('.').to_ascii_lowercase())
}

/// The names whose look-up led to the address of this server, the missing one first.
fn asked(case: &Case<'_>, judged: &Judged<'_>, missing: &str) -> Vec<String> {
    let server = judged.place().connection.flow.server_ip();
    let mut names = vec![missing.trim_end_matches('.').to_owned()];
    for (_, lookup) in case.attempt.lookups().filter(|(_, lookup)| matches!(lookup.kind, kind::A | kind::AAAA)) {
        let name = lookup.name.raw().trim_end_matches('.');
        let is_new = !names.iter().any(|known| known.eq_ignore_ascii_case(name));
        if is_new && names.len() < ASKED && lookup.addresses().any(|address| Some(address) == server) {
            names.push(name.to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::shared::chain;
    use crate::findings::testing::*;
    use crate::formats::x509::AlternativeName;
    use crate::login::steps::Close;
    use crate::model::Side;

    /// A device that came to this server by `wanted`, and leaves at a certificate for these names.
    fn refused(names: &[&str], wanted: &str, also: &[&str], of_the_family: bool) -> Vec<(String, bool, bool)> {
        let names: Vec<AlternativeName> = names.iter().map(|name| AlternativeName::Dns(WireText::from(*name))).collect();
        let leaf = certificate_with("CN=edge", "CN=Contoso CA", move |body| body.alternative_names = names);
        let tcp = tcp(Purpose::Registrar).to("10.0.0.5", 5061).named(wanted).hello();
        let mut login = Login::new().profile(|profile| {
            profile.registrar_names = if of_the_family { vec!["_sipinternaltls._tcp.{domain}".to_owned()] } else { Vec::new() };
        });
        for name in also {
            login = login.step(lookup(name).purpose(Purpose::Registrar).address("10.0.0.5"));
        }
        let login =
            login.step(lookup("_sip._tls.contoso.com").purpose(Purpose::Registrar).kind(33).service("edge.contoso.com", 5061));
        let login = login.step(tcp.server_flight(vec![leaf]).leaves(Side::Client, Close::Fin)).dropped();
        let case = login.case();
        let judged = chain::judged(&case);
        table(&case, &judged[0]).into_iter().map(|row| (row.name.to_string(), row.covered, row.asked)).collect()
    }

    fn row(name: &str, covered: bool, asked: bool) -> (String, bool, bool) {
        (name.to_owned(), covered, asked)
    }

    #[test]
    fn the_missing_name_stands_before_those_that_are_covered() {
        assert_eq!(
            refused(&["webconf.contoso.com", "AV.contoso.com"], "Sip.contoso.com", &[], true),
            [row("Sip.contoso.com", false, true), row("webconf.contoso.com", true, false), row("av.contoso.com", true, false)]
        );
    }

    #[test]
    fn a_wildcard_covers_one_label_of_the_domain() {
        let rows = refused(&["*.contoso.com"], "download.cwa.contoso.com", &["cwa.contoso.com"], true);
        assert_eq!(rows[..2], [row("download.cwa.contoso.com", false, true), row("cwa.contoso.com", true, true)]);
        let covered = |name: &str| rows.contains(&row(name, true, false));
        assert!(covered("sip.contoso.com") && covered("autodiscover.contoso.com"));
        assert!(!rows.iter().any(|(name, ..)| name == "as.cwa.contoso.com"));
    }

    #[test]
    fn the_domain_of_a_pool_is_that_of_the_record_that_leads_there() {
        let rows = refused(&["sip.contoso.com", "sip.fabrikam.com"], "edge.contoso.com", &[], true);
        assert_eq!(rows, [row("edge.contoso.com", false, true), row("sip.contoso.com", true, false)]);
    }

    #[test]
    fn a_registrar_of_another_kind_has_no_such_table() {
        assert!(refused(&["pbx.contoso.com"], "sip.contoso.com", &[], false).is_empty());
        assert!(refused(&["pbx.contoso.com"], "voice.contoso.com", &[], true).is_empty());
        let site = refused(&["webconf.contoso.com", "av.contoso.com"], "sip.contoso.com", &[], false);
        assert_eq!(site.len(), 3, "the certificate itself shows what it is for");
    }
}
