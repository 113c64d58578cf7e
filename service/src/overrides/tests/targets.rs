//! Values for certain contexts.

use proptest::prelude::*;

use super::*;

/// The targets of a flag with these, after an override.
fn lists(targets: Value, context_targets: Value, contexts: Value) -> (Value, Value) {
    let flag = json!({
        "on": true, "variations": [0, 1, 2], "targets": targets, "contextTargets": context_targets,
    });
    let mut layers = layers(&json!({"f": flag}), &json!({}));
    layers
        .set_override(DataKind::Flag, "f", form(json!({"for": contexts})))
        .unwrap();
    let served = layers.items().get(DataKind::Flag, "f").unwrap();
    let mut served: Value = serde_json::from_str(served.json().unwrap()).unwrap();
    (served["targets"].take(), served["contextTargets"].take())
}

fn entry(kind: &str, variation: i32, keys: &[&str]) -> Value {
    json!({"contextKind": kind, "variation": variation, "values": keys})
}

fn older(variation: i32, keys: &[&str]) -> Value {
    json!({"variation": variation, "values": keys})
}

fn target(kind: &str, key: &str, variation: i32) -> Value {
    json!({"kind": kind, "key": key, "variation": variation})
}

#[test]
fn users_are_written_in_the_form_that_all_sdks_read() {
    let (targets, context_targets) = lists(json!([]), json!([]), json!([target("user", "ada", 1)]));
    assert_eq!(targets, json!([older(1, &["ada"])]));
    assert_eq!(context_targets, json!([entry("user", 1, &[])]));
}

#[test]
fn older_targets_stay_in_their_order() {
    let targets = json!([
        older(2, &["bob"]),
        older(1, &["eve"]),
        older(2, &["ada", "zoe"])
    ]);
    let contexts = json!([target("user", "ada", 1), target("org", "acme", 0)]);
    let (targets, context_targets) = lists(targets, json!([]), contexts);
    assert_eq!(
        targets,
        json!([older(2, &["bob", "zoe"]), older(1, &["eve", "ada"])])
    );
    let expected = json!([
        entry("org", 0, &["acme"]),
        entry("user", 1, &[]),
        entry("user", 2, &[])
    ]);
    assert_eq!(context_targets, expected);
}

#[test]
fn a_list_without_an_entry_stays_without_an_effect() {
    let context_targets = json!([entry("user", 2, &[]), entry("org", 0, &["acme"])]);
    let targets = json!([
        older(1, &["eve"]),
        older(2, &["ada", "bob"]),
        older(1, &["zoe"])
    ]);
    let contexts = json!([target("user", "ada", 1)]);
    let (targets, context_targets) = lists(targets, context_targets, contexts);
    assert_eq!(targets, json!([older(1, &["ada"]), older(2, &["bob"])]));
    let expected = json!([
        entry("user", 1, &[]),
        entry("user", 2, &[]),
        entry("org", 0, &["acme"])
    ]);
    assert_eq!(context_targets, expected);
}

#[test]
fn a_list_of_users_that_loses_its_last_key_does_not_stand_for_another() {
    let context_targets = json!([entry("user", 2, &["ada"]), entry("org", 2, &["acme"])]);
    let targets = json!([older(2, &["eve"])]);
    let contexts = json!([target("user", "ada", 1), target("org", "acme", 1)]);
    let (targets, context_targets) = lists(targets, context_targets, contexts);
    assert_eq!(targets, json!([older(2, &["eve"]), older(1, &["ada"])]));
    assert_eq!(
        context_targets,
        json!([entry("org", 1, &["acme"]), entry("user", 1, &[])])
    );
}

#[test]
fn a_list_of_another_kind_among_the_older_ones_is_kept() {
    let targets = json!([entry("org", 1, &["acme"]), older(1, &["bob"])]);
    let contexts = json!([target("user", "ada", 1)]);
    let (targets, context_targets) = lists(targets, json!([]), contexts);
    assert_eq!(targets, json!([older(1, &["bob", "ada"])]));
    assert_eq!(
        context_targets,
        json!([entry("user", 1, &[]), entry("org", 1, &["acme"])])
    );

    let targets = json!([entry("org", 1, &["acme"]), older(1, &["bob"])]);
    let contexts = json!([target("user", "ada", 1)]);
    let (targets, context_targets) = lists(targets, json!([entry("", 1, &[])]), contexts);
    assert_eq!(targets, json!([older(1, &["ada"])]));
    assert_eq!(
        context_targets,
        json!([entry("user", 1, &[]), entry("org", 1, &["acme"])])
    );
}

