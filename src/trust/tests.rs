//! Chains in `src/trust/samples`, and what a device finds wrong with them.

use super::*;
use crate::formats::x509::{self, KeyKind, Name};
use crate::profile::Profiles;
use crate::text::WireText;

macro_rules! sample {
    ($name:literal) => {
        ($name, include_bytes!(concat!("samples/", $name, ".der")).as_slice())
    };
}

static SAMPLES: &[(&str, &[u8])] = &[
    sample!("fabrikam-root"),
    sample!("foreign-root"),
    sample!("founding-leaf"),
    sample!("founding-root"),
    sample!("issuing"),
    sample!("issuing-expired"),
    sample!("leaf"),
    sample!("leaf-1024"),
    sample!("leaf-agreement-only"),
    sample!("leaf-client-only"),
    sample!("leaf-ec"),
    sample!("leaf-expired"),
    sample!("leaf-md5"),
    sample!("leaf-of-fabrikam"),
    sample!("leaf-of-foreign-root"),
    sample!("leaf-of-web"),
    sample!("leaf-pss"),
    sample!("leaf-wildcard"),
    sample!("old-root"),
    sample!("root"),
    sample!("root-by-old-root"),
    sample!("self-signed"),
    sample!("web"),
];

fn certificate(name: &str) -> Arc<Certificate> {
    let (_, der) = SAMPLES.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("no sample {name}"));
    Arc::new(x509::parse(der))
}

/// The sample, with its contents changed. Its signature, over the bytes, stays good.
fn changed(name: &str, change: impl Fn(&mut x509::Body)) -> Arc<Certificate> {
    let mut certificate = Certificate::clone(&certificate(name));
    change(certificate.body.as_mut().unwrap());
    Arc::new(certificate)
}

const CPE: &str = "communicator-phone-edition";

/// 2014-03-01.
const NOW: Time = Time(1_393_632_000_000_000_000);

/// A question in the making.
struct Ask {
    chain: Vec<Arc<Certificate>>,
    fetched: Vec<(Frame, Arc<Certificate>)>,
    intermediates: Vec<(Frame, Arc<Certificate>)>,
    roots: Vec<(Frame, Arc<Certificate>)>,
    store_known: bool,
    name: Option<&'static str>,
    now: Time,
    device_now: Option<Time>,
    policy: TrustPolicy,
}

/// The server sent these.
fn sent(names: &[&str]) -> Ask {
    let chain = names.iter().map(|name| certificate(name)).collect();
    let policy = TrustPolicy::default();
    Ask {
        chain,
        fetched: Vec::new(),
        intermediates: Vec::new(),
        roots: Vec::new(),
        store_known: false,
        name: None,
        now: NOW,
        device_now: None,
        policy,
    }
}

impl Ask {
    /// The device fetched these.
    fn fetched(mut self, names: &[&str]) -> Self {
        self.fetched = names.iter().zip(70..).map(|(name, frame)| (Frame::new(frame), certificate(name))).collect();
        self.store_known = true;
        self
    }

    /// Servers sent these to others.
    fn seen_elsewhere(mut self, names: &[&str]) -> Self {
        self.roots = names.iter().zip(90..).map(|(name, frame)| (Frame::new(frame), certificate(name))).collect();
        self
    }

    /// The device went on with chains through these.
    fn went_on_with(mut self, names: &[&str]) -> Self {
        self.intermediates = names.iter().zip(50..).map(|(name, frame)| (Frame::new(frame), certificate(name))).collect();
        self
    }

    fn named(mut self, name: &'static str) -> Self {
        self.name = Some(name);
        self
    }

    fn at(mut self, capture: i64, device: Option<i64>) -> Self {
        (self.now, self.device_now) = (Time::from_seconds(capture), device.map(Time::from_seconds));
        self
    }

    fn with(mut self, change: impl Fn(&mut TrustPolicy)) -> Self {
        change(&mut self.policy);
        self
    }

    fn of(mut self, profile: &str) -> Self {
        self.policy = Profiles::builtin().named(profile).unwrap().trust.clone();
        self
    }

    fn question(&self) -> Question<'_> {
        Question {
            chain: &self.chain,
            fetched: &self.fetched,
            store_known: self.store_known,
            intermediates: &self.intermediates,
            roots: &self.roots,
            name: self.name,
            now: self.now,
            device_now: self.device_now,
            policy: &self.policy,
        }
    }

    fn judge(&self) -> Judgement {
        judge(&self.question())
    }

    /// Kinds of fault, with the certificate of each.
    fn faults(&self) -> Vec<(Option<Link>, FaultKind)> {
        self.judge().faults.into_iter().map(|fault| (fault.certificate, fault.kind)).collect()
    }

    /// The only fault.
    fn fault(&self) -> Fault {
        let faults = self.judge().faults;
        assert_eq!(faults.len(), 1, "{faults:#?}");
        faults.into_iter().next().unwrap()
    }
}

use Link::{Fetched, Sent};

const ISSUING: &str = "CN=Contoso Issuing CA,DC=contoso,DC=com";
const ROOT: &str = "CN=Contoso Root CA,DC=contoso,DC=com";

mod path {
    use super::*;
    use crate::trust::path::{MAX_CERTIFICATES, MAX_EFFORT, MAX_PATHS, Pool};

