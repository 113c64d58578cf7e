//! [`EventLog`]: the last events that SDKs have posted.

use std::collections::VecDeque;
use std::fmt;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

/// The last events that SDKs have posted, up to a number of events and of bytes. The oldest are
/// forgotten.
///
/// ```
/// use serde_json::json;
/// use vexil_service::{EventLog, EventQuery};
///
/// let mut log = EventLog::new(2, 1 << 20);
/// for kind in ["index", "custom", "summary"] {
///     log.push(1_795_999_999_000, "GoClient/7.14.6", "/bulk", &json!({"kind": kind}));
/// }
/// let page = log.query(&EventQuery { kind: Some("custom"), ..EventQuery::new(10) });
/// assert_eq!((page.next, page.forgotten), (4, 1));
/// assert_eq!(page.events[0].number(), 2);
/// let row = r#"{"n":2,"at":1795999999000,"sdk":"GoClient/7.14.6","path":"/bulk","event":{"kind":"custom"}}"#;
/// assert_eq!(serde_json::to_string(&page.events[0])?, row);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct EventLog {
    max_events: usize,
    max_bytes: usize,
    events: VecDeque<LoggedEvent>,
    bytes: usize,
    /// The number of the next event.
    next: u64,
    forgotten: u64,
}

/// An event that an SDK has posted. The JSON has the names `n`, `at`, `sdk`, `path` and `event`.
#[derive(Clone, Serialize)]
pub struct LoggedEvent {
    #[serde(rename = "n")]
    number: u64,
    at: u64,
    sdk: Box<str>,
    path: Box<str>,
    event: Box<RawValue>,
    #[serde(skip)]
    kind: Box<str>,
}

/// Selects events of an [`EventLog`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "built with `new` and the syntax of struct updates"
)]
pub struct EventQuery<'q> {
    /// Only events with a higher number, from the oldest on. `None` selects the newest.
    pub after: Option<u64>,
    /// Only events of this kind.
    pub kind: Option<&'q str>,
    /// Only events of this SDK.
    pub sdk: Option<&'q str>,
    /// Only events whose JSON contains this text, without case.
    pub text: Option<&'q str>,
    /// The maximum number of events.
    pub limit: usize,
}

/// Events that a query has selected.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct EventPage<'l> {
    /// A later query after the number before this one continues where this one has ended.
    pub next: u64,
    /// The number of events that were forgotten because there were too many.
    pub forgotten: u64,
    /// The events, oldest first.
    pub events: Vec<&'l LoggedEvent>,
}

impl EventLog {
    /// Creates an empty log that keeps at most this many events and bytes of events.
    #[must_use]
    pub fn new(max_events: usize, max_bytes: usize) -> Self {
        Self {
            max_events,
            max_bytes,
            events: VecDeque::new(),
            bytes: 0,
            next: 1,
            forgotten: 0,
        }
    }

    /// Adds an event that an SDK has posted to a path, at a time in milliseconds since the epoch.
    /// Returns its number, which is higher than all earlier ones.
    pub fn push(&mut self, at: u64, sdk: &str, path: &str, event: &Value) -> u64 {
        let number = self.next;
        self.next += 1;
        let kind = event.get("kind").and_then(Value::as_str);
        // A JSON value can always be written.
        let json = to_raw_value(event).unwrap_or_default();
        let event = LoggedEvent {
            number,
            at,
            sdk: sdk.into(),
            path: path.into(),
            event: json,
            kind: kind.unwrap_or_default().into(),
        };
        self.bytes += event.bytes();
        self.events.push_back(event);
        while (self.events.len() > self.max_events || self.bytes > self.max_bytes)
            && let Some(oldest) = self.events.pop_front()
        {
            self.bytes -= oldest.bytes();
            self.forgotten += 1;
        }
        number
    }

    /// Returns the events that a query selects.
    #[must_use]
    pub fn query(&self, query: &EventQuery<'_>) -> EventPage<'_> {
        let text = query.text.map(str::to_lowercase);
        let is_selected = |event: &&LoggedEvent| {
            query.kind.is_none_or(|kind| *event.kind == *kind)
                && query.sdk.is_none_or(|sdk| *event.sdk == *sdk)
                && text
                    .as_ref()
                    .is_none_or(|text| event.event.get().to_lowercase().contains(text))
        };
        let mut next = self.next;
        let events = match query.after {
            Some(after) => {
                let begin = self.events.partition_point(|event| event.number <= after);
                let mut selected = self.events.range(begin..).filter(is_selected);
                let events: Vec<_> = selected.by_ref().take(query.limit).collect();
                // Whether events are left out is only known if there is one more.
                if selected.next().is_some() {
                    next = events.last().map_or(after, |last| last.number) + 1;
                }
                events
            }
            None => {
                let newest = self.events.iter().rev().filter(is_selected);
                let mut events: Vec<_> = newest.take(query.limit).collect();
                events.reverse();
                events
            }
        };
        EventPage {
            next,
            forgotten: self.forgotten,
            events,
        }
    }

    /// Returns all events, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &LoggedEvent> {
        self.events.iter()
    }

    /// Removes all events. Numbers continue, and removed events do not count as forgotten.
    pub fn clear(&mut self) {
        self.events.clear();
        self.bytes = 0;
        self.forgotten = 0;
    }

    /// Returns the number of events.
    #[must_use]
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether there are no events.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Returns the number of the last event that was added, 0 if there was none.
    #[must_use]
    pub fn last_number(&self) -> u64 {
        self.next - 1
    }
}

impl LoggedEvent {
    /// Returns the number.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Returns the JSON.
    #[must_use]
    pub fn json(&self) -> &str {
        self.event.get()
    }

    /// Returns the kind, empty if the event has none.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Returns the SDK.
    #[must_use]
    pub fn sdk(&self) -> &str {
        &self.sdk
    }

    fn bytes(&self) -> usize {
        let texts = [&*self.sdk, &self.path, self.event.get(), &self.kind];
        size_of::<Self>() + texts.map(str::len).iter().sum::<usize>()
    }
}

/// Omits the event, which has personal data.
impl fmt::Debug for LoggedEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoggedEvent")
            .field("number", &self.number)
            .field("sdk", &self.sdk)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl EventQuery<'_> {
    /// Selects the newest events, at most this many.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            after: None,
            kind: None,
            sdk: None,
            text: None,
            limit,
        }
    }
}

#[cfg(test)]
mod tests;
