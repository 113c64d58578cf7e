//! Big segments.

use super::*;

fn big(more: Json) -> Json {
    merged(json!({"unbounded": true, "generation": 100}), more)
}

fn no_answer(status: BigSegmentsStatus) -> MembershipAnswer {
    MembershipAnswer::new(None, status)
}

fn membership_of(key: &str) -> Need {
    Need::Membership(key.into())
}

// EVAL-5
#[test]
fn a_big_segment_needs_the_membership_of_the_context_key_of_its_kind() {
    for (segment, context, need) in [
        (big(json!({})), user("ada"), Some(membership_of("ada"))),
        (
            big(json!({"unboundedContextKind": "org"})),
            org_and_user("acme", "ada"),
            Some(membership_of("acme")),
        ),
        (
            big(json!({"unboundedContextKind": ""})),
            org_and_user("acme", "ada"),
            Some(membership_of("ada")),
        ),
        (
            big(json!({"generation": 0})),
            user("ada"),
            Some(membership_of("ada")),
        ),
        (
            big(json!({"included": ["ada"], "excluded": ["ada"]})),
            user("ada"),
            Some(membership_of("ada")),
        ),
        (
            big(json!({"unboundedContextKind": "org"})),
            user("ada"),
            None,
        ),
        (big(json!({"generation": null})), user("ada"), None),
        (json!({"generation": 100}), user("ada"), None),
    ] {
        let data = Data::clause(segment_match(&["s"]), json!({"s": segment.clone()}));
        assert_eq!(data.need("f", &context), need, "{segment}");
    }
}

// EVAL-5
#[test]
fn a_lookup_without_big_segments_reports_membership_as_needed() {
    struct Plain(Data);

    impl Lookup for Plain {
        fn flag(&self, key: &str) -> Found<&Flag> {
            self.0.flag(key)
        }

        fn segment(&self, key: &str) -> Found<&Segment> {
            self.0.segment(key)
        }
    }

    let data = Plain(Data::clause(
        segment_match(&["s"]),
        json!({"s": big(json!({}))}),
    ));
    let Found::Present(f) = data.flag("f") else {
        unreachable!()
    };
    let ada = user("ada");
    let outcome = evaluate(f, &ada, &data);
    assert!(
        matches!(outcome, Outcome::Needs(need) if need == membership_of("ada")),
        "the default of the trait must be `Unknown`"
    );
}

// EVAL-5
#[test]
fn the_rules_decide_only_if_the_membership_does_not() {
    use BigSegmentsStatus::{Healthy, NotConfigured, Stale, StoreError};
    let included = |status| answer(&["s.g100"], &[], status);
    let excluded = |status| answer(&[], &["s.g100"], status);
    let unknown = |status| answer(&["s.g99", "t.g100", "s"], &[], status);
    for (given, with_rule, without_rule) in [
        (included(Healthy), true, true),
        (included(Stale), true, true),
        (included(StoreError), true, true),
        (excluded(Healthy), false, false),
        (excluded(Stale), false, false),
        (unknown(Healthy), true, false),
        (unknown(Stale), true, false),
        (answer(&[], &[], Healthy), true, false),
        (answer(&["s.g100"], &["s.g100"], Healthy), true, true),
        (no_answer(Healthy), true, false),
        (no_answer(StoreError), true, false),
        (no_answer(NotConfigured), true, false),
    ] {
        let key_rule = rule_of(json!({"attribute": "key", "op": "in", "values": ["ada"]}));
        let regular = json!({"included": ["ada"], "excluded": ["ada"]});
        for (rules, expected) in [(json!([key_rule]), with_rule), (json!([]), without_rule)] {
            let segment = merged(big(json!({"rules": rules})), regular.clone());
            let data = Data::clause(segment_match(&["s"]), json!({"s": segment}))
                .answering("ada", given.clone());
            assert_eq!(
                data.matches(&user("ada")),
                Some(expected),
                "{given:?}, rules {rules}"
            );
            assert_eq!(status(&data, &user("ada")), Some(given.status));
        }
    }
}

