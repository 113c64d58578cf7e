//! [`Filter`]: the application's last look at events before they leave the process.
//!
//! It runs where payloads are written, on a thread that may be busy, never on one that evaluates.
//! An event on which it panics is dropped: a filter that is there to keep something back must not
//! let it through by failing.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// An event as it is about to be sent: a JSON object, after private attributes were left out.
///
/// Its `kind` is `index`, `identify`, `feature`, `debug`, `custom`, `migration_op` or `summary`.
/// The service refuses members that it does not know.
#[derive(Clone, PartialEq)]
pub struct OutputEvent(Map<String, Value>);

impl OutputEvent {
    /// The kind of event.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.0
            .get("kind")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// All that will be sent.
    #[must_use]
    pub fn members(&self) -> &Map<String, Value> {
        &self.0
    }

    /// All that will be sent, to be changed.
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

/// Attributes of contexts stay out of logs.
impl fmt::Debug for OutputEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutputEvent")
            .field("kind", &self.kind())
            .finish_non_exhaustive()
    }
}

/// Decides on each event; `None` drops it.
type Decide = dyn Fn(OutputEvent) -> Option<OutputEvent> + Send + Sync;

/// The application's function, contained.
#[derive(Clone)]
pub(crate) struct Filter {
    decide: Arc<Decide>,
    /// Whether it was logged that it panicked.
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

    /// The event as it is to be sent; `None` if it is dropped.
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
                        "the filter before_send panicked; events on which it panics are dropped"
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
