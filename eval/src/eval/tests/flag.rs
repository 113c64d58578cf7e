//! Whole flags, reasons and limits.

use super::*;

/// Server threads often have far smaller stacks than the main thread.
fn in_a_thread_with_a_small_stack(test: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().stack_size(1 << 20).spawn(test);
    thread.unwrap().join().unwrap();
}

// EVAL-3.2
#[test]
fn reasons_are_written_without_null_false_or_empty_members() {
    let rule = |rule_id: &str, in_experiment| ReasonKind::RuleMatch {
        rule_index: 0,
        rule_id: rule_id.into(),
        in_experiment,
    };
    let failed = ReasonKind::PrerequisiteFailed {
        prerequisite_key: "p".into(),
    };
    for (kind, json) in [
        (ReasonKind::Off, json!({"kind": "OFF"})),
        (ReasonKind::TargetMatch, json!({"kind": "TARGET_MATCH"})),
        (
            ReasonKind::Fallthrough {
                in_experiment: false,
            },
            json!({"kind": "FALLTHROUGH"}),
        ),
        (
            ReasonKind::Fallthrough {
                in_experiment: true,
            },
            json!({"kind": "FALLTHROUGH", "inExperiment": true}),
        ),
        (
            rule("", false),
            json!({"kind": "RULE_MATCH", "ruleIndex": 0}),
        ),
        (
            rule("r", true),
            json!({"kind": "RULE_MATCH", "ruleIndex": 0, "ruleId": "r", "inExperiment": true}),
        ),
        (
            failed,
            json!({"kind": "PREREQUISITE_FAILED", "prerequisiteKey": "p"}),
        ),
        (
            ReasonKind::Error(EvalErrorKind::WrongType),
            json!({"kind": "ERROR", "errorKind": "WRONG_TYPE"}),
        ),
    ] {
        let mut reason = Reason::from(kind);
        assert_eq!(serde_json::to_value(&reason).unwrap(), json);

        reason.big_segments_status = Some(BigSegmentsStatus::Stale);
        let with_status = merged(json, json!({"bigSegmentsStatus": "STALE"}));
        assert_eq!(serde_json::to_value(&reason).unwrap(), with_status);

        reason.is_override = true;
        let of_override = merged(with_status, json!({"isOverride": true}));
        assert_eq!(serde_json::to_value(&reason).unwrap(), of_override);
    }
}

// EVAL-3.2 and EVAL-3.3
#[test]
fn error_kinds_and_statuses_have_the_names_of_the_protocol() {
    for (kind, word) in [
        (EvalErrorKind::ClientNotReady, "CLIENT_NOT_READY"),
        (EvalErrorKind::FlagNotFound, "FLAG_NOT_FOUND"),
        (EvalErrorKind::UserNotSpecified, "USER_NOT_SPECIFIED"),
        (EvalErrorKind::MalformedFlag, "MALFORMED_FLAG"),
        (EvalErrorKind::WrongType, "WRONG_TYPE"),
        (EvalErrorKind::Exception, "EXCEPTION"),
    ] {
        assert_eq!(serde_json::to_value(kind).unwrap(), json!(word));
    }
    for (status, word) in [
        (BigSegmentsStatus::Healthy, "HEALTHY"),
        (BigSegmentsStatus::Stale, "STALE"),
        (BigSegmentsStatus::StoreError, "STORE_ERROR"),
        (BigSegmentsStatus::NotConfigured, "NOT_CONFIGURED"),
    ] {
        assert_eq!(serde_json::to_value(status).unwrap(), json!(word));
    }
}

// EVAL-4.2
#[test]
fn a_flag_that_is_off_serves_its_off_variation_and_evaluates_nothing() {
    let busy = json!({"on": false, "prerequisites": [{"key": "missing"}],
        "targets": [{"variation": 1, "values": ["ada"]}], "rules": [{"variation": 1}]});
    for (off_variation, expected) in [
        (json!(1), off(1)),
        (json!(null), off(None)),
        (json!(3), malformed()),
        (json!(-1), malformed()),
    ] {
        let f = merged(
            flag(busy.clone()),
            json!({"offVariation": off_variation.clone()}),
        );
        let data = Data::flags(json!({"f": f}));
        assert_eq!(data.detail("f", &user("ada")), expected, "{off_variation}");
        assert_eq!(data.prerequisites("f", &user("ada")), json!([]));
    }
}

