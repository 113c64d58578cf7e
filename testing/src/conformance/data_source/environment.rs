//! [`environment`]: the data that clauses publish.

use serde_json::{Map, Value, json};

/// The keys of all flags and segments of [`usual`].
pub(super) const FLAGS: [&str; 3] = ["a", "b", "c"];
pub(super) const SEGMENTS: [&str; 2] = ["s", "t"];

/// Returns the usual flags and segments. `state` is the version of all items and the value of all
/// flags.
pub(super) fn usual(state: u64) -> String {
    environment(state, &FLAGS, &SEGMENTS)
}

/// Returns an environment with these flags and segments.
pub(super) fn environment(state: u64, flags: &[&str], segments: &[&str]) -> String {
    let flags: Map<String, Value> = flags
        .iter()
        .map(|key| {
            let flag = json!({
                "key": key,
                "version": state,
                "on": true,
                "variations": [state],
                "fallthrough": {"variation": 0},
                "offVariation": 0,
                "salt": "salt",
            });
            ((*key).to_owned(), flag)
        })
        .collect();
    let segments: Map<String, Value> = segments
        .iter()
        .map(|key| {
            let segment = json!({
                "key": key,
                "version": state,
                "included": [format!("context-{state}")],
                "salt": "salt",
            });
            ((*key).to_owned(), segment)
        })
        .collect();
    json!({"flags": flags, "segments": segments}).to_string()
}
