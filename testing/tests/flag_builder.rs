//! The JSON of built flags, and their evaluation. Rule ids refer to
//! `docs/protocol/data-sources.md`.

#![cfg(test)]

use serde_json::json;
use vexil::{Client, Context, Text, Value};
use vexil_testing::{FlagBuilder, TestData, Variation};

fn flag() -> FlagBuilder {
    FlagBuilder::new("flag")
}

/// Returns a flag with three string variations. Serves the first one, and `"a"` when off.
fn letters() -> FlagBuilder {
    flag().variations(["a", "b", "c"]).off_variation(0)
}

/// Returns the value of the flag for a context, or null.
fn value(flag: &FlagBuilder, context: &Context) -> Value {
    value_of("flag", flag, context)
}

fn value_of(key: &str, flag: &FlagBuilder, context: &Context) -> Value {
    let data = TestData::new();
    data.update(flag.clone());
    let client = Client::builder("sdk-key")
        .data_source(data)
        .start()
        .unwrap();
    client.json_variation(key, context, Value::Null)
}

fn user(key: &str) -> Context {
    Context::new(key).unwrap()
}

fn user_with(attribute: &str, value: impl Into<Value>) -> Context {
    Context::builder("someone")
        .set(attribute, value)
        .build()
        .unwrap()
}

fn org(key: &str) -> Context {
    Context::with_kind(key, "org").unwrap()
}

// SRC-7.2
#[test]
fn a_new_flag_is_on_and_serves_true_and_false_when_off() {
    let json = flag().to_json();
    assert_eq!(json["on"], true);
    assert_eq!(json["variations"], json!([true, false]));
    assert_eq!(json["fallthrough"], json!({"variation": 0}));
    assert_eq!(json["offVariation"], 1);
    assert_eq!(value(&flag(), &user("ada")), true.into());
    assert_eq!(value(&flag().on(false), &user("ada")), false.into());
    assert_eq!(value(&flag().on(false).on(true), &user("ada")), true.into());
}

// SRC-7.2
#[test]
fn making_a_boolean_flag_boolean_changes_nothing() {
    let changed = flag().fallthrough_variation(1).off_variation(0);
    assert_eq!(changed.clone().boolean_flag(), changed);
}

// SRC-7.2
#[test]
fn making_another_flag_boolean_sets_variations_fallthrough_and_off_variation() {
    let other = flag()
        .variations([json!(false), json!(true)])
        .fallthrough_variation(7)
        .off_variation(7);
    assert_eq!(other.boolean_flag(), flag());
}

