//! The counting program: the same cases, under an allocator that counts.
//!
//! Naming the crate `allocation_counter` is what makes its allocator that of the whole program, so
//! it is named here and nowhere else. It counts by thread: what an SDK's own threads allocate
//! meanwhile is left out.

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
