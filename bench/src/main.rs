//! The timing program; see the library for how it works and why there are several programs.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    vexil_bench::time(std::env::args().skip(1))
}
