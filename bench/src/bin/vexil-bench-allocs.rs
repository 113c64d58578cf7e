//! The counting program: the same cases, under an allocator that counts.
//!
//! Naming the crate `allocation_counter` is what makes its allocator that of the whole program, so
//! it is named here and nowhere else. It counts by thread: what an SDK's own threads allocate
//! meanwhile is left out.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    vexil_bench::count_allocations(std::env::args().skip(1), |call| allocation_counter::measure(call).count_total)
}
