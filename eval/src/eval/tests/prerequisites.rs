//! Prerequisites.

use super::*;

/// Rules that fail fatally for every context, and the segments that they need.
fn fatal_rules() -> [(Json, Json); 4] {
    let circle = json!({"s": {"rules": [rule_of(segment_match(&["s"]))]}});
    let broken =
        json!({"s": {"rules": [{"weight": 1, "bucketBy": "//", "rolloutContextKind": "user"}]}});
    [
        (rule_of(json!({"op": "in"})), json!({})),
        (
            rule_of(json!({"op": "in", "attribute": "/a//b", "contextKind": "user"})),
            json!({}),
        ),
        (rule_of(segment_match(&["s"])), circle),
        (rule_of(segment_match(&["s"])), broken),
    ]
}

/// Changes that make only the flag itself malformed.
fn local_errors() -> [Json; 6] {
    let bad_attribute =
        json!({"contextKind": "user", "bucketBy": "//", "variations": [{"weight": 100_000}]});
    [
        json!({"fallthrough": {"variation": 3}}),
        json!({"fallthrough": {}}),
        json!({"fallthrough": {"rollout": {"variations": []}}}),
        json!({"fallthrough": {"rollout": bad_attribute}}),
        json!({"targets": [{"variation": -1, "values": ["ada"]}]}),
        json!({"rules": [{"variation": 3}]}),
    ]
}

// EVAL-4.3
#[test]
fn fatal_and_local_errors_make_the_flag_itself_malformed() {
    for (rule, segments) in fatal_rules() {
        let f = flag(json!({"rules": [rule.clone(), {"variation": 1}]}));
        let data = Data::new(json!({"f": f}), segments);
        assert_eq!(data.detail("f", &user("ada")), malformed(), "{rule}");
    }
    for error in local_errors() {
        let data = Data::flags(json!({"f": flag(error.clone())}));
        assert_eq!(data.detail("f", &user("ada")), malformed(), "{error}");
    }
}

// EVAL-4.3
#[test]
fn a_fatal_error_in_a_prerequisite_is_fatal_and_records_no_prerequisites() {
    for (rule, segments) in fatal_rules() {
        let flags = json!({
            "f": requiring(&["sound", "middle"]),
            "sound": flag(json!({})),
            "middle": requiring(&["broken"]),
            "broken": flag(json!({"rules": [rule.clone()]})),
        });
        let data = Data::new(flags, segments);
        let ada = user("ada");
        assert_eq!(data.detail("f", &ada), malformed(), "{rule}");
        let before = json!([["sound", "f", 0, {"kind": "FALLTHROUGH"}]]);
        assert_eq!(data.prerequisites("f", &ada), before, "{rule}");
    }
}

// EVAL-4.3 and EVAL-4.4
#[test]
fn a_local_error_in_a_prerequisite_fails_it_and_is_recorded() {
    let error = json!({"kind": "ERROR", "errorKind": "MALFORMED_FLAG"});
    for broken in local_errors() {
        let data = Data::flags(json!({"f": requiring(&["p"]), "p": flag(broken.clone())}));
        let ada = user("ada");
        assert_eq!(
            data.detail("f", &ada),
            prerequisite_failed(2, "p"),
            "{broken}"
        );
        let events = json!([["p", "f", null, error.clone()]]);
        assert_eq!(data.prerequisites("f", &ada), events, "{broken}");
    }
}

// EVAL-4.4
#[test]
fn prerequisites_fail_unless_they_exist_are_on_and_serve_the_required_variation() {
    for (p, expected, events) in [
        (
            flag(json!({})),
            fallthrough(0),
            json!([["p", "f", 0, {"kind": "FALLTHROUGH"}]]),
        ),
        (
            flag(json!({"fallthrough": {"variation": 1}})),
            prerequisite_failed(2, "p"),
            json!([["p", "f", 1, {"kind": "FALLTHROUGH"}]]),
        ),
        (
            flag(json!({"on": false, "offVariation": 0})),
            prerequisite_failed(2, "p"),
            json!([["p", "f", 0, {"kind": "OFF"}]]),
        ),
        (
            flag(json!({"on": false, "offVariation": null})),
            prerequisite_failed(2, "p"),
            json!([["p", "f", null, {"kind": "OFF"}]]),
        ),
        (
            json!({"deleted": true, "version": 2}),
            prerequisite_failed(2, "p"),
            json!([]),
        ),
    ] {
        let data = Data::flags(json!({"f": requiring(&["p"]), "p": p.clone()}));
        let ada = user("ada");
        assert_eq!(data.detail("f", &ada), expected, "{p}");
        assert_eq!(data.prerequisites("f", &ada), events, "{p}");
    }
}