#[test]
fn unknown_members_and_unusual_numbers_are_kept() {
    let targets = json!([{"variation": 1.5, "values": ["bob"], "note": "x"}, {"values": ["eve"]}]);
    let contexts = json!([target("user", "ada", 1), target("user", "zoe", 0)]);
    let (targets, context_targets) = lists(targets, json!([]), contexts);
    let expected = json!([
        {"variation": 1.5, "values": ["bob", "ada"], "note": "x"},
        {"values": ["eve", "zoe"], "variation": 0},
    ]);
    assert_eq!(targets, expected);
    assert_eq!(
        context_targets,
        json!([entry("user", 0, &[]), entry("user", 1, &[])])
    );
}

#[test]
fn a_flag_that_is_off_needs_an_off_variation() {
    let flags =
        json!({"f": {"variations": [0, 1]}, "g": {"variations": [0, 1], "offVariation": 0}});
    let mut layers = layers(&flags, &json!({}));
    let contexts = json!({"for": [target("user", "ada", 1)]});
    let error = layers.set_override(DataKind::Flag, "f", form(contexts.clone()));
    assert!(matches!(error, Err(OverrideError::NoOffVariation)));
    layers
        .set_override(DataKind::Flag, "g", form(contexts))
        .unwrap();
    let rules = rules(&layers);
    assert_eq!(value(&rules, "g", &user("ada")), json!(1));
    assert_eq!(value(&rules, "g", &user("bob")), json!(0));
}

#[test]
fn a_variation_that_the_flag_lacks_is_named() {
    let mut layers = layers(&json!({"f": {"on": true, "variations": [0]}}), &json!({}));
    let json = json!({"for": [
        {"kind": "user", "key": "ada", "value": 1}, {"kind": "user", "key": "bob", "variation": 2},
    ]});
    let error = layers
        .set_override(DataKind::Flag, "f", form(json))
        .unwrap_err();
    // The value of the first context is a variation too.
    assert_eq!(error.to_string(), "the flag has only 2 variations");
    assert_eq!(error.pointer(), "/for/1/variation");
}

const USERS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
const ORGS: [&str; 3] = ["x", "y", "z"];

