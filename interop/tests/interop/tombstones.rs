//! Deleted items, in all shapes found in databases: STO-1.3.

use serde_json::json;
use vexil::model::DataKind::{Flag, Segment};

use crate::reading::{Evaluations, Results};
use crate::writing::{by_rust, parsed};
use crate::{Database, data, peer};

const LIVE: &str = r#"{"key":"live","version":1,"on":true,"prerequisites":[],"salt":"","targets":[],"rules":[{"id":"r","variation":1,"clauses":[{"attribute":"","op":"segmentMatch","values":["a","b","c","d"]}]}],"fallthrough":{"variation":0},"offVariation":0,"variations":["outside","member"],"deleted":false}"#;

/// Shapes A to D for flags and segments, by key.
const SHAPES: [(&str, &str, &str); 4] = [
    (
        "a",
        r#"{"version":7,"deleted":true}"#,
        r#"{"version":7,"deleted":true}"#,
    ),
    (
        "b",
        r#"{"key":"b","version":7,"deleted":true}"#,
        r#"{"key":"b","version":7,"deleted":true}"#,
    ),
    (
        "c",
        r#"{"key":"$deleted","on":false,"prerequisites":[],"targets":[],"contextTargets":[],"rules":[],"fallthrough":{},"offVariation":null,"variations":[],"clientSide":false,"salt":"","trackEvents":false,"trackEventsFallthrough":false,"debugEventsUntilDate":null,"version":7,"deleted":true}"#,
        r#"{"key":"$deleted","included":[],"excluded":[],"includedContexts":[],"excludedContexts":[],"salt":"","rules":[],"version":7,"generation":null,"deleted":true}"#,
    ),
    (
        "d",
        r#"{"version":7,"key":"$deleted","deleted":true}"#,
        r#"{"version":7,"key":"$deleted","deleted":true}"#,
    ),
];

// STO-1.3 and STO-11.1: no tombstone is read as a flag, and none affects another item
pub(crate) fn tombstones_of_every_shape_are_read_alike(database: &dyn Database) {
    database.put(Flag, "live", 1, LIVE);
    for (key, flag, segment) in SHAPES {
        database.put(Flag, key, 7, flag);
        database.put(Segment, key, 7, segment);
    }
    database.mark();
    let evaluations = Evaluations::about(&["live", "a", "b", "c", "d"]);
    let results = evaluations.results(database);
    assert_eq!(*results.value(0, "live"), "outside");
    ["a", "b", "c", "d"]
        .iter()
        .for_each(|key| results.assert_gone(key));

    // Shape E. The Python SDK fails to read all flags with it.
    database.put(Flag, "e", 7, "null");
    let evaluations = Evaluations::about(&["live", "a", "e"]);
    let results = Results(evaluations.of_rust(database, None));
    assert_eq!(*results.value(0, "live"), "outside");
    results.assert_gone("e");
    Evaluations::about(&["live", "a", "e"])
        .without_states()
        .results(database)
        .assert_gone("e");
}

// STO-1.3: shape C is written, with each property at its neutral value
pub(crate) fn rust_writes_the_tombstones_of_a_relay(database: &dyn Database) {
    by_rust(database);
    let [_, _, (_, flag, segment), _] = SHAPES;
    let gone = parsed(&database.text(Flag, "gone").unwrap());
    assert_eq!(gone, parsed(flag));
    let mut old = parsed(segment);
    old["version"] = 4.into();
    assert_eq!(parsed(&database.text(Segment, "old").unwrap()), old);
}

// STO-1.3: shape B, as Python writes it
pub(crate) fn rust_finds_no_flag_that_python_deleted(database: &dyn Database) {
    by_rust(database);
    peer::upsert(
        database,
        &json!([
            {"kind": "features", "key": "switch", "version": 50},
            {"kind": "segments", "key": "staff", "version": 51},
        ]),
    );
    let written = parsed(&database.text(Flag, "switch").unwrap());
    assert_eq!(
        written,
        json!({"key": "switch", "version": 50, "deleted": true})
    );
    // Without the state of all flags, in which Python also lists missing prerequisites.
    let results = Evaluations::about(&data::FLAGS)
        .without_states()
        .results(database);
    results.assert_gone("switch");
    assert_eq!(
        *results.reason(0, "ruled"),
        json!({"kind": "PREREQUISITE_FAILED", "prerequisiteKey": "switch"})
    );
}
