//! Users that an override adds to a segment.

use super::*;

const KEYS: [&str; 4] = ["ada", "bob", "eve", "zoe"];

/// The users in the segment.
fn members(segment: Value, json: Value) -> Result<Vec<&'static str>, OverrideError> {
    let rule = json!({"clauses": [{"op": "segmentMatch", "values": ["s"]}], "variation": 1});
    let flag = json!({
        "on": true, "variations": [false, true], "fallthrough": {"variation": 0}, "rules": [rule],
    });
    let mut layers = layers(&json!({"f": flag}), &json!({"s": segment}));
    layers.set_override(DataKind::Segment, "s", form(json))?;
    let rules = rules(&layers);
    let is_member = |key: &&str| value(&rules, "f", &user(key)) == true;
    Ok(KEYS.into_iter().filter(is_member).collect())
}

#[test]
fn users_are_added_to_a_list_and_removed_from_the_opposite_ones() {
    let all = json!([{"clauses": []}]);
    for (segment, json, expected) in [
        (json!({}), json!({"include": ["ada"]}), vec!["ada"]),
        (
            json!({"included": null}),
            json!({"include": ["ada"]}),
            vec!["ada"],
        ),
        (
            json!({"included": ["bob"], "excluded": ["ada"], "rules": all}),
            json!({"include": ["ada", "ada"], "exclude": ["bob", "eve"]}),
            vec!["ada", "zoe"],
        ),
        (
            json!({"includedContexts": [{"values": ["ada", "bob"]}]}),
            json!({"exclude": ["ada"]}),
            vec!["bob"],
        ),
        (
            json!({
                "excludedContexts": [{"contextKind": "user", "values": ["ada"]}],
                "includedContexts": [{"contextKind": "org", "values": ["bob"]}],
            }),
            json!({"include": ["ada"], "exclude": ["bob"]}),
            vec!["ada"],
        ),
    ] {
        let found = members(segment.clone(), json.clone()).unwrap();
        assert_eq!(found, expected, "{segment} {json}");
    }
}

#[test]
fn the_opposite_lists_do_not_contain_a_user() {
    let segment = json!({
        "included": ["bob"], "excluded": ["ada"],
        "includedContexts": [
            {"contextKind": "user", "values": ["bob", "eve"]},
            {"contextKind": "org", "values": ["bob"]},
        ],
        "excludedContexts": [{"values": ["ada"]}],
    });
    let mut layers = layers(&json!({}), &json!({"s": segment}));
    let json = json!({"include": ["ada"], "exclude": ["bob"]});
    layers
        .set_override(DataKind::Segment, "s", form(json))
        .unwrap();
    let served = layers.items().get(DataKind::Segment, "s").unwrap();
    let served: Value = serde_json::from_str(served.json().unwrap()).unwrap();
    assert_eq!(served["included"], json!(["ada"]));
    assert_eq!(served["excluded"], json!(["bob"]));
    let lists = json!([
        {"contextKind": "user", "values": ["eve"]},
        {"contextKind": "org", "values": ["bob"]},
    ]);
    assert_eq!(served["includedContexts"], lists);
    assert_eq!(served["excludedContexts"], json!([{"values": []}]));
}

#[test]
fn the_users_of_a_big_segment_are_not_in_its_lists() {
    let error = members(json!({"unbounded": true}), json!({"include": ["ada"]}));
    assert!(matches!(error, Err(OverrideError::BigSegment)));
}
