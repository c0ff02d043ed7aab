//! The names by which the servers of a SIP domain are reached, and what for: the certificate of an edge or a proxy often
//! serves several of them at once.

/// A role that has a name of its own in each domain.
#[derive(Debug, PartialEq, Eq)]
pub struct Role {
    /// What stands before the domain: `sip`, `download.cwa`.
    pub label: &'static str,
    /// What clients use it for.
    pub used_for: &'static str,
}

impl Role {
    /// The name in a domain.
    pub fn name_in(&self, domain: &str) -> String {
        format!("{}.{}", self.label, domain.trim_matches('.'))
    }
}

/// The roles: those of Office Communications Server first, then what came with Lync.
pub static ROLES: &[Role] = &[
    Role { label: "sip", used_for: "sign-in from outside, presence, federation; the registrar's fallback name" },
    Role { label: "webconf", used_for: "web conferences" },
    Role { label: "av", used_for: "media relay" },
    Role { label: "revproxy", used_for: "address book, meeting content, phone updates" },
    Role { label: "cwa", used_for: "Communicator Web Access" },
    Role { label: "download.cwa", used_for: "Communicator Web Access: downloads" },
    Role { label: "as.cwa", used_for: "Communicator Web Access: application sharing" },
    Role { label: "mail", used_for: "Exchange client access" },
    Role { label: "autodiscover", used_for: "Exchange autodiscover" },
    Role { label: "sipinternal", used_for: "sign-in from inside, the fallback name" },
    Role { label: "sipexternal", used_for: "sign-in from outside, the fallback name" },
    Role { label: "lyncdiscoverinternal", used_for: "Lync autodiscover from inside" },
    Role { label: "lyncdiscover", used_for: "Lync autodiscover from outside" },
    Role { label: "meet", used_for: "meetings" },
    Role { label: "dialin", used_for: "dial-in conferences" },
];

/// The role that a name is of, by what it begins with, and the domain behind it.
pub fn of_name(name: &str) -> Option<(&'static Role, &str)> {
    let domain = |role: &Role| {
        let (label, rest) = name.split_at_checked(role.label.len())?;
        label.eq_ignore_ascii_case(role.label).then_some(rest)?.strip_prefix('.').filter(|domain| !domain.is_empty())
    };
    ROLES.iter().filter_map(|role| Some((role, domain(role)?))).max_by_key(|(role, _)| role.label.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_label_decides() {
        let found = |name| of_name(name).map(|(role, domain)| (role.label, domain));
        assert_eq!(found("as.cwa.contoso.com"), Some(("as.cwa", "contoso.com")));
        assert_eq!(found("SIP.contoso.com"), Some(("sip", "contoso.com")));
        assert_eq!(found("sipserver.contoso.com"), None);
        assert_eq!(found("sip"), None);
        assert_eq!(found("sip."), None);
    }
}
