//! Tests of the comparison.

use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use serde_json::{Value, json};
use vexil_service::complete;

use super::options::Ignored;
use super::*;

/// Returns how two versions of an item differ.
fn edits(kind: DataKind, left: &Value, right: &Value) -> Vec<Edit> {
    edits_with(kind, left, right, Ignored::default())
}

fn edits_with(kind: DataKind, left: &Value, right: &Value, ignored: Ignored) -> Vec<Edit> {
    item::compare(kind, left, right, ignored).list
}

/// Returns the edits of a flag as `path: change`.
fn shown(left: &Value, right: &Value) -> Vec<String> {
    shown_of(DataKind::Flag, left, right)
}

fn shown_of(kind: DataKind, left: &Value, right: &Value) -> Vec<String> {
    let shown = |edit: Edit| {
        let path = &edit.path;
        match edit.change {
            Change::OnlyLeft(_) => format!("{path} -"),
            Change::OnlyRight(_) => format!("{path} +"),
            Change::Replaced(left, right) => format!("{path} {left} > {right}"),
            Change::Moved { from, to } => format!("{path} moved {from} > {to}"),
        }
    };
    edits(kind, left, right).into_iter().map(shown).collect()
}

fn snapshot(data: &Value) -> Snapshot {
    let items = |section: &str| {
        let items = data[section].as_object().into_iter().flatten();
        items
            .map(|(key, item)| (key.as_str().into(), stored(item)))
            .collect()
    };
    Snapshot {
        flags: items("flags"),
        segments: items("segments"),
        initialized: None,
    }
}

fn stored(item: &Value) -> StoredText {
    StoredText {
        json: item.to_string().into(),
        version: item["version"].as_u64().unwrap_or(1),
        deleted: item["deleted"] == true,
    }
}

fn compared(left: &Value, right: &Value) -> Differences {
    compare(&snapshot(left), &snapshot(right), &Options::default())
}

#[test]
fn numbers_and_the_order_of_members_make_no_difference() {
    let left = r#"{"on":true,"samplingRatio":2,"x":{"a":1,"b":[0,2.50]},"variations":[1]}"#;
    let right =
        r#"{"variations":[1.0],"x":{"b":[-0.0,25e-1],"a":1.0},"samplingRatio":2.0,"on":true}"#;
    let read = |text| serde_json::from_str(text).unwrap();
    assert_eq!(shown(&read(left), &read(right)), [""; 0]);
}

#[test]
fn a_missing_member_equals_its_default() {
    let flag = json!({
        "on": false, "variations": [], "fallthrough": {"rollout": null}, "offVariation": null, "salt": "",
        "prerequisites": [], "targets": [], "contextTargets": null, "rules": [], "trackEvents": false,
        "trackEventsFallthrough": false, "debugEventsUntilDate": 0, "clientSide": false,
        "clientSideAvailability": null, "excludeFromSummaries": false, "samplingRatio": 1,
        "migration": {"checkRatio": 1}, "deleted": false, "key": "k", "version": 4,
    });
    assert_eq!(shown(&flag, &json!({})), [""; 0]);
    let segment = json!({
        "included": [], "excluded": null, "includedContexts": [], "excludedContexts": [], "salt": "", "rules": [],
        "unbounded": false, "unboundedContextKind": "user", "generation": null, "deleted": false,
    });
    assert_eq!(shown_of(DataKind::Segment, &json!({}), &segment), [""; 0]);
    let parts = json!({
        "rules": [{"id": "", "trackEvents": false, "variation": null, "rollout": {
            "kind": "rollout", "contextKind": "user", "bucketBy": "key", "seed": null,
            "variations": [{"variation": 0, "weight": 0, "untracked": false}],
        }, "clauses": [{"attribute": "", "contextKind": "user", "op": "", "values": [], "negate": false}]}],
        "targets": [{"variation": 0, "values": [], "contextKind": "user"}],
        "prerequisites": [{"key": "", "variation": 0}],
    });
    let short = json!({
        "rules": [{"rollout": {"variations": [{}]}, "clauses": [{}]}], "targets": [{}], "prerequisites": [{}],
    });
    assert_eq!(shown(&parts, &short), [""; 0]);
    let rule = json!({"rules": [{"clauses": [], "weight": null, "bucketBy": "", "rolloutContextKind": "user"}]});
    assert_eq!(
        shown_of(DataKind::Segment, &rule, &json!({"rules": [{}]})),
        [""; 0]
    );
}

