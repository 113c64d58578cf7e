//! Explanations of each kind, as text and as JSON.
//!
//! The expected texts are the files in `snapshots`. `VEXIL_UPDATE_SNAPSHOTS=1` rewrites them.

use std::path::Path;
use std::{env, fs};

use super::*;
use crate::eval::{BigSegmentsStatus, EvalErrorKind, Membership};

/// Compares the explanation, in all forms of text and as JSON, with a file.
#[track_caller]
fn assert_snapshot(name: &str, explanation: &Explanation) {
    let mut text = String::new();
    for ascii in [false, true] {
        for width in [80, 120] {
            let set = if ascii { "ASCII" } else { "Unicode" };
            let tree = explanation.tree().ascii(ascii).width(width).to_string();
            assert!(!ascii || tree.is_ascii());
            text.push_str(&format!("# {set}, {width} columns\n{tree}\n"));
        }
    }
    let json = serde_json::to_string_pretty(&serde_json::to_value(explanation).unwrap()).unwrap();
    text.push_str(&format!("# JSON\n{json}\n"));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/explain/tests/snapshots");
    let file = folder.join(format!("{name}.txt"));
    if env::var_os("VEXIL_UPDATE_SNAPSHOTS").is_some() {
        fs::create_dir_all(&folder).unwrap();
        fs::write(&file, &text).unwrap();
    }
    let expected = fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(text, expected, "{name} is not as in {}", file.display());
}

fn bob(more: Json) -> Context {
    let mut bob = json!({"kind": "user", "key": "bob"});
    let members = bob.as_object_mut().unwrap();
    members.extend(more.as_object().unwrap().clone());
    context(bob)
}

#[test]
fn a_flag_that_is_off() {
    let legacy = json!({"version": 3, "on": false, "variations": [true, false],
        "rules": [{"clauses": [], "variation": 0}, {"clauses": [], "variation": 1}]});
    let data = Data::new(json!({"legacy-search": legacy}), json!({}));
    assert_snapshot("off", &data.explain("legacy-search", &user(json!({}))));
}

#[test]
fn a_target() {
    let clause = json!({"attribute": "email", "op": "endsWith", "values": ["@staff.com"]});
    let checkout = json!({"version": 7, "on": true, "variations": [true, false], "offVariation": 1,
        "targets": [{"variation": 0, "values": ["ada"]}],
        "rules": [{"clauses": [clause], "variation": 0}, {"clauses": [], "variation": 1}],
        "fallthrough": {"variation": 1}});
    let data = Data::new(json!({"new-checkout": checkout}), json!({}));
    assert_snapshot("target", &data.explain("new-checkout", &user(json!({}))));
    let beyond = ExplainOptions::default().beyond(true);
    let explanation = data.explain_with("new-checkout", &user(json!({})), &beyond);
    assert_snapshot("target-beyond", &explanation);
}

fn lounge(negate: bool) -> Data {
    let clauses = json!([
        {"contextKind": "org", "attribute": "/hq/region", "op": "in", "values": ["emea", "apac"]},
        {"contextKind": "user", "attribute": "tier", "op": "in", "values": ["gold"], "negate": negate},
        {"contextKind": "user", "attribute": "age", "op": "greaterThan", "values": [17]},
    ]);
    let lounge = json!({"version": 2, "on": true, "variations": [true, false],
        "targets": [{"variation": 0, "values": ["ada"]}],
        "rules": [{"id": "emea-gold", "clauses": clauses, "variation": 0}],
        "fallthrough": {"variation": 1}});
    Data::new(json!({"vip-lounge": lounge}), json!({}))
}

fn acme_and_bob() -> Context {
    context(
        json!({"kind": "multi", "org": {"key": "acme", "hq": {"region": "emea"}},
        "user": {"key": "bob", "age": 36}}),
    )
}

#[test]
fn a_rule_with_a_missing_attribute() {
    let explanation = lounge(false).explain("vip-lounge", &acme_and_bob());
    assert_snapshot("missing-attribute", &explanation);
    let explanation = lounge(true).explain("vip-lounge", &acme_and_bob());
    assert_snapshot("missing-attribute-negated", &explanation);
    let explanation = lounge(true)
        .without_texts()
        .explain("vip-lounge", &acme_and_bob());
    assert_snapshot("missing-attribute-without-texts", &explanation);
}

#[test]
fn a_segment_with_a_nested_rule_and_a_share() {
    let in_segment = |key: &str| json!({"op": "segmentMatch", "values": [key]});
    let search = json!({"version": 5, "on": true, "variations": [true, false],
        "rules": [{"clauses": [in_segment("eu-staff")], "variation": 0},
            {"clauses": [], "variation": 1}],
        "fallthrough": {"variation": 1}});
    let country = json!({"attribute": "country", "op": "in", "values": ["DE", "FR"]});
    let segments = json!({
        "eu-staff": {"version": 4, "salt": "seg", "rules": [
            {"clauses": [in_segment("staff"), country], "weight": 25000}]},
        "staff": {"version": 9, "included": ["bob"]}});
    let data = Data::new(json!({"beta-search": search}), segments);
    let explanation = data.explain("beta-search", &bob(json!({"country": "DE"})));
    assert_snapshot("segment", &explanation);
}

