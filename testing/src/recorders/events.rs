//! [`EventRecorder`]: an event processor that records events.

use vexil::eval::Reason;
use vexil::events::{Event, EventProcessor, MigrationOpEvent};
use vexil::{Context, Text, Value, async_trait};

use super::Records;

/// An event processor that records every event and sends none. Clones share the record.
///
/// ```
/// use vexil::{Client, Context};
/// use vexil_testing::{EventRecorder, RecordedEvent, TestData};
///
/// let events = EventRecorder::new();
/// let flags = TestData::new().with("banner", "hello");
/// let client = Client::builder("sdk-key").data_source(flags).events(events.clone()).start()?;
/// client.str_variation("banner", &Context::new("ada")?, "");
/// let [RecordedEvent::Evaluation(evaluation)] = &events.take()[..] else { panic!("one evaluation") };
/// assert_eq!((evaluation.key.as_str(), &evaluation.value), ("banner", &"hello".into()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct EventRecorder(Records<RecordedEvent>);

/// An event recorded by an [`EventRecorder`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RecordedEvent {
    /// A flag was evaluated.
    Evaluation(Box<RecordedEvaluation>),
    /// An identify event.
    Identify(Context),
    /// A custom event.
    Custom {
        /// The event's name.
        key: Text,
        /// The context of the event.
        context: Context,
        /// The event's data.
        data: Value,
        /// The metric value.
        metric: Option<f64>,
    },
    /// A migration operation.
    MigrationOp(Box<MigrationOpEvent>),
}

/// One evaluation.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RecordedEvaluation {
    /// The flag's key.
    pub key: Text,
    /// The context of the evaluation.
    pub context: Context,
    /// The flag's version, or `None` if the flag is unknown.
    pub version: Option<u64>,
    /// The variation, or `None` if the default was returned.
    pub variation: Option<usize>,
    /// The value returned to the caller.
    pub value: Value,
    /// The caller's default, or `None` for a prerequisite.
    pub default: Option<Value>,
    /// The reason of the evaluation.
    pub reason: Reason,
    /// Whether the caller requested the reason.
    pub with_reason: bool,
    /// For the evaluation of a prerequisite, the flag that depends on it.
    pub prerequisite_of: Option<Text>,
}

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
