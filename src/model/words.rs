//! The closed sets of words: stages, outcomes, who, how, verdicts. Spelt here once, for JSON, help and docs alike.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

/// Declares a closed set of words: an enum, its list, and the spelling used in JSON, help and docs alike.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$item_doc:meta])* $item:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$item_doc])* $item,)+ }

        impl $name {
            /// All of them, in order.
            pub const ALL: &'static [$name] = &[$($name::$item),+];

            /// The stable spelling.
            pub const fn word(self) -> &'static str {
                match self { $($name::$item => $word),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.pad(self.word())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.word())
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let words: Vec<&str> = $name::ALL.iter().map(|item| item.word()).collect();
                json_schema!({"type": "string", "enum": words})
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = String::deserialize(deserializer)?;
                $name::ALL.iter().copied().find(|item| item.word() == word).ok_or_else(|| {
                    let allowed: Vec<&str> = $name::ALL.iter().map(|item| item.word()).collect();
                    serde::de::Error::custom(format!("{word:?} is not one of {}", allowed.join(", ")))
                })
            }
        }
    };
}

words! {
    /// A stage of a login, in the order in which a device's story is told.
    Stage {
        /// LLDP-MED, CDP, 802.1X.
        Link = "link",
        /// DHCP, ARP for the router.
        Address = "address",
        /// DNS.
        Names = "names",
        /// NTP.
        Time = "time",
        /// Configuration files.
        Provision = "provision",
        /// Locating the domain controller: LDAP, Kerberos.
        Directory = "directory",
        /// Fetching the CA chain or a certificate.
        Enrolment = "enrolment",
        /// TCP (or UDP reachability) to the registrar.
        Connect = "connect",
        /// TLS handshake with the registrar.
        Tls = "tls",
        /// SIP REGISTER and its authentication.
        Register = "register",
        /// What follows a registration.
        Session = "session",
        /// The device-update service: a side road.
        Update = "update",
    }
}

words! {
    /// What became of a stage.
    Outcome {
        /// It was passed.
        Ok = "ok",
        /// It was not.
        Failed = "failed",
        /// The device went on without it.
        Skipped = "skipped",
        /// Nothing of it is in the capture.
        Unseen = "unseen",
        /// Traffic is there, but it cannot be judged.
        Unclear = "unclear",
    }
}

words! {
    /// Who ended an attempt.
    By {
        /// The device itself.
        Device = "device",
        /// The server.
        Server = "server",
        /// The network between them, where the capture shows it.
        Network = "network",
        /// The capture does not show who.
        Unknown = "unknown",
    }
}

words! {
    /// How an attempt was ended.
    How {
        /// A TLS alert.
        Alert = "alert",
        /// A TCP FIN.
        Fin = "fin",
        /// A TCP RST.
        Rst = "rst",
        /// Silence.
        Timeout = "timeout",
        /// An ICMP message.
        Icmp = "icmp",
        /// An explicit protocol answer.
        Rejected = "rejected",
        /// The device just stopped and started over.
        Abandoned = "abandoned",
    }
}

words! {
    /// What is said of one device.
    Verdict {
        /// Two or more attempts, each ended in a drop.
        Loop = "loop",
        /// One attempt, ended in a drop.
        Dropped = "dropped",
        /// The last attempt got through.
        SignedIn = "signed-in",
        /// The capture begins or ends in mid-login.
        Incomplete = "incomplete",
        /// No login activity.
        NoLogin = "no-login",
    }
}

impl Verdict {
    /// What needs help most comes first.
    pub fn urgency(self) -> u8 {
        match self {
            Verdict::Loop => 0,
            Verdict::Dropped => 1,
            Verdict::Incomplete => 2,
            Verdict::SignedIn => 3,
            Verdict::NoLogin => 4,
        }
    }
}

words! {
    /// What would have become of a device whose primary cause had been mended.
    Prospect {
        /// Something else that the capture shows would have stopped it.
        Stopped = "stopped",
        /// Nothing else that the capture shows would have.
        Clear = "clear",
        /// The capture does not show enough to tell.
        Unknown = "unknown",
    }
}

words! {
    /// What a device looks at in a certificate.
    Aspect {
        /// The algorithm with which it was signed, and whether the signature verifies.
        Signature = "signature",
        /// Kind and size of its key.
        Key = "key",
        /// From when to when it is valid.
        Validity = "validity",
        /// The names that it covers.
        Name = "name",
        /// Who issued it, and for what.
        Other = "other",
    }
}
