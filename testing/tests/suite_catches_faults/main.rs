//! Tests of the conformance suites: for each clause there is a store with a single fault, and the
//! clause must fail for that store. `conformance.rs` tests that the clauses hold for stores without
//! faults.

#![cfg(test)]

#[macro_use]
mod caught;

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
