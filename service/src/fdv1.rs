//! The items in the classic protocol (SRC-2.2).

use std::fmt::Write;

use bytes::Bytes;
use serde_json::Value;
use vexil_eval::model::DataKind;

use crate::{Event, Items, VersionedItem};

/// Returns the first event of a stream: all items.
///
/// ```
/// use serde_json::json;
/// use vexil_eval::model::DataKind;
/// use vexil_service::{Items, fdv1};
///
/// let mut items = Items::new("shop-1f0c");
/// items.put(DataKind::Flag, "banner", json!({"key": "banner"}));
/// let data = r#"{"path":"/","data":{"flags":{"banner":{"key":"banner","version":1}},"segments":{}}}"#;
/// assert_eq!(fdv1::put(&items).data(), data);
/// ```
#[must_use]
pub fn put(items: &Items) -> Event {
    Event::new("put", format!(r#"{{"path":"/","data":{}}}"#, all(items)))
}

/// Returns the events that announce the changes after a revision: one for each changed item.
///
/// ```
/// use serde_json::json;
/// use vexil_eval::model::DataKind;
/// use vexil_service::{Items, fdv1};
///
/// let mut items = Items::new("shop-1f0c");
/// items.put(DataKind::Flag, "banner", json!({"key": "banner"}));
/// let revision = items.revision();
/// items.delete(DataKind::Flag, "banner");
///
/// let events = fdv1::changes(&items, revision);
/// assert_eq!(events[0].name(), "delete");
/// assert_eq!(events[0].data(), r#"{"path":"/flags/banner","version":2}"#);
/// ```
#[must_use]
pub fn changes(items: &Items, revision: u64) -> Vec<Event> {
    let changed = items.changed_after(revision);
    let events = changed.map(|(kind, key, item)| change(&format!("/{}/{key}", name(kind)), item));
    events.collect()
}

/// Returns the body of a poll response.
#[must_use]
pub fn body(items: &Items) -> Bytes {
    all(items).into()
}

/// Returns the map of flags: the body of [`Endpoint::Flags`](crate::Endpoint::Flags).
#[must_use]
pub fn flags(items: &Items) -> Bytes {
    let mut text = String::new();
    map(items, DataKind::Flag, &mut text);
    text.into()
}

/// Returns the first event of an [`Endpoint::FlagStream`](crate::Endpoint::FlagStream), which has flags
/// only.
///
/// ```
/// use serde_json::json;
/// use vexil_eval::model::DataKind;
/// use vexil_service::{Items, fdv1};
///
/// let mut items = Items::new("shop-1f0c");
/// items.put(DataKind::Flag, "banner", json!({"key": "banner"}));
/// assert_eq!(fdv1::flags_put(&items).data(), r#"{"banner":{"key":"banner","version":1}}"#);
/// let patch = &fdv1::flag_changes(&items, 0)[0];
/// assert_eq!(patch.data(), r#"{"path":"/banner","data":{"key":"banner","version":1}}"#);
/// ```
#[must_use]
pub fn flags_put(items: &Items) -> Event {
    let mut text = String::new();
    map(items, DataKind::Flag, &mut text);
    Event::new("put", text)
}

/// Returns the events of an [`Endpoint::FlagStream`](crate::Endpoint::FlagStream) that announce the
/// changes of flags after a revision.
#[must_use]
pub fn flag_changes(items: &Items, revision: u64) -> Vec<Event> {
    let changed = items
        .of_kind(DataKind::Flag)
        .filter(|(_, item)| item.revision() > revision);
    changed
        .map(|(key, item)| change(&format!("/{key}"), item))
        .collect()
}

fn change(path: &str, item: &VersionedItem) -> Event {
    let path = Value::from(path);
    match item.json() {
        Some(json) => Event::new("patch", format!(r#"{{"path":{path},"data":{json}}}"#)),
        None => {
            let version = item.version();
            Event::new(
                "delete",
                format!(r#"{{"path":{path},"version":{version}}}"#),
            )
        }
    }
}

fn all(items: &Items) -> String {
    let mut text = String::from("{");
    for (index, kind) in DataKind::READ_ORDER.into_iter().enumerate() {
        let separator = if index == 0 { "" } else { "," };
        let _ = write!(text, r#"{separator}"{}":"#, name(kind));
        map(items, kind, &mut text);
    }
    text.push('}');
    text
}

/// Writes the items of one kind as a map.
fn map(items: &Items, kind: DataKind, text: &mut String) {
    text.push('{');
    let present = items
        .of_kind(kind)
        .filter_map(|(key, item)| Some((key, item.json()?)));
    for (index, (key, json)) in present.enumerate() {
        let separator = if index == 0 { "" } else { "," };
        // Writing to a string does not fail.
        let _ = write!(text, "{separator}{}:{json}", Value::from(key));
    }
    text.push('}');
}

/// The name of a kind in paths and payloads.
fn name(kind: DataKind) -> &'static str {
    match kind {
        DataKind::Flag => "flags",
        DataKind::Segment => "segments",
    }
}
