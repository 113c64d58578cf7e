//! Runs one hot path, for callgrind to count its instructions. `scripts/instructions` starts it.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    vexil_bench::run_hot_path(std::env::args().skip(1))
}
