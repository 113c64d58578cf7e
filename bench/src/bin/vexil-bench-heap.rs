//! Counts the allocations of all threads of its process.

use std::alloc::System;
use std::error::Error;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use vexil_bench::Allocated;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> Result<(), Box<dyn Error>> {
    vexil_bench::count_allocations(std::env::args().skip(1), |call| {
        let region = Region::new(ALLOCATOR);
        call();
        let change = region.change();
        Allocated {
            allocations: (change.allocations + change.reallocations) as f64,
            bytes: change.bytes_allocated as f64,
        }
    })
}
