//! What a profile says of its devices.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::{GENERATED, first_sentence, pretty};
use crate::formats::x509::{Hash, KeyKind};
use crate::profile::{Mark, MarkKind, Profile, Profiles, RequiredOption, Source, Timer, TrustPolicy};
use crate::protocols::tls::names::version_name;
use crate::report::page::{Ink, Page};
use crate::text::WireText;

/// All profiles, a line each.
pub fn profiles_text(profiles: &Profiles, width: usize, colour: bool, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page::new(out, width, colour);
    let column = profiles.all().map(|profile| profile.name.len()).max().unwrap_or_default();
    for profile in profiles.all() {
        let about = format!("{}: {}", profile.title, first_sentence(&flat(&profile.about)));
        page.hanging(&format!("{:<column$}  ", profile.name), Ink::Strong, Ink::Plain, &about)?;
    }
    page.gap()?;
    page.labelled(
        "More",
        Ink::Plain,
        "`loginloop profiles NAME`: what such a device needs, verifies and shows, and how it is recognised",
    )
}

/// One profile in full.
pub fn profile_text(profile: &Profile, width: usize, colour: bool, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page::new(out, width, colour);
    page.line(&[(Ink::Strong, &profile.name), (Ink::Faint, &format!("  {}", profile.title))])?;
    page.broken("", Ink::Plain, Ink::Plain, &flat(&profile.about), 0)?;
    for (label, lines) in sheet(profile) {
        page.gap()?;
        page.line(&[(Ink::Strong, label)])?;
        for line in lines {
            page.hanging("  ", Ink::Plain, Ink::Plain, &line)?;
        }
    }
    Ok(())
}

/// A text that was wrapped in its file, in one line.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn required(needed: &RequiredOption) -> String {
    let other = needed.or.map(|other| format!(" or {other}")).unwrap_or_default();
    let class = needed.class.as_ref().map(|class| format!(", if its class is {class}")).unwrap_or_default();
    let offer = if needed.in_offer { ", already in the offer" } else { "" };
    format!("option {}{other}{class}{offer}: {}", needed.option, flat(&needed.why))
}

/// All that a profile says, under headings.
fn sheet(profile: &Profile) -> Vec<(&'static str, Vec<String>)> {
    let mut order = vec![profile.order.iter().map(|stage| stage.word()).collect::<Vec<_>>().join(", ")];
    order.extend(profile.needs_time.then(|| "needs the time (NTP) before it trusts a certificate".to_owned()));
    let screens = profile.screens.iter().map(|(stage, text)| format!("{stage}: \"{text}\"")).collect();
    let options = profile.required_options.iter().map(required).collect();
    let mut registrar = profile.registrar_names.clone();
    if !profile.registrar_ports.is_empty() {
        registrar.push(format!("ports {}", listed(&profile.registrar_ports)));
    }
    registrar.extend(profile.strict_domain.then(|| "the SRV target must lie in the SIP domain".to_owned()));
    let firmware = profile
        .variants
        .iter()
        .map(|variant| {
            let mut facts = trust(&variant.trust);
            facts.extend(variant.strict_domain.map(|strict| {
                let must = if strict { "must" } else { "need not" };
                format!("the SRV target {must} lie in the SIP domain")
            }));
            let from = variant.from.as_ref().map(|from| format!(" from {from}")).unwrap_or_default();
            let below = variant.below.as_ref().map(|below| format!(" below {below}")).unwrap_or_default();
            format!("\"{}\"{from}{below}: {}", variant.marker, facts.join("; "))
        })
        .collect();
    let sheet = vec![
        ("Stages of its login, in order", order),
        ("What its screen says", screens),
        ("DHCP options that it cannot do without", options),
        ("How it finds its registrar, in order", registrar),
        ("Where it signs in over HTTPS", profile.sign_in_names.clone()),
        ("Where its maker tells it of its configuration", profile.redirect_names.clone()),
        ("Where it keeps its session", profile.session_domains.clone()),
        ("How long it waits", profile.timers.iter().map(timer).collect()),
        ("What it can verify", trust(&profile.trust)),
        ("What differs with the firmware", firmware),
        ("How it is recognised", profile.recognition.iter().flat_map(marks).collect()),
        ("Sources", profile.sources.iter().map(source).collect()),
    ];
    sheet.into_iter().filter(|(_, lines)| lines.iter().any(|line| !line.is_empty())).collect()
}

fn timer(timer: &Timer) -> String {
    format!("{}: {} s", timer.what, listed(&timer.seconds))
}

fn source(source: &Source) -> String {
    let of = if source.of.is_empty() { String::new() } else { format!("{}: ", source.of.join(", ")) };
    let sure = source.certainty.map(|certainty| format!(" ({:.0} % sure)", certainty * 100.0)).unwrap_or_default();
    format!("{of}{}{sure}", source.text)
}

