//! Two flags whose lists are long, added beside the common data.
//!
//! The common data has short lists throughout, so it cannot tell a scan from a lookup. These can.
//! They are added separately, since the common data's bytes are fixed by digest.

use super::USER;
use super::fixed::in_segment;
use super::parts::{boolean, clause, rule, segment, user_key};
use super::rng::Rng;
use super::shape::{Data, Flag, Operand, Serve};

/// A flag with one `in` clause of a thousand keys; the user's is the last.
pub(crate) const LARGE_CLAUSE: &str = "bench-clause-1000";
/// A flag on a segment of ten thousand included keys; the user's is the last.
pub(crate) const LARGE_SEGMENT: &str = "bench-segment-10000";

/// Adds both flags, and the segment that one of them names.
pub(crate) fn add_large(data: &mut Data) {
    let mut rng = Rng::seeded();

    let values = keys_ending_in_user(1_000).map(Operand::Text).collect();
    let flag = boolean(&mut rng, LARGE_CLAUSE);
    let rule = rule(&mut rng, vec![clause("key", "in", values)], 0);
    data.flags.push(Flag { rules: vec![rule], fallthrough: Serve::Variation(1), ..flag });

    let mut members = segment(&mut rng, "bench-seg-10000");
    members.included = keys_ending_in_user(10_000).collect();
    data.flags.push(in_segment(&mut rng, LARGE_SEGMENT, &members.key));
    data.segments.push(members);
}

fn keys_ending_in_user(count: u32) -> impl Iterator<Item = String> {
    (1..count).map(user_key).chain([USER.key.into()])
}