// EVAL-4.4
#[test]
fn a_missing_prerequisite_fails_without_being_recorded() {
    let data = Data::flags(json!({"f": requiring(&["missing"])}));
    let ada = user("ada");
    assert_eq!(data.detail("f", &ada), prerequisite_failed(2, "missing"));
    assert_eq!(data.prerequisites("f", &ada), json!([]));
}

// EVAL-4.4
#[test]
fn prerequisites_after_a_failed_one_are_not_evaluated() {
    let data = Data::flags(json!({
        "f": requiring(&["passes", "fails", "unseen"]),
        "passes": flag(json!({})),
        "fails": flag(json!({"fallthrough": {"variation": 1}})),
        "unseen": flag(json!({})),
    }));
    let ada = user("ada");
    assert_eq!(data.detail("f", &ada), prerequisite_failed(2, "fails"));
    assert_eq!(
        data.prerequisites("f", &ada),
        json!([["passes", "f", 0, {"kind": "FALLTHROUGH"}], ["fails", "f", 1, {"kind": "FALLTHROUGH"}]])
    );
}

// EVAL-4.4
#[test]
fn a_nested_failure_names_the_direct_prerequisite_and_is_recorded_deepest_first() {
    let data = Data::flags(json!({
        "f": requiring(&["middle"]),
        "middle": requiring(&["deep"]),
        "deep": flag(json!({"on": false})),
    }));
    let ada = user("ada");
    assert_eq!(data.detail("f", &ada), prerequisite_failed(2, "middle"));
    assert_eq!(
        data.prerequisites("f", &ada),
        json!([
            ["deep", "middle", 2, {"kind": "OFF"}],
            ["middle", "f", 2, {"kind": "PREREQUISITE_FAILED", "prerequisiteKey": "deep"}],
        ])
    );
}

// EVAL-4.4
#[test]
fn the_same_flag_may_be_a_prerequisite_in_two_branches() {
    let data = Data::flags(json!({
        "f": requiring(&["shared", "other"]),
        "other": requiring(&["shared"]),
        "shared": flag(json!({})),
    }));
    let ada = user("ada");
    assert_eq!(data.detail("f", &ada), fallthrough(0));
    assert_eq!(
        data.prerequisites("f", &ada),
        json!([
            ["shared", "f", 0, {"kind": "FALLTHROUGH"}],
            ["shared", "other", 0, {"kind": "FALLTHROUGH"}],
            ["other", "f", 0, {"kind": "FALLTHROUGH"}],
        ])
    );
}

// EVAL-4.4
#[test]
fn a_flag_that_failed_in_one_branch_is_not_a_cycle_in_the_next() {
    let data = Data::flags(json!({
        "f": requiring(&["one", "two"]),
        "one": merged(requiring(&["off"]), json!({"offVariation": 0})),
        "two": requiring(&["one"]),
        "off": flag(json!({"on": false})),
    }));
    let ada = user("ada");
    assert_eq!(
        data.detail("f", &ada),
        json!([0, {"kind": "FALLTHROUGH"}]),
        "a failed prerequisite that is on still meets the requirement by its variation"
    );
    assert_eq!(
        data.prerequisites("f", &ada).as_array().map(Vec::len),
        Some(5)
    );
}

