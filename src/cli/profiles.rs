//! `profiles`: what is known of each family of devices.

use clap::Args;

use super::explain::Format;
use super::options::{ProfileFiles, unknown_profile};
use super::output::{Output, OutputOptions};
use super::{Exit, Failure};
use crate::report::explain;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  loginloop profiles
  loginloop profiles communicator-phone-edition
  loginloop profiles --profiles-dir my-phones --format json")]
pub(super) struct Profiles {
    /// The profile; without one, all are listed
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// text for people, json for programs, markdown for documentation
    #[arg(long, value_enum, default_value_t = Format::Text, help_heading = "Output", hide_possible_values = true)]
    format: Format,
    #[command(flatten)]
    profile_files: ProfileFiles,
    #[command(flatten)]
    output: OutputOptions,
}

impl Profiles {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        let profiles = self.profile_files.load()?.with_sources();
        let profile = match self.name.as_deref() {
            None => None,
            Some(name) => Some(profiles.named(name).ok_or_else(|| unknown_profile(name, &profiles))?),
        };
        let mut output = Output::open(&self.output, &[])?;
        let (width, colour) = (output.width, output.colour);
        output.write(|out| match (profile, self.format) {
            (Some(profile), Format::Text) => explain::profile_text(profile, width, colour, out),
            (Some(profile), Format::Json) => explain::profile_json(profile, out),
            (Some(profile), Format::Markdown) => out.write_all(explain::profile_markdown(profile).as_bytes()),
            (None, Format::Text) => explain::profiles_text(&profiles, width, colour, out),
            (None, Format::Json) => explain::profiles_json(&profiles, out),
            (None, Format::Markdown) => {
                profiles.all().try_for_each(|profile| out.write_all(explain::profile_markdown(profile).as_bytes()))
            }
        })?;
        output.finish()?;
        Ok(Exit::Analysed)
    }
}
