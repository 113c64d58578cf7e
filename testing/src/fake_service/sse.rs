//! Server-sent events as bytes.

use bytes::Bytes;

/// What the service sends to keep a connection alive.
pub(super) const HEARTBEAT: Bytes = Bytes::from_static(b":\n");

/// One event. Data of several lines becomes several `data` fields, which the client joins again.
pub(super) fn event(name: &str, data: &str) -> Bytes {
    let mut text = format!("event: {name}\n");
    for line in data.split('\n') {
        text.push_str("data: ");
        text.push_str(line);
        text.push('\n');
    }
    text.push('\n');
    text.into()
}
