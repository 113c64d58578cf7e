//! Records events for evaluations and for `identify` and `track`.

use std::time::Duration;

use vexil_eval::model::Flag;
use vexil_eval::{Context, EvalErrorKind, Evaluation, Value};

use super::Client;
use super::value::AsContext;
use crate::events::{CustomEvent, EvaluationEvent, Event, EventProcessor, EventStats};

/// Records the events of one call. Does nothing without a processor.
pub(super) struct Recorder<'a> {
    pub(super) processor: Option<&'a dyn EventProcessor>,
    pub(super) key: &'a str,
    pub(super) context: &'a Context,
    pub(super) with_reason: bool,
    pub(super) default: &'a (dyn Fn() -> Value + Sync),
}

impl Recorder<'_> {
    /// Records the evaluations of the prerequisites, then of the flag. `error` is set if the caller
    /// received the default because of it.
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

    /// Records an evaluation that found no flag.
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
    /// Reports a context to the service without evaluating a flag for it. An evaluation reports its
    /// context by itself. An invalid context is logged and not reported.
    ///
    /// ```
    /// use vexil::{Client, Context};
    /// use vexil_testing::{EventRecorder, RecordedEvent, TestData};
    ///
    /// let events = EventRecorder::new();
    /// let builder = Client::builder("sdk-key").data_source(TestData::new());
    /// let client = builder.events(events.clone()).start()?;
    /// let ada = Context::builder("ada").set("email", "ada@example.com").build()?;
    /// client.identify(&ada);
    /// assert_eq!(events.take(), [RecordedEvent::Identify(ada)]);
    ///
    /// // An invalid context is not reported.
    /// client.identify(&Context::new(""));
    /// assert_eq!(events.take(), []);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn identify(&self, context: &(impl AsContext + ?Sized)) {
        if let (Some(processor), Some(context)) = (self.processor_for(context), self.valid(context))
        {
            // The legacy user format allows an empty key, which the service cannot index.
            if context.multiple() || !context.key().is_empty() {
                processor.record(&Event::Identify(context));
            }
        }
    }

    /// Reports a custom event to the service. `key` is the name under which metrics and experiments
    /// refer to it.
    ///
    /// ```
    /// use vexil::{Client, Context};
    /// use vexil_testing::{EventRecorder, TestData};
    ///
    /// let events = EventRecorder::new();
    /// let builder = Client::builder("sdk-key").data_source(TestData::new());
    /// let client = builder.events(events.clone()).start()?;
    /// client.track("signed-up", &Context::new("ada")?);
    /// events.custom_events().name("signed-up").user("ada").assert_once();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "track_event")]
    pub fn track(&self, key: &str, context: &(impl AsContext + ?Sized)) {
        self.track_with(key, context, &Value::Null, None);
    }

    /// Does the same as [`Client::track`], with additional data; null means no data.
    ///
    /// ```
    /// use vexil::{Client, Context};
    /// use vexil_testing::{EventRecorder, TestData};
    ///
    /// let events = EventRecorder::new();
    /// let builder = Client::builder("sdk-key").data_source(TestData::new());
    /// let client = builder.events(events.clone()).start()?;
    /// client.track_data("signed-up", &Context::new("ada")?, "newsletter");
    /// events.custom_events().name("signed-up").data("newsletter").assert_once();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn track_data(
        &self,
        key: &str,
        context: &(impl AsContext + ?Sized),
        data: impl Into<Value>,
    ) {
        self.track_with(key, context, &data.into(), None);
    }

    /// Does the same as [`Client::track_data`], with a number that a metric sums or averages.
    ///
    /// ```
    /// use vexil::{Client, Context, Value};
    /// use vexil_testing::{EventRecorder, RecordedEvent, TestData};
    ///
    /// let events = EventRecorder::new();
    /// let builder = Client::builder("sdk-key").data_source(TestData::new());
    /// let client = builder.events(events.clone()).start()?;
    /// client.track_metric("checkout-seconds", &Context::new("ada")?, 12.5, Value::Null);
    /// events.custom_events().name("checkout-seconds").metric(12.5).assert_once();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn track_metric(
        &self,
        key: &str,
        context: &(impl AsContext + ?Sized),
        metric: f64,
        data: impl Into<Value>,
    ) {
        self.track_with(key, context, &data.into(), Some(metric));
    }

    fn track_with(
        &self,
        key: &str,
        context: &(impl AsContext + ?Sized),
        data: &Value,
        metric: Option<f64>,
    ) {
        if !context.reports_events() {
            return;
        }
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

    /// Starts the delivery of all events recorded so far, and returns immediately.
    ///
    /// ```
    /// use vexil::{Client, Context};
    /// # use vexil::config::ServiceEndpoints;
    /// # use vexil_testing::FakeService;
    ///
    /// # let service = FakeService::start()?;
    /// let builder = Client::builder("sdk-key");
    /// # let builder = builder.service_endpoints(ServiceEndpoints::relay(service.url()));
    /// let client = builder.start()?;
    /// client.track("signed-up", &Context::new("ada")?);
    /// // Otherwise the event is sent at the next flush interval.
    /// client.flush();
    /// # let is_sent = |event: &serde_json::Value| event["key"] == "signed-up";
    /// # service.until("a custom event", || service.events().iter().any(is_sent)).wait()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn flush(&self) {
        if let Some(processor) = self.processor()
            && !self.shared.runtime.is_unusable()
        {
            processor.flush();
        }
    }

    /// Delivers all events recorded so far, and returns whether this finished within `timeout`.
    /// Events count as delivered even if the service refused them or was unreachable.
    /// `Duration::ZERO` does not wait for the delivery; `Duration::MAX` sets no limit.
    ///
    /// Returns `false` if events can no longer be delivered, because the processor or the transport
    /// panicked, or the client's [runtime](crate::ClientBuilder::runtime) is gone.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::{Client, Context};
    /// # use vexil::config::ServiceEndpoints;
    /// # use vexil_testing::FakeService;
    /// # use vexil_testing::fake_service::{Answer, Endpoint};
    ///
    /// # pollster::block_on(async {
    /// # let service = FakeService::start()?;
    /// let builder = Client::builder("sdk-key");
    /// # let builder = builder.service_endpoints(ServiceEndpoints::relay(service.url()));
    /// let client = builder.start()?;
    /// client.track("signed-up", &Context::new("ada")?);
    /// assert!(client.flush_and_wait(Duration::from_secs(30)).await);
    /// assert_eq!(client.event_stats().delivered_events, 2, "an index event and a custom event");
    ///
    /// // `true` means that the attempt is over, not that the service accepted the events.
    /// # service.always(Endpoint::Events, Answer::status(400));
    /// client.track("signed-out", &Context::new("ada")?);
    /// assert!(client.flush_and_wait(Duration::from_secs(30)).await);
    /// assert_eq!(client.event_stats().dropped_payloads, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    #[doc(alias = "flush_blocking")]
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

    /// Blocking form of [`Client::flush_and_wait`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::{Client, Context};
    /// # use vexil::config::ServiceEndpoints;
    /// # use vexil_testing::FakeService;
    ///
    /// # let service = FakeService::start()?;
    /// let builder = Client::builder("sdk-key");
    /// # let builder = builder.service_endpoints(ServiceEndpoints::relay(service.url()));
    /// let client = builder.start()?;
    /// client.track("signed-up", &Context::new("ada")?);
    /// assert!(client.blocking_flush(Duration::from_secs(30)));
    /// # assert!(service.events().iter().any(|event| event["key"] == "signed-up"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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

    /// Counters of delivered, dropped and filtered events since the client was started.
    ///
    /// All counters are 0 without events, and for a custom event processor that has no
    /// [statistics](EventProcessor::stats).
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::{Client, Context};
    /// # use vexil::config::ServiceEndpoints;
    /// # use vexil_testing::FakeService;
    /// # use vexil_testing::fake_service::{Answer, Endpoint};
    ///
    /// # let service = FakeService::start()?;
    /// let builder = Client::builder("sdk-key");
    /// # let builder = builder.service_endpoints(ServiceEndpoints::relay(service.url()));
    /// let client = builder.start()?;
    /// client.track("signed-up", &Context::new("ada")?);
    /// client.blocking_flush(Duration::from_secs(30));
    /// // The event itself, and one that describes its context.
    /// assert_eq!(client.event_stats().delivered_events, 2);
    /// assert_eq!(client.event_stats().dropped_events, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn event_stats(&self) -> EventStats {
        self.processor()
            .map(EventProcessor::stats)
            .unwrap_or_default()
    }

    /// Passes an event to the event processor, if there is one.
    pub(crate) fn record(&self, event: &Event<'_>) {
        if let Some(processor) = self.processor() {
            processor.record(event);
        }
    }

    pub(super) fn processor(&self) -> Option<&dyn EventProcessor> {
        self.shared.processor.as_deref()
    }

    /// The processor for events about this context, if they are reported.
    pub(super) fn processor_for(
        &self,
        context: &(impl AsContext + ?Sized),
    ) -> Option<&dyn EventProcessor> {
        self.processor().filter(|_| context.reports_events())
    }

    fn valid<'c>(&self, context: &'c (impl AsContext + ?Sized)) -> Option<&'c Context> {
        let context = context.as_context();
        context
            .map_err(|error| self.shared.resolver.log_once.invalid_context(error))
            .ok()
    }
}