#[test]
fn a_value_is_compared_with_the_default_it_replaces() {
    let left = json!({"on": true, "offVariation": 1, "fallthrough": {"variation": 0}, "rules": [{"id": "a"}]});
    let expected = [
        "/on true > false",
        "/fallthrough/variation -",
        "/offVariation -",
        "/rules/\"a\" -",
    ];
    assert_eq!(shown(&left, &json!({})), expected);
    assert_eq!(
        shown(
            &json!({}),
            &json!({"offVariation": 0, "fallthrough": {"variation": 0}})
        ),
        ["/fallthrough/variation +", "/offVariation +"]
    );
}

#[test]
fn a_context_kind_that_makes_a_name_a_reference_makes_a_difference() {
    let clause = |clause: Value| json!({"rules": [{"id": "r", "clauses": [clause]}]});
    let named = |attribute: &str| {
        let plain = clause(json!({"attribute": attribute, "op": "in"}));
        let of_kind = clause(json!({"attribute": attribute, "op": "in", "contextKind": "user"}));
        shown(&plain, &of_kind)
    };
    assert_eq!(named("country"), [""; 0]);
    assert_eq!(named("/country"), ["/rules/\"r\"/clauses/0/contextKind +"]);
}

#[test]
fn the_order_of_operands_and_of_keys_means_nothing() {
    let flag = |op: &str, values: Value| json!({"rules": [{"id": "r", "clauses": [{"op": op, "values": values}]}]});
    let (left, right) = (json!(["a", "b", 1]), json!([1.0, "b", "a", "b"]));
    assert_eq!(
        shown(&flag("in", left.clone()), &flag("in", right.clone())),
        [""; 0]
    );
    // An unknown operator may depend on the order.
    let unknown = shown(&flag("between", left), &flag("between", right));
    assert_eq!(unknown.len(), 1, "{unknown:?}");

    let targets = |keys: &[&str]| json!({"targets": [{"variation": 1, "values": keys}]});
    assert_eq!(shown(&targets(&["a", "b"]), &targets(&["b", "a"])), [""; 0]);
    assert_eq!(
        shown(&targets(&["a", "b"]), &targets(&["c", "b"])),
        ["/targets/0/values/\"a\" -", "/targets/0/values/\"c\" +"]
    );

    let lists = |first: &str, last: &str| {
        let contexts = json!([{"contextKind": first, "values": [first]}, {"contextKind": last, "values": [last]}]);
        json!({"included": [first, last], "excluded": [last, first], "includedContexts": contexts})
    };
    let segments = shown_of(
        DataKind::Segment,
        &lists("org", "team"),
        &lists("team", "org"),
    );
    assert_eq!(segments, [""; 0]);
}

#[test]
fn a_move_in_an_ordered_list_is_one_difference() {
    let rules = |ids: &str| {
        let rules = ids
            .chars()
            .map(|id| json!({"id": id, "variation": 0, "x": id}));
        json!({"rules": rules.collect::<Vec<_>>()})
    };
    assert_eq!(
        shown(&rules("abcd"), &rules("dabc")),
        ["/rules/\"d\" moved 3 > 0"]
    );
    let ignored = Ignored::from_iter([Aspect::Order]);
    let moved = edits_with(DataKind::Flag, &rules("abcd"), &rules("dabc"), ignored);
    assert_eq!(moved, []);

    let needs = |keys: [&str; 2]| json!({"prerequisites": keys.map(|key| json!({"key": key, "variation": 1}))});
    assert_eq!(shown(&needs(["a", "b"]), &needs(["b", "a"])).len(), 1);

    let targets = |kinds: [&str; 2]| json!({"contextTargets": kinds.map(|kind| json!({"contextKind": kind, "variation": 0, "values": [kind]}))});
    assert_eq!(
        shown(&targets(["org", "user"]), &targets(["user", "org"])).len(),
        1
    );

    // Variations and shares are what their place says.
    assert_eq!(
        shown(
            &json!({"variations": ["a", "b"]}),
            &json!({"variations": ["b", "a"]})
        ),
        ["/variations/0 \"a\" > \"b\"", "/variations/1 \"b\" > \"a\""]
    );
    let shares = |weights: [u32; 2]| {
        let shares = weights.map(|weight| json!({"weight": weight}));
        json!({"fallthrough": {"rollout": {"variations": shares}}})
    };
    assert_eq!(
        shown(&shares([40_000, 60_000]), &shares([60_000, 40_000])),
        [
            "/fallthrough/rollout/variations/0/weight 40000 > 60000",
            "/fallthrough/rollout/variations/1/weight 60000 > 40000",
        ]
    );
}

