//! Rules for all properties: types, and null, unknown and repeated members.

use super::*;

/// The type of a property.
#[derive(Clone, Copy)]
enum Type {
    Bool,
    Integer,
    Text,
    Texts,
    Values,
    Object,
    Objects,
}

impl Type {
    fn good(self) -> Json {
        match self {
            Self::Bool => json!(true),
            Self::Integer => json!(1),
            Self::Text => json!("text"),
            Self::Texts => json!(["text", ""]),
            Self::Values => json!([null, true, 1.5, "text", [], {}]),
            Self::Object => json!({}),
            Self::Objects => json!([{}]),
        }
    }

    fn bad(self) -> Vec<Json> {
        let samples = [json!(true), json!(1), json!("1"), json!([]), json!({})];
        let fits = |json: &Json| match self {
            Self::Bool => json.is_boolean(),
            Self::Integer => json.is_number(),
            Self::Text => json.is_string(),
            Self::Object => json.is_object(),
            Self::Texts | Self::Values | Self::Objects => json.is_array(),
        };
        let elements = match self {
            Self::Texts => vec![json!([1]), json!([null]), json!([["text"]])],
            Self::Objects => vec![json!([1]), json!([null]), json!([[]]), json!([{}, "{}"])],
            _ => vec![],
        };
        let bad = samples.into_iter().filter(|json| !fits(json));
        bad.chain(elements).collect()
    }
}

/// The paths of all properties of a flag; `[]` stands for an array with one element.
const FLAG: [(&str, Type); 52] = [
    ("key", Type::Text),
    ("version", Type::Integer),
    ("deleted", Type::Bool),
    ("on", Type::Bool),
    ("variations", Type::Values),
    ("offVariation", Type::Integer),
    ("fallthrough", Type::Object),
    ("fallthrough/variation", Type::Integer),
    ("fallthrough/rollout", Type::Object),
    ("fallthrough/rollout/kind", Type::Text),
    ("fallthrough/rollout/contextKind", Type::Text),
    ("fallthrough/rollout/bucketBy", Type::Text),
    ("fallthrough/rollout/seed", Type::Integer),
    ("fallthrough/rollout/variations", Type::Objects),
    ("fallthrough/rollout/variations/[]/variation", Type::Integer),
    ("fallthrough/rollout/variations/[]/weight", Type::Integer),
    ("fallthrough/rollout/variations/[]/untracked", Type::Bool),
    ("targets", Type::Objects),
    ("targets/[]/variation", Type::Integer),
    ("targets/[]/values", Type::Texts),
    ("targets/[]/contextKind", Type::Text),
    ("contextTargets", Type::Objects),
    ("contextTargets/[]/variation", Type::Integer),
    ("contextTargets/[]/values", Type::Texts),
    ("contextTargets/[]/contextKind", Type::Text),
    ("rules", Type::Objects),
    ("rules/[]/id", Type::Text),
    ("rules/[]/variation", Type::Integer),
    ("rules/[]/rollout", Type::Object),
    ("rules/[]/rollout/variations", Type::Objects),
    ("rules/[]/trackEvents", Type::Bool),
    ("rules/[]/clauses", Type::Objects),
    ("rules/[]/clauses/[]/attribute", Type::Text),
    ("rules/[]/clauses/[]/contextKind", Type::Text),
    ("rules/[]/clauses/[]/op", Type::Text),
    ("rules/[]/clauses/[]/values", Type::Values),
    ("rules/[]/clauses/[]/negate", Type::Bool),
    ("prerequisites", Type::Objects),
    ("prerequisites/[]/key", Type::Text),
    ("prerequisites/[]/variation", Type::Integer),
    ("salt", Type::Text),
    ("clientSideAvailability", Type::Object),
    ("clientSideAvailability/usingMobileKey", Type::Bool),
    ("clientSideAvailability/usingEnvironmentId", Type::Bool),
    ("clientSide", Type::Bool),
    ("trackEvents", Type::Bool),
    ("trackEventsFallthrough", Type::Bool),
    ("debugEventsUntilDate", Type::Integer),
    ("excludeFromSummaries", Type::Bool),
    ("samplingRatio", Type::Integer),
    ("migration", Type::Object),
    ("migration/checkRatio", Type::Integer),
];

/// The paths of all properties of a segment that are read.
const SEGMENT: [(&str, Type); 25] = [
    ("key", Type::Text),
    ("version", Type::Integer),
    ("deleted", Type::Bool),
    ("salt", Type::Text),
    ("included", Type::Texts),
    ("excluded", Type::Texts),
    ("includedContexts", Type::Objects),
    ("includedContexts/[]/contextKind", Type::Text),
    ("includedContexts/[]/values", Type::Texts),
    ("excludedContexts", Type::Objects),
    ("excludedContexts/[]/contextKind", Type::Text),
    ("excludedContexts/[]/values", Type::Texts),
    ("rules", Type::Objects),
    ("rules/[]/clauses", Type::Objects),
    ("rules/[]/clauses/[]/attribute", Type::Text),
    ("rules/[]/clauses/[]/contextKind", Type::Text),
    ("rules/[]/clauses/[]/op", Type::Text),
    ("rules/[]/clauses/[]/values", Type::Values),
    ("rules/[]/clauses/[]/negate", Type::Bool),
    ("rules/[]/weight", Type::Integer),
    ("rules/[]/bucketBy", Type::Text),
    ("rules/[]/rolloutContextKind", Type::Text),
    ("unbounded", Type::Bool),
    ("unboundedContextKind", Type::Text),
    ("generation", Type::Integer),
];

