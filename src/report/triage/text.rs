//! The summary of a batch, for a terminal: what failed and how often, what frees most devices, what was not read.

use std::io::{self, Write};

use crate::report::page::{Ink, Page};
use crate::report::{queries, told, words};
use crate::triage::{Group, Overview, Remedy};

/// Groups, fixes and unread files that the summary names; the folder has all.
const GROUPS: usize = 10;
const FIXES: usize = 5;
const UNREAD: usize = 10;

/// How the summary is laid out.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Columns of a line.
    pub width: usize,
    /// With colour?
    pub colour: bool,
    /// The first lines alone?
    pub quiet: bool,
}

/// Writes the summary of results that lie in `folder`.
pub fn write(overview: &Overview, folder: &str, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page::new(out, options.width, options.colour);
    page.broken("", Ink::Plain, Ink::Strong, &told::batch(overview), 2)?;
    page.broken("", Ink::Plain, Ink::Faint, &told::batch_extent(overview), 2)?;
    if !options.quiet {
        groups(&mut page, overview)?;
        fixes(&mut page, overview)?;
    }
    unread(&mut page, overview)?;
    page.gap()?;
    page.copyable("Results", &format!("{folder} (begin with index.html)"))?;
    // Where nothing failed, the answer is empty.
    if options.quiet || overview.failed == 0 { Ok(()) } else { page.copyable("Ask there", &queries::first()) }
}

fn groups(page: &mut Page<'_>, overview: &Overview) -> io::Result<()> {
    if overview.groups.is_empty() {
        return Ok(());
    }
    page.gap()?;
    page.line(&[(Ink::Strong, "What failed alike")])?;
    for group in overview.groups.iter().take(GROUPS) {
        self::group(page, group)?;
    }
    more(page, overview.groups.len(), GROUPS, "further group", "index.html")
}

fn group(page: &mut Page<'_>, group: &Group) -> io::Result<()> {
    let count = format!("{}, {}", words::counted(group.devices, "device"), words::counted(group.captures, "capture"));
    page.line(&[(Ink::Bad, &count), (Ink::Plain, "  "), (Ink::Plain, &group.fingerprint)])?;
    let example = &group.example;
    // Names and addresses in what follows are those of this one.
    page.copyable("  Example", &format!("{}, {}, frame {}", example.path, example.device, example.frame))?;
    if let Some(summary) = &example.summary {
        page.labelled("  Cause", Ink::Plain, summary)?;
    }
    match &example.fix {
        Some(fix) => page.labelled("  Fix", Ink::Plain, fix),
        None => Ok(()),
    }
}

fn fixes(page: &mut Page<'_>, overview: &Overview) -> io::Result<()> {
    if overview.fixes.is_empty() {
        return Ok(());
    }
    page.gap()?;
    page.line(&[(Ink::Strong, "What frees most devices, in this order")])?;
    let mut together = 0_usize;
    for (place, Remedy { fix, .. }) in overview.fixes.iter().take(FIXES).enumerate() {
        together = together.saturating_add(fix.frees);
        let number = format!("{}. ", place.saturating_add(1));
        let frees = match fix.frees {
            0 => "frees none without the next".to_owned(),
            frees => format!("frees {}, {together} of {} together", words::counted(frees, "device"), overview.failed),
        };
        page.line(&[(Ink::Plain, &number), (Ink::Strong, &fix.need), (Ink::Plain, ": "), (Ink::Plain, &frees)])?;
    }
    more(page, overview.fixes.len(), FIXES, "further fix", "index.html")
}

fn unread(page: &mut Page<'_>, overview: &Overview) -> io::Result<()> {
    if overview.unread.is_empty() {
        return Ok(());
    }
    page.gap()?;
    page.line(&[(Ink::Strong, "Not read")])?;
    for unread in overview.unread.iter().take(UNREAD) {
        page.broken(&format!("{}: ", unread.path), Ink::Plain, Ink::Bad, &unread.error, 2)?;
    }
    more(page, overview.unread.len(), UNREAD, "further file", "captures.csv")
}

fn more(page: &mut Page<'_>, all: usize, shown: usize, what: &str, place: &str) -> io::Result<()> {
    match all.saturating_sub(shown) {
        0 => Ok(()),
        rest => {
            let verb = if rest == 1 { "is" } else { "are" };
            page.line(&[(Ink::Faint, &format!("{} {verb} in {place}", words::counted(rest, what)))])
        }
    }
}