    #[test]
    fn a_chain_to_a_fetched_root_is_good() {
        let judgement = sent(&["leaf", "issuing"]).fetched(&["root"]).named("pool01.contoso.com").judge();
        assert_eq!(judgement.faults, []);
        assert_eq!(judgement.path, [Sent(0), Sent(1), Fetched(0)]);
        assert!(judgement.anchored);
    }

    #[test]
    fn what_enrolment_brought_fills_the_gap_of_the_chain() {
        let judgement = sent(&["leaf"]).fetched(&["root", "issuing"]).judge();
        assert_eq!(judgement.faults, []);
        assert_eq!(judgement.path, [Sent(0), Fetched(1), Fetched(0)]);
    }

    #[test]
    fn the_order_in_which_certificates_were_sent_does_not_matter() {
        let judgement = sent(&["leaf", "root", "issuing"]).fetched(&["root"]).judge();
        assert_eq!(judgement.faults, []);
        assert_eq!(judgement.path, [Sent(0), Sent(2), Sent(1)]);
        assert!(judgement.anchored, "the root was sent, and fetched too");
    }

    #[test]
    fn an_unknown_top_proves_nothing_where_the_store_is_not_known() {
        assert_eq!(sent(&["leaf", "issuing", "root"]).judge().faults, []);
        assert_eq!(sent(&["leaf", "issuing"]).judge().faults, []);
        assert_eq!(sent(&["leaf"]).judge().faults, []);
    }

    #[test]
    fn a_chain_to_a_root_that_was_not_fetched_is_untrusted() {
        let fault = sent(&["leaf-of-fabrikam", "fabrikam-root"]).fetched(&["root"]).fault();
        assert_eq!(fault.kind, FaultKind::UntrustedIssuer { issuer: "CN=Fabrikam Root CA".to_owned() });
        assert_eq!((fault.certificate, fault.certainty), (Some(Sent(1)), 0.95));
        let fault = sent(&["leaf-of-fabrikam"]).fetched(&["root"]).fault();
        assert_eq!(fault.kind, FaultKind::UntrustedIssuer { issuer: "CN=Fabrikam Root CA".to_owned() });
        assert_eq!(fault.certificate, None);
    }

    #[test]
    fn where_public_cas_are_built_in_their_names_leave_it_open() {
        let named = |text: &str| {
            let name = Name { der: b"another".to_vec(), text: WireText::from(text) };
            let mut ask = sent(&[]).fetched(&["root"]).with(|policy| policy.built_in_cas = true);
            ask.chain = vec![changed("leaf-of-fabrikam", |body| body.issuer = name.clone())];
            ask.fault()
        };
        let public = named("CN=VeriSign Class 3 Secure Server CA,O=VeriSign\\, Inc.,C=US");
        assert!(public.certainty <= 0.3, "{public:?}");
        let private = named("CN=Fabrikam Root CA");
        assert!(matches!(private.kind, FaultKind::UntrustedIssuer { .. }) && private.certainty >= 0.8, "{private:?}");
    }

    #[test]
    fn a_ca_of_the_same_name_but_another_key_is_another_ca() {
        for chain in [&["leaf-of-foreign-root"][..], &["leaf-of-foreign-root", "foreign-root"]] {
            let fault = sent(chain).fetched(&["root"]).with(|policy| policy.built_in_cas = true).fault();
            assert_eq!(fault.kind, FaultKind::UntrustedIssuer { issuer: ROOT.to_owned() });
            assert_eq!(fault.certainty, 0.95);
        }
        // Both generations fetched: the right one is found, whatever the order.
        for bundle in [["root", "foreign-root"], ["foreign-root", "root"]] {
            assert_eq!(sent(&["leaf-of-foreign-root"]).fetched(&bundle).judge().faults, []);
        }
    }

    #[test]
    fn a_leaf_alone_below_a_fetched_root_lacks_its_intermediate() {
        let fault = sent(&["leaf"]).fetched(&["root"]).fault();
        assert_eq!(fault.kind, FaultKind::MissingIntermediate { issuer: ISSUING.to_owned() });
        assert_eq!(fault.certificate, None);
    }

    #[test]
    fn an_issuer_with_which_the_device_went_on_elsewhere_is_a_missing_intermediate_whatever_it_calls_itself() {
        assert_eq!(sent(&["leaf"]).judge().faults, [], "it may be a root that the device holds");
        let fault = sent(&["leaf"]).went_on_with(&["issuing"]).fault();
        assert_eq!((fault.kind, fault.certainty), (FaultKind::MissingIntermediate { issuer: ISSUING.to_owned() }, 0.95));
        // Sent as it should be.
        assert_eq!(sent(&["leaf", "issuing"]).went_on_with(&["issuing"]).judge().faults, []);
        // Another CA of that name.
        let mut other = sent(&["leaf"]).went_on_with(&["root"]);
        let Ok(name) = certificate("issuing").body.as_ref().map(|body| body.subject.clone()) else { panic!("unreadable") };
        other.intermediates = vec![(Frame::new(50), changed("root", |body| body.subject = name.clone()))];
        assert_eq!(other.judge().faults, []);
    }