// SRC-7.2
#[test]
fn replacing_the_variations_keeps_the_indexes() {
    let flag = flag().fallthrough_variation(2).variations([1, 2, 3]);
    let json = flag.to_json();
    assert_eq!(json["variations"], json!([1, 2, 3]));
    assert_eq!(
        (&json["fallthrough"]["variation"], &json["offVariation"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(value(&flag, &user("ada")), 3.into());
}

// SRC-7.2
#[test]
fn true_and_false_make_a_flag_boolean_and_select_its_variations() {
    for (index, boolean) in [true, false].into_iter().enumerate() {
        for (chosen, expected) in everywhere(&letters(), boolean).zip(everywhere(&flag(), index)) {
            assert_eq!(chosen.to_json(), expected.to_json());
        }
    }
}

/// Chooses a variation with each method that takes one.
fn everywhere(
    flag: &FlagBuilder,
    variation: impl Into<Variation>,
) -> impl Iterator<Item = FlagBuilder> {
    let (flag, variation) = (flag.clone(), variation.into());
    let methods: [fn(FlagBuilder, Variation) -> FlagBuilder; 5] = [
        FlagBuilder::fallthrough_variation,
        FlagBuilder::off_variation,
        FlagBuilder::variation_for_all,
        |flag, variation| flag.variation_for_user("ada", variation),
        |flag, variation| flag.if_match("name", ["Ada"]).then_return(variation),
    ];
    methods
        .into_iter()
        .map(move |choose| choose(flag.clone(), variation.clone()))
}

// SRC-7.2
#[test]
fn a_value_selects_the_variation_that_has_it() {
    for (index, letter) in ["a", "b", "c"].into_iter().enumerate() {
        for (chosen, expected) in everywhere(&letters(), letter).zip(everywhere(&letters(), index))
        {
            assert_eq!(chosen.to_json(), expected.to_json());
        }
    }
}

#[test]
fn a_value_of_any_type_selects_a_variation() {
    let object = json!({"rps": 20});
    let mixed = flag().variations([
        json!("a"),
        json!(1.5),
        json!(7),
        object.clone(),
        json!(null),
    ]);
    let chosen = [
        Variation::from("a"),
        Variation::from(String::from("a")),
        Variation::from(Text::from("a")),
        Variation::from(1.5),
        Variation::value(7),
        Variation::from(Value::from(7)),
        Variation::value(object),
        Variation::value(Value::Null),
    ];
    let indexes = chosen.map(|variation| {
        let json = mixed.clone().fallthrough_variation(variation).to_json();
        assert_eq!(json["variations"].as_array().unwrap().len(), 5);
        json["fallthrough"]["variation"].as_u64().unwrap()
    });
    assert_eq!(indexes, [0, 0, 0, 1, 2, 2, 3, 4]);
}

#[test]
fn a_value_that_is_missing_becomes_the_last_variation() {
    for flag in everywhere(&letters(), "d") {
        let json = flag.to_json();
        assert_eq!(json["variations"], json!(["a", "b", "c", "d"]));
    }
    let flag = letters()
        .variation_for_user("ada", "d")
        .variation_for_user("bob", "b")
        .if_match("name", ["Eve"])
        .then_return("e")
        .fallthrough_variation("d");
    let json = flag.to_json();
    assert_eq!(json["variations"], json!(["a", "b", "c", "d", "e"]));
    assert_eq!(value(&flag, &user("ada")), "d".into());
    assert_eq!(value(&flag, &user("bob")), "b".into());
    assert_eq!(value(&flag, &user_with("name", "Eve")), "e".into());
    assert_eq!(value(&flag, &user("someone")), "d".into());
}

#[test]
fn a_value_makes_a_boolean_flag_one_of_this_value() {
    let flag = flag()
        .fallthrough_variation("light")
        .variation_for_user("ada", "dark");
    assert_eq!(flag.to_json()["variations"], json!(["light", "dark"]));
    assert_eq!(value(&flag, &user("ada")), "dark".into());
    assert_eq!(value(&flag, &user("bob")), "light".into());
    assert_eq!(value(&flag.on(false), &user("ada")), "light".into());
}

#[test]
fn a_chosen_value_is_served_whatever_the_variations_become() {
    let flag = flag()
        .fallthrough_variation("dark")
        .variation_for_user("ada", "sepia");
    for variations in [&["light", "dark"][..], &["sepia"], &[]] {
        let flag = flag.clone().variations(variations.iter().copied());
        assert_eq!(value(&flag, &user("bob")), "dark".into());
        assert_eq!(value(&flag, &user("ada")), "sepia".into());
    }
    let boolean = flag.clone().fallthrough_variation(true);
    assert_eq!(value(&boolean, &user("bob")), true.into());
    assert_eq!(value(&boolean, &user("ada")), "sepia".into());
    let swapped = boolean.variations([false, true]);
    assert_eq!(value(&swapped, &user("bob")), true.into());
}

#[test]
fn a_value_for_all_can_be_changed_for_one_user() {
    let data = TestData::new().with("theme", "light");
    data.update(data.flag("theme").variation_for_user("ada", "dark"));
    let flag = data.flag("theme");
    assert_eq!(value_of("theme", &flag, &user("ada")), "dark".into());
    assert_eq!(value_of("theme", &flag, &user("bob")), "light".into());
}

// SRC-7.2
#[test]
fn indexes_may_have_any_common_integer_type_and_be_out_of_range() {
    let expected = letters().fallthrough_variation(2);
    assert_eq!(letters().fallthrough_variation(2_usize), expected);
    assert_eq!(letters().fallthrough_variation(2_u32), expected);
    assert_eq!(letters().fallthrough_variation(2_i64), expected);
    assert_eq!(
        value(&letters().fallthrough_variation(-1), &user("ada")),
        Value::Null
    );
    assert_eq!(
        value(&letters().fallthrough_variation(usize::MAX), &user("ada")),
        Value::Null
    );
}

// SRC-7.2
#[test]
fn a_variation_for_all_turns_the_flag_on_and_removes_rules_and_targets() {
    let flag = letters()
        .on(false)
        .off_variation(2)
        .variation_for_user("ada", 0)
        .variation_for_key("org", "acme", 0)
        .if_match("name", ["Ada"])
        .then_return(0)
        .variation_for_all(1);
    assert_eq!(flag, letters().off_variation(2).fallthrough_variation(1));
    assert_eq!(value(&flag, &user("ada")), "b".into());
}

// SRC-7.2
#[test]
fn a_value_for_all_is_the_only_variation_even_when_off() {
    let flag = letters()
        .variation_for_user("ada", 1)
        .value_for_all(json!({"rps": [1, 2.5, null]}));
    let json = flag.to_json();
    assert_eq!(json["variations"], json!([{"rps": [1, 2.5, null]}]));
    assert_eq!(
        (&json["fallthrough"], &json["offVariation"]),
        (&json!({"variation": 0}), &json!(0))
    );
    assert_eq!(json["targets"], json!([]));
    assert_eq!(
        value(&flag.clone().on(false), &user("ada")),
        value(&flag, &user("bob"))
    );
}

// SRC-7.2
#[test]
fn a_key_is_targeted_with_the_last_variation_set_for_its_kind() {
    let flag = letters()
        .variation_for_user("ada", 1)
        .variation_for_user("bob", 1)
        .variation_for_user("ada", 2)
        .variation_for_key("org", "ada", 1);
    assert_eq!(
        flag,
        letters()
            .variation_for_key("org", "ada", 1)
            .variation_for_key("user", "ada", 2)
            .variation_for_key("", "bob", 1)
    );
    assert_eq!(value(&flag, &user("ada")), "c".into());
    assert_eq!(value(&flag, &user("bob")), "b".into());
    assert_eq!(value(&flag, &user("cleo")), "a".into());
    assert_eq!(value(&flag, &org("ada")), "b".into());
    assert_eq!(value(&flag, &org("bob")), "a".into());
}

// SRC-7.3
#[test]
fn of_targets_of_two_kinds_the_lower_variation_is_served() {
    let both = Context::multi([user("ada"), org("acme")]).unwrap();
    let user_first = letters()
        .variation_for_user("ada", 1)
        .variation_for_key("org", "acme", 2);
    assert_eq!(value(&user_first, &both), "b".into());
    let org_first = letters()
        .variation_for_user("ada", 2)
        .variation_for_key("org", "acme", 1);
    assert_eq!(value(&org_first, &both), "b".into());
}

// SRC-7.2
#[test]
fn a_rule_matches_users_with_one_of_the_values() {
    let flag = letters().if_match("country", ["GB", "IE"]).then_return(1);
    assert_eq!(value(&flag, &user_with("country", "IE")), "b".into());
    assert_eq!(value(&flag, &user_with("country", "FR")), "a".into());
    assert_eq!(value(&flag, &user("ada")), "a".into());
}

// SRC-7.2
#[test]
fn a_negated_rule_matches_users_with_other_values_but_not_without_one() {
    let flag = letters()
        .if_not_match("country", ["GB", "IE"])
        .then_return(1);
    assert_eq!(value(&flag, &user_with("country", "FR")), "b".into());
    assert_eq!(value(&flag, &user_with("country", "IE")), "a".into());
    assert_eq!(value(&flag, &user("ada")), "a".into());
}

// SRC-7.2
#[test]
fn a_rule_matches_only_if_all_clauses_match() {
    let flag = letters()
        .if_match("country", ["GB"])
        .and_match("age", [30, 40])
        .and_not_match("beta", [true])
        .then_return(1);
    let ada = Context::builder("ada")
        .set("country", "GB")
        .set("age", 40.0)
        .set("beta", false);
    assert_eq!(value(&flag, &ada.clone().build().unwrap()), "b".into());
    for (attribute, other) in [
        ("country", Value::from("FR")),
        ("age", 50.into()),
        ("beta", true.into()),
    ] {
        assert_eq!(
            value(&flag, &ada.clone().set(attribute, other).build().unwrap()),
            "a".into()
        );
    }
}

// SRC-7.2
#[test]
fn an_attribute_may_be_a_reference_into_an_object() {
    let flag = letters()
        .if_match("/address/city", ["London"])
        .then_return(1);
    assert_eq!(
        value(&flag, &user_with("address", json!({"city": "London"}))),
        "b".into()
    );
}

// SRC-7.3
#[test]
fn a_clause_without_a_context_of_its_kind_fails_even_if_negated() {
    let acme = Context::builder("acme")
        .kind("org")
        .set("plan", "pro")
        .build()
        .unwrap();
    let both = Context::multi([user_with("plan", "free"), acme.clone()]).unwrap();
    let pro = letters()
        .if_match_context("org", "plan", ["pro"])
        .then_return(1);
    assert_eq!(value(&pro, &both), "b".into());
    assert_eq!(value(&pro, &acme), "b".into());
    assert_eq!(value(&pro, &user_with("plan", "pro")), "a".into());

    let not_free = letters()
        .if_not_match_context("org", "plan", ["free"])
        .then_return(1);
    assert_eq!(value(&not_free, &both), "b".into());
    assert_eq!(value(&not_free, &user_with("plan", "pro")), "a".into());

    let both_kinds = letters()
        .if_match("plan", ["free"])
        .and_match_context("org", "plan", ["pro"])
        .and_not_match_context("org", "key", ["evil"])
        .then_return(1);
    assert_eq!(value(&both_kinds, &both), "b".into());
    assert_eq!(value(&both_kinds, &acme), "a".into());
}

// SRC-7.2
#[test]
fn an_unfinished_rule_has_no_effect() {
    let flag = letters();
    drop(flag.clone().if_match("country", ["GB"]));
    assert_eq!(flag.to_json()["rules"], json!([]));
}

// SRC-7.2
#[test]
fn rules_and_targets_can_be_cleared() {
    let full = letters()
        .variation_for_user("ada", 1)
        .if_match("name", ["Ada"])
        .then_return(1);
    let expected = letters();
    assert_eq!(
        full.clone().clear_rules(),
        expected.clone().variation_for_user("ada", 1)
    );
    assert_eq!(
        full.clone().clear_targets(),
        expected.clone().if_match("name", ["Ada"]).then_return(1)
    );
    assert_eq!(full.clear_targets().clear_rules(), expected);
}

// SRC-7.2
#[test]
fn ratios_and_the_exclusion_from_summaries_are_written_if_set() {
    let plain = flag()
        .exclude_from_summaries(true)
        .exclude_from_summaries(false)
        .to_json();
    for property in ["samplingRatio", "excludeFromSummaries", "migration"] {
        assert_eq!(plain.get(property), None);
    }
    let set = flag()
        .sampling_ratio(10)
        .exclude_from_summaries(true)
        .check_ratio(0);
    let json = set.to_json();
    assert_eq!(
        (&json["samplingRatio"], &json["excludeFromSummaries"]),
        (&json!(10), &json!(true))
    );
    assert_eq!(json["migration"], json!({"checkRatio": 0}));
    let built = set.build();
    assert_eq!(
        (
            built.sampling_ratio(),
            built.exclude_from_summaries(),
            built.check_ratio()
        ),
        (Some(10), true, Some(0))
    );
}

// SRC-7.3
#[test]
fn the_complete_json_has_the_form_of_the_service() {
    let flag = FlagBuilder::new("theme")
        .variations(["light", "dark"])
        .fallthrough_variation(0)
        .off_variation(1)
        .variation_for_user("bob", 1)
        .variation_for_user("ada", 1)
        .variation_for_user("cleo", 0)
        .variation_for_key("org", "acme", 1)
        .if_match("country", ["GB"])
        .and_not_match_context("org", "plan", [json!("free"), json!(0), json!(null)])
        .then_return(1)
        .if_not_match("beta", [true])
        .then_return(0);
    let expected = json!({
        "key": "theme",
        "version": 1,
        "on": true,
        "variations": ["light", "dark"],
        "offVariation": 1,
        "fallthrough": {"variation": 0},
        "salt": "",
        "prerequisites": [],
        "targets": [
            {"variation": 0, "values": ["cleo"]},
            {"variation": 1, "values": ["ada", "bob"]},
        ],
        "contextTargets": [
            {"contextKind": "user", "variation": 0, "values": []},
            {"contextKind": "org", "variation": 1, "values": ["acme"]},
            {"contextKind": "user", "variation": 1, "values": []},
        ],
        "rules": [
            {"id": "rule0", "variation": 1, "clauses": [
                {"contextKind": "user", "attribute": "country", "op": "in", "values": ["GB"], "negate": false},
                {"contextKind": "org", "attribute": "plan", "op": "in", "values": ["free", 0, null], "negate": true},
            ]},
            {"id": "rule1", "variation": 0, "clauses": [
                {"contextKind": "user", "attribute": "beta", "op": "in", "values": [true], "negate": true},
            ]},
        ],
    });
    assert_eq!(flag.to_json(), expected);
    let built = flag.build();
    assert_eq!(
        (built.key().as_str(), built.version(), built.problems()),
        ("theme", 1, &[][..])
    );
}

// SRC-7.3
#[test]
fn the_json_does_not_depend_on_the_order_of_targets() {
    let keys = ["dora", "ada", "cleo", "bob"];
    let forth = keys.iter().enumerate().fold(letters(), |flag, (n, key)| {
        flag.variation_for_user(*key, n % 2)
    });
    let back = keys
        .iter()
        .enumerate()
        .rev()
        .fold(letters(), |flag, (n, key)| {
            flag.variation_for_user(*key, n % 2)
        });
    assert_eq!(forth.to_json().to_string(), back.to_json().to_string());
}

// SRC-7.3
#[test]
fn the_reason_of_a_match_has_the_rule_index() {
    let data = TestData::new();
    data.update(
        letters()
            .if_match("n", [0])
            .then_return(1)
            .if_match("n", [1])
            .then_return(2),
    );
    let client = Client::builder("sdk-key")
        .data_source(data)
        .start()
        .unwrap();
    let detail = client.str_variation_detail("flag", &user_with("n", 1), "");
    let reason = serde_json::to_value(&detail.reason).unwrap();
    assert_eq!(
        reason,
        json!({"kind": "RULE_MATCH", "ruleIndex": 1, "ruleId": "rule1"})
    );
}
