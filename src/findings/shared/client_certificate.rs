//! A server that wants a certificate of the device: what the device gives, and whether the server leaves for it.

use crate::findings::shared::handshake::{Reached, Shaken};
use crate::findings::shared::place::Leaving;
use crate::model::{Evidence, How, Side};

/// The server leaves, with nothing but what the device gave for a reason.
pub(crate) fn refuses_client(shaken: &Shaken<'_>) -> Option<Leaving> {
    let left = shaken.leaving().filter(|left| left.side == Side::Server && left.how != How::Timeout)?;
    // Alerts 10, 20, 47 and the like are not about who the client is.
    let fits = left.alert.is_none_or(|alert| matches!(alert, 40..=46 | 48 | 49 | 51 | 116));
    (fits && !goes_on(shaken)).then_some(left)
}

/// Does the server go on with what it got? In TLS 1.3 the device has finished, and may have asked for something, before the server
/// looks at its certificate.
pub(crate) fn goes_on(shaken: &Shaken<'_>) -> bool {
    if shaken.tls.opened { shaken.tls.server_data.count() > 0 } else { shaken.reached() > Reached::ClientKey }
}

/// Has the server asked for a certificate, and the device answered that?
pub(crate) fn answers_request(shaken: &Shaken<'_>) -> bool {
    let tls = shaken.tls;
    tls.certificate_request.is_some() && (tls.client_certificate.is_some() || gives_none(shaken).is_some())
}

/// Where the device says that it has no certificate to give. SSL 3.0 has the alert no_certificate where TLS has an empty list.
pub(crate) fn gives_none(shaken: &Shaken<'_>) -> Option<Evidence> {
    if let Some((at, chain)) = &shaken.tls.client_certificate {
        let none = || Evidence::new(at.frame, "tls.handshake.type == 11", "the device sends no certificate");
        return chain.is_empty().then(none);
    }
    let none = shaken.tls.alerts.iter().find(|(_, side, _, code)| *side == Side::Client && *code == 41);
    none.map(|(at, ..)| Evidence::new(at.frame, "tls.alert_message.desc == 41", "the device has no certificate"))
}
