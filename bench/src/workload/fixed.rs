//! The fixed flags, each of them one case of the measurements.
//!
//! All are on and `true` for the bench user, save the rollout, which only has to give the same
//! everywhere.

use super::USER;
use super::parts::{
    boolean, clause, prerequisite, rollout, rule, segment, segment_match, target, texts,
};
use super::rng::Rng;
use super::shape::{Data, Flag, Operand, Segment, SegmentRule, Serve};

/// Adds the flags, and the segments that they name.
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

/// The user is the tenth of ten targeted keys.
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

/// The user matches the third rule, and every clause before it is evaluated.
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

/// A flag that serves `true` to a segment's members.
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

/// The user is the last of the included keys.
fn last_included(rng: &mut Rng) -> Segment {
    let mut segment = segment(rng, "bench-seg-incl");
    if let Some(last) = segment.included.last_mut() {
        *last = USER.key.into();
    }
    segment
}

/// The user is not included, and matches the second rule.
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
