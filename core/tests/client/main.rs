//! The client: readiness, the doors to a flag's value, what it fetches, where it runs, its status and its end.

#![cfg(test)]

#[path = "../support/mod.rs"]
mod support;

mod doors;
mod lifecycle;
mod memory;
mod needs;
mod readiness;
mod runtimes;
mod status;