    #[test]
    fn what_the_missing_issuer_calls_itself_tells_an_intermediate_from_another_root() {
        let kind = |issuer: &str| {
            let name = Name { der: b"missing".to_vec(), text: WireText::from(issuer) };
            let mut ask = sent(&[]).fetched(&["root"]);
            ask.chain = vec![changed("leaf", |body| body.issuer = name.clone())];
            ask.fault().kind
        };
        for intermediate in ["CN=Contoso Sub-CA 2", "CN=Issuing CA 01", "CN=Policy CA,OU=Contoso IT"] {
            assert_eq!(kind(intermediate), FaultKind::MissingIntermediate { issuer: intermediate.to_owned() });
        }
        for other in ["CN=contoso-DC02-CA,DC=contoso,DC=com", "CN=Contoso Root CA G2", "CN=Fabrikam Issuing CA"] {
            assert_eq!(kind(other), FaultKind::UntrustedIssuer { issuer: other.to_owned() });
        }
    }

    #[test]
    fn a_gap_inside_what_was_sent_is_a_missing_intermediate() {
        let known = sent(&["leaf", "root"]).fetched(&["root"]).fault();
        assert_eq!(known.kind, FaultKind::MissingIntermediate { issuer: ISSUING.to_owned() });
        assert_eq!(known.certainty, 0.9);
        let unknown = sent(&["leaf", "root"]).fault();
        assert_eq!(unknown.kind, FaultKind::MissingIntermediate { issuer: ISSUING.to_owned() });
        assert!(unknown.certainty < known.certainty);
    }

    #[test]
    fn a_public_ca_has_signed_no_server_directly_since_2012() {
        let alone = |year_2012_plus: bool| {
            let issuer = Name { der: b"public".to_vec(), text: WireText::from("CN=GeoTrust DV SSL CA,O=GeoTrust Inc.,C=US") };
            let mut ask = sent(&[]);
            ask.chain = vec![changed("leaf", |body| {
                body.issuer = issuer.clone();
                body.not_before = Time::from_seconds(if year_2012_plus { 1_370_000_000 } else { 1_200_000_000 });
            })];
            ask.judge().faults
        };
        assert_eq!(alone(false), []);
        assert!(matches!(alone(true)[0].kind, FaultKind::MissingIntermediate { .. }));
    }

    #[test]
    fn a_bundle_that_lacks_the_root_of_its_own_ca_is_incomplete() {
        for chain in [&["leaf"][..], &["leaf", "issuing"]] {
            let fault = sent(chain).fetched(&["issuing"]).fault();
            assert_eq!(fault.kind, FaultKind::EnrolmentIncomplete { issuer: ROOT.to_owned() });
            assert_eq!((fault.certificate, fault.certainty), (None, 0.9));
        }
    }

    #[test]
    fn a_self_signed_server_certificate_is_told_as_that_unless_the_device_fetched_it() {
        let judgement = sent(&["self-signed"]).judge();
        let fault = Fault { certificate: Some(Sent(0)), kind: FaultKind::SelfSigned, certainty: 1.0 };
        assert_eq!(judgement.faults, [fault]);
        assert_eq!(sent(&["self-signed"]).fetched(&["root"]).fault().kind, FaultKind::SelfSigned);
        let pinned = sent(&["self-signed"]).fetched(&["root", "self-signed"]).judge();
        assert_eq!(pinned.faults, []);
        assert!(pinned.anchored);
    }

    #[test]
    fn a_changed_certificate_has_a_bad_signature() {
        let (_, der) = SAMPLES.iter().find(|(name, _)| *name == "leaf").unwrap();
        let mut der = der.to_vec();
        *der.last_mut().unwrap() ^= 1;
        let mut ask = sent(&["leaf", "issuing"]).fetched(&["root"]);
        ask.chain[0] = Arc::new(x509::parse(&der));
        let fault = ask.fault();
        assert_eq!((fault.certificate, fault.kind, fault.certainty), (Some(Sent(0)), FaultKind::BadSignature, 1.0));
        // The issuer that it names by key was fetched.
        ask.chain.truncate(1);
        ask.fetched.push((Frame::new(9), certificate("issuing")));
        assert_eq!(ask.fault().kind, FaultKind::BadSignature);
    }

    #[test]
    fn without_key_identifiers_the_neighbour_in_the_chain_is_held_to_its_name() {
        let mut ask = sent(&["leaf-of-foreign-root", "root"]).fetched(&["root"]);
        ask.chain[0] = changed("leaf-of-foreign-root", |body| body.authority_key_id = None);
        assert_eq!(ask.faults()[0], (Some(Sent(0)), FaultKind::BadSignature));
        ask.chain.truncate(1);
        assert!(matches!(ask.fault().kind, FaultKind::UntrustedIssuer { .. }));
    }

    #[test]
    fn certificates_that_issue_each_other_end_the_search() {
        // Two CAs that certify each other, and nothing above them.
        let cross = changed("root", |body| {
            let issuing = certificate("issuing");
            let issuing = issuing.body.as_ref().unwrap();
            (body.issuer, body.signature_algorithm.scheme) = (issuing.subject.clone(), x509::Scheme::Unknown);
            body.authority_key_id = issuing.subject_key_id.clone();
        });
        let mut ask = sent(&["leaf", "issuing"]);
        ask.chain.extend(std::iter::repeat_n(cross, 40));
        let judgement = ask.judge();
        assert_eq!(judgement.path, [Sent(0), Sent(1), Sent(2)]);
        assert!(!judgement.anchored);
    }

