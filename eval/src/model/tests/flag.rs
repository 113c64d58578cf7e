//! Flags: defaults and properties.

use super::*;

// EVAL-2.2
#[test]
fn an_empty_flag_has_the_defaults_of_the_protocol() {
    let flag = flag(json!({}));
    assert_eq!((flag.key().as_str(), flag.version()), ("", 0));
    assert!(!flag.is_on());
    assert!(flag.variations().is_empty());
    assert_eq!(flag.off_variation, None);
    assert!(matches!(flag.fallthrough, VariationOrRollout::Neither));
    assert!(flag.targets.find(|_| Some("")).is_none());
    assert_eq!((flag.rules.len(), flag.prerequisites().len()), (0, 0));
    assert!(!flag.track_events());
    assert!(!flag.track_events_fallthrough);
    assert!(!flag.exclude_from_summaries());
    assert_eq!(flag.debug_events_until(), None);
    assert_eq!((flag.sampling_ratio(), flag.check_ratio()), (None, None));
}

// EVAL-2.2
#[test]
fn the_properties_of_a_flag_are_read() {
    let flag = flag(
        json!({"key": "k", "version": 9_007_199_254_740_992_u64, "on": true,
        "variations": [null, {"x": [1]}], "offVariation": 1, "fallthrough": {"variation": 0},
        "targets": [{"variation": 1, "values": ["ada"]}],
        "prerequisites": [{"key": "p", "variation": 2}, {"key": "q"}],
        "trackEvents": true, "trackEventsFallthrough": true, "excludeFromSummaries": true,
        "debugEventsUntilDate": 1_512_543_600_000_u64, "samplingRatio": 10, "migration": {"checkRatio": 5}}),
    );
    assert_eq!(
        (flag.key().as_str(), flag.version()),
        ("k", 9_007_199_254_740_992)
    );
    assert!(flag.is_on());
    assert_eq!(flag.variations(), [Value::Null, json!({"x": [1]}).into()]);
    assert_eq!(flag.off_variation, Some(1));
    assert!(matches!(flag.fallthrough, VariationOrRollout::Variation(0)));
    let (_, target) = flag.targets.find(|_| Some("ada")).unwrap();
    assert_eq!(target.variation(), 1);
    let prerequisites = flag.prerequisites.iter();
    let prerequisites: Vec<_> = prerequisites
        .map(|required| (required.key.as_str(), required.variation))
        .collect();
    assert_eq!(prerequisites, [("p", 2), ("q", 0)]);
    assert!(flag.prerequisites().eq(["p", "q"]));
    assert!(flag.track_events());
    assert!(flag.track_events_fallthrough);
    assert!(flag.exclude_from_summaries());
    assert_eq!(flag.debug_events_until(), Some(1_512_543_600_000));
    assert_eq!(
        (flag.sampling_ratio(), flag.check_ratio()),
        (Some(10), Some(5))
    );
    assert_eq!(flag.with_version(3).version(), 3);
}

// EVAL-2.3
#[test]
fn the_parts_of_a_flag_have_the_defaults_of_the_protocol() {
    let flag = flag(json!({"rules": [{}, {"clauses": [{}]}, {"rollout": {"variations": [{}]}}]}));
    let [empty, with_clause, with_rollout] = &*flag.rules else {
        panic!("expected three rules");
    };
    assert_eq!((empty.id.as_str(), empty.clauses.len()), ("", 0));
    assert!(!empty.track_events);
    assert!(matches!(empty.result, VariationOrRollout::Neither));

    let clause = &with_clause.clauses[0];
    assert_eq!(clause.kind, Kind::User);
    assert_eq!(clause.attribute.error(), Some(ReferenceError::Empty));
    assert!(!clause.negate);
    assert!(matches!(clause.operator, Operator::Never));

    let rollout = rollout(&with_rollout.result);
    assert_eq!(rollout.kind, Kind::User);
    assert!(!rollout.experiment);
    assert!(matches!(rollout.by, BucketBy::Key));
    let share = &rollout.weighted[0];
    assert_eq!((share.variation, share.untracked), (0, false));
    assert_eq!(share.end.to_bits(), 0.0_f32.to_bits());
}

// EVAL-2.2
#[test]
fn client_side_availability_overrides_the_older_property_client_side() {
    let availability = |json: Json| json!({"clientSideAvailability": json});
    for (json, mobile, browser) in [
        (json!({}), true, false),
        (json!({"clientSide": true}), true, true),
        (json!({"clientSide": false}), true, false),
        (json!({"clientSide": null}), true, false),
        (
            json!({"clientSide": true, "clientSideAvailability": null}),
            true,
            true,
        ),
        (
            json!({"clientSide": true, "clientSideAvailability": {}}),
            false,
            false,
        ),
        (availability(json!({})), false, false),
        (availability(json!({"usingMobileKey": true})), true, false),
        (
            availability(json!({"usingEnvironmentId": true})),
            false,
            true,
        ),
        (
            availability(json!({"usingMobileKey": null, "usingEnvironmentId": true})),
            false,
            true,
        ),
    ] {
        let flag = flag(json.clone());
        let seen = (flag.using_mobile_key(), flag.using_environment_id());
        assert_eq!(seen, (mobile, browser), "{json}");
    }
}

// EVAL-2.2
#[test]
fn a_debug_date_of_zero_means_no_date() {
    for (date, expected) in [
        (json!(0), None),
        (json!(0.0), None),
        (json!(-1), None),
        (json!(null), None),
        (json!(1), Some(1)),
        (json!(1_512_543_600_000.5), Some(1_512_543_600_000)),
    ] {
        let flag = flag(json!({"debugEventsUntilDate": date}));
        assert_eq!(flag.debug_events_until(), expected, "{date}");
    }
}

// EVAL-2.3
#[test]
fn flags_and_segments_list_the_segments_that_they_refer_to() {
    let clause = |op: &str, values: Json| json!({"op": op, "values": values});
    let rules = json!([
        {"clauses": [clause("segmentMatch", json!(["a", 3, "b"])), clause("in", json!(["x"]))]},
        {"clauses": [clause("segmentMatch", json!(["a"]))]},
    ]);
    assert!(flag(json!({"rules": rules})).segments().eq(["a", "b", "a"]));
    assert!(
        segment(json!({"rules": rules}))
            .segments()
            .eq(["a", "b", "a"])
    );
}
