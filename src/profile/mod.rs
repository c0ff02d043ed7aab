//! Device profiles: what each family of phones needs, can verify, shows on its screen and is recognised by. All of it is
//! data; nothing here judges a login.

use serde::{Deserialize, Serialize};

use crate::formats::names::within_domain;
use crate::formats::x509::{Hash, KeyKind};
use crate::model::Stage;

mod firmware;
mod known;
mod load;
mod recognise;

pub use firmware::{Variant, Version};
use known::Known;
pub use load::ProfileError;
pub use recognise::shown;

/// A family of devices.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Stable name, e.g. `communicator-phone-edition`.
    pub name: String,
    /// What people call it, e.g. `Communicator Phone Edition`.
    pub title: String,
    /// A paragraph about it.
    pub about: String,
    /// How it is recognised.
    pub recognition: Vec<Mark>,
    /// The stages of its login, in its order.
    pub order: Vec<Stage>,
    /// Screen text for a stage.
    pub screens: Vec<(Stage, String)>,
    /// DHCP options without which it cannot log in.
    pub required_options: Vec<RequiredOption>,
    /// Names that it looks up to find its registrar, in order; `{domain}` stands for the SIP domain. SRV names begin
    /// with `_`.
    pub registrar_names: Vec<String>,
    /// Names of HTTPS servers where it signs in, and asks again and again until its user has done their part.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sign_in_names: Vec<String>,
    /// Names of its maker's redirect service, which tells it where its configuration is if nothing else does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redirect_names: Vec<String>,
    /// Domains of servers to which it keeps a connection as long as it is signed in, where it signs in over HTTPS.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub session_domains: Vec<String>,
    /// Ports that it tries at its registrar, in order.
    pub registrar_ports: Vec<u16>,
    /// Must an SRV target lie in the SIP domain?
    pub strict_domain: bool,
    /// Does it need NTP before it trusts a certificate?
    pub needs_time: bool,
    /// How long it waits, and for what.
    pub timers: Vec<Timer>,
    /// What it can verify.
    pub trust: TrustPolicy,
    /// What differs with the firmware, in order; see [`Profile::for_firmware`].
    pub variants: Vec<Variant>,
    /// Is it what remains where no other family fits?
    pub fallback: bool,
    /// Where the statements come from; of those that come with the program, see [`Profiles::with_sources`].
    #[serde(skip)]
    pub sources: Vec<Source>,
    /// The user's file that it came from; `None` for one that comes with the program.
    #[serde(skip)]
    pub file: Option<String>,
}

/// Where statements come from, and how sure they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// Which statements: `hashes that it verifies`. Empty: the profile as a whole.
    pub of: Vec<String>,
    /// Document, standard, or the kind of experience.
    pub text: String,
    /// Between 0 and 1; `None` where the file gives none.
    pub certainty: Option<f32>,
}

/// A DHCP option without which a device cannot log in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequiredOption {
    /// Its number.
    pub option: u8,
    /// The number of one that serves as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub or: Option<u8>,
    /// The vendor class (option 60, compared without regard to case) of those that need it; `None`: all do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Does it leave every OFFER without it, so that an ACK would come too late?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_offer: bool,
    /// Why it needs it.
    pub why: String,
}

/// How long a device waits for something.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timer {
    /// For what: `an answer to DISCOVER`.
    pub what: String,
    /// The waits, one after the other, in seconds.
    pub seconds: Vec<f32>,
}

/// One way to recognise a family.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// What to look at.
    pub kind: MarkKind,
    /// Texts, or prefixes, to find there: each counts by itself (compared without regard to case).
    pub values: Vec<String>,
    /// 3 strong, 2 medium, 1 weak; 0 rules the family out.
    pub weight: u8,
    /// What it shows, in a few words: `Polycom`. May be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// Is the family ruled out where no mark that says so is seen?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub needed: bool,
}

/// What a mark looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MarkKind {
    /// First three octets of the MAC, `0004f2`.
    Oui,
    /// DHCP option 60 begins with it.
    VendorClass,
    /// DHCP option 60 contains it.
    VendorClassPart,
    /// DHCP option 12 begins with it.
    HostName,
    /// DHCP option 55 equals it, `1,3,6,15,44,46,47`.
    ParameterList,
    /// DHCP option 55 holds all of these, in any order: `66,160`.
    AskedOptions,
    /// DHCP option 77 (user class) begins with it.
    UserClass,
    /// DHCP option 124 (vendor-identifying vendor class), of DHCPv6 option 16, as `enterprise:text`, begins with it.
    VendorIdentity,
    /// A SIP or HTTP user agent contains it.
    UserAgent,
    /// It asked for a name that begins with it, of DNS or in a TLS hello.
    Name,
    /// It asked for a name in this domain, of DNS or in a TLS hello.
    Domain,
    /// It asked a web or TFTP server for a path that begins with it.
    Path,
    /// It asked a web or TFTP server for a file whose name begins with it, `{mac}` being any twelve digits of a MAC.
    File,
    /// A user name that it gave contains it, and its MAC behind that.
    User,
    /// What it says of itself by LLDP or CDP contains it.
    Described,
    /// It says by LLDP (IEEE 802.1AB section 8.5.8) or CDP that it is a telephone.
    Telephone,
    /// It turns to a web server that its own lease names for its configuration, having asked for that.
    Provisioned,
    /// It asks for the services of its list of names side by side, though the first one is good.
    SideBySide,
    /// Its ClientHello, as [`crate::device::facts::DeviceFacts::hello_in_words`] tells it, begins with it.
    Hello,
    /// The subject of a certificate of its own, given as TLS client, contains it.
    Certificate,
    /// A certificate of its own, given as TLS client, may also be a server's, and bears a host name that begins with it.
    ServerCertificate,
    /// It spoke SIP, or asked for the servers of a SIP domain that begins with it.
    Sip,
}

