//! `tls-intercepted`: something between device and server answers in the server's name.

use crate::findings::shared::chain::{self, left};
use crate::findings::shared::judged::Judged;
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::{Evidence, Frame};
use crate::text::WireText;
use crate::trust::{FaultKind, Link};

/// Words in an issuer's name by which products that inspect TLS give themselves away (compared without regard to case).
const PRODUCTS: &[&str] = &[
    "fortigate",
    "fortinet",
    "zscaler",
    "netskope",
    "blue coat",
    "bluecoat",
    "proxysg",
    "palo alto networks",
    "watchguard",
    "sophos",
    "sonicwall",
    "check point",
    "checkpoint",
    "forcepoint",
    "websense",
    "barracuda",
    "mcafee web gateway",
    "untangle",
    "smoothwall",
    "contentkeeper",
    "lightspeed rocket",
    "iboss",
    "mitmproxy",
    "charles proxy",
    "portswigger",
    "fiddlerroot",
    "squid",
    "cisco umbrella",
    "kaspersky",
    "bitdefender",
    "ssl inspection",
    "ssl-inspection",
    "tls inspection",
    "ssl decryption",
    "deep packet inspection",
];

/// The rule.
pub static RULE: Rule = Rule {
    code: "tls-intercepted",
    stage: None,
    weight: Weight::Specific,
    order: 595,
    help: Help {
        what: "The certificate was issued by a product that inspects TLS, or by another CA than the one that the same name gave \
               elsewhere in the capture.",
        why: "A firewall or proxy in the path opens the connection and answers with a certificate of its own. PCs trust its CA; phones \
              do not, and leave.",
        fix: "Exempt the phones' network, or the servers that they speak to, from TLS inspection. Check with `openssl s_client \
              -connect server:5061 -showcerts` from the phones' network: the issuer must be the one that a machine beside the server \
              sees.",
        look_alikes: "Members of one pool can have certificates of different CAs during a change. A firewall's own web page bears its \
                      own certificate rightly.",
        references: &["RFC 8446 section 9.3 (middleboxes)"],
    },
    check: |case| chain::judged(case).iter().filter_map(|judged| found(case, judged)).collect(),
};

fn found(case: &Case<'_>, judged: &Judged<'_>) -> Option<Found> {
    let body = judged.body(Some(Link::Sent(0)))?;
    let issuer = &body.issuer;
    // A product's own page bears a certificate of its own, in its own name; one made up for a server bears the server's.
    if body.subject.der == issuer.der {
        return None;
    }
    let own_page = judged.faults.iter().any(|fault| matches!(fault.kind, FaultKind::NameMismatch { .. }));
    let name = judged.place().server();
    let elsewhere = elsewhere(case, judged, &issuer.der);
    let otherwise = otherwise(case, judged, &issuer.der);
    let (summary, proof, confidence) = match (otherwise, &elsewhere) {
        _ if is_product(issuer.text.raw()) => {
            let summary = format!(
                "the certificate of {name} was issued by {}, a product that inspects TLS, not by its own CA",
                issuer.text
            );
            if own_page { (summary, Proof::Inferred, 0.4) } else { (summary, Proof::Proven, 0.85) }
        }
        // What one host gives two clients at once, for the same name, was not given by that host both times.
        (Some(frame), _) => {
            let summary = format!(
                "the certificate of {name} was issued by {}, but another client got one of another CA there, in frame {frame}",
                issuer.text
            );
            (summary, Proof::Proven, 0.7)
        }
        (None, Some((frame, _))) => {
            let summary = format!(
                "the certificate of {name} was issued by {}, but the same name gave one of another CA in frame {frame}",
                issuer.text
            );
            (summary, Proof::Inferred, 0.5)
        }
        (None, None) => return None,
    };
    let mut evidence = vec![Evidence::new(judged.at.frame, "tls.handshake.type == 11", format!("issuer: {}", issuer.text))];
    evidence
        .extend(otherwise.map(|frame| Evidence::new(frame, "tls.handshake.type == 11", "what another client got for this name")));
    evidence.extend(elsewhere.map(|(_, evidence)| evidence));
    evidence.extend(left(judged.shaken.leaving()));
    Some(Found {
        stage: judged.place().step.stage,
        step: Some(judged.place().index),
        proof,
        explains_drop: judged.place().is_drop(case) && judged.refusal.is_some(),
        confidence,
        summary,
        fix: format!(
            "Exempt connections from the device to {name} from TLS inspection. Then `{}` from the phone's network must show the same \
             issuer as from a machine beside the server.",
            judged.show()
        ),
        evidence,
    })
}