    #[test]
    fn very_long_chains_end_the_search() {
        let link = |depth: u32| {
            let name = |depth: u32| Name { der: depth.to_be_bytes().to_vec(), text: WireText::from(format!("CN={depth}")) };
            let key = depth.to_be_bytes().to_vec();
            changed("root", |body| {
                (body.subject, body.issuer) = (name(depth), name(depth + 1));
                body.key.info.clone_from(&key);
                body.signature_algorithm.scheme = x509::Scheme::Unknown;
                (body.subject_key_id, body.authority_key_id) = (None, None);
            })
        };
        let mut ask = sent(&[]);
        ask.chain = (0..300).map(link).collect();
        assert_eq!(ask.judge().path.len(), 10);
        assert!(!ask.judge().faults.iter().any(|fault| matches!(fault.kind, FaultKind::UntrustedIssuer { .. })));
    }

    /// So many certificates of the same CA, each another one; their signatures cannot be checked.
    fn renewals(count: usize) -> impl Iterator<Item = Arc<Certificate>> {
        (0..count).map(|number| {
            changed("issuing", |body| {
                body.serial = number.to_string();
                body.signature_algorithm.scheme = x509::Scheme::Unknown;
            })
        })
    }

    #[test]
    fn certificates_beyond_the_bound_are_left_out() {
        for (between, anchored) in [(MAX_CERTIFICATES - 3, true), (MAX_CERTIFICATES - 2, false)] {
            let mut ask = sent(&["leaf", "issuing"]).fetched(&["root"]);
            let others = (0..between).map(|number| changed("web", |body| body.serial = number.to_string()));
            ask.chain.extend(others);
            assert_eq!(ask.judge().anchored, anchored, "{between}");
        }
    }

    #[test]
    fn no_more_paths_are_kept_than_there_may_be() {
        let mut ask = sent(&["leaf"]);
        ask.chain.extend(renewals(MAX_PATHS + 5));
        let question = ask.question();
        let paths = Pool::new(&question).paths_from(0);
        assert_eq!(
            paths.iter().map(|path| path.nodes.clone()).collect::<Vec<_>>(),
            (1..17).map(|ca| vec![0, ca]).collect::<Vec<_>>()
        );
    }

    #[test]
    fn signatures_that_are_too_much_work_cannot_be_checked() {
        // CAs of the leaf's issuer's name with another key, said to be of 16,384 bits: each is as much work as 64 others.
        let strangers = MAX_EFFORT as usize / 64;
        let stranger = |number: usize| {
            let key = certificate("foreign-root").body.as_ref().unwrap().key.clone();
            changed("issuing", |body| {
                (body.serial, body.key, body.key.bits) = (number.to_string(), key.clone(), 16_384);
                (body.subject_key_id, body.authority_key_id) = (None, None);
                body.signature_algorithm.scheme = x509::Scheme::Unknown;
            })
        };
        let mut ask = sent(&["leaf", "web"]);
        ask.chain.extend((0..strangers + 1).map(stranger));
        let question = ask.question();
        let path = Pool::new(&question).paths_from(0).remove(0);
        assert_eq!(path.nodes, [0, 2 + strangers], "it is not known that the last one did not sign");
    }

    #[test]
    fn what_cannot_be_read_is_passed_over() {
        let broken = Arc::new(x509::parse(b"0\x03abc"));
        let mut ask = sent(&["leaf", "issuing"]).fetched(&["root"]);
        ask.chain.insert(1, broken.clone());
        assert_eq!(ask.judge().path, [Sent(0), Sent(2), Fetched(0)]);
        ask.chain[0] = broken;
        assert_eq!((ask.judge().faults, ask.judge().path), (vec![], vec![]));
        ask.chain.clear();
        assert_eq!(ask.judge().faults, []);
    }
}

mod strength {
    use super::*;

    /// A new CA of a Windows server: RSA 4096 and SHA-256, at a phone of 2007. The certificate's signature comes first, the
    /// keys second; the trusted root's own signature hardly counts.
    #[test]
    fn the_founding_case() {
        let judgement = sent(&["founding-leaf"]).fetched(&["founding-root"]).named("sip.contoso.com").of(CPE).judge();
        let sha256 =
            || FaultKind::UnsupportedSignature { hash: Some(Hash::Sha256), algorithm: "sha256WithRSAEncryption".to_owned() };
        let large = || FaultKind::UnsupportedKey { key: "RSA 4096".to_owned(), wanted: "RSA up to 2048 bits".to_owned() };
        let fault = |certificate, kind, certainty| Fault { certificate: Some(certificate), kind, certainty };
        assert_eq!(
            judgement.faults,
            [
                fault(Sent(0), sha256(), 0.95),
                fault(Fetched(0), sha256(), 0.95 * 0.2),
                fault(Sent(0), large(), 0.5),
                fault(Fetched(0), large(), 0.5),
            ]
        );
        assert!(judgement.anchored);
        // The same chain, at a phone of which nothing is known.
        assert_eq!(sent(&["founding-leaf"]).fetched(&["founding-root"]).of("generic-sip").judge().faults, []);
    }

