//! Every setting that is a time or a size accepts any value: zero, a nanosecond and the maximum.
//!
//! [`scan`] reads the source of every crate of the workspace and fails if a crate has a setting
//! that neither a test here nor the crate's `settings` test uses. The other modules use each
//! setting of this crate in a running client.

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

/// The values that each time setting is tested with.
const TIMES: [Duration; 3] = [Duration::ZERO, Duration::from_nanos(1), Duration::MAX];

/// The values that each size setting is tested with.
const SIZES: [usize; 2] = [0, usize::MAX];

/// For how long calls are counted.
const WINDOW: Duration = Duration::from_secs(60);

/// The maximum number of rounds in the window of a loop whose pause is a setting: one in 100 ms, of
/// which jitter may take away 15 %, and some at the start.
const MOST_ROUNDS: u64 = 60 * 12 + 20;
