//! Evaluates the items that were read.

use std::sync::LazyLock;

use vexil::fuzzing;
use vexil::model::{DataKind, Flag, Item, Segment};
use vexil_eval::{Context, Found, Lookup, Need, Outcome, Reason, Value, evaluate};

/// Contexts of several kinds, with attributes of all types.
static CONTEXTS: LazyLock<Vec<Context>> = LazyLock::new(|| {
    let contexts = [
        r#"{"kind": "user", "key": "ada", "name": "Ada", "email": "ada@example.com", "age": 36,
            "country": "GB", "version": "2.1.0-rc.1", "born": "1815-12-10T12:00:00Z",
            "tags": ["a", "b", 1, null], "address": {"city": "London"}}"#,
        r#"{"kind": "multi", "user": {"key": "bob", "anonymous": true},
            "org": {"key": "acme", "seats": 250, "region": null}}"#,
        r#"{"kind": "device", "key": "d/1:2", "os": {"version": "3"}, "x": true}"#,
        r#"{"key": "", "custom": {"a": [[]]}}"#,
    ];
    let read = |json| serde_json::from_str(json).expect("the contexts are valid");
    contexts.into_iter().map(read).collect()
});

/// A flag and a segment that others can refer to.
static OTHERS: LazyLock<(Item, Item, Item)> = LazyLock::new(|| {
    let read = |kind, key: &str, json: &str| {
        Item::from_json(kind, key, json.as_bytes()).expect("the item is valid")
    };
    let flag = r#"{"on": true, "variations": [false, true], "fallthrough": {"variation": 1}}"#;
    let segment = r#"{"included": ["ada"], "includedContexts": [{"contextKind": "org", "values": ["acme"]}]}"#;
    let refers = r#"{"on": true, "variations": [false, true], "fallthrough": {"variation": 0}, "rules": [
        {"variation": 1, "clauses": [{"op": "segmentMatch", "values": ["segment"]}]}]}"#;
    (
        read(DataKind::Flag, "other", flag),
        read(DataKind::Segment, "other", segment),
        read(DataKind::Flag, "refers", refers),
    )
});

/// An item that refers to itself, to others, and to missing ones.
struct Data<'a> {
    item: &'a Item,
}

impl Lookup for Data<'_> {
    fn flag(&self, key: &str) -> Found<&Flag> {
        match (key, self.item) {
            ("unknown", _) => Found::Unknown,
            ("other", _) => present_flag(&OTHERS.0),
            (key, item @ Item::Flag(_)) if item.key() == key => present_flag(item),
            _ => Found::Absent,
        }
    }

    fn segment(&self, key: &str) -> Found<&Segment> {
        match (key, self.item) {
            ("unknown", _) => Found::Unknown,
            ("other", _) => present_segment(&OTHERS.1),
            (_, item @ Item::Segment(_)) => present_segment(item),
            _ => Found::Absent,
        }
    }
}

fn present_flag(item: &Item) -> Found<&Flag> {
    match item {
        Item::Flag(entry) => entry.present().map(|flag| &**flag).into(),
        Item::Segment(_) => Found::Absent,
    }
}

fn present_segment(item: &Item) -> Found<&Segment> {
    match item {
        Item::Segment(entry) => entry.present().map(|segment| &**segment).into(),
        Item::Flag(_) => Found::Absent,
    }
}

/// Evaluates an item for all contexts, and returns the results. A segment is evaluated by a flag
/// that refers to it.
fn results(item: &Item) -> Vec<Evaluated> {
    let flag = match item {
        Item::Flag(_) => item,
        Item::Segment(_) => &OTHERS.2,
    };
    let Found::Present(flag) = present_flag(flag) else {
        return Vec::new();
    };
    let data = Data { item };
    CONTEXTS
        .iter()
        .map(|context| result(flag, context, &data))
        .collect()
}

/// The variation, the reason and the number of prerequisites, or what is missing.
type Evaluated = Result<(Option<usize>, Reason, usize), Need>;

fn result(flag: &Flag, context: &Context, data: &dyn Lookup) -> Evaluated {
    match evaluate(flag, context, data) {
        Outcome::Done(evaluation) => {
            if let Some((index, value)) = evaluation.variation {
                assert_eq!(flag.variations().get(index), Some(value));
            }
            let variation = evaluation.variation.map(|(index, _)| index);
            Ok((
                variation,
                evaluation.reason(),
                evaluation.prerequisites().len(),
            ))
        }
        Outcome::Needs(need) => Err(need),
    }
}

/// Evaluates a flag for one context, without other data, and returns the index of the variation.
pub(crate) fn variation(flag: &Item, context: &Context) -> Option<usize> {
    let Found::Present(present) = present_flag(flag) else {
        return None;
    };
    match evaluate(present, context, &Data { item: flag }) {
        Outcome::Done(evaluation) => evaluation.variation.map(|(index, _)| index),
        Outcome::Needs(_) => None,
    }
}

/// Evaluates a flag with rules that compare two attributes of all types for one context.
pub(crate) fn evaluates(context: &Context) {
    let Found::Present(flag) = present_flag(&OTHERS.2) else {
        return;
    };
    let data = Data { item: &OTHERS.1 };
    let _ = result(flag, context, &data);
}

/// Checks that an item can be evaluated, that its text reads back as the same item, and that a
/// store returns the same item.
pub(crate) fn holds(item: &Item) {
    if item.is_deleted() {
        return;
    }
    let results = results(item);
    let json = item.json().expect("the readers keep the text");
    let again = Item::from_json(item.kind(), item.key().clone(), &json);
    let again = again.expect("the text of an item can be read");
    assert_eq!(self::results(&again), results, "read again");

    let stored = fuzzing::encode(item).expect("an item that was read can be stored");
    let again = fuzzing::decode_stored(item.kind(), item.key(), &stored);
    let again = again.expect("a stored item can be read");
    assert_eq!(
        (
            again.kind(),
            again.key(),
            again.version(),
            again.is_deleted()
        ),
        (item.kind(), item.key(), item.version(), false)
    );
    assert_eq!(self::results(&again), results, "read from a store");
    let twice = fuzzing::encode(&again).expect("a stored item can be stored");
    assert_eq!(twice, stored, "stored again");
}

/// A flag whose rules each compare the attribute `a` with an operand, by the operator before it.
/// Rule `n` has the variation `n`, and the last one is for no match.
pub(crate) fn flag_with_rules<const N: usize>(rules: [(&str, &str); N]) -> Item {
    let mut json = String::from(r#"{"on":true,"rules":["#);
    for (index, (operator, operand)) in rules.into_iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        let operand = serde_json::to_string(operand).expect("text is JSON");
        json += &format!(
            r#"{comma}{{"variation":{index},"clauses":[{{"attribute":"a","op":"{operator}","values":[{operand}]}}]}}"#
        );
    }
    json += &format!(r#"],"variations":[0,1,2,3],"fallthrough":{{"variation":{N}}}}}"#);
    Item::from_json(DataKind::Flag, "f", json.as_bytes()).expect("any operand is allowed")
}

/// A context with the attribute `a`.
pub(crate) fn context_with(value: &str) -> Context {
    let builder = Context::builder("k").set("a", Value::from(value));
    builder.build().expect("the context is valid")
}
