//! [`TracingHook`] and its builder.

use opentelemetry::global::{self, BoxedSpan};
use opentelemetry::trace::{Span, TraceContextExt, Tracer};
use opentelemetry::{Context, InstrumentationScope};
use vexil::eval::Detail;
use vexil::hooks::{EvaluationSeriesContext, Hook, HookError, HookMetadata, SeriesData};
use vexil::{Text, Value};

use crate::attributes;

/// The name under which the hook stores the span of an evaluation.
const SPAN: &str = "span";

/// A hook that adds an event for each evaluation to the active span, and optionally creates a span
/// for each evaluation.
///
/// The [crate documentation](crate) describes the contents of the trace, and how the active span is
/// determined.
///
/// ```
/// use vexil::Client;
/// use vexil_otel::TracingHook;
///
/// let hook = TracingHook::builder()
///     .include_value(true)
///     .environment_id("64f8a1c2e3b4d5f6a7b8c9d0")
///     .build();
/// let client = Client::builder("sdk-key").offline(true).hook(hook).start()?;
/// assert!(client.is_offline());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct TracingHook {
    add_spans: bool,
    include_value: bool,
    environment_id: Option<Text>,
}

impl TracingHook {
    /// Creates a hook with default settings: events without values, no spans.
    ///
    /// ```
    /// use vexil::hooks::Hook;
    /// use vexil_otel::TracingHook;
    ///
    /// assert_eq!(TracingHook::new().metadata().name, "OpenTelemetry tracing");
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a builder with default settings.
    ///
    /// ```
    /// use vexil_otel::TracingHook;
    ///
    /// let default = TracingHook::builder().build();
    /// assert_eq!(format!("{default:?}"), format!("{:?}", TracingHook::new()));
    /// ```
    #[must_use]
    pub fn builder() -> TracingHookBuilder {
        TracingHookBuilder::default()
    }
}

impl Hook for TracingHook {
    fn metadata(&self) -> HookMetadata {
        HookMetadata::new("OpenTelemetry tracing")
    }

    /// Starts the evaluation's span, if enabled. It does not become the active span: an async
    /// evaluation may continue on another thread, while the active span belongs to one thread.
    fn before_evaluation(
        &self,
        series: &EvaluationSeriesContext<'_>,
        data: SeriesData,
    ) -> Result<SeriesData, HookError> {
        if !self.add_spans {
            return Ok(data);
        }
        // Not cached: the application may set its tracer provider later, and until then the
        // global one creates no spans.
        let scope = InstrumentationScope::builder(env!("CARGO_PKG_NAME"))
            .with_version(env!("CARGO_PKG_VERSION"));
        let tracer = global::tracer_with_scope(scope.build());
        let span = tracer
            .span_builder(format!("Client.{}", series.method))
            .with_attributes(attributes::of_flag(series));
        Ok(data.with(SPAN, tracer.build(span)))
    }

    fn after_evaluation(
        &self,
        series: &EvaluationSeriesContext<'_>,
        mut data: SeriesData,
        detail: &Detail<Value>,
    ) -> Result<SeriesData, HookError> {
        // Ended before the event is added, so that the event never goes to the evaluation's span.
        if let Some(mut span) = data.remove::<BoxedSpan>(SPAN) {
            span.end();
        }
        Context::map_current(|context| {
            let active = context.span();
            if active.is_recording() {
                let set = self.environment_id.as_ref().or(series.environment_id);
                active.add_event(
                    "feature_flag",
                    attributes::of_result(series, detail, self.include_value, set),
                );
            }
        });
        Ok(data)
    }
}

/// Builder of a [`TracingHook`].
///
/// ```
/// use vexil::Client;
/// use vexil_otel::TracingHook;
/// use vexil_testing::TestData;
///
/// // Spans show the time that evaluations wait for a big-segment store.
/// let hook = TracingHook::builder().add_spans(true).include_value(true).build();
/// let client = Client::builder("sdk-key").data_source(TestData::new()).hook(hook).start()?;
/// # assert!(client.is_initialized());
/// # Ok::<(), vexil::config::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct TracingHookBuilder(TracingHook);

impl TracingHookBuilder {
    /// Sets whether each evaluation has a span, which is a child of the active span, or a root if
    /// there is none. Spans are created by the global tracer provider. Default: `false`.
    ///
    /// ```
    /// use vexil_otel::TracingHook;
    ///
    /// let hook = TracingHook::builder().add_spans(true).build();
    /// assert!(format!("{hook:?}").contains("add_spans: true"));
    /// ```
    #[must_use]
    pub fn add_spans(mut self, add: bool) -> Self {
        self.0.add_spans = add;
        self
    }

    /// Sets whether events contain the flag's value, as JSON text. Values may be large, or too
    /// sensitive for traces. Default: `false`.
    ///
    /// ```
    /// use vexil_otel::TracingHook;
    ///
    /// let hook = TracingHook::builder().include_value(true).build();
    /// assert!(format!("{hook:?}").contains("include_value: true"));
    /// ```
    #[must_use]
    pub fn include_value(mut self, include: bool) -> Self {
        self.0.include_value = include;
        self
    }

    /// Sets the environment of the flags, which takes precedence over the one sent by the service.
    /// An empty id is ignored with a warning. Default: the environment sent by the service, if any.
    ///
    /// ```
    /// use vexil_otel::TracingHook;
    ///
    /// let hook = TracingHook::builder().environment_id("64f8a1c2e3b4d5f6a7b8c9d0").build();
    /// assert!(format!("{hook:?}").contains("64f8a1c2e3b4d5f6a7b8c9d0"));
    /// ```
    #[must_use]
    pub fn environment_id(mut self, id: impl Into<Text>) -> Self {
        let id = id.into();
        if id.is_empty() {
            tracing::warn!("the environment id for traces is empty, using the one of the service");
        }
        self.0.environment_id = Some(id).filter(|id| !id.is_empty());
        self
    }

    /// Returns the hook.
    #[must_use]
    pub fn build(self) -> TracingHook {
        self.0
    }
}
