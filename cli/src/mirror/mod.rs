//! Copies flags and segments into a database.
//!
//! `plan` decides what the target is to contain, and does no I/O; `guard` refuses plans that would
//! empty it. `target` reads and writes the database. `follow` repeats that for each change of the
//! source.

mod big_segments;
mod follow;
mod guard;
mod lock;
mod plan;
mod target;

pub(crate) use self::big_segments::{BigSegments, Copied, CopyError};
pub(crate) use self::follow::{Command, Event, Follower, Side, described, follow, unreadable};
pub(crate) use self::guard::Refusal;
pub(crate) use self::lock::Lock;
pub(crate) use self::plan::{Counts, Plan, Rules};
pub(crate) use self::target::{Target, Written};
