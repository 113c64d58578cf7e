//! Rollouts and experiments.

use super::*;

/// Returns the index that a rollout serves, and whether the context is in an experiment. Asserts
/// that rules and the fallthrough agree.
fn rolled(rollout: &Json, context: &Context) -> Option<(usize, bool)> {
    let outcome = json!({"rollout": rollout});
    let [by_fallthrough, by_rule] = [
        flag(json!({"salt": "saltyA", "fallthrough": outcome.clone()})),
        flag(json!({"salt": "saltyA", "rules": [outcome]})),
    ]
    .map(|flag| {
        let data = Data::flags(json!({"hashKey": flag}));
        let evaluation = data.evaluation("hashKey", context);
        let in_experiment = evaluation.reason().is_in_experiment();
        index(evaluation.variation).map(|index| (index, in_experiment))
    });
    assert_eq!(by_fallthrough, by_rule, "{rollout}");
    by_rule
}

/// Builds the shares of a rollout from variations and weights.
fn shares(shares: &[(usize, i64)]) -> Json {
    let shares = shares.iter();
    shares
        .map(|(variation, weight)| json!({"variation": variation, "weight": weight}))
        .collect()
}

// EVAL-7.2, rows 1 to 4, 7 and 8
#[test]
fn rollouts_by_key_follow_the_table_of_vectors() {
    let plain = |weights: &[(usize, i64)]| json!({"variations": shares(weights)});
    let mut experiment = json!({"kind": "experiment", "seed": 61,
        "variations": shares(&[(0, 10_000), (1, 20_000), (0, 70_000)])});
    experiment["variations"][2]["untracked"] = json!(true);
    let short =
        json!({"kind": "experiment", "seed": 42, "variations": shares(&[(0, 5_000), (1, 5_000)])});
    for (rollout, key, index, in_experiment) in [
        (plain(&[(0, 60_000), (1, 40_000)]), "userKeyA", 0, false),
        (plain(&[(0, 60_000), (1, 40_000)]), "userKeyB", 1, false),
        (plain(&[(0, 60_000), (1, 40_000)]), "userKeyC", 0, false),
        (experiment.clone(), "userKeyA", 0, true),
        (experiment.clone(), "userKeyB", 1, true),
        (experiment, "userKeyC", 0, false),
        (plain(&[(0, 5_000), (1, 5_000)]), "userKeyD", 1, false),
        (short, "userKeyD", 1, true),
        (
            plain(&[(0, 42_157), (1, 1), (2, 57_842)]),
            "userKeyA",
            1,
            false,
        ),
        (plain(&[(0, 42_158), (1, 57_842)]), "userKeyA", 0, false),
    ] {
        let found = rolled(&rollout, &user(key));
        assert_eq!(found, Some((index, in_experiment)), "{key} in {rollout}");
    }
}

// EVAL-7.2, rows 5, 6, 9 and 10
#[test]
fn rollouts_by_attribute_and_kind_follow_the_table_of_vectors() {
    let of_org = json!({"kind": "experiment", "contextKind": "org",
        "variations": shares(&[(0, 1), (1, 99_999)])});
    assert_eq!(rolled(&of_org, &user("userKeyA")), Some((0, false)));

    let by_attribute = json!({"contextKind": "user", "bucketBy": "attr1",
        "variations": shares(&[(0, -5), (1, 10), (0, 99_995)])});
    for value in [
        json!(true),
        json!(1.5),
        json!(["x"]),
        json!({}),
        json!(null),
    ] {
        let builder = Context::builder("userKeyA").set("attr1", value.clone());
        let context = builder.build().unwrap();
        assert_eq!(rolled(&by_attribute, &context), Some((1, false)), "{value}");
    }

    let experiment = json!({"kind": "experiment", "bucketBy": "attr1",
        "variations": shares(&[(0, 60_000), (1, 40_000)])});
    let zzz = Context::builder("userKeyA").set("attr1", "zzz");
    assert_eq!(rolled(&experiment, &zzz.build().unwrap()), Some((0, true)));

    let broken =
        json!({"contextKind": "user", "bucketBy": "///", "variations": shares(&[(0, 100_000)])});
    for context in [
        user("userKeyA"),
        Context::with_kind("userKeyA", "org").unwrap(),
    ] {
        assert_eq!(rolled(&broken, &context), None);
    }
}

