//! Evaluations with hooks.
//!
//! Kept out of line, so that the path without hooks costs one atomic load and stays inlined.

use std::sync::Arc;

use vexil_eval::model::Flag;
use vexil_eval::{Detail, Evaluation, Value};

use super::Client;
use super::value::{AsContext, FlagValue};
use super::variation::read_detail;
use crate::hooks::{Asked, EvaluationMethod, Hook, Series};

impl Client {
    /// Adds a hook after the existing ones. It takes part in evaluations that begin after this
    /// call, and does not delay those in progress. A hook that holds a clone of the client keeps
    /// the client open until [`close`](Client::close), which drops all hooks. A closed client drops
    /// added hooks immediately.
    ///
    /// ```
    /// use vexil::{Client, Context};
    /// use vexil_testing::HookRecorder;
    ///
    /// let client = Client::builder("sdk-key").offline(true).start()?;
    /// let hook = HookRecorder::new("recorder");
    /// client.add_hook(hook.clone());
    /// client.bool_variation("new-checkout", &Context::new("ada")?, false);
    /// assert_eq!(hook.stages().len(), 2, "one before and one after the evaluation");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn add_hook(&self, hook: impl Hook) {
        self.shared.hooks.add(Arc::new(hook));
    }

    #[inline]
    pub(crate) fn has_hooks(&self) -> bool {
        !self.shared.hooks.is_empty()
    }

    /// Runs the stages before the evaluation. Returns `None` if there are no hooks.
    pub(crate) fn series<'a>(&self, asked: Asked<'a>) -> Option<Series<'a>> {
        let hooks = &self.shared.hooks;
        (!hooks.is_empty()).then(|| hooks.begin(asked))
    }

    /// A distinct closure type, so that `evaluate` is monomorphised separately and the path without
    /// hooks keeps its inlined copy.
    #[inline(never)]
    pub(super) fn variation_in_series<T: FlagValue>(
        &self,
        method: EvaluationMethod,
        key: &str,
        context: &(impl AsContext + ?Sized),
        default: T,
    ) -> Detail<T::Output> {
        let default_value = || default.to_value();
        let asked = Asked {
            key,
            context: context.as_context(),
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
        context: &(impl AsContext + ?Sized),
        default: T,
    ) -> Detail<T::Output> {
        let default_value = || default.to_value();
        let asked = Asked {
            key,
            context: context.as_context(),
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

/// Runs the stages after the evaluation, if there is a series, with the detail that the caller
/// receives.
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
