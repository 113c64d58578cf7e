//! `vexil check` of random and damaged data: no defect, and the verdict of the reader of flags.

use std::path::Path;

use crate::support::Folder;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use vexil::model::{DataKind, ItemReader};
use vexil_cli::Exit;

fn example(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/check/clean");
    std::fs::read_to_string(folder.join(name)).expect("the example")
}

/// Checks a text, and returns the findings.
fn check(folder: &Folder, name: &str, text: &str) -> Result<Vec<Value>, TestCaseError> {
    folder.write(name, text);
    let options = [
        "--json",
        "--fail-on",
        "info",
        "--for",
        "redis,dynamodb,php,mobile",
    ];
    let command: Vec<&str> = ["check", name].into_iter().chain(options).collect();
    let ran = folder.vexil(&command);
    let is_expected = matches!(ran.exit, Exit::Done | Exit::No | Exit::Unreadable);
    prop_assert!(is_expected, "{:?} {}", ran.exit, ran.stderr);
    let document: Value = serde_json::from_str(&ran.stdout)
        .map_err(|error| TestCaseError::fail(format!("{error}: {}", ran.stdout)))?;
    Ok(document["findings"].as_array().cloned().unwrap_or_default())
}

/// Any value, with numbers that are special somewhere.
fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        prop::sample::select(vec![
            json!(0),
            json!(1),
            json!(-1),
            json!(2),
            json!(1.5),
            json!(100_000),
            json!(1e300),
            json!(i64::MAX),
            json!(u64::MAX),
            json!(1_u64 << 53),
        ]),
        prop::sample::select(vec![
            "",
            "user",
            "kind",
            "/a//b",
            "(?=",
            "segmentMatch",
            "in",
            "experiment",
            "a",
            "staff",
            "~2",
            "\u{202e}",
            "2026-01-01T00:00:00Z",
            "1.2",
        ])
        .prop_map(Value::from),
    ]
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "key",
        "version",
        "deleted",
        "on",
        "variations",
        "offVariation",
        "fallthrough",
        "targets",
        "contextTargets",
        "rules",
        "prerequisites",
        "salt",
        "clientSideAvailability",
        "clientSide",
        "usingEnvironmentId",
        "debugEventsUntilDate",
        "samplingRatio",
        "migration",
        "checkRatio",
        "id",
        "clauses",
        "variation",
        "rollout",
        "values",
        "contextKind",
        "kind",
        "bucketBy",
        "seed",
        "weight",
        "untracked",
        "attribute",
        "op",
        "negate",
        "included",
        "excluded",
        "includedContexts",
        "excludedContexts",
        "unbounded",
        "generation",
        "rolloutContextKind",
        "other/name~",
    ])
    .prop_map(str::to_owned)
}

fn object(inner: BoxedStrategy<Value>) -> impl Strategy<Value = Value> {
    prop::collection::vec((name(), inner), 0..6)
        .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>()))
}

fn value() -> BoxedStrategy<Value> {
    leaf()
        .boxed()
        .prop_recursive(5, 60, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                object(inner.boxed()),
            ]
        })
        .boxed()
}

/// Replaces a value of an example by another one.
fn replace(target: &mut Value, path: &mut std::vec::IntoIter<prop::sample::Index>, by: Value) {
    let Some(step) = path.next() else {
        *target = by;
        return;
    };
    match target {
        Value::Array(elements) if !elements.is_empty() => {
            let index = step.index(elements.len());
            replace(&mut elements[index], path, by);
        }
        Value::Object(members) if !members.is_empty() => {
            let index = step.index(members.len());
            if let Some(member) = members.values_mut().nth(index) {
                replace(member, path, by);
            }
        }
        _ => *target = by,
    }
}

/// Whether a finding states that the item cannot be read.
fn is_unreadable(finding: &Value, kind: DataKind, key: &str) -> bool {
    let ids = ["wrong-type", "version-invalid", "not-json"];
    finding["kind"] == kind.to_string()
        && finding["key"] == key
        && ids.contains(&finding["id"].as_str().unwrap_or_default())
        // The reader accepts these.
        && !["negative", "fraction", "2^53"]
            .iter()
            .any(|word| finding["message"].as_str().unwrap_or_default().contains(word))
}

