//! For what a device looks up a name, opens a connection, sends a request: from the names that only this purpose has,
//! from what it said, and last from the port.

use crate::protocols::http;
use crate::text::{WireText, begins, contains, ends};

use super::steps::{Connection, Purpose};

/// The ports of SCCP (IANA: cisco-sccp), and of SCCP over TLS.
pub(super) const SCCP: [u16; 2] = [2000, 2443];

/// For what a name is looked up, where the name itself says it.
pub(super) fn of_name(name: &str) -> Purpose {
    const TIME_POOL: &str = "pool.ntp.org";
    let name = name.trim_end_matches('.');
    let dot = memchr::memchr(b'.', name.as_bytes());
    let first = dot.and_then(|dot| name.get(..dot)).unwrap_or_default();
    let is = |labels: &[&str]| labels.iter().any(|label| first.eq_ignore_ascii_case(label));
    let in_time_pool = || {
        let place = name.len().checked_sub(TIME_POOL.len());
        let (host, pool) = place.and_then(|place| name.split_at_checked(place)).unwrap_or_default();
        // A resolver may have put its own domain behind it (RFC 1123 section 6.1.4.3).
        let searched = begins(name, TIME_POOL) && name.as_bytes().get(TIME_POOL.len()) == Some(&b'.');
        searched || pool.eq_ignore_ascii_case(TIME_POOL) && (host.is_empty() || host.ends_with('.'))
    };
    if is(&["_ldap", "_kerberos", "_gc", "_kpasswd", "_kerberos-master"]) || is_of_domain_controllers(name) {
        Purpose::Directory
    } else if is(&["_ntp", "ntp", "time"]) || in_time_pool() {
        Purpose::Clock
    } else if begins(name, "_sip") || is(&["sip", "sipinternal", "sipexternal", "sipdir", "sipfed"]) {
        Purpose::Registrar
    } else if begins(name, "ucupdates") {
        Purpose::Update
    } else {
        Purpose::Other
    }
}

/// Is it a usual name of a server for calls, with or without a number?
pub(super) fn is_for_calls(name: &str) -> bool {
    is_named(name, &["sip", "sips", "sbc", "pbx", "ippbx", "ipbx", "voip", "registrar", "reg", "sipproxy", "sipserver"])
}

/// Is it a usual name of a server that has the configurations of phones?
pub(super) fn is_for_configurations(name: &str) -> bool {
    is_named(name, &["prov", "provision", "provisioning", "autoprov", "autoprovision", "cfg", "config", "dms", "rps", "ztp"])
}

fn is_named(name: &str, known: &[&str]) -> bool {
    let first = name.split('.').next().unwrap_or_default();
    let bare = first.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '-');
    known.iter().any(|known| bare.eq_ignore_ascii_case(known))
}

/// Does a system ask for this name by itself, whatever it is used for: that of the script that names its proxy, or of a tunnel's end (RFC
/// 5214 section 9)?
pub(super) fn is_of_system(name: &str) -> bool {
    let first = name.split('.').next().unwrap_or_default();
    ["wpad", "isatap"].iter().any(|known| first.eq_ignore_ascii_case(known))
}

/// Does the name lie in the part of a domain that its controllers have for themselves?
fn is_of_domain_controllers(name: &str) -> bool {
    const PART: &[u8] = b"._msdcs.";
    // Few names have such a letter.
    memchr::memchr_iter(b'_', name.as_bytes()).any(|place| {
        let around = place.checked_sub(1).and_then(|start| name.as_bytes().get(start..)?.get(..PART.len()));
        around.is_some_and(|around| around.eq_ignore_ascii_case(PART))
    })
}

/// For what a port is opened, where the port says it.
pub(super) fn of_port(port: u16) -> Purpose {
    match port {
        88 | 389 | 464 | 636 | 3268 | 3269 => Purpose::Directory,
        // The last two are those of FreePBX, whose first channel driver has the others.
        5060..=5099 | 5160 | 5161 => Purpose::Registrar,
        // Cisco phones register by that, too.
        port if SCCP.contains(&port) => Purpose::Registrar,
        _ => Purpose::Other,
    }
}

/// For what an HTTP request is made, where its path says it.
pub(super) fn of_request(request: &http::Request) -> Purpose {
    if let Some(host) = request.tunnel() {
        let port = request.uri.raw().rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or_default();
        let purpose = of_port(port);
        return if purpose == Purpose::Other { of_name(host.raw()) } else { purpose };
    }
    let path = request.uri.raw();
    let is_update_server = request.host.as_ref().is_some_and(|host| begins(host.raw(), "ucupdates"));
    let has = |parts: &[&str]| parts.iter().any(|part| contains(path, part));
    let file = path.split(['?', '#']).next().unwrap_or_default();
    let ends = |endings: &[&str]| endings.iter().any(|ending| ends(file, ending));
    if has(&["/requesthandler", "ucdevice.upx", "/deviceupdatefiles"]) || is_update_server {
        Purpose::Update
    } else if has(&["/certsrv", "certnew.", "certcarc", "/certprov", "/webticket", "/certenroll/"]) && !ends(&[".crl"])
        || ends(&[".p7b", ".p7c", ".cer", ".crt", ".pem", ".der"])
        || enrols_by_protocol(request)
    {
        Purpose::Enrolment
    } else if ends(&[".crl"]) || has(&["/ocsp"]) {
        Purpose::Revocation
    } else {
        of_file(file)
    }
}

