//! [`HookRecorder`]: a hook that records its calls.

use vexil::eval::Detail;
use vexil::hooks::{
    EvaluationMethod, EvaluationSeriesContext, Hook, HookError, HookMetadata, SeriesData,
    TrackSeriesContext,
};
use vexil::{Context, Text, Value};

use super::Records;

/// A hook that records every stage. Clones share the record.
///
/// ```
/// use vexil::{Client, Context};
/// use vexil_testing::{HookRecorder, RecordedStage, TestData};
///
/// let hook = HookRecorder::new("recorder");
/// let flags = TestData::new().with("banner", "hello");
/// let client = Client::builder("sdk-key").data_source(flags).hook(hook.clone()).start()?;
/// client.str_variation("banner", &Context::new("ada")?, "");
/// let [RecordedStage::BeforeEvaluation(before), RecordedStage::AfterEvaluation(after, detail)] = &hook.take()[..] else {
///     panic!("two stages")
/// };
/// assert_eq!((before.flag_key.as_str(), before), ("banner", after));
/// assert_eq!(detail.value, "hello".into());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct HookRecorder {
    name: Text,
    stages: Records<RecordedStage>,
}

/// A recorded stage.
///
/// ```
/// use vexil::{Client, Context};
/// use vexil_testing::{HookRecorder, RecordedStage, TestData};
///
/// let hook = HookRecorder::new("recorder");
/// let flags = TestData::new().with("limit", 20);
/// let client = Client::builder("sdk-key").data_source(flags).hook(hook.clone()).start()?;
/// client.int_variation("limit", &Context::new("ada")?, 10);
/// let stages = hook.take();
/// let [RecordedStage::BeforeEvaluation(before), RecordedStage::AfterEvaluation(_, detail)] = &stages[..]
/// else {
///     panic!("{stages:?}");
/// };
/// assert_eq!((before.flag_key.as_str(), &before.default_value), ("limit", &10.into()));
/// assert_eq!(detail.value, 20.into());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RecordedStage {
    /// Before an evaluation.
    BeforeEvaluation(RecordedSeries),
    /// After an evaluation, with its result.
    AfterEvaluation(RecordedSeries, Detail<Value>),
    /// After a custom event was tracked.
    AfterTrack {
        /// The event's name.
        key: Text,
        /// The context of the event.
        context: Context,
        /// The event's data, or `None` if there is none.
        data: Option<Value>,
        /// The metric value.
        metric_value: Option<f64>,
        /// The environment that the flags belong to.
        environment_id: Option<Text>,
    },
}

/// The parameters of an evaluation.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RecordedSeries {
    /// The flag's key.
    pub flag_key: Text,
    /// The context, or `None` if it is invalid.
    pub context: Option<Context>,
    /// The caller's default.
    pub default_value: Value,
    /// The method that was called.
    pub method: EvaluationMethod,
    /// The environment that the flags belong to.
    pub environment_id: Option<Text>,
}

impl HookRecorder {
    /// Creates an empty recorder with this name.
    #[must_use]
    pub fn new(name: impl Into<Text>) -> Self {
        Self {
            name: name.into(),
            stages: Records::default(),
        }
    }

    /// Returns the stages recorded so far, in order, and clears the record.
    #[must_use]
    pub fn take(&self) -> Vec<RecordedStage> {
        self.stages.take()
    }

    /// Returns the stages recorded so far, in order.
    #[must_use]
    pub fn stages(&self) -> Vec<RecordedStage> {
        self.stages.all()
    }
}

impl RecordedSeries {
    fn of(series: &EvaluationSeriesContext<'_>) -> Self {
        Self {
            flag_key: series.flag_key.into(),
            context: series.context.ok().cloned(),
            default_value: series.default_value(),
            method: series.method,
            environment_id: series.environment_id.cloned(),
        }
    }
}

impl Hook for HookRecorder {
    fn metadata(&self) -> HookMetadata {
        HookMetadata::new(self.name.clone())
    }

    fn before_evaluation(
        &self,
        series: &EvaluationSeriesContext<'_>,
        data: SeriesData,
    ) -> Result<SeriesData, HookError> {
        self.stages
            .extend([RecordedStage::BeforeEvaluation(RecordedSeries::of(series))]);
        Ok(data)
    }

    fn after_evaluation(
        &self,
        series: &EvaluationSeriesContext<'_>,
        data: SeriesData,
        detail: &Detail<Value>,
    ) -> Result<SeriesData, HookError> {
        self.stages.extend([RecordedStage::AfterEvaluation(
            RecordedSeries::of(series),
            detail.clone(),
        )]);
        Ok(data)
    }

    fn after_track(&self, series: &TrackSeriesContext<'_>) -> Result<(), HookError> {
        self.stages.extend([RecordedStage::AfterTrack {
            key: series.key.into(),
            context: series.context.clone(),
            data: series.data.cloned(),
            metric_value: series.metric_value,
            environment_id: series.environment_id.cloned(),
        }]);
        Ok(())
    }
}
