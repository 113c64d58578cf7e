//! The common building blocks of flags and segments.

use super::rng::Rng;
use super::shape::{
    Clause, ClientSideAvailability, Flag, Operand, Prerequisite, Rollout, Rule, Segment,
    SegmentRule, Serve, Share, Target, Variation, Weighted,
};

const USERS: u32 = 100_000;
const GROUPS: [&str; 8] = [
    "staff",
    "qa",
    "early-access",
    "beta",
    "vip",
    "trial",
    "legacy",
    "internal",
];

/// A boolean flag that is on and serves `true`.
pub(super) fn boolean(rng: &mut Rng, key: &str) -> Flag {
    plain(rng, key, [true, false].map(Variation::Boolean))
}

/// A flag that is on and serves the first of two variations.
pub(super) fn plain(rng: &mut Rng, key: &str, variations: [Variation; 2]) -> Flag {
    let version = 1 + rng.below(50);
    let salt = rng.hex(32);
    let sel = rng.hex(32);
    Flag {
        key: key.into(),
        version,
        on: true,
        salt,
        sel,
        prerequisites: vec![],
        targets: vec![],
        context_targets: vec![],
        rules: vec![],
        fallthrough: Serve::Variation(0),
        off_variation: 1,
        variations: variations.into(),
        client_side_availability: ClientSideAvailability {
            using_mobile_key: true,
            using_environment_id: false,
        },
        client_side: false,
        track_events: false,
        track_events_fallthrough: false,
        debug_events_until_date: None,
        deleted: false,
    }
}

/// A segment of a hundred keys and two rules, the second of them for half of the matching contexts.
pub(super) fn segment(rng: &mut Rng, key: &str) -> Segment {
    let included = random_users(rng, 100);
    let version = 1 + rng.below(50);
    let salt = rng.hex(32);
    let by_country = SegmentRule {
        id: rng.hex(12),
        clauses: vec![clause("country", "in", texts(["NZ", "FI"]))],
        share: None,
    };
    let id = rng.hex(12);
    let group = rng.pick(&GROUPS);
    let half_of_group = SegmentRule {
        id,
        clauses: vec![clause("groups", "in", texts([group]))],
        share: Some(Share {
            weight: 50_000,
            rollout_context_kind: "user",
            bucket_by: "key",
        }),
    };
    Segment {
        key: key.into(),
        version,
        salt,
        included,
        excluded: vec![],
        included_contexts: vec![],
        excluded_contexts: vec![],
        rules: vec![by_country, half_of_group],
        deleted: false,
    }
}

pub(super) fn rule(rng: &mut Rng, clauses: Vec<Clause>, variation: usize) -> Rule {
    let id = [8, 4, 12].map(|length| rng.hex(length)).join("-");
    Rule {
        id,
        clauses,
        track_events: false,
        serve: Serve::Variation(variation),
    }
}

pub(super) fn clause(attribute: &'static str, op: &'static str, values: Vec<Operand>) -> Clause {
    Clause {
        context_kind: "user",
        attribute,
        op,
        values,
        negate: false,
    }
}

pub(super) fn segment_match(segment: &str) -> Clause {
    clause("", "segmentMatch", texts([segment]))
}

pub(super) fn prerequisite(key: &str) -> Prerequisite {
    Prerequisite {
        key: key.into(),
        variation: 0,
    }
}

pub(super) fn target(variation: usize, values: Vec<String>) -> Target {
    Target {
        context_kind: "user",
        variation,
        values,
    }
}

pub(super) fn rollout(weights: [u32; 2]) -> Serve {
    Serve::Rollout(Rollout {
        kind: "rollout",
        context_kind: "user",
        bucket_by: "key",
        variations: weights
            .into_iter()
            .enumerate()
            .map(|(variation, weight)| Weighted { variation, weight })
            .collect(),
    })
}

pub(super) fn random_users(rng: &mut Rng, count: usize) -> Vec<String> {
    (0..count).map(|_| user_key(rng.below(USERS))).collect()
}

pub(super) fn user_key(number: u32) -> String {
    format!("user-{number:06}")
}

pub(super) fn texts<const N: usize>(values: [&str; N]) -> Vec<Operand> {
    values
        .into_iter()
        .map(|value| Operand::Text(value.into()))
        .collect()
}