    #[test]
    fn sha_1_and_2048_bits_are_what_the_old_phone_takes() {
        let ask = sent(&["leaf", "issuing"]).fetched(&["root"]).named("pool01.contoso.com").of(CPE);
        assert_eq!(ask.judge().faults, []);
        assert_eq!(sent(&["leaf-md5", "issuing"]).fetched(&["root"]).of(CPE).judge().faults, []);
    }

    #[test]
    fn pss_is_a_signature_of_its_own() {
        let fault = sent(&["leaf-pss", "issuing"]).fetched(&["root"]).of(CPE).fault();
        let algorithm = "rsassaPss with SHA-256".to_owned();
        assert_eq!(fault.kind, FaultKind::UnsupportedSignature { hash: Some(Hash::Sha256), algorithm });
        let fault = sent(&["leaf-pss", "issuing"]).fetched(&["root"]).with(|policy| policy.pss = Some((false, 0.9))).fault();
        assert_eq!(fault.certainty, 0.9);
    }

    #[test]
    fn a_kind_of_key_that_the_device_does_not_know() {
        let fault = sent(&["leaf-ec", "issuing"]).fetched(&["root"]).of(CPE).fault();
        let (key, wanted) = ("EC secp256r1".to_owned(), "RSA or DSA".to_owned());
        assert_eq!(fault.kind, FaultKind::UnsupportedKey { key, wanted });
        assert_eq!((fault.certificate, fault.certainty), (Some(Sent(0)), 0.9));
    }

    #[test]
    fn an_algorithm_for_which_the_device_has_no_key() {
        let mut ask = sent(&["leaf"]).with(|policy| policy.keys = Some((vec![KeyKind::Rsa], 0.8)));
        ask.chain = vec![changed("leaf", |body| {
            body.signature_algorithm.oid = "1.2.840.10045.4.3.2".to_owned();
            (body.signature_algorithm.hash, body.signature_algorithm.scheme) = (Some(Hash::Sha256), x509::Scheme::Ecdsa);
        })];
        let algorithm = "ecdsa-with-SHA256".to_owned();
        assert_eq!(ask.fault().kind, FaultKind::UnsupportedSignature { hash: Some(Hash::Sha256), algorithm });
        assert_eq!(ask.fault().certainty, 0.8);
    }

    #[test]
    fn a_new_phone_refuses_what_is_weak_but_not_a_roots_own_signature() {
        let ask = sent(&["leaf-md5", "issuing"]).fetched(&["root"]);
        let ask = ask.with(|policy| policy.weak_hashes = Some((vec![Hash::Md5, Hash::Sha1], 0.8)));
        let weak = |what: &str| FaultKind::Weak { what: what.to_owned(), wanted: "SHA-256 or better".to_owned() };
        assert_eq!(ask.faults(), [(Some(Sent(0)), weak("MD5 signature")), (Some(Sent(1)), weak("SHA-1 signature"))]);

        let fault = sent(&["leaf-1024", "issuing"]).fetched(&["root"]).with(|policy| policy.rsa_min = Some((2048, 0.7))).fault();
        let (what, wanted) = ("RSA 1024".to_owned(), "RSA of at least 2048 bits".to_owned());
        assert_eq!((fault.kind, fault.certainty), (FaultKind::Weak { what, wanted }, 0.7));
    }
}

mod validity {
    use super::*;

    /// Seconds since 1970.
    const Y1970: i64 = 86_400;
    const Y2012: i64 = 1_330_560_000;
    const Y2014: i64 = 1_393_632_000;
    const ENDED_2013: Time = Time(1_356_998_400_000_000_000);

    #[test]
    fn the_end_of_the_servers_own_certificate() {
        let fault = sent(&["leaf-expired", "issuing"]).fetched(&["root"]).fault();
        assert_eq!(fault.certificate, Some(Sent(0)));
        let not_after = Time::from_seconds(1_370_044_800);
        assert_eq!((fault.kind, fault.certainty), (FaultKind::Expired { not_after, clock: Clock::Both }, 1.0));
    }

    #[test]
    fn the_end_of_an_intermediate() {
        let fault = sent(&["leaf", "issuing-expired"]).fetched(&["root"]).fault();
        assert_eq!(fault.certificate, Some(Sent(1)));
        assert_eq!(fault.kind, FaultKind::Expired { not_after: ENDED_2013, clock: Clock::Both });
        assert_eq!(sent(&["leaf", "issuing-expired"]).fetched(&["root"]).at(Y2012, None).judge().faults, []);
    }

    #[test]
    fn a_device_whose_clock_was_never_set_finds_everything_not_yet_valid() {
        let ask = sent(&["leaf", "issuing"]).fetched(&["root"]).at(Y2014, Some(Y1970));
        let places: Vec<Option<Link>> = ask.faults().iter().map(|(certificate, _)| *certificate).collect();
        assert_eq!(places, [Some(Sent(0)), Some(Sent(1)), Some(Fetched(0))], "the server's own first");
        for (_, kind) in ask.faults() {
            assert!(matches!(kind, FaultKind::NotYetValid { clock: Clock::DeviceOnly, .. }), "{kind:?}");
        }
        let certainties: Vec<f32> = ask.judge().faults.iter().map(|fault| fault.certainty).collect();
        assert_eq!(certainties, [1.0, 1.0, 0.7], "not every verifier looks at the dates of a trusted root");
    }

