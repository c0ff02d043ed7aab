//! Lines on a page of a given width: escaped, wrapped, and coloured where that is wanted. Whatever comes from outside goes
//! through here, so that no packet can steer a terminal.

use std::borrow::Cow;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use crate::text::{escape, is_plain};

/// Columns of a label, its colon and the space behind it.
const LABEL: usize = 11;
/// No line is made narrower than this, whatever the terminal says.
const NARROWEST: usize = 50;
/// Text is not squeezed into fewer columns than this behind what stands before it.
const TOO_LITTLE: usize = 40;

/// What a piece of text is, as far as colour goes. Colour only repeats what the words say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) enum Ink {
    /// Nothing special.
    Plain,
    /// A heading, a device.
    Strong,
    /// A failure.
    Bad,
    /// A success.
    Good,
    /// What labels or surrounds.
    Faint,
}

impl Ink {
    fn style(self) -> Style {
        match self {
            Ink::Plain => Style::new(),
            Ink::Strong => Style::new().bold(),
            Ink::Bad => AnsiColor::Red.on_default().bold(),
            Ink::Good => AnsiColor::Green.on_default(),
            Ink::Faint => Style::new().dimmed(),
        }
    }
}

/// Where a report is written.
pub(in crate::report) struct Page<'a> {
    out: &'a mut dyn Write,
    width: usize,
    colour: bool,
}

impl<'a> Page<'a> {
    pub(in crate::report) fn new(out: &'a mut dyn Write, width: usize, colour: bool) -> Self {
        Self { out, width: width.max(NARROWEST), colour }
    }

    /// An empty line.
    pub(in crate::report) fn gap(&mut self) -> io::Result<()> {
        self.out.write_all(b"\n")
    }

    /// A line of several inks, never wrapped.
    pub(in crate::report) fn line(&mut self, parts: &[(Ink, &str)]) -> io::Result<()> {
        for (ink, text) in parts {
            self.ink(*ink, &safe(text))?;
        }
        self.gap()
    }

    /// `Label:    text`, wrapped under the text.
    pub(in crate::report) fn labelled(&mut self, label: &str, ink: Ink, text: &str) -> io::Result<()> {
        self.hanging(&format!("{:<LABEL$}", format!("{label}:")), Ink::Faint, ink, text)
    }

    /// Further text under the last label.
    pub(in crate::report) fn under(&mut self, ink: Ink, text: &str) -> io::Result<()> {
        self.hanging(&" ".repeat(LABEL), Ink::Faint, ink, text)
    }

    /// A label whose text stays on one line, so that it can be copied.
    pub(in crate::report) fn copyable(&mut self, label: &str, text: &str) -> io::Result<()> {
        let label = if label.is_empty() { String::new() } else { format!("{label}:") };
        self.line(&[(Ink::Faint, &format!("{label:<LABEL$}")), (Ink::Plain, text)])
    }

    /// `start` and then text, wrapped so that every line begins where the text began; where that leaves little room, the
    /// further lines begin further left.
    pub(in crate::report) fn hanging(&mut self, start: &str, start_ink: Ink, ink: Ink, text: &str) -> io::Result<()> {
        let column = columns(&safe(start));
        let indent = if self.width.saturating_sub(column) < TOO_LITTLE { LABEL.min(column) } else { column };
        self.broken(start, start_ink, ink, text, indent)
    }

    /// `start` and then text; further lines begin after `indent` columns.
    pub(in crate::report) fn broken(
        &mut self,
        start: &str,
        start_ink: Ink,
        ink: Ink,
        text: &str,
        indent: usize,
    ) -> io::Result<()> {
        let start = safe(start);
        let mut lines = wrap(text, self.width.saturating_sub(columns(&start)), self.width.saturating_sub(indent)).into_iter();
        self.ink(start_ink, start.trim_end_matches(' '))?;
        // A first word that does not fit behind `start` leaves the first line empty.
        let first = lines.next().unwrap_or_default();
        if !first.is_empty() {
            write!(self.out, "{:width$}", "", width = columns(&start) - columns(start.trim_end_matches(' ')))?;
            self.ink(ink, &first)?;
        }
        self.gap()?;
        for line in lines {
            write!(self.out, "{:indent$}", "")?;
            self.ink(ink, &line)?;
            self.gap()?;
        }
        Ok(())
    }

    fn ink(&mut self, ink: Ink, text: &str) -> io::Result<()> {
        if self.colour && ink != Ink::Plain && !text.trim().is_empty() {
            let style = ink.style();
            write!(self.out, "{style}{text}{style:#}")
        } else {
            self.out.write_all(text.as_bytes())
        }
    }
}

/// Text with whatever could steer a terminal made visible.
pub(in crate::report) fn safe(text: &str) -> Cow<'_, str> {
    if is_plain(text) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    // Writing to a String cannot fail.
    let _ = escape(text, &mut safe);
    Cow::Owned(safe)
}

/// How many columns text takes, taking every character for one. (Names and values are, as good as always.)
pub(in crate::report) fn columns(text: &str) -> usize {
    text.chars().count()
}

/// Escapes and breaks text at spaces. A word that is too long stays whole, so that it can be copied.
fn wrap(text: &str, first_room: usize, room: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let text = safe(text);
    let mut in_command = false;
    // A command between backticks is one word.
    let words = text.split(|c: char| {
        in_command ^= c == '`';
        c == ' ' && !in_command
    });
    for word in words.filter(|word| !word.is_empty()) {
        let is_first = lines.is_empty();
        let length = columns(&line).saturating_add(usize::from(!line.is_empty())).saturating_add(columns(word));
        let fits = length <= if is_first { first_room } else { room };
        // A word that fits on no line may as well begin here, unless a further line has more room.
        if !fits && (!line.is_empty() || is_first && first_room < room) {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_at_spaces_and_long_words_stay_whole() {
        assert_eq!(wrap("one two three", 7, 7), ["one two", "three"]);
        assert_eq!(wrap("a frame.number==139&&tls b", 5, 5), ["a", "frame.number==139&&tls", "b"]);
        assert_eq!(wrap("", 5, 5), [""]);
        assert_eq!(wrap("run `a b c` now", 9, 9), ["run", "`a b c`", "now"]);
        assert_eq!(wrap("three four", 2, 10), ["", "three four"]);
    }

    #[test]
    fn what_could_steer_a_terminal_is_visible_and_cannot_break_a_line() {
        assert_eq!(wrap("a\nb\u{1b}[2J", 40, 40), [r"a\u{a}b\u{1b}[2J"]);
    }

    #[test]
    fn colour_is_there_only_where_wanted() {
        for (colour, wanted) in [(false, "Cause:     x\n"), (true, "\u{1b}[2mCause:\u{1b}[0m     x\n")] {
            let mut out = Vec::new();
            Page::new(&mut out, 80, colour).labelled("Cause", Ink::Plain, "x").unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), wanted);
        }
    }
}