fn is_product(issuer: &str) -> bool {
    let issuer = issuer.to_lowercase();
    PRODUCTS.iter().any(|product| issuer.contains(product))
}

/// Where another client got a certificate of another issuer from the same host, for the same name.
fn otherwise(case: &Case<'_>, judged: &Judged<'_>, issuer: &[u8]) -> Option<Frame> {
    let flow = &judged.place().connection.flow;
    let (_, hello) = judged.shaken.tls.client_hello.as_ref()?;
    case.servers?.otherwise(flow.server, hello.server_name.as_ref()?.raw(), flow.client.ip(), issuer)
}

/// Where else the same name gave a chain of another issuer.
fn elsewhere(case: &Case<'_>, judged: &Judged<'_>, issuer: &[u8]) -> Option<(Frame, Evidence)> {
    let name = judged.place().connection.name.as_ref().map(WireText::raw)?;
    let other = case.known.issuers_by_name.iter().find(|(other, der, frame)| {
        other.raw().eq_ignore_ascii_case(name) && der.as_slice() != issuer && *frame != judged.at.frame
    });
    let (_, _, frame) = other?;
    Some((*frame, Evidence::new(*frame, "tls.handshake.type == 11", "the same name with a certificate of another issuer")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::{Close, Purpose};
    use crate::model::Side;
    #[test]
    fn an_inspection_product_signs_itself() {
        let found = refused(vec![certificate("CN=pool.contoso.com", "CN=FG100E,OU=Certificate Authority,O=Fortinet")]).the(&RULE);
        assert_eq!(
            found.summary,
            "the certificate of pool.contoso.com (10.0.0.5:5061) was issued by CN=FG100E,OU=Certificate Authority,O=Fortinet, a product \
             that inspects TLS, not by its own CA"
        );
        assert_eq!((found.proof, found.explains_drop), (Proof::Proven, true));
    }

    #[test]
    fn the_same_name_with_two_issuers() {
        let login = refused(vec![leaf()]).knowing(|known| {
            known.issuers_by_name.push(("POOL.contoso.com".into(), b"CN=Contoso Issuing CA".to_vec(), Frame::new(5)));
            known.issuers_by_name.push(("POOL.contoso.com".into(), b"CN=Other CA".to_vec(), Frame::new(900)));
        });
        let found = login.the(&RULE);
        assert_eq!(found.proof, Proof::Inferred);
        assert_eq!(found.evidence[1].frame, Frame::new(900));
    }

    #[test]
    fn another_client_gets_a_certificate_of_another_issuer_from_the_same_host() {
        let named = |hello: &mut crate::protocols::tls::ClientHello| hello.server_name = Some("pool.contoso.com".into());
        let login = || {
            let shaken =
                tcp(Purpose::Registrar).hello_with(named).server_flight(vec![certificate("CN=pool.contoso.com", "CN=Corp")]);
            Login::new().step(shaken.alert(Side::Client, 2, 48).leaves(Side::Client, Close::Fin)).dropped()
        };
        let real = [leaf()];
        let found = login().beside("10.0.0.5", Some("pool.contoso.com"), &real).the(&RULE);
        assert_eq!((found.proof, found.explains_drop), (Proof::Proven, true));
        assert_eq!(found.evidence[1].frame, Frame::new(100));
        login().nothing(&RULE);
        login().beside("10.0.0.6", Some("pool.contoso.com"), &real).nothing(&RULE);
        let changed = [certificate("CN=pool.contoso.com", "CN=Corp")];
        let both =
            login().beside("10.0.0.5", Some("pool.contoso.com"), &real).beside("10.0.0.5", Some("pool.contoso.com"), &changed);
        both.nothing(&RULE);
    }

    #[test]
    fn the_usual_issuer_and_a_chain_that_was_taken_are_no_sign() {
        refused(vec![leaf()]).nothing(&RULE);
        accepted(vec![certificate("CN=pool.contoso.com", "O=Fortinet")]).nothing(&RULE);
        refused(vec![certificate("CN=FortiVoice,O=Fortinet", "CN=FortiVoice,O=Fortinet")]).nothing(&RULE);
    }
}
