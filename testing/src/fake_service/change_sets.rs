//! The data in the second protocol (FDV2-2).

use serde_json::{Value, json};

use super::data::{Category, Data};
use super::event::Event;

/// Returns the answer to a client with this basis: everything, the difference, or nothing.
pub(super) fn payload(data: &Data, basis: Option<&str>) -> Vec<Event> {
    let Some(basis) = basis.and_then(|basis| revision(data, basis)) else {
        let intent = intent(data, "xfer-full", "payload-missing");
        let puts = data.items().map(|(category, key, json)| {
            let version = json.get("version").and_then(Value::as_u64).unwrap_or(0);
            put(category, key, version, json)
        });
        return [intent]
            .into_iter()
            .chain(puts)
            .chain([commit(data)])
            .collect();
    };
    if basis == data.revision() {
        return vec![intent(data, "none", "up-to-date")];
    }
    let mut events = vec![intent(data, "xfer-changes", "stale")];
    events.extend(changes(data, basis));
    events
}

/// Returns the events of an open stream that announce the last change.
pub(super) fn last_change(data: &Data) -> Vec<Event> {
    changes(data, data.revision().saturating_sub(1)).collect()
}

/// Returns the selector of the current data.
pub(super) fn selector(data: &Data) -> String {
    format!("(p:{}:{})", data.payload_id(), data.revision())
}

/// Returns an entity tag of the current data.
pub(super) fn etag(data: &Data) -> String {
    format!("\"{}-{}\"", data.payload_id(), data.revision())
}

/// The revision that a selector names. `None` if it is not one of this service.
fn revision(data: &Data, selector: &str) -> Option<u64> {
    let rest = selector
        .strip_prefix("(p:")?
        .strip_prefix(data.payload_id())?;
    let revision = rest.strip_prefix(':')?.strip_suffix(')')?.parse().ok()?;
    (revision <= data.revision()).then_some(revision)
}

/// The difference to an earlier revision, with its commit.
fn changes(data: &Data, basis: u64) -> impl Iterator<Item = Event> {
    let changed = data.changed_after(basis);
    let changes = changed.map(|(category, key, item)| match &item.json {
        Some(json) => put(category, key, item.version, json),
        None => {
            let kind = kind(category);
            let delete = json!({"version": item.version, "kind": kind, "key": key});
            Event::new("delete-object", delete)
        }
    });
    changes.chain([commit(data)])
}

fn intent(data: &Data, code: &str, reason: &str) -> Event {
    let payload = json!({
        "id": data.payload_id(),
        "target": data.revision(),
        "intentCode": code,
        "reason": reason,
    });
    Event::new("server-intent", json!({"payloads": [payload]}))
}

fn put(category: Category, key: &str, version: u64, object: &Value) -> Event {
    let kind = kind(category);
    let put = json!({"version": version, "kind": kind, "key": key, "object": object});
    Event::new("put-object", put)
}

fn commit(data: &Data) -> Event {
    let commit = json!({"state": selector(data), "version": data.revision()});
    Event::new("payload-transferred", commit)
}

fn kind(category: Category) -> &'static str {
    match category {
        Category::Flags => "flag",
        Category::Segments => "segment",
    }
}
