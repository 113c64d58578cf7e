use serde_json::json;

use super::*;

fn context(json: serde_json::Value) -> Context {
    Context::try_from(json).unwrap()
}

fn rules<const N: usize>(references: [&str; N]) -> Redaction {
    Redaction::new().private_attributes(references)
}

fn all_private() -> Redaction {
    Redaction::new().all_attributes_private(true)
}

#[track_caller]
fn assert_shown(rules: &Redaction, original: serde_json::Value, shown: serde_json::Value) {
    assert_shown_with(rules, Anonymous::Shown, original, shown);
}

#[track_caller]
fn assert_shown_with(
    rules: &Redaction,
    anonymous: Anonymous,
    original: serde_json::Value,
    shown: serde_json::Value,
) {
    let context = context(original);
    assert_eq!(
        serde_json::to_value(rules.apply(&context, anonymous)).unwrap(),
        shown
    );
    let text = serde_json::to_string(&rules.apply(&context, anonymous)).unwrap();
    assert_eq!(
        text.matches("_meta").count(),
        shown.to_string().matches("_meta").count(),
        "each member is written once"
    );
}

// EVT-1.8
#[test]
fn a_context_of_one_kind_is_shown_with_its_kind_and_without_missing_attributes() {
    assert_shown(
        &rules([]),
        json!({"kind": "user", "key": "u"}),
        json!({"kind": "user", "key": "u"}),
    );
    let sparse = json!({"kind": "org", "key": "o", "anonymous": false, "name": null, "gone": null});
    assert_shown(&rules([]), sparse, json!({"kind": "org", "key": "o"}));
    let full =
        json!({"kind": "org", "key": "o", "anonymous": true, "name": "O", "plan": "pro", "": 0});
    assert_shown(&rules([]), full.clone(), full);
}

// EVT-1.8
#[test]
fn members_of_a_multi_context_have_no_kind_and_each_has_its_own_meta() {
    let original = json!({"kind": "multi", "org": {"key": "o", "name": "O", "_meta": {"privateAttributes": ["name"]}},
        "user": {"key": "u", "age": 3, "_meta": {"privateAttributes": ["age"]}}, "zone": {"key": "z"}});
    let shown = json!({"kind": "multi", "org": {"key": "o", "_meta": {"redactedAttributes": ["name"]}},
        "user": {"key": "u", "_meta": {"redactedAttributes": ["age"]}}, "zone": {"key": "z"}});
    assert_shown(&rules([]), original, shown);
}

// EVT-1.8
#[test]
fn values_are_shown_unchanged_including_nested_nulls() {
    let full = json!({"kind": "user", "key": "u", "t": true, "f": false, "i": -3, "d": 1.5, "s": "ключ\n\"", "e": "",
        "a": [1, [null, {"x": []}], {}], "o": {"n": null, "o": {"p": [1.25]}, "e": {}}});
    assert_shown(&rules([]), full.clone(), full);
}

// EVT-1.8
#[test]
fn private_references_without_a_value_are_not_listed() {
    let original = json!({"kind": "user", "key": "u", "a": 1, "_meta": {"privateAttributes": ["b", "/a/b", "/a/b/c"]}});
    assert_shown(
        &rules(["c"]),
        original,
        json!({"kind": "user", "key": "u", "a": 1}),
    );
}

// EVT-2.1 and EVT-2.3
#[test]
fn all_attributes_can_be_private_in_every_context() {
    let original = json!({"kind": "multi", "org": {"key": "o", "seats": 3, "address": {"city": "X"}},
        "user": {"key": "u", "anonymous": true, "name": "U", "b": [], "_meta": {"privateAttributes": ["/b/c", "b"]}}});
    let shown = json!({"kind": "multi", "org": {"key": "o", "_meta": {"redactedAttributes": ["address", "seats"]}},
        "user": {"key": "u", "anonymous": true, "_meta": {"redactedAttributes": ["name", "b"]}}});
    assert_shown(&all_private(), original, shown);
    assert_shown(
        &all_private(),
        json!({"kind": "a", "key": "k"}),
        json!({"kind": "a", "key": "k"}),
    );
}

