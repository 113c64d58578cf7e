//! Runs one hot path under callgrind, which counts its instructions; see `scripts/instructions`.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    vexil_bench::run_hot_path(std::env::args().skip(1))
}
