//! The timing program; see the library for what it does and why there are two.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    vexil_bench::time(std::env::args().skip(1))
}
