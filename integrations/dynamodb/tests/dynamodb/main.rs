//! Tests of the stores with a real DynamoDB Local, and with simulated faults that it does not
//! produce.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod big_segments;
mod builder;
mod clients;
mod conformance;
mod errors;
mod init;
mod leases;
mod limits;
mod outages;
mod reading;
mod refills;
mod rows;
mod settings;
mod support;
mod throttling;
mod upsert;
mod write_order;
