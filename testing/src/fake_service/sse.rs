//! Server-sent events as bytes.

use bytes::Bytes;

/// The comment that keeps a connection alive.
pub(super) const HEARTBEAT: Bytes = Bytes::from_static(b":\n");

/// Encodes an event. Each line of the data becomes a `data` field; the client joins them again.
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
