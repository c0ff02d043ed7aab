//! The `loginloop` command: arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    loginloop::cli::main().into()
}
