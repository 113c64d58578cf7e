//! Generates the data for a number of flags: a mixture of shapes in fixed proportions.
//!
//! The order in which random numbers are drawn is part of the format. A function that draws several
//! draws them in named `let`s from top to bottom, so that the order is visible.

use super::fixed::add_fixed;
use super::parts::{
    boolean, clause, plain, prerequisite, random_users, rollout, rule, segment, segment_match,
    target, texts,
};
use super::rng::Rng;
use super::shape::{Clause, Data, Flag, Limits, Operand, Serve, Variation};

const SEGMENTS: u32 = 50;
const COUNTRIES: [&str; 10] = ["US", "GB", "FR", "DE", "CN", "JP", "BR", "IN", "CA", "AU"];
const FIRST_NAMES: [&str; 5] = ["jane", "john", "mary", "li", "ana"];

/// Generates `count` flags of mixed shapes, the fixed flags, and the segments that they refer to.
pub(crate) fn generate(count: u32) -> Data {
    let mut rng = Rng::seeded();
    let mut data = Data {
        segments: (0..SEGMENTS)
            .map(|index| segment(&mut rng, &segment_key(index)))
            .collect(),
        flags: (0..count).map(|index| mixed(&mut rng, index)).collect(),
    };
    add_fixed(&mut rng, &mut data);
    data
}

/// Generates a flag of the mixture; its shape depends on its index.
fn mixed(rng: &mut Rng, index: u32) -> Flag {
    let key = flag_key(index);
    let mut flag = match index % 20 {
        0..2 => off(rng, &key),
        2..6 => fixed_variation(rng, &key),
        6..8 => targets(rng, &key),
        8..10 => targets_with_placeholders(rng, &key),
        10..14 => rules(rng, &key),
        14..16 => percentage(rng, &key),
        16..18 => in_random_segment(rng, &key),
        18 => prerequisite_in_block(rng, &key, index - 18),
        _ => json(rng, &key),
    };
    flag.track_events = index % 40 == 3;
    flag
}

fn off(rng: &mut Rng, key: &str) -> Flag {
    Flag {
        on: false,
        ..boolean(rng, key)
    }
}

fn fixed_variation(rng: &mut Rng, key: &str) -> Flag {
    let flag = boolean(rng, key);
    let variation = rng.below(2) as usize;
    Flag {
        fallthrough: Serve::Variation(variation),
        ..flag
    }
}

fn targets(rng: &mut Rng, key: &str) -> Flag {
    let flag = boolean(rng, key);
    let targets = [0, 1].map(|variation| target(variation, random_users(rng, 5)));
    Flag {
        targets: targets.into(),
        ..flag
    }
}

/// Targets in the newer format: `contextTargets` has the order, `targets` the user keys.
fn targets_with_placeholders(rng: &mut Rng, key: &str) -> Flag {
    Flag {
        context_targets: vec![target(0, vec![]), target(1, vec![])],
        ..targets(rng, key)
    }
}

fn rules(rng: &mut Rng, key: &str) -> Flag {
    let flag = boolean(rng, key);
    let rules = [0, 1, 0].map(|variation| {
        let first_kind = rng.below(6);
        let first = random_clause(rng, first_kind);
        let second_kind = (first_kind + 1 + rng.below(5)) % 6;
        let second = random_clause(rng, second_kind);
        rule(rng, vec![first, second], variation)
    });
    Flag {
        rules: rules.into(),
        fallthrough: Serve::Variation(1),
        ..flag
    }
}

fn percentage(rng: &mut Rng, key: &str) -> Flag {
    let flag = boolean(rng, key);
    let weight = 1_000 * (1 + rng.below(99));
    Flag {
        fallthrough: rollout([weight, 100_000 - weight]),
        ..flag
    }
}

fn in_random_segment(rng: &mut Rng, key: &str) -> Flag {
    let flag = boolean(rng, key);
    let segment = segment_key(rng.below(SEGMENTS));
    let rule = rule(rng, vec![segment_match(&segment)], 0);
    Flag {
        rules: vec![rule],
        fallthrough: Serve::Variation(1),
        ..flag
    }
}

/// A prerequisite on one of the simple flags among the twenty that start at `block`.
fn prerequisite_in_block(rng: &mut Rng, key: &str, block: u32) -> Flag {
    let flag = boolean(rng, key);
    let needed = flag_key(block + 2 + rng.below(4));
    Flag {
        prerequisites: vec![prerequisite(&needed)],
        ..flag
    }
}

fn json(rng: &mut Rng, key: &str) -> Flag {
    let rps = rng.below(1_000);
    let burst = rng.below(100);
    let dark = Variation::Theme {
        theme: "dark",
        limits: Limits { rps, burst },
        hosts: vec!["a.internal", "b.internal"],
    };
    let light = Variation::Theme {
        theme: "light",
        limits: Limits { rps: 10, burst: 1 },
        hosts: vec![],
    };
    plain(rng, key, [dark, light])
}

/// A clause of one of the six kinds in the mixture.
fn random_clause(rng: &mut Rng, kind: u32) -> Clause {
    match kind {
        0 => {
            let countries = [(); 3].map(|()| rng.pick(&COUNTRIES));
            clause("country", "in", texts(countries))
        }
        1 => {
            let prefix = format!("{}.", rng.pick(&FIRST_NAMES));
            clause("email", "startsWith", texts([prefix.as_str(), "admin@"]))
        }
        2 => {
            let [major, minor, patch] = [5, 20, 10].map(|bound| rng.below(bound));
            let version = format!("{major}.{minor}.{patch}");
            clause("appVersion", "semVerGreaterThan", texts([&version]))
        }
        3 => {
            let year = 2015 + rng.below(12);
            let month = 1 + rng.below(12);
            let date = format!("{year}-{month:02}-01T00:00:00Z");
            clause("signupDate", "before", texts([&date]))
        }
        4 => {
            let number = rng.below(100);
            let pattern = format!(r"^[a-z]+\.[a-z]+@(example|test{number})\.com$");
            clause("email", "matches", texts([&pattern]))
        }
        _ => {
            let age = 18 + rng.below(60);
            clause("age", "greaterThanOrEqual", vec![Operand::Number(age)])
        }
    }
}

fn flag_key(index: u32) -> String {
    format!("flag-{index:05}")
}

fn segment_key(index: u32) -> String {
    format!("segment-{index:03}")
}