/// Does the request say by its form that it is one of a protocol by which certificates are handed out: EST (RFC 7030 sections 3.2.2 and
/// 4.2.1), SCEP (RFC 8894 section 4.1), CMP (RFC 9811 sections 3.2 and 3.3)?
fn enrols_by_protocol(request: &http::Request) -> bool {
    const OPERATIONS: &[&str] = &["GetCACert", "GetCACaps", "GetNextCACert", "PKIOperation"];
    let (path, query) = request.uri.raw().split_once('?').unwrap_or((request.uri.raw(), ""));
    let of_scep = |parameter: &str| {
        let operation = parameter.split_once('=').filter(|(name, _)| name.eq_ignore_ascii_case("operation"));
        operation.is_some_and(|(_, value)| OPERATIONS.iter().any(|one| one.eq_ignore_ascii_case(value)))
    };
    let kinds = ["application/pkixcmp", "application/pkcs10", "application/x-pki-message"];
    let kind = request.content_type.as_ref().map_or("", WireText::raw);
    ["/.well-known/est/", "/.well-known/cmp", "/pkiclient.exe"].iter().any(|part| contains(path, part))
        || query.split('&').any(of_scep)
        || kinds.iter().any(|own| begins(kind, own))
}

/// For what a file is fetched, where its name says it.
pub(super) fn of_file(name: &str) -> Purpose {
    let name = name.to_ascii_lowercase();
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    if ends(&[".cfg", ".boot", ".tlv", ".cnf.xml", ".cnf.xml.sgn", "settings.txt", "upgrade.txt", ".tuz"]) {
        Purpose::Provision
    } else if ends(&[".loads", ".sbn", ".ld", ".rom", ".fw", ".bin", ".img"]) {
        Purpose::Update
    } else if ends(&[".xml", ".htm", ".html", ".php", ".txt", ".conf", ".ini"]) && bears_mac(&name) || of_maker(&name) {
        Purpose::Provision
    } else {
        Purpose::Other
    }
}

/// Is it a file for all phones of a maker or a model, or one without an ending: Grandstream's `cfg.xml` and `cfg<mac>`, snom's
/// `snom<model>.htm`?
fn of_maker(path: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or_default();
    let is_mac = |text: &str| text.len() == 12 && text.bytes().all(|letter| letter.is_ascii_hexdigit());
    let model = |ending: &str| file.strip_prefix("snom").and_then(|rest| rest.strip_suffix(ending));
    let is_model = |model: &str| model.bytes().any(|letter| letter.is_ascii_digit()) && model.len() <= 8;
    file == "cfg.xml"
        || file.strip_prefix("cfg").is_some_and(is_mac)
        || [".htm", ".xml"].into_iter().filter_map(model).any(is_model)
}

/// Is the file named after a MAC, as makers of phones name the file of one phone: twelve hexadecimal digits together?
fn bears_mac(path: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or_default();
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let mut runs = stem.split(|letter: char| !letter.is_ascii_hexdigit());
    runs.any(|run| run.len() == 12 && run.bytes().any(|letter| letter.is_ascii_digit()))
}

/// Is it a file that a phone asks for and does well without: trust lists of a cluster that is not secure, directories,
/// licences, overrides, logs?
pub(super) fn is_optional_file(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let name = name.rsplit('/').next().unwrap_or_default();
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    begins(&["ctlsep", "itlsep", "ctlfile", "itlfile"])
        || has(&["-directory.", "-license.", "-user.", "-phone.", "-web.", "ringlist.", "dialplan."])
        || [".log", ".boot", ".tuz"].iter().any(|ending| name.ends_with(ending))
}

