//! [`RecordedEvent`]: an event with everything that its evaluation or call has reported.

use std::fmt;

use vexil::eval::Reason;
use vexil::events::{Event, MigrationOpEvent};
use vexil::{Context, Text, Value};

/// An event recorded by an [`EventRecorder`](super::EventRecorder).
///
/// ```
/// use vexil::{Client, Context};
/// use vexil_testing::{EventRecorder, RecordedEvent, TestData};
///
/// let events = EventRecorder::new();
/// let flags = TestData::new().with("limit", 20);
/// let client = Client::builder("sdk-key").data_source(flags).events(events.clone()).start()?;
/// let ada = Context::new("ada")?;
/// client.int_variation("limit", &ada, 10);
/// client.track_metric("bought", &ada, 9.99, vexil::Value::Null);
///
/// let recorded = events.take();
/// let [RecordedEvent::Evaluation(evaluation), RecordedEvent::Custom(bought)] = &recorded[..] else {
///     panic!("{recorded:?}");
/// };
/// assert_eq!((&evaluation.value, &evaluation.default), (&20.into(), &Some(10.into())));
/// assert_eq!(bought.metric, Some(9.99));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RecordedEvent {
    /// A flag was evaluated.
    Evaluation(Box<RecordedEvaluation>),
    /// An identify event.
    Identify(Context),
    /// A custom event.
    Custom(Box<RecordedCustom>),
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

/// One custom event.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RecordedCustom {
    /// The event's name.
    pub key: Text,
    /// The context of the event.
    pub context: Context,
    /// The event's data; null if there is none.
    pub data: Value,
    /// The metric value.
    pub metric: Option<f64>,
}

impl RecordedEvent {
    pub(super) fn of(event: &Event<'_>) -> Option<Self> {
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
            Event::Custom(event) => Some(Self::Custom(Box::new(RecordedCustom {
                key: event.key.into(),
                context: event.context.clone(),
                data: event.data.clone(),
                metric: event.metric,
            }))),
            Event::MigrationOp(op) => Some(Self::MigrationOp(Box::new((*op).clone()))),
            _ => None,
        }
    }

    /// Returns the context of the event.
    #[must_use]
    pub fn context(&self) -> &Context {
        match self {
            Self::Evaluation(evaluation) => &evaluation.context,
            Self::Identify(context) => context,
            Self::Custom(event) => &event.context,
            Self::MigrationOp(op) => &op.context,
        }
    }
}

/// One line, with the kinds and keys of the context but without its attributes.
impl fmt::Display for RecordedEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let context = Keys(self.context());
        match self {
            Self::Evaluation(evaluation) => {
                let RecordedEvaluation { key, value, .. } = &**evaluation;
                write!(f, "evaluation of flag `{key}` for {context}: {value}")?;
                match evaluation.variation {
                    Some(variation) => write!(f, ", variation {variation}")?,
                    None => f.write_str(", the default")?,
                }
                write!(f, ", {}", evaluation.reason)?;
                match &evaluation.prerequisite_of {
                    Some(dependent) => write!(f, ", as a prerequisite of `{dependent}`"),
                    None => Ok(()),
                }
            }
            Self::Identify(_) => write!(f, "identify event for {context}"),
            Self::Custom(event) => {
                write!(f, "custom event `{}` for {context}", event.key)?;
                if let Some(metric) = event.metric {
                    write!(f, ", metric {metric}")?;
                }
                match &event.data {
                    Value::Null => Ok(()),
                    data => write!(f, ", data {data}"),
                }
            }
            Self::MigrationOp(op) => {
                let (key, stage) = (&op.key, op.detail.value);
                write!(
                    f,
                    "migration operation of flag `{key}` for {context}: {}, {stage}",
                    op.operation
                )
            }
        }
    }
}

/// Displays the kinds and keys of a context.
pub(super) struct Keys<'a>(pub(super) &'a Context);

impl fmt::Display for Keys<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, context) in self.0.individual_contexts().enumerate() {
            let separator = if index == 0 { "" } else { " and " };
            write!(f, "{separator}{} `{}`", context.kind(), context.key())?;
        }
        Ok(())
    }
}
