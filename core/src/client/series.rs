//! Evaluations between the stages of the hooks.
//!
//! A door without hooks looks at one flag and goes its way; with hooks it comes here, off that way.

use std::sync::Arc;

use super::Client;
use super::value::{EvaluationContext, FlagValue};
use super::variation::read_detail;
use crate::context::{Context, ContextError};
use crate::eval::{Detail, Evaluation};
use crate::hooks::{EvaluationMethod, EvaluationSeriesContext, Hook, Series, TrackSeriesContext};
use crate::model::Flag;
use crate::value::Value;

impl Client {
    /// Adds a hook behind those that there are. It takes part in every evaluation that begins from now on, and holds up
    /// none that runs. A hook that holds a clone of the client keeps it open.
    pub fn add_hook(&self, hook: impl Hook) {
        self.shared.hooks.add(Arc::new(hook));
    }

    /// Runs the first stages, if there are hooks.
    pub(crate) fn series<'a>(
        &self,
        method: EvaluationMethod,
        key: &'a str,
        context: Result<&'a Context, &'a ContextError>,
        default: &'a (dyn Fn() -> Value + Sync),
    ) -> Option<Series<'a>> {
        let hooks = &self.shared.hooks;
        if hooks.is_empty() {
            return None;
        }
        let environment_id = self.shared.resolver.updater.environment_id();
        Some(hooks.begin(EvaluationSeriesContext::new(key, context, method, environment_id, default)))
    }

    /// The closure is this method's own, and `evaluate` with it: shared with a door without hooks, that one's would be a
    /// call that it was not before.
    #[cold]
    pub(super) fn variation_in_series<T: FlagValue>(
        &self,
        method: EvaluationMethod,
        key: &str,
        context: &impl EvaluationContext,
        default: T,
    ) -> Detail<T::Output> {
        let default_value = || default.to_value();
        let series = self.series(method, key, context.context(), &default_value);
        let read = |read, flag: &Flag, evaluation: &Evaluation<'_>| read_detail(read, flag, evaluation);
        let result = self.evaluate(key, context, &default, method.with_reason(), read);
        let detail = self.detail_of(key, result, default.clone());
        end(series, &detail);
        detail
    }

    pub(super) async fn variation_in_series_async<T: FlagValue>(
        &self,
        method: EvaluationMethod,
        key: &str,
        context: &impl EvaluationContext,
        default: T,
    ) -> Detail<T::Output> {
        let default_value = || default.to_value();
        let series = self.series(method, key, context.context(), &default_value);
        let result = self.evaluate_async(key, context, &default, method.with_reason(), read_detail).await;
        let detail = self.detail_of(key, result, default.clone());
        end(series, &detail);
        detail
    }

    /// Tells the hooks what the application has told.
    pub(super) fn tracked(&self, key: &str, context: &Context, data: &Value, metric_value: Option<f64>) {
        let hooks = &self.shared.hooks;
        if !hooks.is_empty() {
            let environment_id = self.shared.resolver.updater.environment_id();
            let data = Some(data).filter(|data| !data.is_null());
            hooks.after_track(&TrackSeriesContext { key, context, data, metric_value, environment_id });
        }
    }
}

/// Runs the last stages of a series, if there is one, with what the caller gets.
pub(crate) fn end<T: Clone + Into<Value>>(series: Option<Series<'_>>, detail: &Detail<T>) {
    if let Some(series) = series {
        series.end(&detail.clone().map(Into::into));
    }
}
