//! The fixed flags, each of which is one case of the measurements.
//!
//! All are on and `true` for the user of the workload, except the rollout, which only has to return
//! the same value on both sides.
//! everywhere.

use super::USER;
use super::parts::{
    boolean, clause, prerequisite, rollout, rule, segment, segment_match, target, texts,
};
use super::rng::Rng;
use super::shape::{Data, Flag, Operand, Segment, SegmentRule, Serve};

/// Adds the fixed flags and the segments to which they refer.
pub(super) fn add_fixed(rng: &mut Rng, data: &mut Data) {
    let flags = [
        boolean(rng, "bench-simple"),
        last_target(rng),
        third_rule(
            rng,
            "bench-rules",
            "matches",
            r"^[a-z]+\.[a-z]+@example\.com$",
        ),
        third_rule(rng, "bench-rules-noregex", "endsWith", "@example.com"),
        even_rollout(rng),
        in_segment(rng, "bench-segment-incl", "bench-seg-incl"),
        in_segment(rng, "bench-segment-rule", "bench-seg-rule"),
        boolean(rng, "bench-prereq-base"),
        with_prerequisite(rng),
    ];
    data.flags.extend(flags);
    let segments = [last_included(rng), second_rule(rng)];
    data.segments.extend(segments);
}

/// A flag whose tenth and last targeted key is the user's.
fn last_target(rng: &mut Rng) -> Flag {
    let keys = |numbers: std::ops::Range<u32>| numbers.map(|n| format!("target-{n:02}"));
    Flag {
        targets: vec![
            target(1, keys(0..5).collect()),
            target(0, keys(5..9).chain([USER.key.into()]).collect()),
        ],
        fallthrough: Serve::Variation(1),
        ..boolean(rng, "bench-target")
    }
}

/// A flag whose third rule matches the user, after all earlier clauses have been evaluated.
fn third_rule(rng: &mut Rng, key: &str, op: &'static str, email: &str) -> Flag {
    let flag = boolean(rng, key);
    let rules = vec![
        rule(
            rng,
            vec![
                clause("country", "in", texts(["FR", "GB", "US"])),
                clause("email", "startsWith", texts(["admin@", "root@"])),
            ],
            1,
        ),
        rule(
            rng,
            vec![
                clause("appVersion", "semVerGreaterThan", texts(["2.0.0"])),
                clause("signupDate", "before", texts(["2019-01-01T00:00:00Z"])),
            ],
            1,
        ),
        rule(
            rng,
            vec![
                clause("email", op, texts([email])),
                clause("age", "greaterThanOrEqual", vec![Operand::Number(18)]),
            ],
            0,
        ),
    ];
    Flag {
        rules,
        fallthrough: Serve::Variation(1),
        ..flag
    }
}

fn even_rollout(rng: &mut Rng) -> Flag {
    Flag {
        fallthrough: rollout([50_000, 50_000]),
        ..boolean(rng, "bench-rollout")
    }
}

/// A flag that serves `true` to the members of a segment.
pub(super) fn in_segment(rng: &mut Rng, key: &str, segment: &str) -> Flag {
    let flag = boolean(rng, key);
    let rule = rule(rng, vec![segment_match(segment)], 0);
    Flag {
        rules: vec![rule],
        fallthrough: Serve::Variation(1),
        ..flag
    }
}

fn with_prerequisite(rng: &mut Rng) -> Flag {
    Flag {
        prerequisites: vec![prerequisite("bench-prereq-base")],
        ..boolean(rng, "bench-prereq")
    }
}

/// A segment whose last included key is the user's.
fn last_included(rng: &mut Rng) -> Segment {
    let mut segment = segment(rng, "bench-seg-incl");
    if let Some(last) = segment.included.last_mut() {
        *last = USER.key.into();
    }
    segment
}

/// A segment that does not include the user, but whose second rule matches.
fn second_rule(rng: &mut Rng) -> Segment {
    let mut segment = segment(rng, "bench-seg-rule");
    if let Some(second) = segment.rules.last_mut() {
        *second = SegmentRule {
            id: rng.hex(12),
            clauses: vec![clause("groups", "in", texts(["early-access"]))],
            share: None,
        };
    }
    segment
}
