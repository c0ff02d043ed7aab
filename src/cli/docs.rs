//! `docs/cli.md`, made from the options themselves.

use super::command;

/// The command line in Markdown: each command with its help.
pub fn cli_markdown() -> String {
    /// As wide as a page of documentation shows without scrolling.
    const WIDTH: usize = 100;
    let mut text =
        "<!-- Made from the source by `TIDY=write cargo test --test tidy`; do not edit. -->\n# The command line\n".to_owned();
    let mut command = command().term_width(WIDTH);
    command.build();
    text.push_str(&format!("\n```text\n{}\n```\n", trimmed(&command.render_long_help().to_string())));
    for subcommand in command.get_subcommands_mut().filter(|subcommand| subcommand.get_name() != "help") {
        let help = subcommand.clone().term_width(WIDTH).render_long_help().to_string();
        text.push_str(&format!("\n## `loginloop {}`\n\n```text\n{}\n```\n", subcommand.get_name(), trimmed(&help)));
    }
    text
}

/// Without spaces at the ends of lines, which editors take away.
fn trimmed(help: &str) -> String {
    help.trim().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_documented() {
        let docs = cli_markdown();
        for subcommand in command().get_subcommands() {
            assert!(docs.contains(&format!("## `loginloop {}`", subcommand.get_name())));
        }
        assert!(docs.lines().all(|line| line.chars().count() <= 110 || line.starts_with("<!--")), "{docs}");
    }
}
