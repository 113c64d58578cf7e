//! The public conformance suites of `vexil-testing`, for every implementation in this crate.

#![cfg(test)]

mod data_stores;
