//! `explain`: what a finding means.

use clap::{Args, ValueEnum};

use super::output::{Output, OutputOptions};
use super::{Exit, Failure};
use crate::report::explain;

/// Findings that are named to somebody who typed a word from their texts.
const SHOWN: usize = 8;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  loginloop explain
  loginloop explain cert-unsupported-signature
  loginloop explain --format json tcp-refused")]
pub(super) struct Explain {
    /// The code; without one, all are listed by stage
    #[arg(value_name = "CODE")]
    code: Option<String>,
    /// text for people, json for programs, markdown for documentation
    #[arg(long, value_enum, default_value_t = Format::Text, help_heading = "Output", hide_possible_values = true)]
    format: Format,
    #[command(flatten)]
    output: OutputOptions,
}

/// How a text is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Text,
    Json,
    Markdown,
}

impl Explain {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        let code = self.code.as_deref().map(|code| code.to_lowercase().replace('_', "-"));
        let known = code.as_deref().map(|code| (explain::rule(code), explain::note(code)));
        if let (Some((None, None)), Some(code)) = (&known, &self.code) {
            return Err(unknown(code));
        }
        let mut output = Output::open(&self.output, &[])?;
        let (width, colour) = (output.width, output.colour);
        output.write(|out| match (known, self.format) {
            (Some((Some(rule), _)), Format::Text) => explain::finding_text(rule, width, colour, out),
            (Some((Some(rule), _)), Format::Json) => explain::finding_json(rule, out),
            (Some((Some(rule), _)), Format::Markdown) => out.write_all(explain::finding_markdown(rule).as_bytes()),
            (Some((None, Some(note))), Format::Text) => explain::note_text(note, width, colour, out),
            (Some((None, Some(note))), Format::Json) => explain::note_json(note, out),
            (Some((None, Some(note))), Format::Markdown) => out.write_all(explain::note_markdown(note).as_bytes()),
            (_, Format::Text) => explain::findings_text(width, colour, out),
            (_, Format::Json) => explain::findings_json(out),
            (_, Format::Markdown) => out.write_all(explain::findings_markdown().as_bytes()),
        })?;
        output.finish()?;
        Ok(Exit::Analysed)
    }
}

/// Which code may have been meant, or which findings speak of it?
fn unknown(code: &str) -> Failure {
    let speak = explain::that_speak_of(code);
    let hint = match (explain::closest(code, explain::codes()), speak.get(..SHOWN).unwrap_or(&speak)) {
        (Some(near), _) => format!("did you mean {near}?"),
        (None, []) => "`loginloop explain` lists all".to_owned(),
        (None, speak) => format!("these speak of it: {}", speak.join(", ")),
    };
    Failure::Usage(format!("there is no finding {code:?}; {hint}"))
}
