//! Two flags with long lists, added to the common data.
//!
//! The lists of the common data are too short to tell a scan from a lookup; these are not. They are
//! added separately, because the bytes of the common data are fixed by a digest.

use super::USER;
use super::fixed::in_segment;
use super::parts::{boolean, clause, rule, segment, user_key};
use super::rng::Rng;
use super::shape::{Data, Flag, Operand, Serve};

/// A flag with one `in` clause of a thousand keys, of which the user's is the last.
pub(crate) const LARGE_CLAUSE: &str = "bench-clause-1000";
/// A flag with a segment of ten thousand included keys, of which the user's is the last.
pub(crate) const LARGE_SEGMENT: &str = "bench-segment-10000";

/// Adds both flags, and the segment of one of them.
pub(crate) fn add_large(data: &mut Data) {
    for large in [clause_of(1_000), segment_of(10_000)] {
        data.flags.extend(large.flags);
        data.segments.extend(large.segments);
    }
}

/// A flag with one `in` clause of the given number of keys, named [`LARGE_CLAUSE`] whatever the
/// number; the user's key is the last.
pub(crate) fn clause_of(values: u32) -> Data {
    let mut rng = Rng::seeded();
    let values = keys_ending_in_user(values).map(Operand::Text).collect();
    let flag = boolean(&mut rng, LARGE_CLAUSE);
    let rule = rule(&mut rng, vec![clause("key", "in", values)], 0);
    let flag = Flag {
        rules: vec![rule],
        fallthrough: Serve::Variation(1),
        ..flag
    };
    Data {
        flags: vec![flag],
        segments: vec![],
    }
}

/// A flag with a segment of the given number of included keys, named [`LARGE_SEGMENT`] whatever the
/// number; the user's key is the last.
pub(crate) fn segment_of(keys: u32) -> Data {
    let mut rng = Rng::seeded();
    let mut members = segment(&mut rng, "bench-seg-10000");
    members.included = keys_ending_in_user(keys).collect();
    Data {
        flags: vec![in_segment(&mut rng, LARGE_SEGMENT, &members.key)],
        segments: vec![members],
    }
}

fn keys_ending_in_user(count: u32) -> impl Iterator<Item = String> {
    (1..count).map(user_key).chain([USER.key.into()])
}
