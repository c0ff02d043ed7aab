//! `kerberos-etype-unsupported`: the domain controller supports none of the device's encryption types.

use crate::findings::shared::answers::Words;
use crate::findings::shared::directory::{self, Reason, Refusal};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::Stage;
use crate::protocols::kerberos::code;
use crate::protocols::kerberos::names::etype_name;

/// The rule.
pub static RULE: Rule = Rule {
    code: "kerberos-etype-unsupported",
    stage: Some(Stage::Directory),
    weight: Weight::Specific,
    order: 463,
    help: Help {
        what: "The domain controller supports none of the encryption types that the device offers (KDC_ERR_ETYPE_NOSUPP, 14).",
        why: "Old phones know RC4 and DES only, and domain controllers that were hardened issue AES tickets alone.",
        fix: "Allow RC4 again for the account (msDS-SupportedEncryptionTypes) and in the policy `Network security: Configure encryption types allowed for Kerberos`, or use a firmware that knows AES; then set the account's password anew, so that it has keys of the type. A new capture must show AS-REP.",
        look_alikes: "14, and then a ticket for another list of types, is healthy.",
        references: &["RFC 4120 section 7.5.9", "RFC 8429", "[MS-KILE] 3.1.5.2"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let is_it = |refusal: &Refusal<'_>| refusal.reason() == Reason::Kerberos(code::ETYPE_UNSUPPORTED);
    directory::told(case, is_it, offers, |_, list| Words {
        proof: Proof::Told,
        confidence: 0.94,
        summary: format!("no Kerberos encryption type in common: {list}"),
        fix: format!(
            "Let the domain controller take a type that the device knows: {list}. That is msDS-SupportedEncryptionTypes of the account and the policy `Network security: Configure encryption types allowed for Kerberos`; then set the password anew. A new capture must show AS-REP."
        ),
    })
}

/// What the device offers, and what the answer names.
fn offers(refusal: &Refusal<'_>) -> String {
    let names = |etypes: &[i32]| etypes.iter().map(|etype| etype_name(*etype)).collect::<Vec<_>>().join(", ");
    let offered = refusal.ticket().map(|request| names(&request.etypes)).filter(|list| !list.is_empty());
    let offered = offered.map_or_else(|| "what the device offers".to_owned(), |list| format!("the device offers {list}"));
    let named = refusal.error().map(|error| names(&error.etypes)).filter(|list| !list.is_empty());
    let named = named.map(|list| format!("; it names {list}")).unwrap_or_default();
    format!("{offered}, and {} refuses it{named}", refusal.server())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    #[test]
    fn the_types_of_the_device_are_named() {
        let refused = kerberos(vec![(as_req(false), Some(krb_error(code::ETYPE_UNSUPPORTED)))]);
        let found = Login::new().step(refused).dropped().the(&RULE);
        assert!(found.explains_drop);
        assert!(found.summary.contains("the device offers RC4-HMAC, DES-CBC-MD5"), "{}", found.summary);
    }

    #[test]
    fn another_list_that_is_taken_makes_it_good() {
        let second = kerberos(vec![(as_req(false), Some(krb_error(14))), (as_req(false), Some(ticket()))]);
        Login::new().step(second).dropped().nothing(&RULE);
    }
}
