//! Events of the second protocol, as the service sends them.

use serde_json::{Value as Json, json};

/// An event: its name and its data.
#[derive(Clone, Debug)]
pub(crate) struct Event(pub(crate) &'static str, pub(crate) String);

/// `I(code)` of FDV2-14.
pub(crate) fn intent(code: &str) -> Event {
    let data = json!({"payloads": [{"id": "p", "target": 1, "intentCode": code}]});
    Event("server-intent", data.to_string())
}

/// `P(key, version)`: a flag whose value is its version.
pub(crate) fn put(key: &str, version: u64) -> Event {
    put_flag(key, &serving(version))
}

pub(crate) fn put_flag(key: &str, flag: &Json) -> Event {
    let data = json!({"version": 1, "kind": "flag", "key": key, "object": flag});
    Event("put-object", data.to_string())
}

pub(crate) fn put_segment(key: &str, segment: &Json) -> Event {
    let data = json!({"version": 1, "kind": "segment", "key": key, "object": segment});
    Event("put-object", data.to_string())
}

/// `D(key, version)`.
pub(crate) fn delete(key: &str, version: u64) -> Event {
    let data = json!({"kind": "flag", "key": key, "version": version});
    Event("delete-object", data.to_string())
}

/// `T(state)`.
pub(crate) fn commit(state: &str) -> Event {
    let data = json!({"state": state, "version": 1});
    Event("payload-transferred", data.to_string())
}

/// `E`.
pub(crate) fn error() -> Event {
    Event("error", json!({"reason": "lost"}).to_string())
}

/// `G`, with these members.
pub(crate) fn goodbye(members: &Json) -> Event {
    Event("goodbye", members.to_string())
}

/// A full payload with the flag `a`, whose state is `s` and its version. `V1` for the version 1.
pub(crate) fn full(version: u64) -> Vec<Event> {
    let state = format!("s{version}");
    vec![intent("xfer-full"), put("a", version), commit(&state)]
}

/// A flag that serves its version.
pub(crate) fn serving(version: u64) -> Json {
    json!({
        "version": version, "on": true, "variations": [version], "fallthrough": {"variation": 0}
    })
}

/// The events as a stream sends them.
pub(crate) fn sse(events: &[Event]) -> String {
    let event = |Event(name, data): &Event| format!("event: {name}\ndata: {data}\n\n");
    events.iter().map(event).collect()
}

/// The events as a poll returns them.
pub(crate) fn body(events: &[Event]) -> String {
    let entry = |Event(name, data): &Event| format!(r#"{{"event": "{name}", "data": {data}}}"#);
    let entries: Vec<_> = events.iter().map(entry).collect();
    format!(r#"{{"events": [{}]}}"#, entries.join(","))
}

/// A body of the classic protocol with the flag `a`.
pub(crate) fn classic(version: u64) -> String {
    json!({"flags": {"a": serving(version)}, "segments": {}}).to_string()
}
