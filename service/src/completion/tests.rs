use serde_json::{Value, json};

use super::*;

fn completed(kind: DataKind, json: &str) -> String {
    complete(kind, "k", 3, json).unwrap().into_owned()
}

#[test]
fn a_minimal_flag_has_all_members_that_other_sdks_require() {
    let flag: Value = serde_json::from_str(&completed(DataKind::Flag, "{}")).unwrap();
    let expected = json!({
        "key": "k", "version": 3, "on": false, "variations": [], "fallthrough": {}, "offVariation": null,
        "salt": "", "prerequisites": [], "targets": [], "contextTargets": [], "rules": [],
        "trackEvents": false, "trackEventsFallthrough": false, "debugEventsUntilDate": null,
        "clientSide": false, "deleted": false,
    });
    assert_eq!(flag, expected);
    let segment: Value = serde_json::from_str(&completed(DataKind::Segment, " { } ")).unwrap();
    let expected = json!({
        "key": "k", "version": 3, "included": [], "excluded": [], "salt": "", "rules": [], "deleted": false,
    });
    assert_eq!(segment, expected);
}

#[test]
fn the_parts_of_an_item_are_completed_too() {
    let flag = r#"{"key":"k","version":3,"on":true,"prerequisites":[{"key":"p"}],"targets":[{}],
        "rules":[{},{"clauses":[{"op":"in"}],"rollout":{"variations":[{"weight":1e5}]}}],
        "fallthrough":{"rollout":{}}}"#;
    let completed: Value = serde_json::from_str(&completed(DataKind::Flag, flag)).unwrap();
    assert_eq!(
        completed["prerequisites"],
        json!([{"key": "p", "variation": 0}])
    );
    assert_eq!(
        completed["targets"],
        json!([{"variation": 0, "values": []}])
    );
    let clause = json!({"op": "in", "attribute": "", "values": [], "negate": false});
    let share = json!({"weight": 1e5, "variation": 0});
    let rules = json!([
        {"clauses": [], "trackEvents": false},
        {"clauses": [clause], "trackEvents": false, "rollout": {"variations": [share]}},
    ]);
    assert_eq!(completed["rules"], rules);
    assert_eq!(
        completed["fallthrough"],
        json!({"rollout": {"variations": []}})
    );
}

#[test]
fn everything_else_stays_as_it_is() {
    let flag = "{ \"x\\u0065\" : 1.50, \"on\":true ,\"rules\":null,\"variations\":[ {\"rules\":[{}]} ,1E2],\n\
                \"salt\":\"\\ud800\", \"\\udc00\":[{}], \"version\" : 3.0 }";
    let completed = completed(DataKind::Flag, flag);
    let (kept, _) = flag.rsplit_once(" }").unwrap();
    assert!(completed.starts_with(kept), "{completed}");
    let again = complete(DataKind::Flag, "k", 3, &completed).unwrap();
    assert!(matches!(again, Cow::Borrowed(text) if text == completed));
}

#[test]
fn a_version_that_is_not_the_item_s_is_replaced_in_its_place() {
    for (version, expected) in [
        ("2", "3"),
        ("3", "3"),
        ("3.7", "3.7"),
        ("\"3\"", "3"),
        ("null", "3"),
    ] {
        let segment = format!(r#"{{"version":{version},"rules":[{{}}],"key":"k"}}"#);
        let completed = completed(DataKind::Segment, &segment);
        let begin = format!(r#"{{"version":{expected},"rules":[{{"clauses":[]}}],"key":"k""#);
        assert!(completed.starts_with(&begin), "{completed}");
    }
    // The last of two members counts.
    let twice = completed(DataKind::Segment, r#"{"version":3,"version":1}"#);
    assert!(twice.starts_with(r#"{"version":3,"version":3,"#), "{twice}");
}

#[test]
fn text_that_is_no_object_is_an_error() {
    for text in ["", "[]", "7", "{", "{} {}", r#"{"on":}"#] {
        assert!(complete(DataKind::Flag, "k", 1, text).is_err(), "{text}");
    }
}
