//! The suites are tested, too: for each clause there is a store with a fault that no other part of
//! it has, and the clause must fail on it. That the clauses hold for stores without faults is seen
//! in `conformance.rs`.

#![cfg(test)]

mod big_segments;
mod faulty_store;
mod persistent_store;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;

use vexil_testing::conformance::hold;

/// Asserts that a clause does not hold for what this harness tests.
#[track_caller]
fn assert_caught<H>(
    harness: H,
    clause: impl for<'a> FnOnce(&'a H) -> Pin<Box<dyn Future<Output = ()> + 'a>>,
) {
    let held = catch_unwind(AssertUnwindSafe(|| hold(|| harness, clause)));
    assert!(held.is_err(), "the clause holds in spite of the fault");
}
