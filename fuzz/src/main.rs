//! One program for all targets: the environment variable `FUZZ_TARGET` names the one that runs. Without it the names are
//! listed. A protocol that joins `protocols::ALL` is a target from then on.

#![no_main]

mod archive;
mod capture;
#[path = "../../tests/support/feed.rs"]
mod feed;
mod flow;
mod formats;
mod login;
mod packet;
mod program;
mod protocol;
mod targets;

use std::sync::OnceLock;

use cap::Cap;
use libfuzzer_sys::fuzz_target;

/// Memory is counted: an input that needs more than this ends as a crash.
const MEMORY: usize = 256 << 20;

#[global_allocator]
static ALLOCATOR: Cap<std::alloc::System> = Cap::new(std::alloc::System, usize::MAX);

static TARGET: OnceLock<targets::Target> = OnceLock::new();

/// The target that was asked for; lists them if none was.
fn chosen() -> targets::Target {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    match targets::all().into_iter().find(|(known, _)| *known == name) {
        Some((_, target)) => target,
        None => {
            for (known, _) in targets::all() {
                println!("{known}");
            }
            std::process::exit(i32::from(!name.is_empty()));
        }
    }
}

fuzz_target!(
    init: {
        let _ = TARGET.set(chosen());
        let _ = ALLOCATOR.set_limit(MEMORY);
    },
    |bytes: &[u8]| {
        if let Some(target) = TARGET.get() {
            target(bytes);
        }
    }
);
