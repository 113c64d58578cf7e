//! [`EventRecorder`]: an event processor that remembers.

use std::sync::Arc;

use vexil::config::{ClientContext, ConfigError, Configure};
use vexil::eval::Reason;
use vexil::events::{Event, EventProcessor, MigrationOp};
use vexil::{Context, Text, Value, async_trait};

use super::Records;

/// An event processor that remembers everything and sends nothing. Clones remember together.
///
/// ```
/// use vexil::{Client, Context};
/// use vexil_testing::{EventRecorder, RecordedEvent, TestData};
///
/// let events = EventRecorder::new();
/// let flags = TestData::new().with("banner", "hello");
/// let client = Client::builder("sdk-key").data_source(flags).events(events.clone()).start()?;
/// client.string_variation("banner", &Context::new("ada")?, "");
/// let [RecordedEvent::Evaluation(evaluation)] = &events.take()[..] else { panic!("one evaluation") };
/// assert_eq!((evaluation.key.as_str(), &evaluation.value), ("banner", &"hello".into()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct EventRecorder(Records<RecordedEvent>);

/// Something that has happened, as an [`EventRecorder`] remembers it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RecordedEvent {
    /// A flag was evaluated.
    Evaluation(Box<RecordedEvaluation>),
    /// A context was introduced.
    Identify(Context),
    /// The application told of something.
    Custom {
        /// What it is called.
        key: Text,
        /// By whom or for whom it happened.
        context: Context,
        /// What the application says of it.
        data: Value,
        /// A number for a metric.
        metric: Option<f64>,
    },
    /// The application read or wrote something that is being migrated.
    MigrationOp(Box<MigrationOp>),
}

/// One evaluation.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RecordedEvaluation {
    /// The flag's key.
    pub key: Text,
    /// For whom.
    pub context: Context,
    /// The flag's version; none if there is no such flag.
    pub version: Option<u64>,
    /// The variation; none if the default was given.
    pub variation: Option<usize>,
    /// What the caller got.
    pub value: Value,
    /// The caller's default; none for a prerequisite.
    pub default: Option<Value>,
    /// Why.
    pub reason: Reason,
    /// Whether the caller asked why.
    pub with_reason: bool,
    /// The flag that depends on this one, if that is why it was evaluated.
    pub prerequisite_of: Option<Text>,
}

impl EventRecorder {
    /// A recorder that remembers nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What was recorded so far, in order. It is forgotten.
    #[must_use]
    pub fn take(&self) -> Vec<RecordedEvent> {
        self.0.take()
    }

    /// What was recorded so far, in order.
    #[must_use]
    pub fn events(&self) -> Vec<RecordedEvent> {
        self.0.all()
    }
}

impl RecordedEvent {
    fn of(event: &Event<'_>) -> Option<Self> {
        match event {
            Event::Evaluation(event) => Some(Self::Evaluation(Box::new(RecordedEvaluation {
                key: event.key.into(),
                context: event.context.clone(),
                version: event.flag.map(|(flag, _)| flag.version()),
                variation: event.variation.map(|(index, _)| index),
                value: event.value(),
                default: event.default_value(),
                reason: event.reason(),
                with_reason: event.with_reason,
                prerequisite_of: event.prerequisite_of.cloned(),
            }))),
            Event::Identify(context) => Some(Self::Identify((*context).clone())),
            Event::Custom(event) => Some(Self::Custom {
                key: event.key.into(),
                context: event.context.clone(),
                data: event.data.clone(),
                metric: event.metric,
            }),
            Event::MigrationOp(op) => Some(Self::MigrationOp(Box::new((*op).clone()))),
            _ => None,
        }
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

impl Configure<dyn EventProcessor> for EventRecorder {
    fn configure(&self, _: &ClientContext) -> Result<Arc<dyn EventProcessor>, ConfigError> {
        Ok(Arc::new(self.clone()))
    }
}