// EVT-2.3
#[test]
fn names_that_begin_with_a_slash_are_escaped_if_all_attributes_are_private() {
    let original =
        json!({"kind": "user", "key": "u", "/ssn": 1, "/a~b/c": 2, "d/e": 3, "f~g": 4, "~": 5});
    let shown = json!({"kind": "user", "key": "u",
        "_meta": {"redactedAttributes": ["/~1a~0b~1c", "/~1ssn", "d/e", "f~g", "~"]}});
    assert_shown(&all_private(), original, shown);
}

// EVT-2.1
#[test]
fn references_of_the_application_apply_to_all_kinds() {
    let original = json!({"kind": "multi", "org": {"key": "o", "name": "O", "a": 1}, "user": {"key": "u", "name": "U"}});
    let shown = json!({"kind": "multi", "org": {"key": "o", "_meta": {"redactedAttributes": ["a", "name"]}},
        "user": {"key": "u", "_meta": {"redactedAttributes": ["name"]}}});
    assert_shown(&rules(["name", "a"]), original, shown);
}

// EVT-2.1
#[test]
fn references_of_a_context_apply_to_no_other_kind_and_no_later_context() {
    let rules = rules([]);
    let original = json!({"kind": "multi", "org": {"key": "o", "a": 1, "_meta": {"privateAttributes": ["a"]}},
        "user": {"key": "u", "a": 2}});
    let shown = json!({"kind": "multi", "org": {"key": "o", "_meta": {"redactedAttributes": ["a"]}},
        "user": {"key": "u", "a": 2}});
    assert_shown(&rules, original, shown);
    let later = json!({"kind": "org", "key": "o", "a": 1});
    assert_shown(&rules, later.clone(), later);
}

// EVT-2.1 and EVT-2.2
#[test]
fn references_of_several_sources_are_merged_and_listed_once() {
    let original = json!({"kind": "user", "key": "u", "name": "U", "a": 1, "b": 2, "c": 3, "o": {"p": 1, "q": 2},
        "_meta": {"privateAttributes": ["/name", "a", "/a", "/o/p", "/o/p"]}});
    let shown = json!({"kind": "user", "key": "u", "c": 3, "o": {"q": 2},
        "_meta": {"redactedAttributes": ["a", "b", "/name", "/o/p"]}});
    assert_shown(&rules(["b", "name", "a", "/b", "/o/p"]), original, shown);
}

// EVT-2.2
#[test]
fn kind_key_anonymous_and_meta_are_never_left_out() {
    let names = [
        "kind",
        "key",
        "anonymous",
        "_meta",
        "/kind",
        "/key",
        "/anonymous",
        "/_meta",
        "/key/x",
        "/_meta/x",
    ];
    let original = json!({"kind": "user", "key": "u", "anonymous": true, "_meta": {"privateAttributes": names}});
    let shown = json!({"kind": "user", "key": "u", "anonymous": true});
    assert_shown(&rules(names), original.clone(), shown.clone());
    assert_shown(&all_private(), original, shown);
}

// EVT-2.2
#[test]
fn references_are_names_or_paths_with_escapes() {
    let original = json!({"kind": "user", "key": "u", "a/b": 1, "a~b": 2, "/c": 3, "d~0": 4, "e": {"f/g": 5, "~1": 6},
        "h": {"i": 7}, "h/i": 8, "/h/i": 9});
    let shown = json!({"kind": "user", "key": "u", "e": {}, "h": {"i": 7},  "/h/i": 9,
        "_meta": {"redactedAttributes": ["/~1c", "a/b", "/a~0b", "d~0", "/e/f~1g", "/e/~01", "h/i"]}});
    let references = rules(["a/b", "/a~0b", "/~1c", "d~0", "/e/f~1g", "/e/~01", "h/i"]);
    assert_shown(&references, original, shown);
}

