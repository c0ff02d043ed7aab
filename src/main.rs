//! The `loginloop` command: arguments in, exit code out.

fn main() {}
