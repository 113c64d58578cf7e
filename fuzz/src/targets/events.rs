//! A stream of the second protocol, which is read like the poll that has the same events.

use vexil::fuzzing::{Received, events, poll, stream};

use crate::evaluations;
use crate::inputs::{cut, is_json, items, shown, shown_changes};

pub(super) fn target(body: &[u8]) {
    for had_basis in [false, true] {
        let received = stream([body], had_basis);
        assert_eq!(
            shown(&stream(cut(body), had_basis)),
            shown(&received),
            "in pieces"
        );
        if had_basis {
            items(&received).iter().for_each(evaluations::holds);
        }
        if let Some(body) = same_poll(body) {
            let poll = poll([&*body], had_basis);
            let changes =
                |received: &Received| shown_changes(received.changes.get(..1).unwrap_or_default());
            let is_current = |received: &Received| received.others.iter().any(|o| o == "Current");
            // A poll ends where the client is up to date.
            if !is_current(&received) && !is_current(&poll) {
                assert_eq!(changes(&poll), changes(&received), "as a poll");
            }
        }
    }
}

/// The body of a poll with the events of a stream. Returns `None` if their data is not JSON, or if
/// an event has another meaning in a poll.
fn same_poll(body: &[u8]) -> Option<Vec<u8>> {
    let mut poll = br#"{"events":["#.to_vec();
    for (index, (name, data)) in events([body], 1 << 20).events.iter().enumerate() {
        if name == "goodbye" || !is_json(data) {
            return None;
        }
        if index > 0 {
            poll.push(b',');
        }
        let name = serde_json::Value::from(name.as_str());
        poll.extend_from_slice(format!(r#"{{"event":{name},"data":"#).as_bytes());
        poll.extend_from_slice(data);
        poll.push(b'}');
    }
    poll.extend_from_slice(b"]}");
    Some(poll)
}
