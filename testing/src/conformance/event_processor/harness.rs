//! [`EventProcessorHarness`]: creates processors, and observes what they deliver.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use vexil::async_trait;
use vexil::events::EventProcessor;

use crate::conformance::eventually::TIMEOUT;
use crate::conformance::lacks::lacks;

/// Creates the processors of the suite for event processors, and observes what they deliver.
/// Methods may panic, which fails the test.
///
/// Each harness has its own destination of events.
#[async_trait]
pub trait EventProcessorHarness: Send + Sync {
    /// Creates a processor under test. The harness keeps no other handle to it. It must not drop
    /// events because of its settings, such as a small capacity.
    async fn processor(&self) -> Arc<dyn EventProcessor>;

    /// Returns what has arrived at the destination so far.
    fn delivered(&self) -> DeliveredEvents;

    /// For the group `outages`: makes deliveries fail until [`restore`](Self::restore) is called.
    fn interrupt(&self) {
        lacks("outages", "interrupts deliveries")
    }

    /// For the group `outages`: ends an outage.
    fn restore(&self) {
        lacks("outages", "restores deliveries")
    }

    /// Returns how long a clause waits for what must happen. Default: 20 seconds.
    fn timeout(&self) -> Duration {
        TIMEOUT
    }
}

/// The events that have arrived at the destination of an [`EventProcessorHarness`].
///
/// ```
/// use vexil_testing::conformance::DeliveredEvents;
///
/// let events = DeliveredEvents::new().evaluations("banner", Some(3), 20).identify("ada");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use]
pub struct DeliveredEvents {
    /// By the key and the version of the flag.
    pub(super) evaluations: BTreeMap<(String, Option<u64>), u64>,
    /// Key and data.
    pub(super) custom: Vec<(String, Value)>,
    /// The keys of the contexts.
    pub(super) identified: Vec<String>,
}

impl DeliveredEvents {
    /// Creates an empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds evaluations of this version of a flag; `None` if the flag is unknown.
    pub fn evaluations(
        mut self,
        flag: impl Into<String>,
        version: Option<u64>,
        count: u64,
    ) -> Self {
        *self.evaluations.entry((flag.into(), version)).or_default() += count;
        self
    }

    /// Adds a custom event with its data; null if it has none.
    pub fn custom(mut self, key: impl Into<String>, data: Value) -> Self {
        self.custom.push((key.into(), data));
        self
    }

    /// Adds an identify event for the context with this key.
    pub fn identify(mut self, context_key: impl Into<String>) -> Self {
        self.identified.push(context_key.into());
        self
    }

    /// Reads events in the format of the service: counts from summaries, custom and identify
    /// events. Ignores others.
    ///
    /// ```
    /// use serde_json::json;
    /// use vexil_testing::conformance::DeliveredEvents;
    ///
    /// let summary = json!({
    ///     "kind": "summary",
    ///     "features": {"banner": {"counters": [{"version": 3, "variation": 0, "count": 20}]}},
    /// });
    /// let events = DeliveredEvents::new().evaluations("banner", Some(3), 20);
    /// assert_eq!(DeliveredEvents::from_json([&summary]), events);
    /// ```
    pub fn from_json<'a>(events: impl IntoIterator<Item = &'a Value>) -> Self {
        let mut delivered = Self::new();
        for event in events {
            let text = |name: &str| {
                let text = event.get(name).and_then(Value::as_str);
                text.unwrap_or_default().to_owned()
            };
            delivered = match text("kind").as_str() {
                "summary" => delivered.summary(event),
                "custom" => {
                    let data = event.get("data").cloned().unwrap_or_default();
                    delivered.custom(text("key"), data)
                }
                "identify" => {
                    let key = event.pointer("/context/key").and_then(Value::as_str);
                    delivered.identify(key.unwrap_or_default())
                }
                _ => delivered,
            };
        }
        delivered
    }

    fn summary(mut self, summary: &Value) -> Self {
        let features = summary.get("features").and_then(Value::as_object);
        for (flag, feature) in features.into_iter().flatten() {
            let counters = feature.get("counters").and_then(Value::as_array);
            for counter in counters.into_iter().flatten() {
                let number = |name: &str| counter.get(name).and_then(Value::as_u64);
                self =
                    self.evaluations(flag, number("version"), number("count").unwrap_or_default());
            }
        }
        self
    }

    /// Returns the number of evaluations of a flag.
    pub(super) fn count(&self, flag: &str) -> u64 {
        let of_flag = self.evaluations.iter().filter(|((key, _), _)| key == flag);
        of_flag.map(|(_, count)| count).sum()
    }
}
