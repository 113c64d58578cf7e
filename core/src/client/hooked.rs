//! Evaluations between the stages of the hooks.
//!
//! A door without hooks looks at one flag and goes its way; with hooks it comes here, off that way.

use std::sync::Arc;

use vexil_eval::model::Flag;
use vexil_eval::{Detail, Evaluation, Value};

use super::Client;
use super::value::{EvaluationContext, FlagValue};
use super::variation::read_detail;
use crate::hooks::{Asked, EvaluationMethod, Hook, Series};

impl Client {
    /// Adds a hook behind those that there are. It takes part in every evaluation that begins from
    /// now on, and holds up none that runs. A hook that holds a clone of the client keeps it open,
    /// until the client is closed: that drops all hooks, and those that are added later.
    pub fn add_hook(&self, hook: impl Hook) {
        self.shared.hooks.add(Arc::new(hook));
    }

    /// Runs the first stages, if there are hooks.
    pub(crate) fn series<'a>(&self, asked: Asked<'a>) -> Option<Series<'a>> {
        let hooks = &self.shared.hooks;
        (!hooks.is_empty()).then(|| hooks.begin(asked))
    }

    /// The closure is this method's own, and `evaluate` with it: shared with a door without hooks,
    /// that one's would be a call that it was not before.
    #[inline(never)]
    pub(super) fn variation_in_series<T: FlagValue>(
        &self,
        method: EvaluationMethod,
        key: &str,
        context: &impl EvaluationContext,
        default: T,
    ) -> Detail<T::Output> {
        let default_value = || default.to_value();
        let asked = Asked {
            key,
            context: context.context(),
            method,
            default: &default_value,
        };
        let series = self.shared.hooks.begin(asked);
        let read =
            |read, flag: &Flag, evaluation: &Evaluation<'_>| read_detail(read, flag, evaluation);
        let result = self.evaluate(key, context, &default, method.with_reason(), read);
        let detail = self.detail_of(key, result, default.clone());
        end(Some(series), detail)
    }

    pub(super) async fn variation_in_series_async<T: FlagValue>(
        &self,
        method: EvaluationMethod,
        key: &str,
        context: &impl EvaluationContext,
        default: T,
    ) -> Detail<T::Output> {
        let default_value = || default.to_value();
        let asked = Asked {
            key,
            context: context.context(),
            method,
            default: &default_value,
        };
        let series = self.shared.hooks.begin(asked);
        let result = self
            .evaluate_async(key, context, &default, method.with_reason(), read_detail)
            .await;
        let detail = self.detail_of(key, result, default.clone());
        end(Some(series), detail)
    }
}

/// Runs the last stages of a series, if there is one, with what the caller gets.
#[inline]
pub(crate) fn end<T: Clone + Into<Value>>(
    series: Option<Series<'_>>,
    detail: Detail<T>,
) -> Detail<T> {
    let Some(series) = series else { return detail };
    let value = detail.value.clone();
    let seen = detail.map(Into::into);
    series.end(&seen);
    seen.map(|_| value)
}
