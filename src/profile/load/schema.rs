//! The schema of a profile's file, and what its fields become.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::StrDeserializer;
use toml::Spanned;

use super::texts::{TextOr, Texts};
use super::trust::{Certainty, Trust};
use crate::model::Stage;
use crate::profile::{Mark, MarkKind, Profile, RequiredOption, Source, Timer, Variant, Version};

/// Where in the text something is wrong, and what.
pub(super) type Complaint = (usize, String);

/// A whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    name: Spanned<String>,
    title: String,
    about: String,
    order: Vec<Spanned<String>>,
    #[serde(default)]
    screens: BTreeMap<Stage, String>,
    #[serde(default)]
    required_option: Vec<RequiredOption>,
    registrar_names: Vec<String>,
    registrar_ports: Vec<u16>,
    #[serde(default)]
    sign_in_names: Vec<String>,
    #[serde(default)]
    redirect_names: Vec<String>,
    #[serde(default)]
    session_domains: Vec<String>,
    #[serde(default)]
    strict_domain: bool,
    #[serde(default)]
    needs_time: bool,
    #[serde(default)]
    fallback: bool,
    #[serde(default)]
    sources: Vec<TextOr<WrittenSource>>,
    mark: Vec<WrittenMark>,
    #[serde(default)]
    timer: Vec<WrittenTimer>,
    trust: Trust,
    #[serde(default)]
    variant: Vec<WrittenVariant>,
}

/// The source of statements that have no room for it themselves.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSource {
    of: Vec<Statement>,
    source: String,
    certainty: Option<Certainty>,
}

impl From<String> for WrittenSource {
    /// A plain text is the source of the whole.
    fn from(source: String) -> Self {
        Self { of: Vec::new(), source, certainty: None }
    }
}

/// A statement, by its field.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Statement {
    About,
    Order,
    Screens,
    RequiredOption,
    RegistrarNames,
    RegistrarPorts,
    SignInNames,
    RedirectNames,
    SessionDomains,
    StrictDomain,
    NeedsTime,
    Mark,
}