    #[test]
    fn both_clocks_are_told_apart() {
        let clock = |device: i64| {
            let fault = sent(&["leaf-expired", "issuing"]).fetched(&["root"]).at(Y2014, Some(device)).fault();
            let FaultKind::Expired { clock, .. } = fault.kind else { panic!("{fault:?}") };
            (clock, fault.certainty)
        };
        assert_eq!(clock(Y2014), (Clock::Both, 1.0));
        assert_eq!(clock(Y2012).0, Clock::CaptureOnly);
        assert!(clock(Y2012).1 < 0.5, "by its own clock the device takes it");
    }

    /// The chain as sent goes up to an old root that has ended; the same CA's own root is fetched and good.
    #[test]
    fn an_expired_cross_signed_root_beside_a_good_one() {
        let chain = &["leaf", "issuing", "root-by-old-root"];
        for bundle in [&["root"][..], &["root", "old-root"], &["old-root", "root"]] {
            let fault = sent(chain).fetched(bundle).fault();
            assert_eq!((fault.certificate, fault.kind), (Some(Sent(2)), FaultKind::CrossSignedExpired), "{bundle:?}");
        }
        assert_eq!(sent(chain).fetched(&["root"]).at(Y2012, None).judge().faults, []);
        let whole = sent(&["leaf", "issuing", "root-by-old-root", "old-root", "root"]).fault();
        assert_eq!(whole.kind, FaultKind::CrossSignedExpired, "where the store is not known, the other root is sent as well");
    }

    /// The same where the device holds neither root, and its server sends the old path alone.
    #[test]
    fn an_expired_cross_signed_path_whose_good_root_another_server_sends() {
        let whole = || sent(&["leaf", "issuing", "root-by-old-root", "old-root"]);
        let dated = |ask: Ask| {
            let kinds = ask
                .faults()
                .into_iter()
                .filter(|(_, kind)| matches!(kind, FaultKind::Expired { .. } | FaultKind::CrossSignedExpired));
            kinds.collect::<Vec<_>>()
        };
        let expired = |found: &[(Option<Link>, FaultKind)]| {
            !found.is_empty() && found.iter().all(|(_, kind)| matches!(kind, FaultKind::Expired { .. }))
        };
        assert!(expired(&dated(whole())));
        let astray = dated(whole().seen_elsewhere(&["root"]));
        assert_eq!(astray[0], (Some(Sent(2)), FaultKind::CrossSignedExpired));
        assert!(astray.iter().all(|(_, kind)| *kind == FaultKind::CrossSignedExpired), "{astray:?}");
        assert!(expired(&dated(whole().seen_elsewhere(&["old-root"]))));
        let ask = whole().seen_elsewhere(&["root"]);
        let first = ask.judge().faults.into_iter().find(|fault| fault.kind == FaultKind::CrossSignedExpired).unwrap();
        let rest = judge_repaired(&ask.question(), &[Repair::of(&first)]);
        assert!(!rest.iter().any(|fault| matches!(fault.kind, FaultKind::CrossSignedExpired)), "{rest:?}");
    }

    /// The same where nothing but what the CA went on to issue shows that it has another certificate.
    #[test]
    fn a_root_whose_cross_certificate_has_ended_and_that_issues_on_has_another() {
        let from = |year: i64| move |body: &mut x509::Body| body.not_before = Time::from_seconds(year);
        let with_leaf = |year: i64, above: &[&str]| {
            let mut ask = sent(above);
            ask.chain.insert(0, changed("leaf", from(year)));
            let dated = |kind: &FaultKind| matches!(kind, FaultKind::Expired { .. } | FaultKind::CrossSignedExpired);
            ask.faults().into_iter().find(|(_, kind)| dated(kind))
        };
        let astray = Some((Some(Sent(2)), FaultKind::CrossSignedExpired));
        let expired = Some((Some(Sent(2)), FaultKind::Expired { not_after: ENDED_2013, clock: Clock::Both }));
        let (y2008, y2013) = (1_199_145_600, 1_370_044_800);
        assert_eq!(with_leaf(y2013, &["issuing", "root-by-old-root"]), astray, "it calls itself a root");
        assert_eq!(with_leaf(y2013, &["issuing", "root-by-old-root", "old-root"]), astray);
        assert_eq!(with_leaf(y2008, &["issuing", "root-by-old-root"]), expired, "nobody knows whether it goes on");
        let mut below_a_policy = sent(&["issuing"]);
        below_a_policy.chain.insert(0, changed("leaf", from(y2013)));
        below_a_policy.chain.push(changed("root-by-old-root", |body| body.subject.text = WireText::from("CN=Contoso Policy CA")));
        let kinds: Vec<FaultKind> = below_a_policy.faults().into_iter().map(|(_, kind)| kind).collect();
        assert!(!kinds.contains(&FaultKind::CrossSignedExpired), "an intermediate that is not renewed: {kinds:?}");
        assert_eq!(sent(&["leaf", "issuing", "root-by-old-root"]).at(Y2012, None).judge().faults, []);
    }

