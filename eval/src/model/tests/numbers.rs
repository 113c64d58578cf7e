//! Versions, indexes and weights in all notations that services use.

use super::*;

// EVAL-2.1
#[test]
fn integers_may_have_a_fraction_which_is_truncated() {
    for (written, read) in [
        ("2", 2),
        ("2.0", 2),
        ("2e0", 2),
        ("2.9", 2),
        ("0.9", 0),
        ("-0.9", 0),
        ("-1", -1),
        ("-1.0", -1),
        ("-1.9", -1),
        ("9007199254740992", 9_007_199_254_740_992),
        ("18446744073709551615", i64::MAX),
        ("1e300", i64::MAX),
        ("-1e300", i64::MIN),
    ] {
        let json = format!(
            r#"{{"offVariation": {written}, "fallthrough": {{"variation": {written}}},
            "samplingRatio": {written}, "prerequisites": [{{"variation": {written}}}]}}"#
        );
        let flag: Flag = serde_json::from_str(&json).unwrap();
        assert_eq!(flag.off_variation, Some(read), "{written}");
        assert_eq!(flag.sampling_ratio(), Some(read), "{written}");
        assert_eq!(flag.prerequisites[0].variation, read, "{written}");
        assert!(
            matches!(flag.fallthrough, VariationOrRollout::Variation(index) if index == read),
            "{written}"
        );
    }
}

// EVAL-2.1
#[test]
fn indexes_and_weights_may_be_negative_and_versions_start_at_zero() {
    let weights = json!([{"variation": -1, "weight": -5}, {"weight": 10}, {"weight": 99_995}]);
    let flag = flag(json!({"version": -3, "rules": [{"rollout": {"variations": weights}}]}));
    assert_eq!(flag.version(), 0);
    let weighted = &rollout(&flag.rules[0].result).weighted;
    let ends: Vec<_> = weighted.iter().map(|share| share.end * 100_000.0).collect();
    assert_eq!(weighted[0].variation, -1);
    for (end, expected) in ends.into_iter().zip([-5.0, 5.0, 100_000.0_f32]) {
        assert!((end - expected).abs() < 0.01, "{end} and {expected}");
    }
}

// SRC-F16, SRC-F17, SRC-F18
#[test]
fn versions_are_read_alike_in_items_of_every_form() {
    let largest = 9_223_372_036_854_775_807_u64;
    for (written, read) in [
        (json!(7), 7),
        (json!(7.0), 7),
        (json!(4.5), 4),
        (json!(-4.5), 0),
        (json!(null), 0),
        (json!(largest), largest),
        (json!(largest + 1), largest),
        (json!(1e20), largest),
        (json!(-1e20), 0),
    ] {
        for deleted in [false, true] {
            for kind in KINDS {
                let json = json!({"version": written, "deleted": deleted});
                let item = item(kind, &json).unwrap();
                assert_eq!((item.kind(), item.version()), (kind, read), "{json}");
                assert_eq!(item.key(), "k");
            }
        }
    }
}
