//! [`HookRecorder`]: a hook that remembers.

use vexil::eval::Detail;
use vexil::hooks::{
    EvaluationMethod, EvaluationSeriesContext, Hook, HookError, HookMetadata, SeriesData,
    TrackSeriesContext,
};
use vexil::{Context, Text, Value};

use super::Records;

/// A hook that remembers every stage. Clones remember together.
///
/// ```
/// use vexil::{Client, Context};
/// use vexil_testing::{HookRecorder, RecordedStage, TestData};
///
/// let hook = HookRecorder::new("recorder");
/// let flags = TestData::new().with("banner", "hello");
/// let client = Client::builder("sdk-key").data_source(flags).hook(hook.clone()).start()?;
/// client.string_variation("banner", &Context::new("ada")?, "");
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

/// A stage that has run.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RecordedStage {
    /// Before an evaluation.
    BeforeEvaluation(RecordedSeries),
    /// After an evaluation, with its answer.
    AfterEvaluation(RecordedSeries, Detail<Value>),
    /// After the application told of something.
    AfterTrack {
        /// What it is called.
        key: Text,
        /// By whom or for whom it happened.
        context: Context,
        /// What the application says of it; none if nothing.
        data: Option<Value>,
        /// A number for a metric.
        metric_value: Option<f64>,
        /// The environment that the flags are from.
        environment_id: Option<Text>,
    },
}

/// What was asked.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RecordedSeries {
    /// The flag's key.
    pub flag_key: Text,
    /// For whom; none if the context is invalid.
    pub context: Option<Context>,
    /// The caller's default.
    pub default_value: Value,
    /// By which method.
    pub method: EvaluationMethod,
    /// The environment that the flags are from.
    pub environment_id: Option<Text>,
}

impl HookRecorder {
    /// A recorder of this name that remembers nothing yet.
    #[must_use]
    pub fn new(name: impl Into<Text>) -> Self {
        Self {
            name: name.into(),
            stages: Records::default(),
        }
    }

    /// The stages so far, in order. They are forgotten.
    #[must_use]
    pub fn take(&self) -> Vec<RecordedStage> {
        self.stages.take()
    }

    /// The stages so far, in order.
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