impl Statement {
    fn words(self) -> &'static str {
        match self {
            Self::About => "what it is",
            Self::Order => "order of its login",
            Self::Screens => "screens",
            Self::RequiredOption => "DHCP options",
            Self::RegistrarNames => "names of its registrar",
            Self::RegistrarPorts => "ports of its registrar",
            Self::SignInNames => "names where it signs in",
            Self::RedirectNames => "names of its redirect service",
            Self::SessionDomains => "where it keeps its session",
            Self::StrictDomain => "SRV targets",
            Self::NeedsTime => "need of the time",
            Self::Mark => "recognition",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenMark {
    kind: MarkKind,
    value: Spanned<Texts>,
    weight: Weight,
    #[serde(default)]
    needed: bool,
    #[serde(default)]
    note: String,
    source: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTimer {
    what: String,
    seconds: Vec<f32>,
    certainty: Certainty,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenVariant {
    marker: String,
    from: Option<Version>,
    below: Option<Version>,
    strict_domain: Option<bool>,
    #[serde(default)]
    trust: Trust,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "i64")]
struct Weight(u8);

impl TryFrom<i64> for Weight {
    type Error = String;

    fn try_from(value: i64) -> Result<Self, String> {
        let weight = u8::try_from(value).ok().filter(|weight| *weight <= 3);
        weight.map(Self).ok_or_else(|| format!("weight {value} is none of 3 (strong), 2 (medium), 1 (weak), 0 (rules out)"))
    }
}

impl File {
    /// Where in the text its name stands.
    pub(super) fn name_at(&self) -> usize {
        self.name.span().start
    }

    /// The profile that it describes.
    pub(super) fn profile(self) -> Result<Profile, Complaint> {
        let at = self.name_at();
        let name = self.name.into_inner();
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-') {
            return Err((at, format!("the name {name:?} must be lower-case letters, digits and hyphens")));
        }
        let mut sources = self.sources.into_iter().map(|TextOr(source)| source.source()).collect();
        let trust = self.trust.policy("", &mut sources);
        let variants = self.variant.into_iter().map(|variant| variant.variant(&mut sources)).collect();
        let timers = self.timer.into_iter().map(|timer| timer.timer(&mut sources)).collect();
        let recognition = self.mark.into_iter().map(|mark| mark.mark(&mut sources)).collect::<Result<_, _>>()?;
        Ok(Profile {
            name,
            title: self.title,
            about: self.about.split_whitespace().collect::<Vec<_>>().join(" "),
            recognition,
            order: self.order.into_iter().map(stage).collect::<Result<_, _>>()?,
            screens: self.screens.into_iter().collect(),
            required_options: self.required_option,
            registrar_names: self.registrar_names,
            registrar_ports: self.registrar_ports,
            sign_in_names: self.sign_in_names,
            redirect_names: self.redirect_names,
            session_domains: self.session_domains,
            strict_domain: self.strict_domain,
            needs_time: self.needs_time,
            timers,
            trust,
            variants,
            fallback: self.fallback,
            sources,
            file: None,
        })
    }
}

fn stage(word: Spanned<String>) -> Result<Stage, Complaint> {
    let deserializer: StrDeserializer<'_, toml::de::Error> = word.as_ref().as_str().into_deserializer();
    Stage::deserialize(deserializer).map_err(|error| (word.span().start, error.message().to_owned()))
}

impl WrittenSource {
    fn source(self) -> Source {
        let of = self.of.into_iter().map(|statement| statement.words().to_owned()).collect();
        Source { of, text: self.source, certainty: self.certainty.map(|certainty| certainty.0) }
    }
}

impl WrittenTimer {
    fn timer(self, sources: &mut Vec<Source>) -> Timer {
        sources.push(Source { of: vec![self.what.clone()], text: self.source, certainty: Some(self.certainty.0) });
        Timer { what: self.what, seconds: self.seconds }
    }
}

impl WrittenMark {
    /// The mark; how sure it is, its weight says.
    fn mark(self, sources: &mut Vec<Source>) -> Result<Mark, Complaint> {
        let at = self.value.span().start;
        let values = self.value.into_inner().placed(at).into_iter();
        let values = values.map(|(at, value)| checked(self.kind, value).map_err(|message| (at, message)));
        let values = values.collect::<Result<_, _>>()?;
        if let Some(text) = self.source {
            let of = vec![self.kind.words().to_owned()];
            let source = Source { of, text, certainty: None };
            if !sources.contains(&source) {
                sources.push(source);
            }
        }
        Ok(Mark { kind: self.kind, values, weight: self.weight.0, note: self.note, needed: self.needed })
    }
}

/// The value of a mark in the form in which it is compared, or what is wrong with it.
fn checked(kind: MarkKind, value: String) -> Result<String, String> {
    match kind {
        MarkKind::Oui => {
            let digits: String = value.chars().filter(|c| !matches!(c, ':' | '-')).collect::<String>().to_ascii_lowercase();
            let right = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            right.then_some(digits).ok_or_else(|| format!("{value:?} is not the first half of a MAC address, such as \"0004f2\""))
        }
        MarkKind::ParameterList | MarkKind::AskedOptions => {
            let right = value.split(',').all(|number| number.parse::<u8>().is_ok());
            let message = format!("{value:?} is not a list of DHCP options, such as \"1,3,6,15\"");
            right.then_some(value).ok_or(message)
        }
        MarkKind::Telephone if !value.is_empty() => Err("who is a telephone says no more of it: the value is \"\"".to_owned()),
        MarkKind::Provisioned if !value.is_empty() => Err("who is provisioned says no more of it: the value is \"\"".to_owned()),
        MarkKind::SideBySide if !value.is_empty() => Err("how it asks says no more of it: the value is \"\"".to_owned()),
        MarkKind::Sip | MarkKind::ServerCertificate | MarkKind::Telephone | MarkKind::Provisioned | MarkKind::SideBySide => {
            Ok(value)
        }
        _ if value.is_empty() => Err("an empty value would fit every device".to_owned()),
        _ => Ok(value),
    }
}

impl WrittenVariant {
    fn variant(self, sources: &mut Vec<Source>) -> Variant {
        let bound = |word: &str, version: &Option<Version>| version.as_ref().map_or(String::new(), |v| format!(" {word} {v}"));
        let range = format!("firmware{}{}, ", bound("from", &self.from), bound("below", &self.below));
        let trust = self.trust.policy(&range, sources);
        Variant { marker: self.marker, from: self.from, below: self.below, strict_domain: self.strict_domain, trust }
    }
}
