//! [`EventRecorder`]: an event processor that records events.

use vexil::events::{Event, EventProcessor, MigrationOpEvent};
use vexil::{Context, async_trait};

use super::filter::EventFilter;
use super::{RecordedCustom, RecordedEvaluation, RecordedEvent, Records};

/// An event processor that records every event and sends none. Clones share the record.
///
/// A test selects events by their kind and properties, and asserts how many there are. A failed
/// assertion lists what was recorded.
///
/// ```
/// use serde_json::json;
/// use vexil::{Client, Context};
/// use vexil_testing::{EventRecorder, TestData};
///
/// let events = EventRecorder::new();
/// let flags = TestData::new().with("new-checkout", true);
/// let client = Client::builder("sdk-key").data_source(flags).events(events.clone()).start()?;
/// let ada = Context::new("ada")?;
/// events.all().assert_none();
///
/// if client.bool_variation("new-checkout", &ada, false) {
///     client.track_metric("purchase", &ada, 49.5, json!({"items": 2}));
/// }
/// events.evaluations().flag("new-checkout").user("ada").value(true).assert_once();
/// events.custom_events().name("purchase").metric(49.5).data(json!({"items": 2})).assert_once();
/// events.identifies().assert_none();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// An event is recorded before the method of the client returns. Where the code under test runs on
/// another thread or in another task, [`EventFilter::wait_for`] waits for its events.
#[derive(Clone, Debug, Default)]
pub struct EventRecorder(Records<RecordedEvent>);

impl EventRecorder {
    /// Creates an empty recorder.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the events recorded so far, in order, and clears the record.
    #[must_use]
    pub fn take(&self) -> Vec<RecordedEvent> {
        self.0.take()
    }

    /// Returns the events recorded so far, in order.
    #[must_use]
    pub fn events(&self) -> Vec<RecordedEvent> {
        self.0.all()
    }

    /// Selects all events.
    ///
    /// ```
    /// use vexil_testing::EventRecorder;
    ///
    /// EventRecorder::new().all().assert_none();
    /// ```
    pub fn all(&self) -> EventFilter<'_, RecordedEvent> {
        EventFilter::new(self)
    }

    /// Selects the evaluations of flags, including those of prerequisites.
    pub fn evaluations(&self) -> EventFilter<'_, RecordedEvaluation> {
        EventFilter::new(self)
    }

    /// Selects the identify events.
    ///
    /// ```
    /// use vexil::{Client, Context};
    /// use vexil_testing::{EventRecorder, TestData};
    ///
    /// let events = EventRecorder::new();
    /// let client = Client::builder("sdk-key").data_source(TestData::new()).events(events.clone()).start()?;
    /// client.identify(&Context::new("ada")?);
    /// events.identifies().user("ada").assert_once();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn identifies(&self) -> EventFilter<'_, Context> {
        EventFilter::new(self)
    }

    /// Selects the custom events, those of [`Client::track`](vexil::Client::track) and its siblings.
    pub fn custom_events(&self) -> EventFilter<'_, RecordedCustom> {
        EventFilter::new(self)
    }

    /// Selects the migration operations.
    pub fn migration_ops(&self) -> EventFilter<'_, MigrationOpEvent> {
        EventFilter::new(self)
    }

    pub(super) fn record(&self) -> &Records<RecordedEvent> {
        &self.0
    }
}

#[async_trait]
impl EventProcessor for EventRecorder {
    fn record(&self, event: &Event<'_>) {
        self.0.extend(RecordedEvent::of(event));
    }

    fn flush(&self) {}

    async fn flush_and_wait(&self) {}

    async fn close(&self) {}
}
