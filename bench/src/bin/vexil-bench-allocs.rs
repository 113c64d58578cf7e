//! The counting program: runs the same cases with a counting allocator.
//!
//! Referring to the crate `allocation_counter` makes its allocator the global one, so only this
//! binary refers to it. It counts per thread: allocations of an SDK's own threads are left out.

use std::error::Error;

use vexil_bench::Allocated;

fn main() -> Result<(), Box<dyn Error>> {
    vexil_bench::count_allocations(std::env::args().skip(1), |call| {
        let counted = allocation_counter::measure(call);
        Allocated {
            allocations: counted.count_total as f64,
            bytes: counted.bytes_total as f64,
        }
    })
}
