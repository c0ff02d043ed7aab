//! Pages that are made from the source.

use loginloop::{cli, report};

use crate::source::hold;

#[test]
fn the_page_of_findings_is_that_of_the_rules() {
    hold("docs/findings.md", &report::explain::findings_markdown());
}

#[test]
fn the_page_of_profiles_is_that_of_the_profiles() {
    hold("docs/profiles.md", &report::explain::profiles_markdown());
}

#[test]
fn the_page_of_the_command_line_is_that_of_its_options() {
    hold("docs/cli.md", &cli::cli_markdown());
}

#[test]
fn the_schema_is_that_of_the_types() {
    hold("docs/loginloop-1.schema.json", &report::json::schema());
}
