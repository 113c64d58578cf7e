//! The client: readiness, variation methods, fetching, runtimes, status and shutdown.

#![cfg(test)]

#[path = "../support/interest.rs"]
mod interest;
#[path = "../support/log.rs"]
mod log;
#[path = "../support/mod.rs"]
mod support;

mod callbacks;
mod closing;
mod components;
mod interleavings;
mod lifecycle;
mod memory;
mod needs;
mod overrides;
mod readiness;
mod reentry;
mod runtimes;
mod state_names;
mod states;
mod status;
mod variations;
