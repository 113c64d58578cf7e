//! The payloads of [`ClientFlags`] in both protocols.

use std::fmt::Write;

use bytes::Bytes;
use serde_json::json;

use super::ClientFlags;
use super::entry::Entry;
use crate::Event;

/// Beyond this number of changes, a stream sends all values again.
pub(super) const MAX_CHANGES: usize = 100;

impl ClientFlags {
    /// Returns the body of a poll response in the classic protocol.
    #[must_use]
    pub fn body(&self) -> Bytes {
        self.map().into()
    }

    /// Returns the first event of a stream in the classic protocol.
    #[must_use]
    pub fn put(&self) -> Event {
        Event::new("put", self.map())
    }

    /// Returns the events of a stream in the classic protocol that announce the changes after a
    /// revision. The list is empty if no entry has changed. If many have, the event is a
    /// [`put`](Self::put).
    #[must_use]
    pub fn changes(&self, revision: u64) -> Vec<Event> {
        if self.is_much(revision) {
            return vec![self.put()];
        }
        let events = self.changed_after(revision).map(|(key, entry)| {
            let key = json!(key);
            match entry.json() {
                Some(json) => {
                    let members = json.strip_prefix('{').unwrap_or_default();
                    Event::new("patch", format!(r#"{{"key":{key},{members}"#))
                }
                None => {
                    let delete = format!(r#"{{"key":{key},"version":{}}}"#, entry.revision);
                    Event::new("delete", delete)
                }
            }
        });
        events.collect()
    }

    /// Returns the answer of the second protocol to a client with this basis: everything, the
    /// difference, or nothing. The basis of another context is unknown.
    #[must_use]
    pub fn payload(&self, basis: Option<&str>) -> Vec<Event> {
        let known = basis.and_then(|basis| self.revision_of(basis));
        let Some(revision) = known else {
            let reason = match basis {
                None => "payload-missing",
                Some(_) => "cant-catchup",
            };
            return self.everything(reason);
        };
        if self.changed_after(revision).next().is_none() {
            return vec![self.intent("none", "up-to-date")];
        }
        if self.is_much(revision) {
            return self.everything("stale");
        }
        let mut events = vec![self.intent("xfer-changes", "stale")];
        events.extend(self.payload_changes(revision));
        events
    }

    /// Returns the events of an open stream in the second protocol that announce the changes after a
    /// revision, with their commit. The list is empty if no entry has changed. If many have, everything
    /// is sent again.
    #[must_use]
    pub fn payload_changes(&self, revision: u64) -> Vec<Event> {
        if self.is_much(revision) {
            return self.everything("stale");
        }
        let mut events: Vec<_> = self
            .changed_after(revision)
            .map(|(key, entry)| entry.object(key))
            .collect();
        if !events.is_empty() {
            events.push(self.commit());
        }
        events
    }

    fn map(&self) -> String {
        let mut map = String::from("{");
        let present = self
            .entries
            .iter()
            .filter_map(|(key, entry)| Some((key, entry.json()?)));
        for (index, (key, json)) in present.enumerate() {
            let separator = if index == 0 { "" } else { "," };
            // Writing to a string does not fail.
            let _ = write!(map, "{separator}{}:{json}", json!(key));
        }
        map.push('}');
        map
    }

    fn changed_after(&self, revision: u64) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries
            .iter()
            .filter(move |(_, entry)| entry.revision > revision)
            .map(|(key, entry)| (&**key, entry))
    }

    /// Whether so much has changed that a client should receive everything.
    fn is_much(&self, revision: u64) -> bool {
        let count = self.changed_after(revision).count();
        count > MAX_CHANGES
    }

    pub(super) fn everything(&self, reason: &str) -> Vec<Event> {
        let mut events = vec![self.intent("xfer-full", reason)];
        let present = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.members.is_some());
        events.extend(present.map(|(key, entry)| entry.object(key)));
        events.push(self.commit());
        events
    }

    fn intent(&self, code: &str, reason: &str) -> Event {
        let payload = json!({
            "id": self.payload_id,
            "target": self.revision,
            "intentCode": code,
            "reason": reason,
        });
        Event::new("server-intent", json!({"payloads": [payload]}).to_string())
    }

    fn commit(&self) -> Event {
        let commit = json!({"state": self.selector(), "version": self.revision});
        Event::new("payload-transferred", commit.to_string())
    }
}

/// Returns the event that makes a client poll the values again.
///
/// ```
/// assert_eq!(vexil_service::ping().name(), "ping");
/// ```
#[must_use]
pub fn ping() -> Event {
    Event::new("ping", " ")
}