#[test]
fn rules_are_aligned_by_id_then_by_content_then_by_place() {
    let rule = |id: &str, variation: u32| json!({"id": id, "variation": variation});
    let rules = |rules: &[Value]| json!({"rules": rules});
    // By id, although others were inserted.
    assert_eq!(
        shown(
            &rules(&[rule("a", 0), rule("b", 1)]),
            &rules(&[rule("x", 5), rule("a", 2), rule("b", 1)])
        ),
        ["/rules/\"x\" +", "/rules/\"a\"/variation 0 > 2"]
    );
    // By content although the ids differ, and by place if one has no id.
    assert_eq!(
        shown(
            &rules(&[rule("a", 0), rule("b", 1)]),
            &rules(&[rule("", 7), rule("z", 1)])
        ),
        [
            "/rules/\"a\"/id \"a\" > \"\"",
            "/rules/\"a\"/variation 0 > 7",
            "/rules/\"b\"/id \"b\" > \"z\"",
        ]
    );
    // Different ids and different content are different rules.
    assert_eq!(
        shown(&rules(&[rule("a", 0)]), &rules(&[rule("b", 1)])),
        ["/rules/\"a\" -", "/rules/\"b\" +"]
    );
    // Without ids, a rule inserted in front of equal ones is one difference.
    let plain = |variation: u32| json!({"variation": variation});
    assert_eq!(
        shown(
            &rules(&[plain(0), plain(1)]),
            &rules(&[plain(5), plain(0), plain(1)])
        ),
        ["/rules/0 +"]
    );
    assert_eq!(
        shown(&rules(&[plain(0), plain(1)]), &rules(&[plain(0), plain(2)])),
        ["/rules/1/variation 1 > 2"]
    );
}

#[test]
fn targets_are_aligned_by_kind_and_variation_and_prerequisites_by_key() {
    let left = json!({
        "targets": [{"variation": 0, "values": ["a"]}, {"variation": 1, "values": ["b"]}],
        "prerequisites": [{"key": "p", "variation": 0}, {"key": "q", "variation": 0}],
    });
    let right = json!({
        "targets": [{"variation": 1, "values": ["b", "c"], "contextKind": "user"}],
        "prerequisites": [{"key": "q", "variation": 1}],
    });
    let expected = [
        "/prerequisites/\"p\" -",
        "/prerequisites/\"q\"/variation 0 > 1",
        "/targets/0 -",
        "/targets/1/values/\"c\" +",
    ];
    assert_eq!(shown(&left, &right), expected);
}

#[test]
fn unknown_members_are_compared_as_json() {
    let left = json!({"x": {"a": [1, 2], "b": null}, "rules": [{"id": "r", "ref": 1}]});
    let right = json!({"x": {"a": [2, 1]}, "rules": [{"id": "r", "ref": 2}], "y": false});
    let expected = [
        "/rules/\"r\"/ref 1 > 2",
        "/x/a [1,2] > [2,1]",
        "/x/b -",
        "/y +",
    ];
    assert_eq!(shown(&left, &right), expected);
    let ignored = Ignored::from_iter([Aspect::Unused]);
    assert_eq!(edits_with(DataKind::Flag, &left, &right, ignored), []);
}

#[test]
fn aspects_can_be_ignored() {
    let left = json!({
        "trackEvents": true, "debugEventsUntilDate": 5, "clientSide": true, "rules": [{"id": "a", "trackEvents": true}],
    });
    let right = json!({"rules": [{"id": "b"}]});
    for (aspect, count) in [
        (Aspect::Tracking, 2),
        (Aspect::ClientSide, 4),
        (Aspect::Ids, 4),
        (Aspect::Version, 5),
    ] {
        let ignored = Ignored::from_iter([aspect]);
        let edits = edits_with(DataKind::Flag, &left, &right, ignored);
        assert_eq!(edits.len(), count, "{aspect:?}: {edits:?}");
    }
}

