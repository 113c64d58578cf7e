// The target that the program is named after, in libFuzzer. Each target is a program of its own, so
// that it contains, and libFuzzer observes, only the code that the target can reach.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vexil_fuzz::{TARGETS, Target};

const TARGET: Target = {
    let mut index = 0;
    while !is_equal(TARGETS[index].name, env!("CARGO_BIN_NAME")) {
        index += 1;
    }
    TARGETS[index]
};

const fn is_equal(one: &str, two: &str) -> bool {
    let (one, two) = (one.as_bytes(), two.as_bytes());
    let mut at = 0;
    while at < one.len() && at < two.len() && one[at] == two[at] {
        at += 1;
    }
    at == one.len() && at == two.len()
}

fuzz_target!(|input: &[u8]| (TARGET.run)(input));