    #[test]
    fn an_old_certificate_of_a_renewed_ca_does_no_harm_beside_the_new_one() {
        for chain in [["leaf", "issuing-expired", "issuing"], ["leaf", "issuing", "issuing-expired"]] {
            assert_eq!(sent(&chain).fetched(&["root"]).judge().faults, []);
        }
        let judgement = sent(&["leaf", "issuing"]).fetched(&["root-by-old-root", "old-root", "root"]).judge();
        assert_eq!(judgement.faults, [], "Active Directory keeps certificates of former years");
        assert_eq!(judgement.path, [Sent(0), Sent(1), Fetched(2)]);
    }

    #[test]
    fn without_a_good_one_the_expired_root_is_just_expired() {
        let faults = sent(&["leaf", "issuing", "root-by-old-root"]).fetched(&["old-root"]).faults();
        let expired = FaultKind::Expired { not_after: ENDED_2013, clock: Clock::Both };
        assert_eq!(faults, [(Some(Sent(2)), expired.clone()), (Some(Fetched(0)), expired)]);
    }
}

mod usage {
    use super::*;

    fn what(ask: &Ask) -> Vec<(Option<Link>, String)> {
        let usages = ask.faults().into_iter().filter_map(|(certificate, kind)| match kind {
            FaultKind::WrongUsage { what } => Some((certificate, what)),
            _ => None,
        });
        usages.collect()
    }

    #[test]
    fn a_name_that_is_not_in_the_certificate() {
        let fault = sent(&["leaf", "issuing"]).fetched(&["root"]).named("mail.contoso.com").fault();
        let names = vec!["pool01.contoso.com".to_owned(), "sip.contoso.com".to_owned()];
        assert_eq!(fault.kind, FaultKind::NameMismatch { wanted: "mail.contoso.com".to_owned(), names });
        assert_eq!((fault.certificate, fault.certainty), (Some(Sent(0)), 1.0));
    }

    #[test]
    fn a_wildcard_covers_one_label_where_the_device_takes_wildcards() {
        let ask = |name| sent(&["leaf-wildcard", "issuing"]).fetched(&["root"]).named(name);
        assert_eq!(ask("sip.contoso.com").judge().faults, []);
        assert!(matches!(ask("a.sip.contoso.com").fault().kind, FaultKind::NameMismatch { .. }));
        let fault = ask("sip.contoso.com").with(|policy| policy.wildcard = Some((false, 0.4))).fault();
        assert!(matches!(fault.kind, FaultKind::NameMismatch { .. }));
        assert_eq!(fault.certainty, 0.4);
        let literal = sent(&["leaf", "issuing"]).fetched(&["root"]).named("SIP.contoso.com.");
        assert_eq!(literal.with(|policy| policy.wildcard = Some((false, 0.4))).judge().faults, []);
    }

    #[test]
    fn a_certificate_for_clients_is_none_for_a_server() {
        let ask = sent(&["leaf-client-only", "issuing"]).fetched(&["root"]);
        let text = "extended key usage allows client authentication, not server authentication".to_owned();
        assert_eq!(what(&ask), [(Some(Sent(0)), text)]);
    }

    #[test]
    fn an_rsa_key_that_may_neither_sign_nor_decrypt() {
        let ask = sent(&["leaf-agreement-only", "issuing"]).fetched(&["root"]);
        let text = "key usage allows neither digital signature nor key encipherment".to_owned();
        assert_eq!(what(&ask), [(Some(Sent(0)), text)]);
    }

    #[test]
    fn a_server_that_issues_certificates() {
        let ask = sent(&["leaf-of-web", "web", "issuing"]).fetched(&["root"]);
        let texts = [
            "basic constraints say that it is no CA, yet it issued a certificate",
            "key usage does not allow to sign certificates, yet it issued one",
        ];
        assert_eq!(what(&ask), texts.map(|text| (Some(Sent(1)), text.to_owned())));
    }

    #[test]
    fn roots_of_version_1_are_tolerated_and_intermediates_of_version_1_are_not() {
        let version_1 = |name| {
            changed(name, |body| {
                body.version = 1;
                (body.basic_constraints, body.key_usage) = (None, None);
                (body.subject_key_id, body.authority_key_id) = (None, None);
            })
        };
        let mut ask = sent(&["leaf", "issuing"]).fetched(&["root"]);
        ask.fetched = vec![(Frame::new(7), version_1("root"))];
        assert_eq!(ask.judge().faults, []);
        ask.chain[1] = version_1("issuing");
        assert_eq!(what(&ask), [(Some(Sent(1)), "it is of version 1 and no root, yet it issued a certificate".to_owned())]);
    }

    #[test]
    fn a_ca_that_may_have_no_cas_below_it() {
        let mut ask = sent(&["leaf", "issuing"]).fetched(&["root"]);
        ask.fetched = vec![(Frame::new(7), changed("root", |body| body.basic_constraints = Some((true, Some(0)))))];
        assert_eq!(what(&ask), [(Some(Fetched(0)), "basic constraints allow 0 CAs below it, and there are 1".to_owned())]);
        ask.chain[1] = changed("issuing", |body| body.basic_constraints = Some((true, Some(0))));
        ask.fetched = vec![(Frame::new(7), changed("root", |body| body.basic_constraints = Some((true, Some(1)))))];
        assert_eq!(what(&ask), []);
    }

