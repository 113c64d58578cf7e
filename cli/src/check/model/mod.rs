//! Flags and segments as typed views of their trees, for the rules.
//!
//! A view exists for items that the reader of flags accepts, so that all parts have the right types.
//! Missing and null properties have the defaults of the reader.

mod clause;
mod flag;
mod rollout;
mod segment;

use super::item::Spot;

pub(super) use self::clause::{Clause, Meaning};
pub(super) use self::flag::{Flag, Prerequisite, Target};
pub(super) use self::rollout::Rollout;
pub(super) use self::segment::Segment;

/// The kind of contexts that a missing or empty kind means.
const USER: &str = "user";

/// Returns the kind of contexts that a property names.
fn kind_of<'t>(spot: &Spot<'t>, name: &str) -> &'t str {
    match spot.text(name) {
        "" => USER,
        kind => kind,
    }
}