fn properties() -> impl Iterator<Item = (DataKind, &'static str, Type)> {
    let flag = FLAG.map(|(path, of_type)| (DataKind::Flag, path, of_type));
    let segment = SEGMENT.map(|(path, of_type)| (DataKind::Segment, path, of_type));
    flag.into_iter().chain(segment)
}

/// An item with this value at a path.
fn at(path: &str, value: Json) -> Json {
    path.rsplit('/').fold(value, |inner, step| match step {
        "[]" => json!([inner]),
        name => json!({name: inner}),
    })
}

/// The same item without that property, but with its enclosing objects.
fn without(path: &str) -> Json {
    match path.rsplit_once('/') {
        Some((parent, _)) => at(parent, json!({})),
        None => json!({}),
    }
}

// EVAL-2.1 to EVAL-2.4
#[test]
fn null_means_the_same_as_a_missing_property() {
    for (kind, path, _) in properties() {
        let null = at(path, json!(null));
        let missing = without(path);
        assert_eq!(shown(kind, &null), shown(kind, &missing), "{kind} {path}");
        assert!(data(&data_of(kind, &null)).is_ok(), "{kind} {path}");
    }
}

// EVAL-2.1 to EVAL-2.4
#[test]
fn a_value_of_the_wrong_type_rejects_the_item_and_the_error_names_it() {
    for (kind, path, of_type) in properties() {
        let good = at(path, of_type.good());
        assert!(item(kind, &good).is_ok(), "{kind} {good}");
        for bad in of_type.bad() {
            let bad = at(path, bad);
            let alone = item(kind, &bad).unwrap_err();
            let in_data = data(&data_of(kind, &bad)).unwrap_err();
            for error in [alone, in_data] {
                assert_eq!(error.item, Some((kind, "k".into())), "{kind} {bad}");
                assert_eq!(error.to_string(), format!("{kind} \"k\" cannot be read"));
            }
        }
    }
}

/// The same JSON with an unknown property in each of its objects.
fn with_unknown_properties(json: Json) -> Json {
    match json {
        Json::Array(elements) => elements.into_iter().map(with_unknown_properties).collect(),
        Json::Object(members) => {
            let members = members.into_iter();
            let mut members: Map<_, _> = members
                .map(|(name, value)| (name, with_unknown_properties(value)))
                .collect();
            members.insert("fromTheFuture".to_owned(), json!([{"on": 1}, "x", null]));
            members.into()
        }
        other => other,
    }
}

// EVAL-2.1
#[test]
fn unknown_properties_are_ignored_at_every_level() {
    let clauses = json!([{"attribute": "a", "op": "in", "values": ["x"]}]);
    let rollout = json!({"variations": [{"variation": 1, "weight": 1}]});
    let flag = json!({"version": 1, "on": true, "variations": [1, 2], "fallthrough": {"rollout": rollout},
        "targets": [{"values": ["ada"]}], "contextTargets": [{"values": ["ada"]}],
        "rules": [{"id": "r", "clauses": clauses, "rollout": rollout}],
        "prerequisites": [{"key": "p", "variation": 1}], "clientSideAvailability": {"usingMobileKey": true},
        "migration": {"checkRatio": 1}});
    let segment = json!({"version": 1, "included": ["ada"], "includedContexts": [{"values": ["eve"]}],
        "excludedContexts": [{"values": ["bob"]}], "rules": [{"clauses": clauses, "weight": 1}]});
    for (kind, json) in [(DataKind::Flag, flag), (DataKind::Segment, segment)] {
        let more = with_unknown_properties(json.clone());
        assert_eq!(shown(kind, &more), shown(kind, &json));
    }
}

// EVAL-2.1
#[test]
fn unknown_properties_are_ignored_however_deep_they_are() {
    let arrays = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let item = format!(r#"{{"version": 2, "fromTheFuture": {arrays}}}"#);
    for kind in KINDS {
        let read = Item::from_json(kind, "k", item.as_bytes()).unwrap();
        assert_eq!(read.version(), 2, "{kind}");
    }
    let data = format!(r#"{{"fromTheFuture": {arrays}, "flags": {{"k": {item}}}}}"#);
    assert_eq!(DataSet::from_json(data.as_bytes()).unwrap().flags.len(), 1);
}

// EVAL-1.5 and EVAL-2.1
#[test]
fn the_last_of_duplicate_properties_wins() {
    let flag = r#"{"version": 1, "on": true, "version": 2, "on": false, "variations": [{"a": 1, "a": 2}]}"#;
    let segment = r#"{"rules": [{"clauses": [], "weight": 1, "weight": null}]}"#;
    let text = format!(r#"{{"flags": {{"f": {flag}}}, "segments": {{"s": {segment}}}}}"#);
    let data = DataSet::from_json(text.as_bytes()).unwrap();
    let flag = data.flags[0].present().unwrap();
    assert_eq!((flag.version(), flag.is_on()), (2, false));
    assert_eq!(flag.variations(), [json!({"a": 2}).into()]);
    assert!(
        data.segments[0].present().unwrap().rules[0]
            .rollout
            .is_none()
    );
}