// EVAL-5
#[test]
fn memberships_name_segments_by_key_and_generation() {
    for (generation, reference) in [(json!(0), "s.g0"), (json!(7.0), "s.g7")] {
        let segment = big(json!({"generation": generation}));
        let data = Data::clause(segment_match(&["s"]), json!({"s": segment}))
            .answering("ada", answer(&[reference], &[], BigSegmentsStatus::Healthy));
        assert_eq!(data.matches(&user("ada")), Some(true), "{reference}");
    }
}

// EVAL-5
#[test]
fn a_segment_without_a_generation_is_not_configured_and_skips_its_rules() {
    for kind in ["user", "org"] {
        let segment = json!({"unbounded": true, "unboundedContextKind": kind, "included": ["ada"], "rules": [{}]});
        let data = Data::clause(segment_match(&["s"]), json!({"s": segment})).answering(
            "ada",
            answer(&["s.g0", "s"], &[], BigSegmentsStatus::Healthy),
        );
        assert_eq!(data.matches(&user("ada")), Some(false));
        let expected = Some(BigSegmentsStatus::NotConfigured);
        assert_eq!(status(&data, &user("ada")), expected, "{kind}");
    }
}

// EVAL-5
#[test]
fn a_context_without_the_kind_is_not_in_the_segment_and_sets_no_status() {
    let segment = big(json!({"unboundedContextKind": "org", "included": ["ada"], "rules": [{}]}));
    let data = Data::clause(segment_match(&["s"]), json!({"s": segment}));
    assert_eq!(data.matches(&user("ada")), Some(false));
    assert_eq!(status(&data, &user("ada")), None);
}

/// Evaluates flag `f` like a client, fetching what is missing. Returns the needs in order.
fn fetch(data: &mut Data, context: &Context) -> Vec<Need> {
    let mut needs = Vec::new();
    while let Some(need) = data.need("f", context) {
        let Need::Membership(key) = &need else {
            panic!("{need:?} was not expected");
        };
        let given = answer(&[], &[], BigSegmentsStatus::Healthy);
        assert!(
            data.memberships.insert(key.clone(), given).is_none(),
            "{key} was needed twice"
        );
        needs.push(need);
    }
    needs
}

// EVAL-5
#[test]
fn there_is_one_need_per_context_key_in_the_order_of_use() {
    let segments = json!({
        "users": big(json!({})),
        "more-users": big(json!({"generation": 2})),
        "orgs": big(json!({"unboundedContextKind": "org"})),
    });
    let all = segment_match(&["users", "more-users", "orgs"]);
    for (context, needs) in [
        (user("ada"), vec![membership_of("ada")]),
        (org_and_user("same", "same"), vec![membership_of("same")]),
        (
            org_and_user("acme", "ada"),
            vec![membership_of("ada"), membership_of("acme")],
        ),
    ] {
        let mut data = Data::clause(all.clone(), segments.clone());
        assert_eq!(fetch(&mut data, &context), needs);
    }
}

// EVAL-5
#[test]
fn the_worst_of_several_statuses_is_reported() {
    use BigSegmentsStatus::{Healthy, NotConfigured, Stale, StoreError};
    let segments =
        json!({"users": big(json!({})), "orgs": big(json!({"unboundedContextKind": "org"}))});
    let from_best_to_worst = [Healthy, Stale, StoreError, NotConfigured];
    for (rank, user_status) in from_best_to_worst.into_iter().enumerate() {
        for (other_rank, org_status) in from_best_to_worst.into_iter().enumerate() {
            let both = segment_match(&["users", "orgs"]);
            let data = Data::clause(both, segments.clone())
                .answering("ada", no_answer(user_status))
                .answering("acme", no_answer(org_status));
            let worst = from_best_to_worst[rank.max(other_rank)];
            let context = org_and_user("acme", "ada");
            assert_eq!(
                status(&data, &context),
                Some(worst),
                "{user_status:?} and {org_status:?}"
            );
        }
    }
}

