//! What families of devices make of a chain: for people, and for programs.

use std::io::{self, Write};

use serde::Serialize;

use super::page::{Ink, Page};
use super::{visible, words};
use crate::acceptance::{Coverage, Objection, Opinion, Request};
use crate::trust::certificate_in_words;

/// Writes it for people.
pub fn text(
    title: &str,
    request: &Request,
    opinions: &[Opinion],
    names: &[Coverage],
    width: usize,
    colour: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut page = Page::new(out, width, colour);
    page.line(&[(Ink::Strong, title)])?;
    for certificate in &request.chain {
        match &certificate.body {
            Ok(body) => page.hanging("  ", Ink::Plain, Ink::Plain, &certificate_in_words(body))?,
            Err(error) => page.hanging("  ", Ink::Plain, Ink::Bad, &format!("a certificate that cannot be read: {error}"))?,
        }
    }
    page.gap()?;
    for opinion in opinions {
        family(&mut page, opinion)?;
    }
    if !names.is_empty() {
        page.gap()?;
        for name in names {
            coverage(&mut page, name)?;
        }
    }
    if request.authorities.is_empty() || request.names.is_empty() {
        page.gap()?;
    }
    if request.names.is_empty() {
        page.hanging("", Ink::Plain, Ink::Faint, "Not judged: the name. Say with --name by which one devices reach the server.")?;
    }
    if request.authorities.is_empty() {
        page.hanging("", Ink::Plain, Ink::Faint, "Not judged: whether the devices hold the CA. Name what they hold with --ca.")?;
    }
    Ok(())
}

fn family(page: &mut Page<'_>, opinion: &Opinion) -> io::Result<()> {
    let start = format!("{}  ", opinion.title);
    match (opinion.refuses(), opinion.is_known) {
        (true, _) => page.line(&[(Ink::Strong, &start), (Ink::Bad, "REFUSES")])?,
        (false, true) if !opinion.objections.is_empty() => {
            page.line(&[(Ink::Strong, &start), (Ink::Good, "accepts"), (Ink::Plain, ", with a doubt")])?;
        }
        (false, true) => page.line(&[(Ink::Strong, &start), (Ink::Good, "accepts")])?,
        (false, false) => {
            page.line(&[(Ink::Strong, &start), (Ink::Plain, "nothing speaks against it; what it can verify is not known")])?
        }
    }
    opinion.objections.iter().try_for_each(|objection| line(page, objection))
}

fn line(page: &mut Page<'_>, objection: &Objection) -> io::Result<()> {
    let whose = objection.certificate.as_ref().map(|subject| format!("{subject}: ")).unwrap_or_default();
    let wanted = objection.wanted.as_ref().map(|wanted| format!("; it takes {wanted}")).unwrap_or_default();
    let sure = words::sure(objection.certainty);
    page.hanging("    ", Ink::Plain, Ink::Plain, &format!("{whose}{}{wanted} ({}, {sure})", objection.what, objection.code))
}

fn coverage(page: &mut Page<'_>, name: &Coverage) -> io::Result<()> {
    let (ink, mark) = if name.covered { (Ink::Good, "covered    ") } else { (Ink::Bad, "NOT covered") };
    let role = name.role.map(|role| format!("  {}", role.used_for)).unwrap_or_default();
    page.line(&[(ink, mark), (Ink::Plain, &format!("  {}", name.name)), (Ink::Faint, &role)])
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    source: &'a str,
    chain: Vec<Option<String>>,
    authorities_known: bool,
    profiles: Vec<Family<'a>>,
    names: Vec<Name<'a>>,
}

#[derive(Serialize)]
struct Family<'a> {
    profile: &'a str,
    refuses: bool,
    known: bool,
    objections: Vec<Reason<'a>>,
}

#[derive(Serialize)]
struct Reason<'a> {
    code: &'static str,
    certificate: Option<&'a str>,
    what: &'a str,
    wanted: Option<&'a str>,
    confidence: f64,
}

#[derive(Serialize)]
struct Name<'a> {
    name: &'a str,
    role: Option<&'static str>,
    covered: bool,
}

impl<'a> From<&'a Objection> for Reason<'a> {
    fn from(objection: &'a Objection) -> Self {
        Self {
            code: objection.code,
            certificate: objection.certificate.as_deref(),
            what: &objection.what,
            wanted: objection.wanted.as_deref(),
            confidence: words::two_digits(objection.certainty),
        }
    }
}

/// Writes it for programs, one document on one line.
pub fn json(source: &str, request: &Request, opinions: &[Opinion], names: &[Coverage], out: &mut dyn Write) -> io::Result<()> {
    let document = Document {
        schema: "loginloop-certificate/1",
        source,
        chain: request.chain.iter().map(|one| one.body.as_ref().ok().map(certificate_in_words)).collect(),
        authorities_known: !request.authorities.is_empty(),
        profiles: opinions
            .iter()
            .map(|opinion| Family {
                profile: &opinion.profile,
                refuses: opinion.refuses(),
                known: opinion.is_known,
                objections: opinion.objections.iter().map(Reason::from).collect(),
            })
            .collect(),
        names: names
            .iter()
            .map(|name| Name { name: &name.name, role: name.role.map(|role| role.label), covered: name.covered })
            .collect(),
    };
    visible::compact(&document, &mut *out)?;
    out.write_all(b"\n")
}
