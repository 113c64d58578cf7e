//! Membership of segments.

use super::*;

// EVAL-4.10 and EVAL-9
#[test]
fn segments_may_be_nested_a_hundred_levels_deep_and_no_deeper() {
    for (length, expected) in [(100, Some(true)), (101, None), (10_000, None)] {
        let found = in_segment("s0", segment_chain(length), &user("ada"));
        assert_eq!(found, expected, "{length} segments");
    }
}

// EVAL-4.10
#[test]
fn includes_override_excludes_and_excludes_override_rules() {
    let segment = json!({
        "included": ["in", "both"],
        "excluded": ["out", "both"],
        "includedContexts": [
            {"contextKind": "org", "values": ["in", "both"]},
            {"values": ["in-by-default-kind"]},
            {"contextKind": "org", "values": ["in-second-list"]},
        ],
        "excludedContexts": [
            {"contextKind": "org", "values": ["out", "both"]},
            {"contextKind": "user", "values": ["in", "out-by-kind"]},
        ],
        "rules": [
            {"clauses": [{"attribute": "key", "op": "in", "values": ["out", "out-by-kind", "by-rule"]}]},
            {"clauses": [{"contextKind": "org", "attribute": "key", "op": "in", "values": ["out"]}]},
        ],
    });
    let org = |key| Context::with_kind(key, "org").unwrap();
    for (context, expected) in [
        (user("in"), true),
        (user("both"), true),
        (user("out"), false),
        (user("in-by-default-kind"), true),
        (user("out-by-kind"), false),
        (user("by-rule"), true),
        (user("unlisted"), false),
        (user("in-second-list"), false),
        (org("in"), true),
        (org("both"), true),
        (org("in-second-list"), true),
        (org("out"), false),
        (org("by-rule"), false),
        (org("in-by-default-kind"), false),
        (Context::with_kind("in", "device").unwrap(), false),
        (org_and_user("in", "out"), true),
        (org_and_user("out", "in"), true),
        (org_and_user("out", "by-rule"), false),
    ] {
        let key = context.fully_qualified_key().to_owned();
        let found = in_segment("s", json!({"s": segment}), &context);
        assert_eq!(found, Some(expected), "{key}");
    }
}

// EVAL-4.10
#[test]
fn a_segment_rule_matches_if_all_clauses_do_and_the_first_match_wins() {
    let yes = json!({"attribute": "key", "op": "in", "values": ["ada"]});
    let no = json!({"attribute": "key", "op": "in", "values": ["bob"]});
    for (rules, expected) in [
        (json!([]), false),
        (json!([{}]), true),
        (json!([{"clauses": [yes]}]), true),
        (json!([{"clauses": [yes, no]}]), false),
        (json!([{"clauses": [no]}, {"clauses": [yes]}]), true),
        (
            json!([{"clauses": [yes], "weight": 0}, {"clauses": [yes]}]),
            true,
        ),
        (json!([{"clauses": [yes], "weight": 0}]), false),
        (json!([{"clauses": [no], "weight": 100_000}]), false),
        (json!([{"clauses": [yes], "weight": null}]), true),
    ] {
        let segments = json!({"s": {"rules": rules}});
        assert_eq!(
            in_segment("s", segments, &user("ada")),
            Some(expected),
            "{rules}"
        );
    }
}

// EVAL-4.10 and EVAL-7.1
#[test]
fn segment_weights_compare_strictly_with_the_bucket_of_segment_key_and_salt() {
    // The bucket of user key and salt is 0.145747 for userKeyA, and 0 for an unhashable value.
    let keyed = user("userKeyA");
    let attribute = |value: Json| {
        let builder = Context::builder("other").set("a", value);
        builder.build().unwrap()
    };
    let both = org_and_user("userKeyA", "userKeyZ");
    let none = json!({});
    let by = json!({"bucketBy": "a"});
    let nested = json!({"bucketBy": "/o/p", "rolloutContextKind": "user"});
    let plain = json!({"bucketBy": "/o/p"});
    let of_org = json!({"rolloutContextKind": "org"});
    for (context, more, weight, expected) in [
        (&keyed, &none, 14_575, true),
        (&keyed, &none, 14_574, false),
        (&keyed, &json!({"bucketBy": ""}), 14_575, true),
        (&keyed, &json!({"seed": 61}), 9_802, false),
        (&keyed, &by, 1, true),
        (&keyed, &by, 0, false),
        (&keyed, &by, -1, false),
        (&attribute(json!("userKeyA")), &by, 14_575, true),
        (&attribute(json!("userKeyA")), &by, 14_574, false),
        (&attribute(json!(true)), &by, 1, true),
        (&attribute(json!(1.5)), &by, 1, true),
        (&attribute(json!(["userKeyA"])), &by, 1, true),
        (&attribute(json!({})), &by, 0, false),
        (&with_nested("userKeyA"), &nested, 14_574, false),
        (&with_nested("userKeyA"), &plain, 1, true),
        (&both, &none, 45_680, true),
        (&both, &none, 45_679, false),
        (&both, &of_org, 14_575, true),
        (&both, &of_org, 14_574, false),
    ] {
        let rule = merged(json!({"weight": weight}), more.clone());
        let segments = json!({"segkey": {"salt": "salty", "rules": [rule.clone()]}});
        assert_eq!(
            in_segment("segkey", segments, context),
            Some(expected),
            "{} in {rule}",
            context.fully_qualified_key()
        );
    }
}

