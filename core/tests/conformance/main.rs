//! The public conformance suites of `vexil-testing`, for every implementation in this crate.

#![cfg(test)]

#[cfg(feature = "http")]
mod data_sources;
mod data_stores;
#[cfg(feature = "http")]
mod event_processors;
#[cfg(feature = "http")]
mod transports;