// EVAL-5
#[test]
fn a_missing_generation_is_the_worst_status_and_unused_segments_are_ignored() {
    let segments = json!({"big": big(json!({})), "unsynchronised": {"unbounded": true}});
    let stale = answer(&["big.g100"], &[], BigSegmentsStatus::Stale);
    for (keys, expected) in [
        (["unsynchronised", "big"], BigSegmentsStatus::NotConfigured),
        (["big", "unsynchronised"], BigSegmentsStatus::Stale),
    ] {
        let data =
            Data::clause(segment_match(&keys), segments.clone()).answering("ada", stale.clone());
        assert_eq!(data.matches(&user("ada")), Some(true));
        assert_eq!(status(&data, &user("ada")), Some(expected), "{keys:?}");
    }
}

// EVAL-5
#[test]
fn the_status_is_part_of_every_kind_of_reason() {
    let in_big = |outcome: Json| merged(json!({"clauses": [segment_match(&["s"])]}), outcome);
    let circle = rule_of(segment_match(&["circle"]));
    let failed = json!({"kind": "PREREQUISITE_FAILED", "prerequisiteKey": "p"});
    let error = json!({"kind": "ERROR", "errorKind": "MALFORMED_FLAG"});
    let rule_match = json!({"kind": "RULE_MATCH", "ruleIndex": 0});
    for (more, index, reason) in [
        (
            json!({"rules": [in_big(json!({"variation": 1}))]}),
            json!(1),
            rule_match,
        ),
        (
            json!({"rules": [in_big(json!({"variation": 9}))]}),
            json!(null),
            error.clone(),
        ),
        (
            json!({"rules": [in_big(json!({})), circle.clone()]}),
            json!(null),
            error.clone(),
        ),
        (json!({"rules": [circle]}), json!(null), error),
        (
            json!({"prerequisites": [{"key": "p", "variation": 0}]}),
            json!(2),
            failed,
        ),
        (
            json!({"prerequisites": [{"key": "p", "variation": 1}]}),
            json!(0),
            json!({"kind": "FALLTHROUGH"}),
        ),
        (
            json!({"prerequisites": [{"key": "p", "variation": 1}], "targets": [{"values": ["ada"]}]}),
            json!(0),
            json!({"kind": "TARGET_MATCH"}),
        ),
    ] {
        let p = flag(json!({"rules": [in_big(json!({"variation": 1}))]}));
        let circle = json!({"rules": [{"clauses": [segment_match(&["not-s", "circle"])]}]});
        let not_s = big(json!({"generation": 1}));
        let segments = json!({"s": big(json!({})), "not-s": not_s, "circle": circle});
        let data = Data::new(json!({"f": flag(more.clone()), "p": p}), segments)
            .answering("ada", answer(&["s.g100"], &[], BigSegmentsStatus::Stale));
        let reason = merged(reason, json!({"bigSegmentsStatus": "STALE"}));
        assert_eq!(
            data.detail("f", &user("ada")),
            json!([index, reason]),
            "{more}"
        );
    }
}

// EVAL-5
#[test]
fn prerequisites_share_memberships_and_only_the_outer_reason_shows_the_status() {
    let p = flag(json!({"rules": [{"clauses": [segment_match(&["s"])], "variation": 0}]}));
    let f = merged(
        requiring(&["p"]),
        json!({"rules": [{"clauses": [segment_match(&["s"])], "variation": 1}]}),
    );
    let segments = json!({"s": big(json!({}))});
    let mut data = Data::new(json!({"f": f, "p": p}), segments);
    let ada = user("ada");
    assert_eq!(fetch(&mut data, &ada), [membership_of("ada")]);

    let data = data.answering("ada", answer(&["s.g100"], &[], BigSegmentsStatus::Healthy));
    assert_eq!(
        data.detail("f", &ada),
        json!([1, {"kind": "RULE_MATCH", "ruleIndex": 0, "bigSegmentsStatus": "HEALTHY"}])
    );
    assert_eq!(
        data.prerequisites("f", &ada),
        json!([["p", "f", 0, {"kind": "RULE_MATCH", "ruleIndex": 0}]])
    );
}

// EVAL-5
#[test]
fn without_big_segments_the_reason_has_no_status() {
    let data = Data::clause(
        segment_match(&["s"]),
        json!({"s": {"included": ["ada"], "generation": 1}}),
    );
    assert_eq!(
        data.detail("f", &user("ada")),
        json!([1, {"kind": "RULE_MATCH", "ruleIndex": 0, "ruleId": "r"}])
    );
}