// EVAL-4.10
#[test]
fn a_context_without_the_kind_of_a_segment_rollout_does_not_match() {
    for rule in [
        json!({"weight": 100_000, "rolloutContextKind": "org"}),
        json!({"weight": 100_000, "rolloutContextKind": "org", "bucketBy": "a"}),
    ] {
        let segments = json!({"s": {"rules": [rule.clone()]}});
        assert_eq!(
            in_segment("s", segments, &user("ada")),
            Some(false),
            "{rule}"
        );
    }
}

// EVAL-4.10
#[test]
fn a_malformed_segment_rollout_is_malformed_for_every_context_that_reaches_it() {
    let broken = json!({"weight": 100_000, "bucketBy": "///", "rolloutContextKind": "org"});
    let unweighted = json!({"bucketBy": "///", "rolloutContextKind": "org"});
    let never = merged(
        broken.clone(),
        rule_of(json!({"attribute": "key", "op": "in", "values": []})),
    );
    for (rule, expected) in [
        (broken, None),
        (unweighted, Some(true)),
        (never, Some(false)),
    ] {
        let segments = json!({"s": {"rules": [rule.clone()]}});
        for context in [user("ada"), Context::with_kind("acme", "org").unwrap()] {
            let found = in_segment("s", segments.clone(), &context);
            assert_eq!(found, expected, "{rule}");
        }
    }
}

// EVAL-4.10
#[test]
fn segments_may_refer_to_the_same_segment_more_than_once() {
    let refer = |keys: &[&str]| json!({"rules": [rule_of(segment_match(keys))]});
    let twice =
        json!({"rules": [{"clauses": [segment_match(&["leaf"]), segment_match(&["leaf"])]}]});
    let branches = refer(&["other", "left", "right"]);
    let negated = json!({"op": "segmentMatch", "values": ["leaf"], "negate": true});
    let segments = json!({
        "leaf": {"included": ["ada"]},
        "other": {"included": ["bob"]},
        "left": {"rules": [rule_of(segment_match(&["other"]))]},
        "right": refer(&["left", "leaf"]),
        "twice": twice,
        "branches": branches,
        "not-leaf": {"rules": [rule_of(negated)]},
    });
    for (key, expected) in [
        ("right", true),
        ("twice", true),
        ("branches", true),
        ("left", false),
        ("not-leaf", false),
    ] {
        let found = in_segment(key, segments.clone(), &user("ada"));
        assert_eq!(found, Some(expected), "{key}");
    }
    let data = Data::clause(segment_match(&["left", "right", "left"]), segments);
    assert_eq!(data.matches(&user("ada")), Some(true));
    assert_eq!(data.matches(&user("eve")), Some(false));
}

// EVAL-4.10
#[test]
fn cycles_of_segments_are_malformed_if_an_evaluation_enters_them() {
    let refer =
        |key: &str| json!({"included": ["listed"], "rules": [rule_of(segment_match(&[key]))]});
    for segments in [
        json!({"s": refer("s")}),
        json!({"s": refer("t"), "t": {"rules": [rule_of(segment_match(&["s"]))]}}),
        json!({"s": refer("t"), "t": refer("u"), "u": refer("t")}),
    ] {
        let walked = in_segment("s", segments.clone(), &user("ada"));
        assert_eq!(walked, None, "{segments}");
        let listed = in_segment("s", segments.clone(), &user("listed"));
        assert_eq!(listed, Some(true), "{segments}");
    }
}

// EVAL-4.10
#[test]
fn an_unknown_segment_is_needed_when_it_is_reached() {
    let segments = json!({
        "has": {"included": ["ada"]},
        "nested": {"rules": [rule_of(segment_match(&["s"]))]},
        "s": {},
    });
    let need = Some(Need::Segment("s".into()));
    for (keys, need) in [
        (vec!["s"], need.clone()),
        (vec!["missing", "s"], need.clone()),
        (vec!["nested"], need),
        (vec!["has", "s"], None),
    ] {
        let data = Data::clause(segment_match(&keys), segments.clone()).without("s");
        assert_eq!(data.need("f", &user("ada")), need, "{keys:?}");
    }
}
