//! Runs the target that `VEXIL_FUZZ_TARGET` names in libFuzzer. `scripts/fuzz` builds and starts it.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use vexil_fuzz::{TARGETS, Target};

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("VEXIL_FUZZ_TARGET").expect("VEXIL_FUZZ_TARGET names a target");
    let target = TARGETS.iter().find(|target| target.name == name);
    target.unwrap_or_else(|| panic!("there is no target {name}"))
});

fuzz_target!(|input: &[u8]| (TARGET.run)(input));
