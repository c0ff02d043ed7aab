//! How the executable is linked: a run on a small capture is mostly the start of the program, and that mostly the dynamic linker.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = |key: &str| env::var(format!("CARGO_CFG_TARGET_{key}")).unwrap_or_default();
    let is_static = target("FEATURE").split(',').any(|feature| feature == "crt-static");
    if target("OS") == "linux" && target("ENV") == "gnu" && !is_static {
        // At a fixed address, thousands of pointers are right as they stand in the file, and no page of them is copied: a run on a
        // small capture takes a seventh less. Stack, heap and libraries still lie at random addresses.
        println!("cargo::rustc-link-arg-bins=-no-pie");
        // What unwinds the stack comes out of the compiler's archive: a library less to be found, loaded and bound.
        println!("cargo::rustc-link-lib=static:-bundle=gcc_eh");
    }
}
