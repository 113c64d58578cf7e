//! [`Event`]: an event of a stream, or of the body of a poll in the second protocol.

use bytes::{Bytes, BytesMut};

/// The comment that keeps a stream alive.
pub const HEARTBEAT: Bytes = Bytes::from_static(b":\n");

/// A named event with data.
///
/// ```
/// use vexil_service::Event;
///
/// let event = Event::new("put", "{\n}");
/// assert_eq!(event.to_sse(), "event: put\ndata: {\ndata: }\n\n");
/// assert_eq!(Event::to_body(&[event]), "{\"events\":[{\"event\":\"put\",\"data\":{\n}}]}");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    name: String,
    data: String,
}

impl Event {
    /// Creates an event. The data may be any text; that of the service is JSON.
    #[must_use]
    pub fn new(name: impl Into<String>, data: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            data: data.into(),
        }
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the data.
    #[must_use]
    pub fn data(&self) -> &str {
        &self.data
    }

    /// Encodes the event for a stream. Each line of the data becomes a `data` field; the client
    /// joins them again with line feeds. A carriage return also ends a line.
    #[must_use]
    pub fn to_sse(&self) -> Bytes {
        let mut text = String::with_capacity(self.name.len() + self.data.len() + 32);
        text.push_str("event: ");
        text.push_str(&self.name);
        text.push('\n');
        let lines = self.data.split('\n').flat_map(|line| {
            let line = line.strip_suffix('\r').unwrap_or(line);
            line.split('\r')
        });
        for line in lines {
            text.push_str("data: ");
            text.push_str(line);
            text.push('\n');
        }
        text.push('\n');
        text.into()
    }

    /// Encodes events as the body of a poll (FDV2-3). The data of each must be JSON.
    #[must_use]
    pub fn to_body(events: &[Self]) -> Bytes {
        let mut body = BytesMut::from(r#"{"events":["#);
        for (index, event) in events.iter().enumerate() {
            let separator = if index == 0 { "" } else { "," };
            let name = serde_json::Value::from(&*event.name);
            let head = format!(r#"{separator}{{"event":{name},"data":"#);
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(event.data.as_bytes());
            body.extend_from_slice(b"}");
        }
        body.extend_from_slice(b"]}");
        body.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_ending_ends_a_line_of_the_data() {
        let event = Event::new("put", "a\r\nb\rc\n\nd");
        let expected = "event: put\ndata: a\ndata: b\ndata: c\ndata: \ndata: d\n\n";
        assert_eq!(event.to_sse(), expected);
    }

    #[test]
    fn a_body_without_events_is_valid_json() {
        assert_eq!(Event::to_body(&[]), r#"{"events":[]}"#);
    }
}
