//! [`Event`]: an event of a stream, or of the body of a poll in the second protocol.

use bytes::{Bytes, BytesMut};

/// The comment that keeps a stream alive.
pub(super) const HEARTBEAT: Bytes = Bytes::from_static(b":\n");

#[derive(Clone, Debug)]
pub(super) struct Event {
    name: String,
    /// Any text. That of the service is JSON.
    data: String,
}

impl Event {
    pub(super) fn new(name: &str, data: impl ToString) -> Self {
        Self {
            name: name.to_owned(),
            data: data.to_string(),
        }
    }

    /// Encodes the event for a stream. Each line of the data becomes a `data` field; the client
    /// joins them again.
    pub(super) fn to_sse(&self) -> Bytes {
        let mut text = format!("event: {}\n", self.name);
        for line in self.data.split('\n') {
            text.push_str("data: ");
            text.push_str(line);
            text.push('\n');
        }
        text.push('\n');
        text.into()
    }

    /// Encodes events as the body of a poll (FDV2-3).
    pub(super) fn to_body(events: &[Self]) -> Bytes {
        let mut body = BytesMut::from(r#"{"events":["#);
        for (index, event) in events.iter().enumerate() {
            let separator = if index == 0 { "" } else { "," };
            let name = serde_json::Value::from(&*event.name);
            let entry = format!(r#"{separator}{{"event":{name},"data":{}}}"#, event.data);
            body.extend_from_slice(entry.as_bytes());
        }
        body.extend_from_slice(b"]}");
        body.freeze()
    }
}