#[test]
fn a_rollout() {
    let checkout = json!({"version": 1, "on": true, "salt": "s1", "variations": ["old", "beta", "new"],
        "fallthrough": {"rollout": {"variations": [{"variation": 0, "weight": 30000},
            {"variation": 1, "weight": 50000}, {"variation": 2, "weight": 20000}]}}});
    let data = Data::new(json!({"new-checkout": checkout}), json!({}));
    assert_snapshot("rollout", &data.explain("new-checkout", &user(json!({}))));
}

#[test]
fn a_rollout_by_an_attribute_that_is_not_hashed() {
    let rollout = |kind: &str| {
        json!({"contextKind": kind, "bucketBy": "plan", "variations": [
            {"variation": 0, "weight": 50000}, {"variation": 1, "weight": 40000}]})
    };
    let flag = |rollout: Json| flag(json!({"fallthrough": {"rollout": rollout}}));
    let flags = json!({"by-user": flag(rollout("user")), "by-org": flag(rollout("org"))});
    let data = Data::new(flags, json!({}));
    let explanation = data.explain("by-user", &user(json!({"plan": 1.5})));
    assert_snapshot("rollout-not-hashed", &explanation);
    let explanation = data.explain("by-org", &user(json!({"plan": 1.5})));
    assert_snapshot("rollout-missing-kind", &explanation);
}

#[test]
fn a_failed_prerequisite() {
    let clause = json!({"attribute": "email", "op": "matches", "values": ["@staff\\.com$"]});
    let flags = json!({
        "checkout-express": {"version": 4, "on": true, "variations": [true, false], "offVariation": 1,
            "prerequisites": [{"key": "new-checkout", "variation": 0}],
            "fallthrough": {"variation": 0}},
        "new-checkout": {"version": 7, "on": true, "variations": [true, false], "offVariation": 1,
            "rules": [{"id": "staff-by-mail", "clauses": [clause], "variation": 0}],
            "fallthrough": {"variation": 1}}});
    let data = Data::new(flags, json!({}));
    let explanation = data.explain(
        "checkout-express",
        &bob(json!({"email": "bob@example.org"})),
    );
    assert_snapshot("prerequisite", &explanation);
}

#[test]
fn prerequisites_that_are_missing_or_off() {
    let requiring = |key: &str| {
        flag(json!({"prerequisites": [{"key": key, "variation": 0}], "offVariation": 1}))
    };
    let flags = json!({"one": requiring("gone"), "two": requiring("base"),
        "base": flag(json!({"on": false}))});
    let data = Data::new(flags, json!({}));
    assert_snapshot(
        "prerequisite-missing",
        &data.explain("one", &user(json!({}))),
    );
    assert_snapshot("prerequisite-off", &data.explain("two", &user(json!({}))));
}

#[test]
fn an_experiment() {
    let price = json!({"version": 6, "on": true, "salt": "s", "variations": [10, 20],
        "fallthrough": {"rollout": {"kind": "experiment", "bucketBy": "plan", "seed": 61, "variations": [
            {"variation": 0, "weight": 25000}, {"variation": 1, "weight": 50000},
            {"variation": 0, "weight": 25000, "untracked": true}]}}});
    let data = Data::new(json!({"price-test": price}), json!({}));
    assert_snapshot("experiment", &data.explain("price-test", &bob(json!({}))));
}

fn early_access() -> Data {
    let clause = json!({"op": "segmentMatch", "values": ["vip"]});
    let access = json!({"version": 2, "on": true, "variations": [true, false],
        "rules": [{"clauses": [clause], "variation": 0}], "fallthrough": {"variation": 1}});
    let plan = json!({"attribute": "plan", "op": "in", "values": ["vip"]});
    let vip = json!({"version": 30, "unbounded": true, "generation": 12,
        "rules": [{"clauses": [plan]}]});
    Data::new(json!({"early-access": access}), json!({"vip": vip}))
}

#[test]
fn a_big_segment() {
    let ada = user(json!({"plan": "free"}));
    let none = Membership::new::<Text>([], []);
    for (name, membership, status) in [
        ("big-segment", Some(none), BigSegmentsStatus::Stale),
        (
            "big-segment-without-store",
            None,
            BigSegmentsStatus::NotConfigured,
        ),
        ("big-segment-failed", None, BigSegmentsStatus::StoreError),
    ] {
        let data = early_access().answering("ada", MembershipAnswer::new(membership, status));
        assert_snapshot(name, &data.explain("early-access", &ada));
    }
}

#[test]
fn an_invalid_context_and_an_unknown_flag() {
    let error = Context::with_kind("ada", "us er").unwrap_err();
    assert_snapshot(
        "invalid-context",
        &Explanation::invalid_context("theme", &error),
    );
    let unknown = EvalErrorKind::FlagNotFound;
    let explanation = Explanation::not_evaluated("theme", Some(&user(json!({}))), unknown);
    assert_snapshot("unknown-flag", &explanation);
}

#[test]
fn a_malformed_flag() {
    let requiring = |key: &str| flag(json!({"prerequisites": [{"key": key, "variation": 0}]}));
    let data = Data::new(json!({"a": requiring("b"), "b": requiring("a")}), json!({}));
    assert_snapshot("malformed", &data.explain("a", &user(json!({}))));
}
