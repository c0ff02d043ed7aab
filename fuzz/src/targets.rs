//! The list of targets: one for each layer, one for each way in which a protocol rides, one for each format.

use loginloop::protocols;

use crate::{archive, capture, flow, formats, login, packet, program, protocol};

/// Takes any bytes, and panics if what must hold does not.
pub type Target = Box<dyn Fn(&[u8]) + Send + Sync>;

/// All targets by name.
pub fn all() -> Vec<(String, Target)> {
    let mut all: Vec<(String, Target)> = vec![
        named("capture", capture::pieces_give_what_the_whole_gives),
        named("compressed", capture::compressed),
        named("archive", archive::members),
        named("rewrite", capture::rewritten),
        named("packet", packet::headers),
        named("fragments", packet::fragments),
        named("flow-twin", flow::twin),
        named("flow-bounds", flow::bounds),
        named("x509", formats::x509),
        named("pkcs7", formats::pkcs7),
        named("ntlm", formats::ntlm),
        named("spnego", formats::spnego),
        named("revocation", formats::revocation),
        named("text", formats::text),
        named("login", login::story),
        named("report", program::report),
        named("events", program::events),
    ];
    for protocol in protocols::ALL {
        let name = protocol.name;
        if let Some(over) = &protocol.udp {
            all.push((format!("udp-{name}"), Box::new(move |bytes| protocol::datagram(over, bytes))));
        }
        if let Some(over) = &protocol.tcp {
            all.push((format!("tcp-{name}"), Box::new(move |bytes| protocol::stream(name, over, bytes))));
        }
        if let Some(over) = &protocol.link {
            all.push((format!("link-{name}"), Box::new(move |bytes| protocol::frame(over, bytes))));
        }
    }
    all.push(named("icmp", protocol::icmp));
    all.push(named("opened", protocol::opened));
    all
}

fn named(name: &str, target: fn(&[u8])) -> (String, Target) {
    (name.to_owned(), Box::new(target))
}