fn listed<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// What a policy says, a line each, with how sure that is.
fn trust(policy: &TrustPolicy) -> Vec<String> {
    let hashes = |list: &[Hash]| list.iter().map(|hash| hash.name()).collect::<Vec<_>>().join(", ");
    let keys = |list: &[KeyKind]| list.iter().map(|kind| key_name(*kind)).collect::<Vec<_>>().join(", ");
    let yes = |yes: bool| if yes { "" } else { "no " };
    let mut lines = Vec::new();
    let mut sure = |certainty: f32, text: String| lines.push(format!("{text} ({:.0} % sure)", certainty * 100.0));
    if let Some((list, certainty)) = &policy.hashes {
        sure(*certainty, format!("signatures made with {}", hashes(list)));
    }
    if let Some((list, certainty)) = &policy.keys {
        sure(*certainty, format!("keys: {}", keys(list)));
    }
    if let Some((bits, certainty)) = policy.rsa_max {
        sure(certainty, format!("RSA keys up to {bits} bits"));
    }
    if let Some((bits, certainty)) = policy.rsa_min {
        sure(certainty, format!("RSA keys from {bits} bits"));
    }
    if let Some((list, certainty)) = &policy.weak_hashes {
        sure(*certainty, format!("refuses as too weak: {}", hashes(list)));
    }
    if let Some((can, certainty)) = policy.pss {
        sure(certainty, format!("{}RSASSA-PSS", yes(can)));
    }
    if let Some((can, certainty)) = policy.wildcard {
        sure(certainty, format!("{}wildcard names", yes(can)));
    }
    if let Some((checks, certainty)) = policy.checks_name {
        let what = if checks { "compares" } else { "does not compare" };
        sure(certainty, format!("{what} the name in the certificate with the server's"));
    }
    lines.extend(policy.tls_min.map(|version| format!("takes nothing below {}", version_name(version))));
    lines.extend(policy.tls_max.map(|version| format!("speaks up to {}", version_name(version))));
    lines.extend(
        policy.sends_sni.map(|sends| if sends { "sends server_name".to_owned() } else { "sends no server_name".to_owned() }),
    );
    lines.extend(policy.checks_chain.filter(|checks| !checks).map(|_| "does not check certificates unless told to".to_owned()));
    lines.extend(policy.built_in_cas.then(|| "holds public CAs of its own".to_owned()));
    lines
}

fn key_name(kind: KeyKind) -> &'static str {
    match kind {
        KeyKind::Rsa => "RSA",
        KeyKind::Ec => "elliptic curve",
        KeyKind::Dsa => "DSA",
        KeyKind::Edwards => "Edwards curve",
        KeyKind::Unknown => "other",
    }
}

/// A mark in words, a line for each value; prefixes of MACs, of which there can be many, in one.
fn marks(mark: &Mark) -> Vec<String> {
    match mark.kind {
        MarkKind::Oui => vec![self::mark(mark, &mark.values.join(", "))],
        _ => mark.values.iter().map(|value| self::mark(mark, value)).collect(),
    }
}

fn mark(mark: &Mark, value: &str) -> String {
    // Some classes are no text.
    let value = WireText::from(value).to_string();
    let what = match mark.kind {
        MarkKind::Oui => format!("MAC begins with {value}"),
        MarkKind::VendorClass => format!("DHCP vendor class begins with \"{value}\""),
        MarkKind::VendorClassPart => format!("DHCP vendor class contains \"{value}\""),
        MarkKind::HostName => format!("DHCP host name begins with \"{value}\""),
        MarkKind::ParameterList => format!("DHCP parameter list is {value}"),
        MarkKind::AskedOptions => format!("asks DHCP for option {}", value.replace(',', ", ")),
        MarkKind::UserClass => format!("DHCP user class begins with \"{value}\""),
        MarkKind::VendorIdentity => format!("DHCP vendor identity begins with \"{value}\""),
        MarkKind::UserAgent => format!("user agent contains \"{value}\""),
        MarkKind::Name => format!("asks for a name that begins with \"{value}\", by DNS or TLS"),
        MarkKind::Domain => format!("asks for a name in the domain \"{value}\", by DNS or TLS"),
        MarkKind::Path => format!("asks a web or TFTP server for a path that begins with \"{value}\""),
        MarkKind::File => format!("asks a web or TFTP server for a file whose name begins with \"{value}\""),
        MarkKind::User => format!("names its user \"{value}\" and its MAC, with 802.1X as a rule"),
        MarkKind::Described => format!("describes itself by LLDP or CDP with \"{value}\""),
        MarkKind::Telephone => "says by LLDP or CDP that it is a telephone".to_owned(),
        MarkKind::Provisioned => "fetches its configuration over HTTP from the server that its lease names".to_owned(),
        MarkKind::SideBySide => "asks DNS for several services of its list side by side, though the first is good".to_owned(),
        MarkKind::Hello => format!("its TLS hello offers at most \"{value}\""),
        MarkKind::Certificate => format!("the subject of its own certificate contains \"{value}\""),
        MarkKind::ServerCertificate if value.is_empty() => {
            "its own certificate may be a server's, and bears a host name".to_owned()
        }
        MarkKind::ServerCertificate => format!("its own certificate may be a server's, of a host that begins with \"{value}\""),
        MarkKind::Sip if value.is_empty() => "speaks SIP, or asks for the servers of a SIP domain".to_owned(),
        MarkKind::Sip => format!("asks for the servers of a SIP domain that begins with \"{value}\""),
    };
    let note = if mark.note.is_empty() { String::new() } else { format!(" ({})", mark.note) };
    let weight = match mark.weight {
        0 => "rules it out",
        1 => "weak",
        2 => "medium",
        _ => "strong",
    };
    let needed = if mark.needed { ", needed" } else { "" };
    format!("{weight}{needed}: {what}{note}")
}