// EVAL-7.2, rows 11 to 13
#[test]
fn segment_rollouts_follow_the_table_of_vectors() {
    let org = Context::with_kind("userkey", "org").unwrap();
    for (key, salt, weight, context, expected) in [
        ("test", "salt", 12_552, user("userkey"), true),
        ("test", "salt", 12_551, user("userkey"), false),
        ("segment3", "salty", 14_955, user("user-key"), true),
        ("segment3", "salty", 14_955, user("unmatching-key"), false),
        ("test", "salt", 100_000, org, false),
    ] {
        let segments = json!({key: {"salt": salt, "rules": [{"weight": weight}]}});
        let found = in_segment(key, segments, &context);
        assert_eq!(found, Some(expected), "{key} with weight {weight}");
    }
}

/// Finds by binary search in which of 100,000 equal parts a rollout puts a context.
fn part(rollout: &Json, context: &Context) -> i64 {
    let (mut low, mut high) = (0, 100_000);
    while high - low > 1 {
        let middle = i64::midpoint(low, high);
        let variations = shares(&[(0, middle), (1, 100_000 - middle)]);
        let rollout = merged(rollout.clone(), json!({"variations": variations}));
        match rolled(&rollout, context) {
            Some((0, _)) => high = middle,
            _ => low = middle,
        }
    }
    low
}

// EVAL-4.11 and EVAL-7.1
#[test]
fn the_bucket_depends_on_seed_attribute_and_kind() {
    let attribute = |value: Json| with_attribute(value);
    for (rollout, context, expected) in [
        (json!({}), user("userKeyA"), 42_157),
        (json!({}), user("userKeyB"), 67_084),
        (json!({"seed": null}), user("userKeyC"), 10_343),
        (json!({}), user("userKeyD"), 78_162),
        (json!({"seed": 61}), user("userKeyA"), 9_801),
        (json!({"seed": 61.0}), user("userKeyB"), 14_483),
        (json!({"seed": 42}), user("userKeyD"), 88_848),
        (json!({"seed": 0}), user("a.b.c"), 58_369),
        (json!({"bucketBy": "a"}), attribute(json!(33_333)), 54_771),
        (json!({"bucketBy": "a"}), attribute(json!(33_333.0)), 54_771),
        (json!({"bucketBy": "a"}), attribute(json!("33333")), 54_771),
        (json!({"bucketBy": "a"}), attribute(json!(99_999)), 73_096),
        (
            json!({"bucketBy": "a", "seed": -3}),
            attribute(json!(-7)),
            6_775,
        ),
        (json!({"bucketBy": "a"}), attribute(json!(1e19)), 0),
        (json!({"bucketBy": "a"}), attribute(json!(-1e19)), 0),
        (json!({"bucketBy": "/o/p"}), with_nested("userKeyA"), 0),
        (
            json!({"bucketBy": "/o/p", "contextKind": "user"}),
            with_nested("userKeyA"),
            42_157,
        ),
        (json!({"bucketBy": "//"}), user("userKeyA"), 0),
        (json!({"bucketBy": ""}), user("userKeyA"), 42_157),
        (
            json!({"bucketBy": "", "contextKind": "user"}),
            user("userKeyA"),
            42_157,
        ),
        (json!({"bucketBy": null}), user("userKeyA"), 42_157),
        (
            json!({"kind": "from the future", "bucketBy": "a"}),
            attribute(json!("userKeyA")),
            42_157,
        ),
        (
            json!({"kind": "experiment", "bucketBy": "//", "contextKind": "user"}),
            user("userKeyA"),
            42_157,
        ),
        (
            json!({"contextKind": "org"}),
            org_and_user("userKeyA", "userKeyB"),
            42_157,
        ),
        (
            json!({"contextKind": "user"}),
            org_and_user("userKeyA", "userKeyB"),
            67_084,
        ),
        (json!({"contextKind": "org"}), user("userKeyA"), 0),
    ] {
        assert_eq!(part(&rollout, &context), expected, "{rollout}");
    }
}

