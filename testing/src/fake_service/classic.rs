//! The data in the classic protocol.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::data::{Category, Change, Data};
use super::event::Event;

/// Returns the first event of a stream.
pub(super) fn put(data: &Data) -> Event {
    Event::new("put", json!({"path": "/", "data": all(data)}))
}

/// Returns the event that announces a change.
pub(super) fn event(data: &Data, change: &Change) -> Event {
    let Change::Item(category, key) = change else {
        return put(data);
    };
    let path = format!("/{}/{key}", category.name());
    let item = data.item(*category, key);
    match item.and_then(|item| item.json.as_ref()) {
        Some(json) => Event::new("patch", json!({"path": path, "data": json})),
        None => {
            let version = item.map(|item| item.version);
            Event::new("delete", json!({"path": path, "version": version}))
        }
    }
}

/// Returns the body of a poll response.
pub(super) fn body(data: &Data) -> Bytes {
    all(data).to_string().into()
}

/// Returns an entity tag of the current data.
pub(super) fn etag(data: &Data) -> String {
    format!("\"revision-{}\"", data.revision())
}

fn all(data: &Data) -> Value {
    let all = |wanted| {
        let items = data.items().filter(|(category, _, _)| *category == wanted);
        items
            .map(|(_, key, json)| (key.to_owned(), json.clone()))
            .collect::<Map<_, _>>()
    };
    json!({"flags": all(Category::Flags), "segments": all(Category::Segments)})
}
