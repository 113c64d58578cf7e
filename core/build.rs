//! Tells the crate by which compiler it is built: the SDK's report about itself names it.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // A compiler that does not answer is not reported.
    let Some(rustc) = env::var_os("RUSTC") else { return };
    let Ok(answer) = Command::new(rustc).arg("--version").output() else { return };
    // `rustc 1.95.0 (59807616e 2026-04-14)`
    let answer = String::from_utf8_lossy(&answer.stdout);
    if let Some(version) = answer.split_whitespace().nth(1) {
        println!("cargo::rustc-env=VEXIL_RUST_VERSION={version}");
    }
}