// EVT-2.2
#[test]
fn invalid_references_are_ignored() {
    let invalid = [
        "", "/", "//", "//a", "/a/", "/a//b", "/a~", "/a~2", "/a/b~x",
    ];
    let original = json!({"kind": "user", "key": "u", "name": "U", "a": {"b": 1}, "": 2, "/": 3, "a~": 4,
        "_meta": {"privateAttributes": invalid}});
    let shown =
        json!({"kind": "user", "key": "u", "name": "U", "a": {"b": 1}, "": 2, "/": 3, "a~": 4});
    assert_shown(&rules(invalid), original, shown);
    // They do not affect valid references.
    let original =
        json!({"kind": "user", "key": "u", "z": 1, "_meta": {"privateAttributes": ["", "/z"]}});
    assert_shown(
        &rules(invalid),
        original,
        json!({"kind": "user", "key": "u", "_meta": {"redactedAttributes": ["/z"]}}),
    );
}

// EVT-2.2
#[test]
fn paths_traverse_objects_only_and_keep_their_other_members() {
    let original = json!({"kind": "user", "key": "u",
        "address": {"city": "X", "street": {"name": "S", "no": 1}, "zip": 9},
        "list": [{"x": 1}], "text": "abc", "number": 1});
    let shown = json!({"kind": "user", "key": "u", "address": {"street": {"no": 1}, "zip": 9},
        "list": [{"x": 1}], "text": "abc", "number": 1,
        "_meta": {"redactedAttributes": ["/address/city", "/address/street/name"]}});
    let references = [
        "/address/street/name",
        "/address/city",
        "/address/none",
        "/address/city/x",
        "/address/street/no/x",
        "/list/0",
        "/list/0/x",
        "/list/x",
        "/text/0",
        "/text/length",
        "/number/x",
        "/none/x",
    ];
    assert_shown(&rules(references), original, shown);
}

// EVT-2.2
#[test]
fn names_are_compared_in_full() {
    let original = json!({"kind": "user", "key": "u", "a": 1, "ab": {"c": 2, "cd": 3}, "A": 4, "names": 5, "Name": 6});
    let shown = json!({"kind": "user", "key": "u", "a": 1, "ab": {"cd": 3}, "A": 4, "names": 5, "Name": 6,
        "_meta": {"redactedAttributes": ["/ab/c"]}});
    assert_shown(
        &rules(["name", "/ab/c", "/a/b", "abc", "/b"]),
        original,
        shown,
    );
}

// EVT-2.2
#[test]
fn a_reference_to_an_object_overrides_references_inside_it() {
    let original = json!({"kind": "user", "key": "u",
        "a": {"b": {"c": 1, "d": 2}, "e": 3}, "f": {"g": {"h": 4}, "i": 5},
        "_meta": {"privateAttributes": ["/a/b", "/f/g/h"]}});
    let shown = json!({"kind": "user", "key": "u", "f": {"i": 5}, "_meta": {"redactedAttributes": ["a", "/f/g"]}});
    assert_shown(
        &rules(["/a/b/c", "a", "/a/e", "/f/g"]),
        original.clone(),
        shown,
    );
    // An attribute that hides another reference may be missing in the next context.
    let rules = rules(["/a/b/c", "/a/b"]);
    let shown = json!({"kind": "user", "key": "u", "a": {"e": 3}, "f": {"g": {}, "i": 5},
        "_meta": {"redactedAttributes": ["/a/b", "/f/g/h"]}});
    assert_shown(&rules, original, shown);
}

// EVT-2.2
#[test]
fn objects_are_kept_when_they_become_empty() {
    let original = json!({"kind": "user", "key": "u", "a": {"b": {"c": 1}}, "d": {}});
    let shown = json!({"kind": "user", "key": "u", "a": {"b": {}}, "d": {}, "_meta": {"redactedAttributes": ["/a/b/c"]}});
    assert_shown(&rules(["/a/b/c", "/d/e"]), original, shown);
}

