//! `manual`: manual pages, one for the program and one for each command.

use std::fs;
use std::path::PathBuf;

use clap::Args;

use super::output::shown;
use super::{Exit, Failure, command};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  loginloop manual ~/.local/share/man/man1
  loginloop manual . && man ./loginloop-diagnose.1")]
pub(super) struct Manual {
    /// The directory in which the pages are written; it must exist
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

impl Manual {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        for (name, page) in pages().map_err(|source| Failure::Output { name: "manual pages".to_owned(), source })? {
            let path = self.directory.join(&name);
            #[expect(clippy::disallowed_methods, reason = "the command line is where files are written")]
            fs::write(&path, page).map_err(|source| Failure::Output { name: shown(&path), source })?;
        }
        Ok(Exit::Analysed)
    }
}

/// Each page with the name of its file.
fn pages() -> std::io::Result<Vec<(String, Vec<u8>)>> {
    let mut command = command();
    command.build();
    let mut commands = vec![command.clone()];
    commands.extend(command.get_subcommands().filter(|one| one.get_name() != "help").cloned());
    let page = |command: clap::Command| {
        let man = clap_mangen::Man::new(command);
        let mut page = Vec::new();
        man.render(&mut page)?;
        Ok((man.get_filename(), page))
    };
    commands.into_iter().map(page).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_has_a_page_with_its_examples() {
        let pages = pages().unwrap();
        for subcommand in command().get_subcommands() {
            let name = format!("loginloop-{}.1", subcommand.get_name());
            let (_, page) = pages.iter().find(|(file, _)| *file == name).unwrap_or_else(|| panic!("{name}"));
            assert!(String::from_utf8_lossy(page).contains("Examples"), "{name}");
        }
        assert!(pages.iter().any(|(file, _)| file == "loginloop.1"));
    }
}