impl MarkKind {
    /// What is looked at, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Oui => "MAC prefix",
            Self::VendorClass | Self::VendorClassPart => "DHCP vendor class (option 60)",
            Self::HostName => "DHCP host name (option 12)",
            Self::ParameterList => "DHCP parameter list (option 55)",
            Self::AskedOptions => "DHCP options asked for (option 55)",
            Self::UserClass => "DHCP user class (option 77)",
            Self::VendorIdentity => "DHCP vendor identity (option 124, of DHCPv6 16)",
            Self::UserAgent => "user agent",
            Self::Name | Self::Domain | Self::SideBySide => "names asked for",
            Self::Path | Self::File => "files asked for",
            Self::User => "user name",
            Self::Described | Self::Telephone => "LLDP and CDP",
            Self::Provisioned => "the server of its configuration",
            Self::Hello => "TLS hello",
            Self::Certificate | Self::ServerCertificate => "own certificate",
            Self::Sip => "SIP",
        }
    }
}

/// What a family can verify of a certificate and of TLS. `None` and empty mean: not known, so nothing is concluded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrustPolicy {
    /// Hashes in signatures that it can verify, with the certainty of the list between 0 and 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hashes: Option<(Vec<Hash>, f32)>,
    /// Kinds of key that it can use, with certainty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys: Option<(Vec<KeyKind>, f32)>,
    /// The largest RSA key that it can use, in bits, with certainty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rsa_max: Option<(u32, f32)>,
    /// The smallest RSA key that it accepts, in bits, with certainty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rsa_min: Option<(u32, f32)>,
    /// Hashes that it refuses as too weak, with certainty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weak_hashes: Option<(Vec<Hash>, f32)>,
    /// Can it verify RSASSA-PSS?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pss: Option<(bool, f32)>,
    /// Does it take wildcard names?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wildcard: Option<(bool, f32)>,
    /// Does it compare the name in the certificate with the one that led to the server?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checks_name: Option<(bool, f32)>,
    /// The lowest TLS version that it takes, e.g. 0x0303.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_min: Option<u16>,
    /// The highest TLS version that it speaks, e.g. 0x0301.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_max: Option<u16>,
    /// Does it send server_name?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sends_sni: Option<bool>,
    /// Does it check dates, issuers, names at all? (Some phones do not by default.)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checks_chain: Option<bool>,
    /// Does it hold public CAs of its own, so that a chain to none of the fetched ones may still be good?
    pub built_in_cas: bool,
}

impl Profile {
    /// Is this the first name that it asks for to find its registrar?
    pub fn asks_first_for(&self, name: &str) -> bool {
        let first = self.registrar_names.first().and_then(|name| name.split("{domain}").next());
        let prefix = first.filter(|prefix| !prefix.is_empty());
        prefix.is_some_and(|prefix| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix)))
    }

    /// Is this the name of a server where it signs in over HTTPS?
    pub fn signs_in_at(&self, name: &str) -> bool {
        self.sign_in_names.iter().any(|known| known.eq_ignore_ascii_case(name.trim_end_matches('.')))
    }

    /// Is this the name of its maker's redirect service, or one that its maker has it look for in its own domain?
    pub fn is_redirected_at(&self, name: &str) -> bool {
        let name = name.trim_end_matches('.');
        let host = name.split('.').next().unwrap_or_default();
        let is_it = |known: &String| known.eq_ignore_ascii_case(if known.contains('.') { name } else { host });
        self.redirect_names.iter().any(is_it)
    }

    /// Does a connection to a server of this name that is kept show that it is signed in?
    pub fn keeps_session_at(&self, name: &str) -> bool {
        self.session_domains.iter().any(|domain| within_domain(name, domain))
    }

    /// What the screen says at a stage.
    pub fn screen(&self, stage: Stage) -> Option<&str> {
        self.screens.iter().find(|(at, _)| *at == stage).map(|(_, text)| text.as_str())
    }
}

/// A recognised family, and by what.
#[derive(Clone, Debug)]
pub struct Recognised<'a> {
    /// The family; `None` where nothing points to a phone.
    pub profile: Option<&'a Profile>,
    /// What pointed to it, in plain words with the values.
    pub evidence: Vec<String>,
    /// How sure it is, between 0 and 1. What is concluded from the family alone cannot be surer.
    pub certainty: f32,
}

/// The profiles in use: the built-in ones, and those of the user.
#[derive(Clone, Debug, Default)]
pub struct Profiles {
    /// In order of their names.
    all: Vec<Known>,
}

impl Profiles {
    /// All, in order of their names.
    pub fn all(&self) -> impl Iterator<Item = &Profile> {
        self.all.iter().map(Known::profile)
    }

    /// The one with this name.
    pub fn named(&self, name: &str) -> Option<&Profile> {
        self.all.iter().find(|known| known.name() == name).map(Known::profile)
    }
}
