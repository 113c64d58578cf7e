//! Every setting that takes a time or a size takes any: zero, a nanosecond and the largest there
//! is.
//!
//! [`scan`] reads the source of every crate of the workspace and fails if it has a setting that no test here, or in the
//! crate's own `settings` test, uses. The other modules use each setting of this crate in a running
//! client.

#![cfg(test)]
#![cfg(feature = "http")]

mod calls;
mod retry_after;
mod scan;
mod service;
mod stores;
#[path = "../support/mod.rs"]
mod support;
mod web;

use std::time::Duration;

/// What a setting that is a time is swept with.
const TIMES: [Duration; 3] = [Duration::ZERO, Duration::from_nanos(1), Duration::MAX];

/// What a setting that is a size is swept with.
const SIZES: [usize; 2] = [0, usize::MAX];

/// For how long calls are counted.
const WINDOW: Duration = Duration::from_secs(60);

/// The most rounds of a loop whose pause is a setting that may begin in the window: one in 100 ms,
/// of which chance may take away 15 %, and some to begin with.
const MOST_ROUNDS: u64 = 60 * 12 + 20;