// EVT-2.2
#[test]
fn top_level_nulls_are_neither_shown_nor_listed() {
    let original =
        json!({"kind": "user", "key": "u", "name": null, "a": null, "o": {"n": null, "m": null}});
    assert_shown(
        &all_private(),
        original.clone(),
        json!({"kind": "user", "key": "u", "_meta": {"redactedAttributes": ["o"]}}),
    );
    // Inside an object, null is a regular value.
    let shown = json!({"kind": "user", "key": "u", "o": {"m": null}, "_meta": {"redactedAttributes": ["/o/n"]}});
    assert_shown(&rules(["name", "a", "/o/n"]), original, shown);
}

// EVT-2.3
#[test]
fn references_are_listed_as_written_those_of_the_context_first() {
    let original = json!({"kind": "user", "key": "u", "name": "U", "a": 1, "b": {"c": 2},
        "_meta": {"privateAttributes": ["/a"]}});
    let shown = json!({"kind": "user", "key": "u", "b": {}, "_meta": {"redactedAttributes": ["/a", "/b/c", "/name"]}});
    assert_shown(&rules(["/name", "a", "/b/c"]), original, shown);
}

// EVT-2.3
#[test]
fn names_from_legacy_users_and_literals_are_listed_escaped() {
    let old = json!({"key": "u", "custom": {"/ssn": 1, "a": 2}, "privateAttributeNames": ["/ssn"]});
    let shown =
        json!({"kind": "user", "key": "u", "a": 2, "_meta": {"redactedAttributes": ["/~1ssn"]}});
    assert_shown(&rules([]), old, shown);
}

// EVT-2.4
#[test]
fn anonymous_contexts_can_be_shown_without_their_attributes() {
    let guest = json!({"kind": "user", "key": "u", "anonymous": true, "name": "U", "/a": {"b": 1},
        "_meta": {"privateAttributes": ["/~1a/b"]}});
    let bare = json!({"kind": "user", "key": "u", "anonymous": true, "_meta": {"redactedAttributes": ["name", "/~1a"]}});
    assert_shown_with(&rules(["name"]), Anonymous::Redacted, guest.clone(), bare);
    let shown = json!({"kind": "user", "key": "u", "anonymous": true, "/a": {},
        "_meta": {"redactedAttributes": ["/~1a/b", "name"]}});
    assert_shown(&rules(["name"]), guest, shown);

    let key_only = json!({"kind": "user", "key": "u", "anonymous": true});
    assert_shown_with(&rules([]), Anonymous::Redacted, key_only.clone(), key_only);
    let known = json!({"kind": "user", "key": "u", "name": "U"});
    assert_shown_with(&rules([]), Anonymous::Redacted, known.clone(), known);
}

// EVT-2.4
#[test]
fn only_anonymous_members_of_a_multi_context_lose_their_attributes() {
    let original = json!({"kind": "multi", "org": {"key": "o", "name": "O", "a": 1},
        "user": {"key": "u", "anonymous": true, "name": "U", "a": 2}});
    let shown = json!({"kind": "multi", "org": {"key": "o", "name": "O", "_meta": {"redactedAttributes": ["a"]}},
        "user": {"key": "u", "anonymous": true, "_meta": {"redactedAttributes": ["name", "a"]}}});
    assert_shown_with(&rules(["a"]), Anonymous::Redacted, original, shown);
}

#[test]
fn many_attributes_are_matched_with_many_references() {
    let names = (0..40).map(|number| format!("n{number}"));
    let all = names.clone().map(|name| (name, json!({"x": 1, "y": 2})));
    let mut original = json!({"kind": "user", "key": "u"});
    original.as_object_mut().unwrap().extend(all);
    let rules = Redaction::new().private_attributes(names.map(|name| format!("/{name}/x")));
    let shown = serde_json::to_value(rules.apply(&context(original), Anonymous::Shown)).unwrap();
    assert_eq!(
        shown["_meta"]["redactedAttributes"]
            .as_array()
            .unwrap()
            .len(),
        40
    );
    assert!((0..40).all(|number| shown[format!("n{number}")] == json!({"y": 2})));
}