// EVAL-4.2
#[test]
fn an_outcome_is_its_variation_or_else_its_rollout_or_else_malformed() {
    let rollout = |index: i64| json!({"variations": [{"variation": index, "weight": 100_000}]});
    for (outcome, index) in [
        (json!({"variation": 2}), Some(2)),
        (json!({"variation": 2.0}), Some(2)),
        (json!({"variation": 1, "rollout": rollout(2)}), Some(1)),
        (json!({"variation": null, "rollout": rollout(2)}), Some(2)),
        (json!({"variation": 3}), None),
        (json!({"variation": -1}), None),
        (json!({"variation": 3, "rollout": rollout(2)}), None),
        (json!({"rollout": rollout(3)}), None),
        (json!({"rollout": rollout(-1)}), None),
        (json!({"rollout": {"variations": []}}), None),
        (json!({"rollout": {}}), None),
        (json!({"rollout": null}), None),
        (json!({}), None),
    ] {
        let by_rule = json!({"rules": [outcome.clone()]});
        let data = Data::flags(json!({
            "by-fallthrough": flag(json!({"fallthrough": outcome.clone()})),
            "by-rule": flag(by_rule),
        }));
        let expected = |reason: Json| index.map_or_else(malformed, |index| json!([index, reason]));
        assert_eq!(
            data.detail("by-fallthrough", &user("ada")),
            expected(json!({"kind": "FALLTHROUGH"})),
            "{outcome}"
        );
        assert_eq!(
            data.detail("by-rule", &user("ada")),
            expected(json!({"kind": "RULE_MATCH", "ruleIndex": 0})),
            "{outcome}"
        );
    }
}

// EVAL-3.1 and EVAL-4.2
#[test]
fn the_value_is_the_variation_even_if_it_is_null() {
    let variations = json!([null, {"x": [1]}, false]);
    let data = Data::flags(json!({
        "null": flag(json!({"variations": variations.clone()})),
        "object": flag(json!({"variations": variations, "fallthrough": {"variation": 1}})),
    }));
    let ada = user("ada");
    assert_eq!(
        data.evaluation("null", &ada).variation,
        Some((0, &Value::Null))
    );
    assert_eq!(
        data.evaluation("object", &ada).variation,
        Some((1, &json!({"x": [1]}).into()))
    );
}

// EVAL-4.2
#[test]
fn targets_come_before_rules_and_the_first_matching_rule_wins() {
    let data = Data::flags(json!({"f": flag(json!({
        "targets": [{"variation": 2, "values": ["targeted"]}],
        "rules": [
            {"id": "never", "clauses": [{"attribute": "key", "op": "in", "values": []}], "variation": 0},
            {"id": "keyed", "clauses": [{"attribute": "key", "op": "in", "values": ["ada"]}], "variation": 1},
            {"variation": 0},
        ],
    }))}));
    for (key, expected) in [
        ("targeted", target_match(2)),
        (
            "ada",
            json!([1, {"kind": "RULE_MATCH", "ruleIndex": 1, "ruleId": "keyed"}]),
        ),
        ("bob", json!([0, {"kind": "RULE_MATCH", "ruleIndex": 2}])),
    ] {
        assert_eq!(data.detail("f", &user(key)), expected, "{key}");
    }
}

// EVAL-4.2 and EVAL-4.4
#[test]
fn a_failed_prerequisite_serves_the_off_variation() {
    for (off_variation, expected) in [
        (json!(1), prerequisite_failed(1, "missing")),
        (json!(null), prerequisite_failed(None, "missing")),
        (json!(3), malformed()),
    ] {
        let f = merged(
            requiring(&["missing"]),
            json!({"offVariation": off_variation}),
        );
        let data = Data::flags(json!({"f": f}));
        assert_eq!(data.detail("f", &user("ada")), expected);
    }
}

// EVAL-9
#[test]
fn data_of_the_maximum_depth_is_evaluated_on_a_small_stack() {
    in_a_thread_with_a_small_stack(|| {
        let last = flag(json!({"rules": [{"clauses": [segment_match(&["s0"])], "variation": 0}]}));
        let data = Data::new(prerequisite_chain(101, last), segment_chain(100));
        let ada = user("ada");
        assert_eq!(data.detail("f0", &ada), fallthrough(0));
        let evaluation = data.evaluation("f0", &ada);
        let reasons: Vec<_> = evaluation
            .prerequisites
            .iter()
            .map(|event| reason(event.verdict).to_string())
            .collect();
        assert_eq!(reasons.len(), 100);
        assert_eq!(reasons[0], "matched rule 0");
    });
}

// EVAL-9
#[test]
fn data_beyond_the_maximum_depth_is_malformed_even_on_a_small_stack() {
    in_a_thread_with_a_small_stack(|| {
        let ada = user("ada");
        let flags = Data::flags(prerequisite_chain(10_000, flag(json!({}))));
        assert_eq!(flags.detail("f0", &ada), malformed());
        assert_eq!(in_segment("s0", segment_chain(10_000), &ada), None);
    });
}

