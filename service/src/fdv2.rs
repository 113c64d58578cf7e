//! The items in the second protocol (FDV2-2), for server-side SDKs.

use serde_json::{Value, json};
use vexil_eval::model::DataKind;

use crate::{Event, Items, VersionedItem};

/// Returns the answer to a client with this basis: everything, the difference, or nothing.
///
/// ```
/// use serde_json::json;
/// use vexil_eval::model::DataKind;
/// use vexil_service::{Items, fdv2};
///
/// let mut items = Items::new("shop-1f0c");
/// items.put(DataKind::Flag, "banner", json!({"key": "banner"}));
/// let names = |basis: Option<&str>| {
///     let events = fdv2::payload(&items, basis);
///     events.iter().map(|event| event.name().to_owned()).collect::<Vec<_>>()
/// };
/// assert_eq!(names(None), ["server-intent", "put-object", "payload-transferred"]);
/// assert_eq!(names(Some("(p:shop-1f0c:1)")), ["server-intent"]);
/// assert_eq!(names(Some("(p:shop-77d2:1)")).len(), 3);
/// ```
#[must_use]
pub fn payload(items: &Items, basis: Option<&str>) -> Vec<Event> {
    match basis.and_then(|basis| revision(items, basis)) {
        Some(revision) if revision == items.revision() => {
            vec![intent(items, "none", "up-to-date")]
        }
        Some(revision) => {
            let mut events = vec![intent(items, "xfer-changes", "stale")];
            events.extend(changes(items, revision));
            events
        }
        None => {
            let present = items.iter().filter(|(_, _, item)| !item.is_deleted());
            let reason = match basis {
                None => "payload-missing",
                Some(_) => "cant-catchup",
            };
            let mut events = vec![intent(items, "xfer-full", reason)];
            events.extend(present.map(|(kind, key, item)| change(kind, key, item)));
            events.push(commit(items));
            events
        }
    }
}

/// Returns the events of an open stream that announce the changes after a revision, with their
/// commit.
#[must_use]
pub fn changes(items: &Items, revision: u64) -> Vec<Event> {
    let changed = items.changed_after(revision);
    let mut events: Vec<_> = changed
        .map(|(kind, key, item)| change(kind, key, item))
        .collect();
    events.push(commit(items));
    events
}

/// Returns the selector of the current items: the basis of a client that has received all changes.
#[must_use]
pub fn selector(items: &Items) -> String {
    format!("(p:{}:{})", items.payload_id(), items.revision())
}

/// The revision that a selector names. `None` if it does not belong to this history.
fn revision(items: &Items, selector: &str) -> Option<u64> {
    let rest = selector
        .strip_prefix("(p:")?
        .strip_prefix(items.payload_id())?;
    let revision = rest.strip_prefix(':')?.strip_suffix(')')?.parse().ok()?;
    (revision <= items.revision()).then_some(revision)
}

fn intent(items: &Items, code: &str, reason: &str) -> Event {
    let payload = json!({
        "id": items.payload_id(),
        "target": items.revision(),
        "intentCode": code,
        "reason": reason,
    });
    Event::new("server-intent", json!({"payloads": [payload]}).to_string())
}

fn change(kind: DataKind, key: &str, item: &VersionedItem) -> Event {
    let head = format!(
        r#"{{"version":{},"kind":"{kind}","key":{}"#,
        item.version(),
        Value::from(key)
    );
    match item.json() {
        Some(json) => Event::new("put-object", format!(r#"{head},"object":{json}}}"#)),
        None => Event::new("delete-object", format!("{head}}}")),
    }
}

fn commit(items: &Items) -> Event {
    let commit = json!({"state": selector(items), "version": items.revision()});
    Event::new("payload-transferred", commit.to_string())
}
