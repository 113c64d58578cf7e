//! Individual targets.

use super::*;

// EVAL-4.5
#[test]
fn without_context_targets_the_older_lists_are_scanned_in_order() {
    let data = Data::flags(json!({"f": flag(json!({"targets": [
        {"variation": 1, "values": ["ada", "both"]},
        {"variation": 2, "values": ["bob", "both"]},
        {"variation": 1, "values": ["second-list"]},
        {"contextKind": "org", "variation": 2, "values": ["acme"]},
        {"values": ["default-variation"]},
    ]}))}));
    for (context, expected) in [
        (user("ada"), target_match(1)),
        (user("bob"), target_match(2)),
        (user("both"), target_match(1)),
        (user("second-list"), target_match(1)),
        (user("default-variation"), target_match(0)),
        (user("acme"), fallthrough(0)),
        (user("ADA"), fallthrough(0)),
        (Context::with_kind("acme", "org").unwrap(), target_match(2)),
        (Context::with_kind("ada", "org").unwrap(), fallthrough(0)),
        (org_and_user("acme", "ada"), target_match(1)),
        (org_and_user("acme", "eve"), target_match(2)),
    ] {
        let key = context.fully_qualified_key().to_owned();
        assert_eq!(data.detail("f", &context), expected, "{key}");
    }
}

// EVAL-4.5
#[test]
fn the_order_of_context_targets_decides_between_kinds() {
    let org = json!({"contextKind": "org", "variation": 1, "values": ["acme"]});
    let placeholder = json!({"contextKind": "user", "variation": 2});
    let targets = json!([{"variation": 2, "values": ["ada"]}]);
    for (lists, index) in [
        (json!([org.clone(), placeholder.clone()]), 1),
        (json!([placeholder, org]), 2),
    ] {
        let f = flag(json!({"targets": targets.clone(), "contextTargets": lists.clone()}));
        let data = Data::flags(json!({"f": f}));
        let both = org_and_user("acme", "ada");
        assert_eq!(data.detail("f", &both), target_match(index), "{lists}");
    }
}

// EVAL-4.5
#[test]
fn an_empty_user_entry_refers_to_the_first_older_list_of_its_variation() {
    let data = Data::flags(json!({"f": flag(json!({
        "targets": [
            {"variation": 1, "values": ["ada"]},
            {"variation": 1, "values": ["second-list"]},
            {"variation": 2, "contextKind": "org", "values": ["acme"]},
            {"variation": 0, "values": ["not-referred-to"]},
        ],
        "contextTargets": [
            {"variation": 1},
            {"contextKind": "user", "variation": 2, "values": []},
            {"contextKind": "user", "variation": 7, "values": []},
            {"contextKind": "user", "variation": 1, "values": ["own"]},
            {"contextKind": "org", "variation": 0, "values": []},
        ],
    }))}));
    for (context, expected) in [
        (user("ada"), target_match(1)),
        (user("own"), target_match(1)),
        (user("second-list"), fallthrough(0)),
        (user("not-referred-to"), fallthrough(0)),
        (user("acme"), fallthrough(0)),
        (Context::with_kind("acme", "org").unwrap(), target_match(2)),
        (Context::with_kind("ada", "org").unwrap(), fallthrough(0)),
    ] {
        let key = context.fully_qualified_key().to_owned();
        assert_eq!(data.detail("f", &context), expected, "{key}");
    }
}

// EVAL-4.5
#[test]
fn a_user_entry_with_keys_does_not_refer_to_an_older_list() {
    let data = Data::flags(json!({"f": flag(json!({
        "targets": [{"variation": 1, "values": ["older"]}],
        "contextTargets": [{"contextKind": "user", "variation": 1, "values": ["own"]}],
    }))}));
    assert_eq!(data.detail("f", &user("own")), target_match(1));
    assert_eq!(data.detail("f", &user("older")), fallthrough(0));
}

// EVAL-4.5
#[test]
fn an_invalid_target_variation_affects_only_targeted_contexts() {
    let data =
        Data::flags(json!({"f": flag(json!({"targets": [{"variation": 3, "values": ["ada"]}]}))}));
    assert_eq!(data.detail("f", &user("ada")), malformed());
    assert_eq!(data.detail("f", &user("bob")), fallthrough(0));
}

// EVAL-4.5
#[test]
fn long_and_short_target_lists_behave_alike() {
    let keys = |from: usize| (from..from + 1_000).map(|n| format!("key-{n}"));
    let data = Data::flags(json!({"f": flag(json!({"targets": [
        {"variation": 1, "values": keys(0).collect::<Vec<_>>()},
        {"variation": 2, "values": keys(500).collect::<Vec<_>>()},
    ]}))}));
    for (key, expected) in [
        ("key-0", target_match(1)),
        ("key-999", target_match(1)),
        ("key-1000", target_match(2)),
        ("key-1499", target_match(2)),
        ("key-1500", fallthrough(0)),
    ] {
        assert_eq!(data.detail("f", &user(key)), expected, "{key}");
    }
}
