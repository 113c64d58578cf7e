//! Details, reasons and mismatches as values.

use super::*;

fn stale_override() -> Reason {
    let mut reason = Reason::new(ReasonKind::Off, Some(BigSegmentsStatus::Stale));
    reason.is_override = true;
    reason
}

#[test]
fn details_are_equal_if_value_variation_and_reason_are() {
    let detail = |value: i32, index: usize, reason: Reason| Detail::new(value, Some(index), reason);
    let one = detail(1, 0, ReasonKind::Off.into());
    assert_eq!(one, one.clone());
    for other in [
        detail(2, 0, ReasonKind::Off.into()),
        detail(1, 1, ReasonKind::Off.into()),
        detail(1, 0, ReasonKind::TargetMatch.into()),
        detail(1, 0, stale_override()),
    ] {
        assert_ne!(one, other);
    }
}

#[test]
fn the_type_mismatch_is_not_compared() {
    let mismatch = TypeMismatch::new("an integer", &"ten".into());
    let with = Detail::mismatched(1, mismatch, ReasonKind::Off.into());
    let without = Detail::new(1, None, EvalErrorKind::WrongType.into());
    assert!(with.type_mismatch().is_some() && without.type_mismatch().is_none());
    assert_eq!(with, without);
}

#[test]
fn a_mismatch_replaces_only_the_kind_of_the_reason() {
    let mismatch = TypeMismatch::new("an integer", &"ten".into());
    let detail = Detail::mismatched(1, mismatch, stale_override());
    assert_eq!(detail.reason.error(), Some(EvalErrorKind::WrongType));
    assert_eq!(
        detail.reason.big_segments_status,
        Some(BigSegmentsStatus::Stale)
    );
    assert!(detail.reason.is_override);
    assert!(detail.is_default_value());
    assert!(!Detail::new(1, Some(0), stale_override()).is_default_value());
}

#[test]
fn an_error_of_more_than_five_hundred_bytes_is_cut() {
    let error = |length: usize| {
        let mismatch = TypeMismatch::new("u8", &"ten".into()).with_error(&"x".repeat(length));
        mismatch.error.unwrap()
    };
    assert_eq!(error(499), "x".repeat(499));
    assert_eq!(error(500), "x".repeat(500));
    assert_eq!(error(501), "x".repeat(500) + "…");
    let mismatch = TypeMismatch::new("u8", &"ten".into());
    assert_eq!(mismatch.to_string(), "expected u8, found a string");
    let mismatch = mismatch.with_error(&"too long");
    assert_eq!(
        mismatch.to_string(),
        "expected u8, found a string: too long"
    );
}

#[test]
fn a_matched_rule_is_shown_by_index_and_by_its_id_if_it_has_one() {
    let matched = |id: &str| {
        let rule_id = Text::from(id);
        Reason::from(ReasonKind::RuleMatch {
            rule_index: 3,
            rule_id,
            in_experiment: false,
        })
    };
    assert_eq!(matched("").to_string(), "matched rule 3");
    assert_eq!(matched("r").to_string(), "matched rule 3 (r)");
}

#[test]
fn the_weight_of_a_membership_grows_with_its_references() {
    let weight = |included: &[&'static str]| Membership::new(included.to_vec(), vec![]).weight();
    assert_eq!(weight(&[]), 0);
    assert_eq!(weight(&["ab"]), weight(&["a"]) + 1);
    assert_eq!(weight(&["a", "bc"]), weight(&["a"]) + weight(&["bc"]));
    assert!(weight(&["a"]) > 8);
}
