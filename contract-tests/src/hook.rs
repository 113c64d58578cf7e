//! [`CallbackHook`]: a hook that reports each stage to the harness, or fails at configured stages
//! (EVT-6.4).

use std::collections::BTreeMap;

use vexil::eval::Detail;
use vexil::hooks::{
    EvaluationSeriesContext, Hook, HookError, HookMetadata, SeriesData, TrackSeriesContext,
};
use vexil::{Text, Value};

use crate::api::{HookConfig, SeriesContext, Stage, StagePayload, TrackContext};
use crate::callback::Callback;

#[derive(Debug)]
pub(crate) struct CallbackHook {
    name: String,
    callback: Callback,
    /// The data that each stage adds.
    data: BTreeMap<Stage, BTreeMap<String, Value>>,
    /// Error messages of the stages that fail.
    errors: BTreeMap<Stage, String>,
}

impl CallbackHook {
    pub(crate) fn new(config: HookConfig) -> Self {
        let HookConfig {
            name,
            callback_uri,
            data,
            errors,
        } = config;
        let errors = errors
            .into_iter()
            .filter_map(|(stage, error)| Some((stage, error?)))
            .collect();
        Self {
            name,
            callback: Callback::new(callback_uri),
            data,
            errors,
        }
    }

    fn tell(&self, payload: &StagePayload<'_>) -> Result<(), HookError> {
        if let Some(error) = self.errors.get(&payload.stage) {
            return Err(error.as_str().into());
        }
        self.callback.post(&serde_json::to_string(payload)?)?;
        Ok(())
    }

    fn evaluation(
        &self,
        stage: Stage,
        series: &EvaluationSeriesContext<'_>,
        mut data: SeriesData,
        detail: Option<&Detail<Value>>,
    ) -> Result<SeriesData, HookError> {
        let known = data
            .names()
            .filter_map(|name| Some((name.as_str(), data.get::<Value>(name)?)));
        self.tell(&StagePayload {
            stage,
            evaluation_series_context: Some(SeriesContext {
                flag_key: series.flag_key,
                context: series.context.ok(),
                default_value: series.default_value(),
                method: series.method.as_str(),
                environment_id: series.environment_id.map(Text::as_str),
            }),
            evaluation_series_data: Some(known.collect()),
            evaluation_detail: detail.cloned().map(Into::into),
            track_series_context: None,
        })?;
        for (name, value) in self.data.get(&stage).into_iter().flatten() {
            data.set(name.as_str(), value.clone());
        }
        Ok(data)
    }
}

impl Hook for CallbackHook {
    fn metadata(&self) -> HookMetadata {
        HookMetadata::new(self.name.as_str())
    }

    fn before_evaluation(
        &self,
        series: &EvaluationSeriesContext<'_>,
        data: SeriesData,
    ) -> Result<SeriesData, HookError> {
        self.evaluation(Stage::BeforeEvaluation, series, data, None)
    }

    fn after_evaluation(
        &self,
        series: &EvaluationSeriesContext<'_>,
        data: SeriesData,
        detail: &Detail<Value>,
    ) -> Result<SeriesData, HookError> {
        self.evaluation(Stage::AfterEvaluation, series, data, Some(detail))
    }

    fn after_track(&self, series: &TrackSeriesContext<'_>) -> Result<(), HookError> {
        self.tell(&StagePayload {
            stage: Stage::AfterTrack,
            evaluation_series_context: None,
            evaluation_series_data: None,
            evaluation_detail: None,
            track_series_context: Some(TrackContext {
                key: series.key,
                context: series.context,
                data: series.data,
                metric_value: series.metric_value,
                environment_id: series.environment_id.map(Text::as_str),
            }),
        })
    }
}
