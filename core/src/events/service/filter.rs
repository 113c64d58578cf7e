//! [`Filter`]: the application's filter for events before they leave the process.
//!
//! It runs on the blocking pool while payloads are serialized, never on an evaluating thread. An
//! event on which it panics is dropped: a filter that withholds data must not leak it by failing.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// An event as it is about to be sent: a JSON object without private attributes.
///
/// Its `kind` is `index`, `identify`, `feature`, `debug`, `custom`, `migration_op` or `summary`.
/// The service rejects unknown members.
///
/// ```
/// use std::time::Duration;
/// use vexil::config::EventsConfig;
/// use vexil::{Client, Context};
/// use vexil_testing::TestData;
///
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("events.jsonl");
/// let events = EventsConfig::new().before_send(|mut event| {
///     assert!(!format!("{event:?}").contains("ada"));
///     if event.kind() == "custom" && event.members().contains_key("metricValue") {
///         event.members_mut().insert("metricValue".to_owned(), 1.into());
///     }
///     Some(event)
/// });
/// let client = Client::builder("sdk-key")
///     .data_source(TestData::new())
///     .events(events.to_file(&path))
///     .start()?;
/// client.track_metric("price", &Context::new("ada")?, 99.5, vexil::Value::Null);
/// assert!(client.blocking_flush(Duration::from_secs(30)));
/// assert!(std::fs::read_to_string(&path)?.contains(r#""metricValue":1"#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct OutputEvent(Map<String, Value>);

impl OutputEvent {
    /// Returns the kind of event.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.0
            .get("kind")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// Returns all members of the event.
    #[must_use]
    pub fn members(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Returns all members of the event, for modification.
    #[must_use]
    pub fn members_mut(&mut self) -> &mut Map<String, Value> {
        &mut self.0
    }
}

impl Serialize for OutputEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// Keeps attributes of contexts out of logs.
impl fmt::Debug for OutputEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutputEvent")
            .field("kind", &self.kind())
            .finish_non_exhaustive()
    }
}

/// Returns the event to send, or `None` to drop it.
type Decide = dyn Fn(OutputEvent) -> Option<OutputEvent> + Send + Sync;

/// The application's function, with its panics contained.
#[derive(Clone)]
pub(crate) struct Filter {
    decide: Arc<Decide>,
    /// Whether a panic has been logged.
    warned: Arc<AtomicBool>,
}

impl Filter {
    pub(crate) fn new(
        decide: impl Fn(OutputEvent) -> Option<OutputEvent> + Send + Sync + 'static,
    ) -> Self {
        Self {
            decide: Arc::new(decide),
            warned: Arc::default(),
        }
    }

    /// Returns the event to send, or `None` if the filter drops it.
    pub(super) fn apply(&self, event: &impl Serialize) -> serde_json::Result<Option<OutputEvent>> {
        let Value::Object(members) = serde_json::to_value(event)? else {
            // Every event is written as an object.
            return Ok(None);
        };
        let event = OutputEvent(members);
        Ok(
            catch_unwind(AssertUnwindSafe(|| (self.decide)(event))).unwrap_or_else(|_panic| {
                if !self.warned.swap(true, Ordering::Relaxed) {
                    tracing::error!(
                        "the before_send filter panicked; events on which it panics are dropped"
                    );
                }
                None
            }),
        )
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Filter")
    }
}
