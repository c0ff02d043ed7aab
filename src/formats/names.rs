//! Host names: which certificate names cover which host (RFC 6125 section 6.4), and comparing them without regard to case.

use std::net::IpAddr;

use super::x509::{AlternativeName, Body};

/// Does this certificate speak for `host`, which is a name or an address?
///
/// The commonName counts only where no dNSName is present (RFC 6125 section 6.4.4).
pub fn covers(certificate: &Body, host: &str) -> bool {
    if let Some(address) = address(host) {
        return covers_address(certificate, address);
    }
    let mut has_dns_name = false;
    for name in &certificate.alternative_names {
        if let AlternativeName::Dns(pattern) = name {
            has_dns_name = true;
            if matches(pattern.raw(), host) {
                return true;
            }
        }
    }
    !has_dns_name && certificate.common_name.as_ref().is_some_and(|name| matches(name.raw(), host))
}

/// Are these the same host name? Case and a final dot do not count; letters beyond ASCII must be equal.
pub fn same_host(a: &str, b: &str) -> bool {
    let (a, b) = (relative(a), relative(b));
    !a.is_empty() && a.eq_ignore_ascii_case(b)
}

/// Is `host` the domain itself or a name below it?
pub fn within_domain(host: &str, domain: &str) -> bool {
    let (host, domain) = (relative(host), relative(domain));
    let Some(start) = host.len().checked_sub(domain.len()) else { return false };
    let (Some(above), Some(tail)) = (host.get(..start), host.get(start..)) else { return false };
    !domain.is_empty() && tail.eq_ignore_ascii_case(domain) && (above.is_empty() || above.ends_with('.'))
}

/// The host of an absolute URI (RFC 3986 section 3.2), an IPv6 address without its brackets.
pub fn host_of_uri(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match host.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next()?,
        None => host.split(':').next()?,
    };
    let host = relative(host);
    (!host.is_empty()).then_some(host)
}

/// Without the final dot of an absolute name.
fn relative(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

/// A host that is an address: as it is written in a URI too.
fn address(host: &str) -> Option<IpAddr> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    bare.parse().ok()
}

/// An address is matched by iPAddress (RFC 2818 section 3.1); an address in the commonName counts where the certificate
/// has no alternative name that could speak for a host.
fn covers_address(certificate: &Body, address: IpAddr) -> bool {
    let names = &certificate.alternative_names;
    if names.contains(&AlternativeName::Ip(address)) {
        return true;
    }
    let speaks = names.iter().any(|name| matches!(name, AlternativeName::Dns(_) | AlternativeName::Ip(_)));
    !speaks && certificate.common_name.as_ref().and_then(|name| name.raw().parse().ok()) == Some(address)
}

/// A wildcard stands for exactly one label, the leftmost, as a whole (RFC 6125 section 6.4.3), and needs two labels below it.
fn matches(pattern: &str, host: &str) -> bool {
    let Some(parent) = relative(pattern).strip_prefix("*.") else { return same_host(pattern, host) };
    let Some((label, rest)) = relative(host).split_once('.') else { return false };
    !label.is_empty() && parent.contains('.') && parent.eq_ignore_ascii_case(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::x509::{self, Body};
    use crate::text::WireText;

    fn certificate(common_name: Option<&str>, names: &[AlternativeName]) -> Body {
        let sample = x509::parse(include_bytes!("samples/ed25519.der"));
        let mut body = sample.body.expect("a certificate");
        body.common_name = common_name.map(WireText::from);
        body.alternative_names = names.to_vec();
        body
    }

    fn dns(name: &str) -> AlternativeName {
        AlternativeName::Dns(WireText::from(name))
    }

    #[test]
    fn a_dns_name_covers_its_host_whatever_the_case() {
        let body = certificate(None, &[dns("Pool01.Contoso.com")]);
        assert!(covers(&body, "pool01.contoso.com"));
        assert!(covers(&body, "POOL01.contoso.com."));
        assert!(!covers(&body, "pool02.contoso.com"));
        assert!(!covers(&body, ""));
    }

    #[test]
    fn a_wildcard_covers_one_leftmost_label() {
        let body = certificate(None, &[dns("*.contoso.com")]);
        assert!(covers(&body, "sip.contoso.com"));
        assert!(!covers(&body, "a.sip.contoso.com"));
        assert!(!covers(&body, "contoso.com"));
        assert!(!covers(&body, ".contoso.com"));
        for odd in ["sip.*.com", "s*.contoso.com", "*", "*.com", "**.contoso.com"] {
            assert!(!covers(&certificate(None, &[dns(odd)]), "sip.contoso.com"), "{odd}");
        }
    }

    #[test]
    fn the_common_name_counts_only_without_dns_names() {
        assert!(covers(&certificate(Some("sip.contoso.com"), &[]), "sip.contoso.com"));
        assert!(covers(&certificate(Some("sip.contoso.com"), &[AlternativeName::Email("a@b".into())]), "sip.contoso.com"));
        assert!(!covers(&certificate(Some("sip.contoso.com"), &[dns("pool.contoso.com")]), "sip.contoso.com"));
    }

    #[test]
    fn an_address_is_covered_by_an_address_alone() {
        let here: IpAddr = "10.0.0.4".parse().expect("an address");
        assert!(covers(&certificate(None, &[AlternativeName::Ip(here)]), "10.0.0.4"));
        assert!(!covers(&certificate(None, &[dns("10.0.0.4")]), "10.0.0.4"));
        assert!(covers(&certificate(Some("10.0.0.4"), &[]), "10.0.0.4"));
        assert!(!covers(&certificate(Some("10.0.0.4"), &[dns("pool.contoso.com")]), "10.0.0.4"));
        let six = "2001:db8::1".parse().expect("an address");
        assert!(covers(&certificate(None, &[AlternativeName::Ip(six)]), "[2001:db8:0::1]"));
    }

    #[test]
    fn the_host_of_a_uri_stands_between_user_and_port() {
        assert_eq!(host_of_uri("http://pki.contoso.com/issuing.crl"), Some("pki.contoso.com"));
        assert_eq!(host_of_uri("http://user@pki.contoso.com.:8080?x"), Some("pki.contoso.com"));
        assert_eq!(host_of_uri("http://[2001:db8::1]:80/a"), Some("2001:db8::1"));
        assert_eq!(host_of_uri("ldap:///CN=CA,DC=contoso,DC=com"), None);
        assert_eq!(host_of_uri("pki.contoso.com/issuing.crl"), None);
    }

    #[test]
    fn domains_are_compared_by_labels() {
        assert!(within_domain("pool.contoso.com", "Contoso.com."));
        assert!(within_domain("contoso.com", "contoso.com"));
        assert!(!within_domain("notcontoso.com", "contoso.com"));
        assert!(!within_domain("contoso.com", "pool.contoso.com"));
        assert!(!within_domain("contoso.com", ""));
        assert!(!within_domain("é.com", "a.é.com"));
        assert!(same_host("a.B", "A.b."));
        assert!(!same_host("", "."));
    }
}