/// The two flags of the example, both on.
fn example() -> (Json, Json) {
    let checkout = json!({"key": "checkout-v2", "version": 7, "on": true, "salt": "c0ffee",
    "variations": ["old", "new", "beta"], "offVariation": 0,
    "prerequisites": [{"key": "payments-live", "variation": 1}],
    "targets": [{"variation": 2, "values": ["ada"]}],
    "contextTargets": [
        {"contextKind": "org", "variation": 1, "values": ["acme"]},
        {"contextKind": "user", "variation": 2, "values": []},
    ],
    "rules": [{"id": "r-emea", "trackEvents": false,
        "clauses": [{"contextKind": "org", "attribute": "/hq/region", "op": "in", "values": ["emea"]}],
        "rollout": {"kind": "experiment", "contextKind": "user", "seed": 61, "bucketBy": "ignored",
            "variations": [
                {"variation": 0, "weight": 10_000},
                {"variation": 1, "weight": 20_000},
                {"variation": 0, "weight": 70_000, "untracked": true},
            ]}}],
    "fallthrough": {"rollout": {"contextKind": "user", "bucketBy": "/plan/id", "variations": [
        {"variation": 0, "weight": 50_000},
        {"variation": 1, "weight": 50_000},
    ]}}});
    let payments = json!({"key": "payments-live", "version": 3, "on": true, "variations": [false, true],
        "fallthrough": {"variation": 1}, "offVariation": 0, "salt": "p"});
    (checkout, payments)
}

// EVAL-7.6, rows 1 to 10
#[test]
fn whole_evaluations_follow_the_table_of_vectors() {
    let (checkout, payments) = example();
    let data = Data::flags(json!({"checkout-v2": checkout, "payments-live": payments}));
    let emea = json!({"key": "x", "hq": {"region": "emea"}});
    let in_emea = |user: &str| json!({"kind": "multi", "org": emea, "user": {"key": user}});
    let org_alone = merged(emea.clone(), json!({"kind": "org"}));
    let bob = |plan: Json| json!({"kind": "user", "key": "bob", "plan": plan});
    let target = json!({"kind": "TARGET_MATCH"});
    let rule = json!({"kind": "RULE_MATCH", "ruleIndex": 0, "ruleId": "r-emea"});
    let experiment = merged(rule.clone(), json!({"inExperiment": true}));
    let rest = json!({"kind": "FALLTHROUGH"});
    let ada = json!({"kind": "user", "key": "ada"});
    let acme = json!({"kind": "org", "key": "acme"});
    let both = json!({"kind": "multi", "org": {"key": "acme"}, "user": {"key": "ada"}});
    for (who, value, index, reason) in [
        (ada, "beta", 2, &target),
        (both, "new", 1, &target),
        (acme, "new", 1, &target),
        (in_emea("userKeyA"), "old", 0, &experiment),
        (in_emea("userKeyB"), "new", 1, &experiment),
        (in_emea("userKeyC"), "old", 0, &rule),
        (org_alone, "old", 0, &rule),
        (bob(json!({"id": 33_333})), "old", 0, &rest),
        (bob(json!({"id": "33333"})), "old", 0, &rest),
        (bob(json!({"id": 99_999})), "new", 1, &rest),
        (bob(json!(null)), "old", 0, &rest),
        (bob(json!({"id": 1.5})), "old", 0, &rest),
        (bob(json!({"id": ["a"]})), "old", 0, &rest),
    ] {
        let context = context(who.clone());
        let evaluation = data.evaluation("checkout-v2", &context);
        assert_eq!(evaluation.variation, Some((index, &value.into())), "{who}");
        let written = serde_json::to_value(evaluation.reason()).unwrap();
        assert_eq!(&written, reason, "{who}");
        assert_eq!(
            data.prerequisites("checkout-v2", &context),
            json!([["payments-live", "checkout-v2", 1, {"kind": "FALLTHROUGH"}]])
        );
    }
}

// EVAL-7.6, rows 11 and 12
#[test]
fn whole_evaluations_with_failed_prerequisites_follow_the_table_of_vectors() {
    let (checkout, payments) = example();
    let ada = user("ada");
    let failed = prerequisite_failed(0, "payments-live");

    let off = merged(payments, json!({"on": false}));
    let data = Data::flags(json!({"checkout-v2": checkout.clone(), "payments-live": off}));
    assert_eq!(data.detail("checkout-v2", &ada), failed);
    let evaluation = data.evaluation("checkout-v2", &ada);
    assert_eq!(evaluation.variation, Some((0, &"old".into())));
    let [event] = evaluation.prerequisites.as_slice() else {
        panic!("expected exactly one evaluated prerequisite");
    };
    assert_eq!(event.flag.key(), "payments-live");
    assert_eq!(event.prerequisite_of, "checkout-v2");
    assert_eq!(event.variation, Some((0, &false.into())));
    assert_eq!(reason(event.verdict), ReasonKind::Off.into());

    let data = Data::flags(json!({"checkout-v2": checkout}));
    assert_eq!(data.detail("checkout-v2", &ada), failed);
    assert_eq!(data.prerequisites("checkout-v2", &ada), json!([]));
}