// EVAL-4.11 and EVAL-7.1
#[test]
fn the_hash_uses_flag_key_and_salt_unchanged() {
    for (key, salt, user_key, boundary) in [
        (
            "flag-with-fallthrough-rollout",
            json!(null),
            "user-key",
            72_240,
        ),
        ("flag-with-rule-rollout", json!(""), "user-key", 67_345),
        ("flagé", json!("salt"), "ключ", 7_964),
    ] {
        for (weight, index) in [(boundary, 1), (boundary + 1, 0)] {
            let variations = shares(&[(0, weight), (1, 100_000 - weight)]);
            let rollout = json!({"rollout": {"variations": variations}});
            let f = flag(json!({"salt": salt, "fallthrough": rollout}));
            let data = Data::flags(json!({key: f}));
            let detail = data.detail(key, &user(user_key));
            assert_eq!(detail, fallthrough(index), "{key} with weight {weight}");
        }
    }
}

// EVAL-4.11
#[test]
fn a_rollout_without_the_kind_is_not_an_experiment_even_past_the_end() {
    for (weights, index) in [
        (shares(&[(2, 0), (1, 1), (0, 9)]), 1),
        (shares(&[(0, 0), (2, 0)]), 2),
        (shares(&[(0, -1), (1, -1)]), 1),
    ] {
        let rollout = json!({"kind": "experiment", "contextKind": "org", "variations": weights});
        let found = rolled(&rollout, &user("userKeyA"));
        assert_eq!(found, Some((index, false)), "{rollout}");
    }
}

// EVAL-4.11
#[test]
fn only_a_tracked_share_of_an_experiment_counts_as_one() {
    for (kind, untracked, expected) in [
        ("experiment", json!(false), true),
        ("experiment", json!(null), true),
        ("experiment", json!(true), false),
        ("rollout", json!(false), false),
        ("Experiment", json!(false), false),
        ("", json!(false), false),
    ] {
        let share = json!({"variation": 1, "weight": 1, "untracked": untracked});
        let rollout = json!({"kind": kind, "variations": [share]});
        let found = rolled(&rollout, &user("userKeyA"));
        assert_eq!(found, Some((1, expected)), "{rollout}");
    }
}

// EVAL-4.12
#[test]
fn experiments_and_tracked_outcomes_are_reported_in_full() {
    let share = json!([{"weight": 100_000}]);
    let experiment = json!({"rollout": {"kind": "experiment", "variations": share}});
    let tracked = json!({"variation": 0, "trackEvents": true});
    let targets = json!([{"values": ["ada"]}]);
    for (more, expected) in [
        (json!({}), false),
        (json!({"trackEvents": true}), false),
        (json!({"trackEventsFallthrough": true}), true),
        (json!({"trackEventsFallthrough": true, "on": false}), false),
        (
            json!({"trackEventsFallthrough": true, "targets": targets}),
            false,
        ),
        (
            json!({"trackEventsFallthrough": true, "rules": [{"variation": 0}]}),
            false,
        ),
        (json!({"rules": [tracked.clone()]}), true),
        (json!({"rules": [{"variation": 0}, tracked]}), false),
        (json!({"fallthrough": experiment.clone()}), true),
        (json!({"rules": [experiment]}), true),
    ] {
        let data = Data::flags(json!({"f": flag(more.clone())}));
        let Found::Present(f) = data.flag("f") else {
            unreachable!()
        };
        let ada = user("ada");
        let verdict = data.evaluation("f", &ada).verdict;
        assert_eq!(verdict.is_experiment(f), expected, "{more}");
    }
}