#[test]
fn pointers_lead_to_the_json_and_paths_name_the_element() {
    let left = json!({"rules": [{"id": "x"}, {"id": "a/b", "clauses": [{"op": "in", "values": ["v"]}]}], "a~/b": 1});
    let edits = edits(
        DataKind::Flag,
        &left,
        &json!({"rules": [{"id": "x"}, {"id": "a/b"}]}),
    );
    let pointers: Vec<_> = edits.iter().map(|edit| edit.path.pointer()).collect();
    assert_eq!(pointers, ["/rules/1/clauses/0", "/a~0~1b"]);
    assert_eq!(edits[0].path.to_string(), "/rules/\"a/b\"/clauses/0");
    let expected = json!({"op": "remove", "pointer": "/a~0~1b", "left": 1});
    assert_eq!(serde_json::to_value(&edits[1]).unwrap(), expected);
}

#[test]
fn at_most_a_thousand_edits_of_an_item_are_kept() {
    let left = json!({"included": (0..1_500).map(|key| format!("k{key}")).collect::<Vec<_>>()});
    let edits = item::compare(DataKind::Segment, &left, &json!({}), Ignored::default());
    assert_eq!(
        (edits.list.len(), edits.more, edits.len()),
        (1_000, 500, 1_500)
    );
}

#[test]
fn items_are_compared_by_kind_and_key() {
    let left = json!({"flags": {"same": {"version": 1}, "left": {"version": 3}}, "segments": {"right": {"version": 4}}});
    let right = json!({"flags": {"same": {"version": 1}, "right": {"version": 5}}, "segments": {"right": {"version": 6}}});
    let differences = compared(&left, &right);
    let items: Vec<_> = differences
        .items
        .iter()
        .map(|item| (item.kind, item.key.as_str(), item.presence, item.versions))
        .collect();
    let expected = [
        (DataKind::Flag, "left", Presence::OnlyLeft, [Some(3), None]),
        (
            DataKind::Flag,
            "right",
            Presence::OnlyRight,
            [None, Some(5)],
        ),
        (
            DataKind::Segment,
            "right",
            Presence::Both,
            [Some(4), Some(6)],
        ),
    ];
    assert_eq!(items, expected);
    assert_eq!((differences.flags, differences.segments), (3, 1));
}

#[test]
fn a_tombstone_equals_an_absent_item() {
    let gone = json!({"flags": {"gone": {"version": 7, "deleted": true}}});
    let nothing = compared(&gone, &json!({}));
    assert_eq!((nothing.items.len(), nothing.flags), (0, 0));
    let there = json!({"flags": {"gone": {"version": 6}}});
    assert_eq!(
        compared(&gone, &there).items[0].presence,
        Presence::OnlyRight
    );
    // Exactly, it is there.
    let exact = Options {
        exact: true,
        ..Options::default()
    };
    let differences = compare(&snapshot(&gone), &snapshot(&json!({})), &exact);
    assert_eq!(differences.items[0].presence, Presence::OnlyLeft);
}

#[test]
fn versions_are_compared_if_both_sides_have_one() {
    let flag = |version: u32| json!({"flags": {"f": {"version": version, "on": true}}});
    let differences = compared(&flag(7), &flag(9));
    assert_eq!(differences.items[0].versions, [Some(7), Some(9)]);
    assert!(differences.items[0].edits.is_empty());
    let ignoring = Options {
        ignored: Ignored::from_iter([Aspect::Version]),
        ..Options::default()
    };
    assert_eq!(
        compare(&snapshot(&flag(7)), &snapshot(&flag(9)), &ignoring).items,
        []
    );
    // A file chooses none.
    let file = json!({"flags": {"f": {"on": true}}});
    assert_eq!(compared(&file, &flag(9)).items, []);
    // A database without one has the lowest.
    let mut database = snapshot(&file);
    database.initialized = Some(true);
    let differences = compare(&database, &snapshot(&flag(9)), &Options::default());
    assert_eq!(differences.items.len(), 1);
}

