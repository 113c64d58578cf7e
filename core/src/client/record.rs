//! Evaluations, and what the application tells, become events.

use std::time::Duration;

use vexil_eval::model::Flag;
use vexil_eval::{Context, EvalErrorKind, Evaluation, Value};

use super::Client;
use super::value::EvaluationContext;
use crate::events::{CustomEvent, EvaluationEvent, Event, EventProcessor, EventStats};

/// What all events of one call have in common. Without a processor, everything here does nothing.
pub(super) struct Recorder<'a> {
    pub(super) processor: Option<&'a dyn EventProcessor>,
    pub(super) key: &'a str,
    pub(super) context: &'a Context,
    pub(super) with_reason: bool,
    pub(super) default: &'a (dyn Fn() -> Value + Sync),
}

impl Recorder<'_> {
    /// A flag was evaluated, after its prerequisites. `error` is what the caller got instead of the
    /// flag's result.
    #[inline]
    pub(super) fn evaluated(
        &self,
        flag: &Flag,
        evaluation: &Evaluation<'_>,
        error: Option<EvalErrorKind>,
    ) {
        let Some(processor) = self.processor else {
            return;
        };
        for prerequisite in evaluation.prerequisites() {
            processor.record(&Event::Evaluation(EvaluationEvent {
                key: prerequisite.flag.key(),
                context: self.context,
                flag: Some((prerequisite.flag, &prerequisite.verdict)),
                variation: prerequisite.variation,
                error: None,
                big_segments_status: None,
                with_reason: self.with_reason,
                prerequisite_of: Some(prerequisite.prerequisite_of),
                default: None,
            }));
        }
        processor.record(&Event::Evaluation(EvaluationEvent {
            key: self.key,
            context: self.context,
            flag: Some((flag, &evaluation.verdict)),
            variation: if error.is_none() {
                evaluation.variation
            } else {
                None
            },
            error,
            big_segments_status: evaluation.big_segments_status,
            with_reason: self.with_reason,
            prerequisite_of: None,
            default: Some(self.default),
        }));
    }

    /// There was no flag to evaluate.
    pub(super) fn unknown(&self, error: EvalErrorKind) {
        let Some(processor) = self.processor else {
            return;
        };
        processor.record(&Event::Evaluation(EvaluationEvent {
            key: self.key,
            context: self.context,
            flag: None,
            variation: None,
            error: Some(error),
            big_segments_status: None,
            with_reason: self.with_reason,
            prerequisite_of: None,
            default: Some(self.default),
        }));
    }
}

impl Client {
    /// Introduces a context to the service, without evaluating a flag for it. One that was never
    /// evaluated is not known there otherwise. An invalid context is logged and not introduced.
    pub fn identify(&self, context: &impl EvaluationContext) {
        if let (Some(processor), Some(context)) = (self.processor(), self.valid(context)) {
            // The old user form allows an empty key, under which nobody can be introduced.
            if context.multiple() || !context.key().is_empty() {
                processor.record(&Event::Identify(context));
            }
        }
    }

    /// Tells the service of something that has happened, under a name that metrics and experiments
    /// know.
    pub fn track(&self, key: &str, context: &impl EvaluationContext) {
        self.track_with(key, context, &Value::Null, None);
    }

    /// Does what [`Client::track`] does, with data of any form; null is none.
    pub fn track_data(&self, key: &str, context: &impl EvaluationContext, data: impl Into<Value>) {
        self.track_with(key, context, &data.into(), None);
    }

    /// Does what [`Client::track_data`] does, with a number for a metric to add up or average.
    pub fn track_metric(
        &self,
        key: &str,
        context: &impl EvaluationContext,
        metric: f64,
        data: impl Into<Value>,
    ) {
        self.track_with(key, context, &data.into(), Some(metric));
    }

    fn track_with(
        &self,
        key: &str,
        context: &impl EvaluationContext,
        data: &Value,
        metric: Option<f64>,
    ) {
        let Some(context) = self.valid(context) else {
            return;
        };
        self.record(&Event::Custom(CustomEvent {
            key,
            context,
            data,
            metric,
        }));
        let hooks = &self.shared.hooks;
        if !hooks.is_empty() {
            hooks.after_track(key, context, data, metric);
        }
    }

    /// Asks for delivery of all events so far, and returns at once.
    pub fn flush(&self) {
        if let Some(processor) = self.processor()
            && !self.shared.runtime.is_unusable()
        {
            processor.flush();
        }
    }

    /// Delivers all events so far, and returns whether that was done within `timeout`. What the
    /// service refused, or could not be reached for, counts as done. `Duration::ZERO` does not wait
    /// for the delivery; `Duration::MAX` sets no limit.
    ///
    /// Returns `false` if events cannot be delivered any more, because the processor or the
    /// transport panicked or the [runtime](crate::ClientBuilder::runtime) of the client is gone.
    pub async fn flush_and_wait(&self, timeout: Duration) -> bool {
        let Some(processor) = self.processor() else {
            return true;
        };
        if self.shared.runtime.is_unusable() {
            return false;
        }
        self.shared
            .runtime
            .timeout(timeout, processor.flush_and_confirm())
            .await
            .unwrap_or(false)
    }

    /// Does what [`Client::flush_and_wait`] does, on this thread.
    pub fn blocking_flush(&self, timeout: Duration) -> bool {
        let Some(processor) = self.processor() else {
            return true;
        };
        if self.shared.runtime.is_unusable() {
            return false;
        }
        self.shared
            .runtime
            .park(timeout, processor.flush_and_confirm())
            .unwrap_or(false)
    }

    /// What has become of events so far.
    #[must_use]
    pub fn event_stats(&self) -> EventStats {
        self.processor()
            .map(EventProcessor::stats)
            .unwrap_or_default()
    }

    /// Tells the event processor, if there is one.
    pub(crate) fn record(&self, event: &Event<'_>) {
        if let Some(processor) = self.processor() {
            processor.record(event);
        }
    }

    pub(super) fn processor(&self) -> Option<&dyn EventProcessor> {
        self.shared.processor.as_deref()
    }

    fn valid<'c>(&self, context: &'c impl EvaluationContext) -> Option<&'c Context> {
        let context = context.context();
        context
            .map_err(|error| self.shared.resolver.log_once.invalid_context(error))
            .ok()
    }
}