fn keys_of(kind: &'static str) -> impl Strategy<Value = Vec<&'static str>> {
    let all: &[&str] = if kind == "user" { &USERS } else { &ORGS };
    proptest::collection::vec(proptest::sample::select(all), 0..4)
}

fn list_of(kind: &'static str) -> impl Strategy<Value = Value> {
    (0..3, keys_of(kind)).prop_map(move |(variation, keys)| entry(kind, variation, &keys))
}

fn flag() -> impl Strategy<Value = Value> {
    let older = proptest::collection::vec((0..3, keys_of("user")), 0..5).prop_map(|lists| {
        lists
            .iter()
            .map(|(v, keys)| older(*v, keys))
            .collect::<Vec<_>>()
    });
    let lists = prop_oneof![
        list_of("user"),
        (0..3).prop_map(|variation| entry("user", variation, &[])),
        list_of("org"),
    ];
    let lists = prop_oneof![Just(Vec::new()), proptest::collection::vec(lists, 0..6)];
    let prerequisite = prop_oneof![
        Just(json!([])),
        (0..2).prop_map(|variation| json!([{"key": "base", "variation": variation}]))
    ];
    let off = prop_oneof![Just(json!(null)), (0..3).prop_map(Value::from)];
    let rule = json!({"variation": 2, "clauses": [{"attribute": "key", "op": "in", "values": ["c", "f"]}]});
    (older, lists, prerequisite, off, any::<bool>()).prop_map(
        move |(targets, context_targets, prerequisites, off, on)| {
            json!({
                "on": on, "variations": ["0", "1", "2"], "offVariation": off,
                "fallthrough": {"variation": 0}, "prerequisites": prerequisites, "rules": [rule],
                "targets": targets, "contextTargets": context_targets,
            })
        },
    )
}

fn contexts() -> impl Strategy<Value = Vec<ContextOverride>> {
    let result = prop_oneof![
        (0..3_usize).prop_map(OverrideResult::Variation),
        prop_oneof![Just("1"), Just("new")].prop_map(|value| OverrideResult::Value(value.into())),
    ];
    let context = prop_oneof![
        proptest::sample::select(&USERS[..]).prop_map(|key| ("user", key)),
        proptest::sample::select(&ORGS[..]).prop_map(|key| ("org", key)),
    ];
    proptest::collection::vec((context, result), 1..5).prop_map(|contexts| {
        let mut named: Vec<ContextOverride> = Vec::new();
        for ((kind, key), result) in contexts {
            if !named
                .iter()
                .any(|known| known.kind == kind && known.key == key)
            {
                named.push(ContextOverride::new(kind, key, result));
            }
        }
        named
    })
}

fn wanted(result: &OverrideResult) -> Value {
    match result {
        OverrideResult::Variation(index) => index.to_string().into(),
        OverrideResult::Value(value) => value.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn the_named_contexts_have_their_values_and_all_others_what_they_had(
        flag in flag(),
        contexts in contexts(),
    ) {
        let base = json!({"on": true, "variations": [0, 1], "fallthrough": {"variation": 1}});
        let mut layers = layers(&json!({"f": flag, "base": base}), &json!({}));
        let before = rules(&layers);
        let result = layers.set_override(DataKind::Flag, "f", Override::For(contexts.clone()));
        let is_on = flag["on"] == true;
        if !is_on && flag["offVariation"].is_null() {
            prop_assert!(matches!(result, Err(OverrideError::NoOffVariation)));
            return Ok(());
        }
        result.unwrap();
        let after = rules(&layers);
        let has_failed = is_on && flag["prerequisites"][0]["variation"] == 0;
        let named = |kind: &str, key: &str| {
            contexts.iter().find(|context| context.kind == kind && context.key == key)
        };
        for key in USERS {
            let context = user(key);
            let expected = match named("user", key) {
                Some(named) if !has_failed => wanted(&named.result),
                _ => value(&before, "f", &context),
            };
            prop_assert_eq!(value(&after, "f", &context), expected, "user {}", key);
        }
        for key in ORGS {
            let context = org(key);
            let expected = match named("org", key) {
                Some(named) if !has_failed => wanted(&named.result),
                _ => value(&before, "f", &context),
            };
            prop_assert_eq!(value(&after, "f", &context), expected, "org {}", key);
        }
        for user_key in USERS {
            for org_key in ORGS {
                let context = org_and_user(org_key, user_key);
                let (of_user, of_org) = (named("user", user_key), named("org", org_key));
                let found = value(&after, "f", &context);
                let previous = value(&before, "f", &context);
                match of_org.or(of_user) {
                    Some(named) if !has_failed => prop_assert_eq!(found, wanted(&named.result)),
                    // The list of a variation comes first with all its users.
                    None if found != previous => {
                        prop_assert_eq!(&found, &value(&before, "f", &user(user_key)));
                        prop_assert_eq!(&previous, &value(&before, "f", &org(org_key)));
                        let is_moved = |named: &ContextOverride| named.kind == "user" && wanted(&named.result) == found;
                        prop_assert!(contexts.iter().any(is_moved));
                    }
                    _ => prop_assert_eq!(found, previous),
                }
            }
        }
    }

    #[test]
    fn sdks_that_ignore_keys_of_users_among_the_new_targets_agree(
        flag in flag(),
        contexts in contexts(),
    ) {
        let mut layers = layers(&json!({"f": flag}), &json!({}));
        if layers.set_override(DataKind::Flag, "f", Override::For(contexts.clone())).is_err() {
            return Ok(());
        }
        let served = layers.items().get(DataKind::Flag, "f").unwrap();
        let served: Value = serde_json::from_str(served.json().unwrap()).unwrap();
        for context in contexts.iter().filter(|context| context.kind == "user") {
            let mut lists = served["contextTargets"].as_array().unwrap().iter();
            let first = lists.find(|list| {
                let is_user = list["contextKind"] == "user";
                let older = served["targets"].as_array().unwrap();
                let of_list = older.iter().find(|older| older["variation"] == list["variation"]);
                is_user && of_list.is_some_and(|older| older["values"].as_array().unwrap().contains(&json!(context.key)))
            });
            let index = usize::try_from(first.unwrap()["variation"].as_u64().unwrap()).unwrap();
            prop_assert_eq!(&served["variations"][index], &wanted(&context.result));
        }
    }
}