fn as_json(profile: &Profile) -> Value {
    let rounded = |certainty: f32| (f64::from(certainty) * 100.0).round() / 100.0;
    let sure = |value: Value, certainty: f32| json!({"value": value, "certainty": rounded(certainty)});
    let policy = &profile.trust;
    let hashes = |list: &[Hash]| list.iter().map(|hash| hash.name()).collect::<Value>();
    let keys = |list: &[KeyKind]| list.iter().map(|kind| key_name(*kind)).collect::<Value>();
    json!({
        "name": profile.name,
        "title": profile.title,
        "about": flat(&profile.about),
        "order": profile.order,
        "screens": profile.screens.iter().map(|(stage, text)| json!({"stage": stage, "text": text})).collect::<Value>(),
        "required_options": profile.required_options,
        "registrar_names": profile.registrar_names,
        "registrar_ports": profile.registrar_ports,
        "sign_in_names": profile.sign_in_names,
        "redirect_names": profile.redirect_names,
        "session_domains": profile.session_domains,
        "strict_domain": profile.strict_domain,
        "needs_time": profile.needs_time,
        "timers": profile.timers.iter().map(|timer| json!({"what": timer.what, "seconds": timer.seconds})).collect::<Value>(),
        "trust": {
            "hashes": policy.hashes.as_ref().map(|(list, certainty)| sure(hashes(list), *certainty)),
            "keys": policy.keys.as_ref().map(|(list, certainty)| sure(keys(list), *certainty)),
            "rsa_max": policy.rsa_max.map(|(bits, certainty)| sure(bits.into(), certainty)),
            "rsa_min": policy.rsa_min.map(|(bits, certainty)| sure(bits.into(), certainty)),
            "weak_hashes": policy.weak_hashes.as_ref().map(|(list, certainty)| sure(hashes(list), *certainty)),
            "pss": policy.pss.map(|(can, certainty)| sure(can.into(), certainty)),
            "wildcard": policy.wildcard.map(|(can, certainty)| sure(can.into(), certainty)),
            "checks_name": policy.checks_name.map(|(checks, certainty)| sure(checks.into(), certainty)),
            "tls_min": policy.tls_min.map(|version| version_name(version).into_owned()),
            "tls_max": policy.tls_max.map(|version| version_name(version).into_owned()),
            "sends_sni": policy.sends_sni,
            "checks_chain": policy.checks_chain,
            "built_in_cas": policy.built_in_cas,
        },
        "recognition": profile.recognition.iter().flat_map(marks).collect::<Value>(),
        "sources": profile.sources.iter().map(source).collect::<Value>(),
        "statements": profile.sources.iter().map(|source| json!({
            "of": source.of, "source": source.text, "certainty": source.certainty.map(rounded),
        })).collect::<Value>(),
    })
}

/// All profiles as a JSON list.
pub fn profiles_json(profiles: &Profiles, out: &mut dyn Write) -> io::Result<()> {
    pretty(&profiles.all().map(as_json).collect(), out)
}

/// One profile as a JSON object.
pub fn profile_json(profile: &Profile, out: &mut dyn Write) -> io::Result<()> {
    pretty(&as_json(profile), out)
}

/// `docs/profiles.md`, of the profiles that come with the program.
pub fn profiles_markdown() -> String {
    let mut text = format!("{GENERATED}# Device profiles\n\n");
    text.push_str(
        "What each family of devices needs, can verify, shows on its screen and is recognised by. `loginloop profiles NAME` \
         prints the same; `--profile NAME` takes a device for one of that family, and `--profiles-dir DIR` adds your own.\n\n\
         A profile is a TOML file; those of `src/profile/devices` are examples of all its fields. One of the name of a profile below \
         takes its place. What a file does not say is not known, and nothing is concluded from it. Whatever is wrong in it is an \
         error that names the file, the line, the column and what is allowed there.\n",
    );
    for profile in Profiles::builtin().with_sources().all() {
        text.push('\n');
        text.push_str(&profile_markdown(profile));
    }
    text
}

/// One profile in Markdown, under a heading of the second level.
pub fn profile_markdown(profile: &Profile) -> String {
    let mut text = format!("## {}: `{}`\n\n{}\n", profile.title, profile.name, flat(&profile.about));
    for (label, lines) in sheet(profile) {
        text.push_str(&format!("\n**{label}**\n\n"));
        text.extend(lines.iter().map(|line| format!("- {}\n", escaped(line))));
    }
    text
}

/// Markdown takes `_` and `*` for emphasis, `<` for a tag.
fn escaped(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    for c in line.chars() {
        if matches!(c, '_' | '*' | '<' | '\\' | '`') {
            text.push('\\');
        }
        text.push(c);
    }
    text
}