#[test]
fn an_exact_comparison_ignores_nothing() {
    let differing = |left: &str, right: &str| {
        item::compare_exactly(
            &serde_json::from_str(left).unwrap(),
            &serde_json::from_str(right).unwrap(),
        )
        .list
        .len()
    };
    assert_eq!(differing(r#"{"a":1,"b":[2]}"#, r#"{"b":[2],"a":1}"#), 0);
    assert_eq!(differing(r#"{"a":1}"#, r#"{"a":1.0}"#), 1);
    assert_eq!(differing(r#"{"rules":[]}"#, "{}"), 1);
    assert_eq!(
        differing(r#"{"included":["a","b"]}"#, r#"{"included":["b","a"]}"#),
        1
    );
    assert_eq!(
        differing(r#"{"version":1}"#, r#"{"version":2,"key":"k"}"#),
        2
    );
}

#[test]
fn only_some_items_are_compared() {
    let left = json!({"flags": {"a-1": {}, "b": {}}, "segments": {"a-2": {}}});
    let keys = |options: &Options| {
        let differences = compare(&snapshot(&left), &snapshot(&json!({})), options);
        differences
            .items
            .into_iter()
            .map(|item| item.key.to_string())
            .collect::<Vec<_>>()
    };
    let only = globset::Glob::new("a*").unwrap().compile_matcher();
    let only = Options {
        only: Some(only),
        ..Options::default()
    };
    assert_eq!(keys(&only), ["a-1", "a-2"]);
    let segments = Options {
        kinds: vec![DataKind::Segment],
        ..Options::default()
    };
    assert_eq!(keys(&segments), ["a-2"]);
}

#[test]
fn text_that_is_no_json_is_compared_as_text() {
    let stored = |json: &'static str| StoredText {
        json: json.into(),
        version: 1,
        deleted: false,
    };
    let with = |json| Snapshot {
        flags: [("f".into(), stored(json))].into(),
        ..Snapshot::default()
    };
    let differences = compare(&with("{"), &with("{\"on\":true}"), &Options::default());
    assert_eq!(differences.items[0].edits.list[0].path.pointer(), "");
    assert_eq!(
        compare(&with("{"), &with("{"), &Options::default()).items,
        []
    );
    let surrogates = compare(
        &with(r#"{"salt":"\ud800","on":true}"#),
        &with(r#"{"on":true}"#),
        &Options::default(),
    );
    assert_eq!(surrogates.items[0].edits.list[0].path.pointer(), "/salt");
}

fn text() -> impl Strategy<Value = String> {
    select(vec!["", "a", "b", "é/~", "user", "/x"]).prop_map(str::to_owned)
}

fn plain() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3..300i64).prop_map(Value::from),
        (-1e3..1e3f64).prop_map(Value::from),
        text().prop_map(Value::from),
        Just(json!({"a": [1, {"b": 2.0}]})),
    ]
}

/// An object with some of these members.
fn object(members: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    let (names, values): (Vec<_>, Vec<_>) = members.into_iter().unzip();
    let count = names.len();
    (
        values,
        subsequence((0..count).collect::<Vec<_>>(), 0..=count),
    )
        .prop_map(move |(values, chosen)| {
            let members = chosen.into_iter();
            members
                .map(|index| (names[index].to_owned(), values[index].clone()))
                .collect()
        })
        .boxed()
}

fn list(element: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Value> {
    prop::collection::vec(element, 0..4)
        .prop_map(Value::Array)
        .boxed()
}

fn flags() -> BoxedStrategy<Value> {
    let index = || (0..3i64).prop_map(Value::from).boxed();
    let bool = || any::<bool>().prop_map(Value::from).boxed();
    let words = || text().prop_map(Value::from).boxed();
    let shares = object(vec![
        ("variation", index()),
        ("weight", index()),
        ("untracked", bool()),
    ]);
    let rollout = || {
        object(vec![
            ("kind", words()),
            ("contextKind", words()),
            ("bucketBy", words()),
            ("seed", index()),
            ("variations", list(shares.clone())),
            ("x", plain().boxed()),
        ])
    };
    let clause = object(vec![
        ("attribute", words()),
        ("contextKind", words()),
        (
            "op",
            select(vec!["in", "endsWith", "odd"])
                .prop_map(Value::from)
                .boxed(),
        ),
        ("values", list(plain())),
        ("negate", bool()),
        ("x", plain().boxed()),
    ]);
    let rule = object(vec![
        ("id", words()),
        ("variation", index()),
        ("rollout", rollout()),
        ("clauses", list(clause)),
        ("trackEvents", bool()),
        ("x", plain().boxed()),
    ]);
    let target = object(vec![
        ("contextKind", words()),
        ("variation", index()),
        ("values", list(words())),
    ]);
    let prerequisite = object(vec![("key", words()), ("variation", index())]);
    object(vec![
        ("on", bool()),
        ("variations", list(plain())),
        ("offVariation", index()),
        ("salt", words()),
        (
            "fallthrough",
            object(vec![("variation", index()), ("rollout", rollout())]),
        ),
        ("rules", list(rule)),
        ("targets", list(target.clone())),
        ("contextTargets", list(target)),
        ("prerequisites", list(prerequisite)),
        ("trackEvents", bool()),
        ("debugEventsUntilDate", index()),
        ("samplingRatio", index()),
        ("clientSide", bool()),
        ("x", plain().boxed()),
        ("y", plain().boxed()),
    ])
}

fn segments() -> BoxedStrategy<Value> {
    let words = || text().prop_map(Value::from).boxed();
    let target = object(vec![("contextKind", words()), ("values", list(words()))]);
    let clause = object(vec![
        ("attribute", words()),
        ("op", words()),
        ("values", list(plain())),
    ]);
    let rule = object(vec![
        ("id", words()),
        ("clauses", list(clause)),
        ("weight", plain().boxed()),
        ("bucketBy", words()),
    ]);
    object(vec![
        ("included", list(words())),
        ("excluded", list(words())),
        ("includedContexts", list(target)),
        ("rules", list(rule)),
        ("unbounded", plain().boxed()),
        ("x", plain().boxed()),
    ])
}

/// Flags and segments with any of their members.
fn items() -> impl Strategy<Value = (DataKind, Value)> {
    prop_oneof![
        flags().prop_map(|flag| (DataKind::Flag, flag)),
        segments().prop_map(|segment| (DataKind::Segment, segment)),
    ]
}

/// Reverses the lists whose order means nothing.
fn with_reversed_sets(kind: DataKind, item: &Value) -> Value {
    fn reverse(value: &mut Value) {
        if let Value::Array(list) = value {
            list.reverse();
        }
    }
    let mut item = item.clone();
    let of_clauses = |rule: &mut Value| {
        for clause in rule["clauses"].as_array_mut().into_iter().flatten() {
            if clause["op"] == "in" || clause["op"] == "endsWith" {
                clause.get_mut("values").map(reverse);
            }
        }
    };
    for rule in item
        .get_mut("rules")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        if rule.get("clauses").is_some() {
            of_clauses(rule);
        }
    }
    for name in ["targets", "contextTargets", "includedContexts"] {
        for target in item
            .get_mut(name)
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            target.get_mut("values").map(reverse);
        }
    }
    if kind == DataKind::Segment {
        for name in ["included", "excluded"] {
            item.get_mut(name).map(reverse);
        }
    }
    item
}

/// A flag with a part of each kind, each of them identifiable.
fn sample() -> Value {
    let rule = |id: &str| {
        json!({"id": id, "variation": 0, "clauses": [
            {"attribute": id, "op": "in", "values": [id, "v"], "negate": false},
            {"attribute": "n", "op": "lessThan", "values": [7]},
        ]})
    };
    json!({
        "on": true, "salt": "s", "offVariation": 0, "variations": ["a", {"b": 1}, null],
        "fallthrough": {"rollout": {"seed": 5, "variations": [{"variation": 0, "weight": 40000}, {"variation": 1, "weight": 60000}]}},
        "rules": [rule("r0"), rule("r1"), rule("r2"), rule("r3")],
        "targets": [{"variation": 0, "values": ["ada"]}, {"variation": 1, "values": ["bob", "cy"]}],
        "contextTargets": [{"contextKind": "org", "variation": 1, "values": ["acme"]}],
        "prerequisites": [{"key": "p", "variation": 0}, {"key": "q", "variation": 1}],
        "trackEvents": false, "x": {"y": [1, 2]},
    })
}

/// Changes a flag in one place, and returns the pointer of the place.
fn edited(flag: &mut Value, which: usize, at: Index, number: u64) -> String {
    let rule = at.index(4);
    let number = number + 100_000;
    match which {
        0 => flag["on"] = json!(false),
        1 => flag["salt"] = json!(number.to_string()),
        2 => drop(flag.as_object_mut().unwrap().remove("offVariation")),
        3 => flag["variations"]
            .as_array_mut()
            .unwrap()
            .push(json!(number)),
        4 => flag["variations"][1]["b"] = json!(number),
        5 => flag["fallthrough"]["rollout"]["variations"][1]["weight"] = json!(number),
        6 => drop(flag["rules"].as_array_mut().unwrap().remove(rule)),
        7 => {
            let new = json!({"id": "new", "variation": number});
            flag["rules"].as_array_mut().unwrap().insert(rule, new);
        }
        8 => {
            // Two places further: of two neighbours that change places, either has moved.
            let rules = flag["rules"].as_array_mut().unwrap();
            let moved = rules.remove(rule);
            rules.insert((rule + 2) % 4, moved);
        }
        9 => flag["rules"][rule]["clauses"][0]["values"]
            .as_array_mut()
            .unwrap()
            .push(json!(number)),
        10 => flag["rules"][rule]["clauses"][0]["negate"] = json!(true),
        11 => flag["rules"][rule]["clauses"][1]["op"] = json!("greaterThan"),
        12 => drop(
            flag["targets"][1]["values"]
                .as_array_mut()
                .unwrap()
                .remove(1),
        ),
        13 => flag["contextTargets"]
            .as_array_mut()
            .unwrap()
            .push(json!({"contextKind": "team"})),
        14 => flag["prerequisites"][1]["variation"] = json!(number),
        15 => flag["x"]["y"] = json!([2, 1]),
        16 => flag["new"] = json!(number),
        17 => flag["trackEvents"] = json!(true),
        _ => flag["fallthrough"]["rollout"]["bucketBy"] = json!("name"),
    }
    let rules = format!("/rules/{rule}");
    match which {
        0 => "/on".to_owned(),
        1 => "/salt".to_owned(),
        2 => "/offVariation".to_owned(),
        3 => "/variations/3".to_owned(),
        4 => "/variations/1/b".to_owned(),
        5 => "/fallthrough/rollout/variations/1/weight".to_owned(),
        6..=8 => rules,
        9 => format!("{rules}/clauses/0/values/2"),
        10 => format!("{rules}/clauses/0/negate"),
        11 => format!("{rules}/clauses/1/op"),
        12 => "/targets/1/values/1".to_owned(),
        13 => "/contextTargets/1".to_owned(),
        14 => "/prerequisites/1/variation".to_owned(),
        15 => "/x/y".to_owned(),
        16 => "/new".to_owned(),
        17 => "/trackEvents".to_owned(),
        _ => "/fallthrough/rollout/bucketBy".to_owned(),
    }
}

proptest! {
    #[test]
    fn completion_changes_no_meaning_and_completes_once(item in items()) {
        let (kind, item) = item;
        let text = item.to_string();
        let completed = complete(kind, "k", 3, &text).unwrap();
        let again = complete(kind, "k", 3, &completed).unwrap();
        prop_assert_eq!(&again, &completed);
        let read: Value = serde_json::from_str(&completed).unwrap();
        let edits = edits(kind, &item, &read);
        prop_assert!(edits.is_empty(), "{:?}", edits);
    }

    #[test]
    fn an_item_does_not_differ_from_itself(item in items()) {
        let (kind, item) = item;
        prop_assert_eq!(edits(kind, &item, &item), []);
        let shuffled = with_reversed_sets(kind, &item);
        prop_assert_eq!(edits(kind, &item, &shuffled), []);
    }

    #[test]
    fn differences_are_the_same_from_both_sides(left in flags(), right in flags()) {
        let (there, back) = (edits(DataKind::Flag, &left, &right), edits(DataKind::Flag, &right, &left));
        prop_assert_eq!(there.is_empty(), back.is_empty());
    }

    #[test]
    fn one_edit_is_one_difference_at_its_place(which in 0usize..19, at in any::<Index>(), number in 0u64..1_000) {
        let mut right = sample();
        let pointer = edited(&mut right, which, at, number);
        let edits = edits(DataKind::Flag, &sample(), &right);
        prop_assert_eq!(edits.len(), 1, "{:?}", edits);
        prop_assert_eq!(edits[0].path.pointer(), pointer);
    }
}