// EVAL-4.4
#[test]
fn cycles_of_prerequisites_are_malformed_wherever_they_close() {
    for flags in [
        json!({"f": requiring(&["f"])}),
        json!({"f": requiring(&["a"]), "a": requiring(&["f"])}),
        json!({"f": requiring(&["a"]), "a": requiring(&["b"]), "b": requiring(&["a"])}),
        json!({"f": requiring(&["a"]), "a": requiring(&["b"]), "b": requiring(&["f"])}),
    ] {
        let data = Data::flags(flags.clone());
        assert_eq!(data.detail("f", &user("ada")), malformed(), "{flags}");
        assert_eq!(data.prerequisites("f", &user("ada")), json!([]), "{flags}");
    }
}

// EVAL-4.4
#[test]
fn a_cycle_is_found_when_it_closes() {
    let data = Data::flags(json!({"f": requiring(&["good", "f"]), "good": flag(json!({}))}));
    let ada = user("ada");
    assert_eq!(data.detail("f", &ada), malformed());
    assert_eq!(
        data.prerequisites("f", &ada),
        json!([["good", "f", 0, {"kind": "FALLTHROUGH"}]])
    );
}

// EVAL-4.4
#[test]
fn a_flag_that_is_off_breaks_a_cycle() {
    let data = Data::flags(json!({
        "f": requiring(&["a"]),
        "a": merged(requiring(&["f"]), json!({"on": false})),
    }));
    let ada = user("ada");
    assert_eq!(data.detail("f", &ada), prerequisite_failed(2, "a"));
    assert_eq!(
        data.prerequisites("f", &ada),
        json!([["a", "f", 2, {"kind": "OFF"}]])
    );
}

// EVAL-4.4 and EVAL-9
#[test]
fn a_chain_may_have_a_hundred_prerequisites_and_no_more() {
    for (length, expected) in [
        (101, fallthrough(0)),
        (102, malformed()),
        (10_000, malformed()),
    ] {
        let data = Data::flags(prerequisite_chain(length, flag(json!({}))));
        assert_eq!(data.detail("f0", &user("ada")), expected, "{length} flags");
    }
}

// EVAL-4.4
#[test]
fn an_unknown_flag_is_needed_when_it_is_reached() {
    let flags = json!({
        "f": requiring(&["first", "p"]),
        "first": flag(json!({})),
        "outer": requiring(&["f"]),
        "off": merged(requiring(&["p"]), json!({"on": false})),
        "early": requiring(&["missing", "p"]),
        "p": flag(json!({})),
    });
    let data = Data::flags(flags).without("p");
    let need = Some(Need::Flag("p".into()));
    for (key, need) in [
        ("f", need.clone()),
        ("outer", need),
        ("off", None),
        ("early", None),
    ] {
        assert_eq!(data.need(key, &user("ada")), need, "{key}");
    }
}

#[test]
fn flags_with_exponentially_many_visits_are_malformed() {
    let flags: serde_json::Map<_, _> = (0..40)
        .map(|n| {
            let below = format!("flag-{}", n + 1);
            let prerequisites =
                json!([{"key": below, "variation": 0}, {"key": below, "variation": 0}]);
            let prerequisites = if n < 39 { prerequisites } else { json!([]) };
            let flag = json!({"on": true, "variations": [true], "fallthrough": {"variation": 0},
                "prerequisites": prerequisites});
            (format!("flag-{n}"), flag)
        })
        .collect();
    let data = Data::flags(flags.into());
    let context = Context::new("ada").unwrap();
    assert_eq!(
        data.detail("flag-0", &context),
        json!([null, {"kind": "ERROR", "errorKind": "MALFORMED_FLAG"}])
    );
    assert_eq!(
        data.detail("flag-30", &context),
        json!([0, {"kind": "FALLTHROUGH"}])
    );
}

#[test]
fn an_evaluation_may_visit_ten_thousand_prerequisites_and_no_more() {
    for (visits, expected) in [(10_000, fallthrough(0)), (10_001, malformed())] {
        let data = Data::flags(json!({
            "f": requiring(&vec!["good"; visits]),
            "good": flag(json!({})),
        }));
        assert_eq!(data.detail("f", &user("ada")), expected, "{visits} visits");
    }
}