/// For what a connection is opened: by what was said on it, else by the name that led there, else by its port.
pub(super) fn of_connection(connection: &Connection, name: Purpose) -> Purpose {
    if !connection.sip.is_empty() {
        return Purpose::Registrar;
    }
    let requests = connection.http.iter().filter_map(|exchange| exchange.request.as_ref());
    if let Some(purpose) = requests.map(|(_, request)| of_request(request)).find(|purpose| *purpose != Purpose::Other) {
        return purpose;
    }
    if !connection.http.is_empty() {
        return if name == Purpose::Update || name == Purpose::Enrolment { name } else { Purpose::Other };
    }
    match of_port(connection.flow.server.port()) {
        Purpose::Other => name,
        purpose => purpose,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_configuration_or_images_and_some_may_be_missing() {
        assert_eq!(of_file("SEP0004F21A2B3C.cnf.xml"), Purpose::Provision);
        assert_eq!(of_file("/0004f21a2b3c.CFG"), Purpose::Provision);
        assert_eq!(of_file("SIP45.9-4-2SR3-1S.loads"), Purpose::Update);
        assert_eq!(of_file("index.html"), Purpose::Other);
        for name in ["/snomD785-0004139A1021.htm", "/000413AABBCC.xml", "/gs/cfg000b827e505c.xml", "/prov/0C383E51007A.txt"] {
            assert_eq!(of_file(name), Purpose::Provision, "{name}");
        }
        for name in ["/cfg000b827e505c", "/gs/cfg.xml", "/prov/snomD785.htm", "snom370.xml", "/snom370-000413AABBCC.htm"] {
            assert_eq!(of_file(name), Purpose::Provision, "{name}");
        }
        for name in ["/cfg", "/cfgfeed.html", "/snom/index.htm", "/snomberg.htm", "/cfg.xml.old"] {
            assert_eq!(of_file(name), Purpose::Other, "{name}");
        }
        for name in ["/img/0004139a10215f.png", "/feedfacedead.html", "/news/20240101120000.html", "/a-20240101.xml"] {
            assert_eq!(of_file(name), Purpose::Other, "{name}");
        }
        for name in ["CTLSEP0004F21A2B3C.tlv", "/phones/0004f21a2b3c-directory.xml", "0004f21a2b3c.boot"] {
            assert!(is_optional_file(name), "{name}");
        }
        for name in ["SEP0004F21A2B3C.cnf.xml", "XMLDefault.cnf.xml", "0004f21a2b3c.cfg"] {
            assert!(!is_optional_file(name), "{name}");
        }
    }

    #[test]
    fn names_that_only_one_purpose_has() {
        assert_eq!(of_name("_ldap._tcp.dc._msdcs.contoso.com"), Purpose::Directory);
        assert_eq!(of_name("_sipinternaltls._tcp.contoso.com"), Purpose::Registrar);
        assert_eq!(of_name("SipExternal.contoso.com."), Purpose::Registrar);
        assert_eq!(of_name("time.windows.com"), Purpose::Clock);
        assert_eq!(of_name("ucupdates-r2.corp.contoso.com"), Purpose::Update);
        assert_eq!(of_name("www.contoso.com"), Purpose::Other);
    }

    fn request(method: &str, uri: &str) -> http::Request {
        http::Request {
            method: WireText::from(method),
            uri: WireText::from(uri),
            host: None,
            user_agent: None,
            content_type: None,
            authorization: None,
            to_proxy: false,
            is_passed_on: false,
            credentials: None,
            index: 0,
        }
    }

    #[test]
    fn protocols_of_enrolment_show_by_their_requests() {
        let asks = |uri: &str| of_request(&request("GET", uri));
        for uri in [
            "/.well-known/est/cacerts",
            "/.well-known/est/phones/simpleenroll",
            "http://ca.contoso.com/.well-known/est/csrattrs",
            "/scep?operation=GetCACert",
            "/cgi-bin/pkiclient.exe?operation=GetCACaps&message=CA",
            "/ejbca/publicweb/apply/scep/pkiclient.exe",
            "/NDES?message=MIIG&Operation=pkioperation",
            "/.well-known/cmp/p/phones",
        ] {
            assert_eq!(asks(uri), Purpose::Enrolment, "{uri}");
        }
        for uri in [
            "/.well-known/host-meta",
            "/.well-known/establish",
            "/guest/cacerts",
            "/api?operation=GetConfig",
            "/api?myoperation=GetCACert",
            "/scep/",
        ] {
            assert_eq!(asks(uri), Purpose::Other, "{uri}");
        }
        let posts = |kind: &str| {
            let post = http::Request { content_type: Some(WireText::from(kind)), ..request("POST", "/ra") };
            of_request(&post)
        };
        assert_eq!(
            (posts("application/pkixcmp"), posts("application/pkcs10; charset=ascii")),
            (Purpose::Enrolment, Purpose::Enrolment)
        );
        assert_eq!(posts("application/json"), Purpose::Other);
    }

    #[test]
    fn a_tunnel_serves_what_it_leads_to() {
        let to = |uri: &str| of_request(&request("CONNECT", uri));
        assert_eq!(to("pool.contoso.com:5061"), Purpose::Registrar);
        assert_eq!(to("sip.contoso.com:443"), Purpose::Registrar);
        assert_eq!(to("dc01.contoso.com:636"), Purpose::Directory);
        assert_eq!(to("www.contoso.com:443"), Purpose::Other);
    }
}
