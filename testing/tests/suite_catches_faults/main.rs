//! Tests of the conformance suites: for each clause there is a store with a single fault, and the
//! clause must fail for that store. `conformance.rs` tests that the clauses hold for stores without
//! faults.

#![cfg(test)]

mod big_segments;
mod data_source;
mod data_store;
mod event_processor;
mod faulty_data_store;
mod faulty_store;
mod hook;
mod persistent_store;
#[cfg(feature = "http-transport")]
mod transport;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;

use vexil_testing::conformance::hold;

/// Asserts that a clause fails for this harness.
#[track_caller]
fn assert_caught<H>(
    harness: H,
    clause: impl for<'a> FnOnce(&'a H) -> Pin<Box<dyn Future<Output = ()> + 'a>>,
) {
    let held = catch_unwind(AssertUnwindSafe(|| hold(|| harness, clause)));
    assert!(held.is_err(), "the clause does not detect the fault");
}