    #[test]
    fn a_device_that_checks_nothing_still_has_to_read_the_keys() {
        let ask = sent(&["founding-leaf"]).named("mail.contoso.com").fetched(&["root"]);
        let ask = ask.with(|policy| {
            policy.checks_chain = Some(false);
            policy.rsa_max = Some((2048, 0.5));
        });
        for fault in ask.judge().faults {
            let wanted = matches!(fault.kind, FaultKind::UnsupportedKey { .. });
            assert_eq!(fault.certainty >= 0.5, wanted, "{fault:?}");
        }
    }
}

mod words {
    use super::*;

    #[test]
    fn a_path_in_words() {
        let ask = sent(&["leaf", "issuing", "root"]).fetched(&["fabrikam-root", "root"]);
        let lines = chain_in_words(&ask.question(), &ask.judge());
        assert_eq!(
            lines,
            [
                "CN=pool01.contoso.com: issued by CN=Contoso Issuing CA,DC=contoso,DC=com, signed with sha1WithRSAEncryption, \
                 key RSA 2048, valid from 2008-01-01T00:00:00Z to 2028-01-01T00:00:00Z, sent as number 1",
                "CN=Contoso Issuing CA,DC=contoso,DC=com: issued by CN=Contoso Root CA,DC=contoso,DC=com, signed with \
                 sha1WithRSAEncryption, key RSA 2048, valid from 2008-01-01T00:00:00Z to 2028-01-01T00:00:00Z, sent as number 2",
                "CN=Contoso Root CA,DC=contoso,DC=com: issued by itself, signed with sha1WithRSAEncryption, key RSA 2048, valid \
                 from 2008-01-01T00:00:00Z to 2028-01-01T00:00:00Z, sent as number 3 and fetched in frame 71",
            ]
        );
    }

    #[test]
    fn a_fetched_ca_is_told_with_its_frame() {
        let ask = sent(&["leaf", "issuing"]).fetched(&["root"]);
        let lines = chain_in_words(&ask.question(), &ask.judge());
        assert!(lines[2].ends_with(", fetched in frame 70"), "{lines:?}");
    }
}

mod repair {
    use super::*;

    fn left(ask: &Ask, repairs: &[Repair]) -> Vec<FaultKind> {
        judge_repaired(&ask.question(), repairs).into_iter().map(|fault| fault.kind).collect()
    }

    /// Mends one fault after the other, the surest first, until none is left; gives what was mended.
    fn mended_one_by_one(ask: &Ask) -> Vec<Repair> {
        let mut repairs = Vec::new();
        while let Some(fault) = judge_repaired(&ask.question(), &repairs).first() {
            let repair = Repair::of(fault);
            assert!(!repairs.contains(&repair), "{repair:?} did not help");
            repairs.push(repair);
        }
        repairs
    }

    #[test]
    fn the_founding_chain_with_other_signatures_still_has_its_key() {
        let ask = sent(&["founding-leaf"]).fetched(&["founding-root"]).named("sip.contoso.com").of(CPE);
        let left = left(&ask, &[Repair::Signatures]);
        assert!(!left.is_empty());
        assert!(left.iter().all(|kind| matches!(kind, FaultKind::UnsupportedKey { .. })), "{left:?}");
        assert_eq!(mended_one_by_one(&ask), [Repair::Signatures, Repair::Keys]);
    }

    #[test]
    fn a_good_chain_has_nothing_to_mend() {
        assert_eq!(mended_one_by_one(&sent(&["leaf", "issuing"]).fetched(&["root"]).of(CPE)), []);
    }

    #[test]
    fn a_clock_set_right_leaves_what_is_out_of_date_by_the_captures_clock() {
        // 2006-01-01: nothing is valid yet. 2014-03-01: one certificate has ended, the others are good.
        let behind = |ask: Ask| ask.at(1_393_632_000, Some(1_136_073_600));
        let good = behind(sent(&["leaf", "issuing"]).fetched(&["root"]));
        assert!(!good.judge().faults.is_empty());
        assert_eq!(left(&good, &[Repair::Clock]), []);
        let ended = behind(sent(&["leaf-expired", "issuing"]).fetched(&["root"]));
        assert!(matches!(left(&ended, &[Repair::Clock]).as_slice(), [FaultKind::Expired { clock: Clock::Both, .. }]));
    }

    #[test]
    fn a_ca_that_is_trusted_leaves_name_and_dates() {
        let ask = sent(&["leaf-expired", "issuing", "root"]).fetched(&["fabrikam-root"]).named("mail.contoso.com");
        assert!(matches!(ask.judge().faults.first(), Some(Fault { kind: FaultKind::UntrustedIssuer { .. }, .. })));
        assert!(matches!(left(&ask, &[Repair::Trust]).as_slice(), [FaultKind::Expired { .. }, FaultKind::NameMismatch { .. }]));
        assert_eq!(mended_one_by_one(&ask), [Repair::Trust, Repair::Dates(Sent(0)), Repair::Name]);
    }

    #[test]
    fn one_certificate_renewed_leaves_the_other() {
        let ask = sent(&["leaf-expired", "issuing-expired"]).fetched(&["root"]);
        assert_eq!(mended_one_by_one(&ask), [Repair::Dates(Sent(0)), Repair::Dates(Sent(1))]);
    }
}