/// The evaluator does not read the ids of the rules of segments.
#[test]
fn a_rule_of_a_segment_may_have_any_id() {
    let rules = json!([{"id": false, "clauses": []}]);
    let document =
        json!({"segments": {"staff": {"rules": rules}}, "flags": {"theme": {"rules": rules}}});
    let folder = Folder::with(&[("flags.json", &document.to_string())]);
    let report = folder
        .vexil(&["check", "flags.json", "--only", "wrong-type"])
        .stdout;
    assert!(
        report.contains("theme") && !report.contains("staff"),
        "{report}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn random_items_are_unreadable_if_the_reader_rejects_them(
        items in prop::collection::vec((any::<bool>(), object(value())), 1..4),
        yaml in any::<bool>(),
    ) {
        let folder = Folder::new();
        let (mut flags, mut segments) = (Map::new(), Map::new());
        for (number, (is_flag, item)) in items.into_iter().enumerate() {
            let section = if is_flag { &mut flags } else { &mut segments };
            section.insert(format!("item-{number}"), item);
        }
        let document = json!({"flags": flags, "segments": segments});
        // JSON is YAML.
        let text = if yaml { format!("# YAML\n{document}") } else { document.to_string() };
        let findings = check(&folder, "flags", &text)?;
        let sections = [(DataKind::Flag, &flags), (DataKind::Segment, &segments)];
        for (kind, items) in sections {
            for (key, item) in items {
                let read = ItemReader::new(false).read(kind, key.as_str(), &item.to_string());
                let found = findings.iter().any(|finding| is_unreadable(finding, kind, key));
                prop_assert_eq!(found, read.is_err(), "{} {:?}", item, read);
            }
        }
    }

    #[test]
    fn examples_with_other_values_are_no_defect(
        path in prop::collection::vec(any::<prop::sample::Index>(), 1..8),
        by in value(),
    ) {
        let mut document: Value = serde_json::from_str(&example("complete.json")).expect("JSON");
        replace(&mut document, &mut path.into_iter(), by);
        check(&Folder::new(), "flags.json", &document.to_string())?;
    }

    #[test]
    fn damaged_text_is_no_defect(
        yaml in any::<bool>(),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0..20_usize, ".{0,4}"), 1..4),
    ) {
        let mut text: Vec<char> =
            example(if yaml { "complete.yaml" } else { "complete.json" }).chars().collect();
        for (at, length, inserted) in cuts {
            let start = at.index(text.len() + 1);
            let end = (start + length).min(text.len());
            text.splice(start..end, inserted.chars());
        }
        check(&Folder::new(), "flags", &text.into_iter().collect::<String>())?;
    }

    #[test]
    fn any_text_is_no_defect(text in "(?s).{0,60}") {
        check(&Folder::new(), "flags", &text)?;
    }
}

#[test]
fn extreme_documents_are_no_defect() {
    let folder = Folder::new();
    let deep = |open: &str, close: &str, levels: usize| open.repeat(levels) + &close.repeat(levels);
    let many_keys: Vec<String> = (0..100_000).map(|number| format!("key-{number}")).collect();
    let chain: Map<String, Value> = (0..1_000)
        .map(|number| {
            let next = format!("flag-{}", number + 1);
            let flag = json!({"on": true, "prerequisites": [{"key": next, "variation": 0}]});
            (format!("flag-{number}"), flag)
        })
        .collect();
    let mut ring = chain.clone();
    ring["flag-999"]["prerequisites"][0]["key"] = json!("flag-0");
    let documents = [
        format!("{{\"flags\": {{\"a\": {}}}}}", deep("[", "]", 10_000)),
        format!(
            "{{\"flags\": {{\"a\": {{\"variations\": {}}}}}}}",
            deep("[", "]", 110)
        ),
        deep("[", "]", 10_000),
        deep("{a: ", "}", 1_000),
        deep("- ", "", 1_000),
        json!({"segments": {"many": {"included": many_keys, "excluded": many_keys}}}).to_string(),
        json!({"flags": chain}).to_string(),
        json!({"flags": ring}).to_string(),
        "\u{feff}{\"flags\": {}}".to_owned(),
        "a: &a {<<: *a}".to_owned(),
    ];
    for document in documents {
        let start: String = document.chars().take(60).collect();
        check(&folder, "flags", &document).unwrap_or_else(|error| panic!("{start}: {error}"));
    }
}
