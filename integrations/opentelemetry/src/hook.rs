//! [`TracingHook`] and its builder.

use opentelemetry::global::{self, BoxedSpan};
use opentelemetry::trace::{Span, TraceContextExt, Tracer};
use opentelemetry::{Context, InstrumentationScope};
use vexil::eval::Detail;
use vexil::hooks::{EvaluationSeriesContext, Hook, HookError, HookMetadata, SeriesData};
use vexil::{Text, Value};

use crate::attributes;

/// Under this name the hook remembers the span of an evaluation.
const SPAN: &str = "span";

/// Adds an event for each evaluation to the active span, and makes a span of each evaluation if
/// wanted.
///
/// The [crate documentation](crate) tells what the trace holds, and which span is the active one.
///
/// ```
/// use vexil::Client;
/// use vexil_otel::TracingHook;
///
/// let hook = TracingHook::builder().include_value(true).environment_id("64f8a1c2e3b4d5f6a7b8c9d0").build();
/// let client = Client::builder("sdk-key").offline(true).hook(hook).start()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct TracingHook {
    add_spans: bool,
    include_value: bool,
    environment_id: Option<Text>,
}

impl TracingHook {
    /// A hook with all settings as they are by default: events without values, no spans.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts from the defaults.
    #[must_use]
    pub fn builder() -> TracingHookBuilder {
        TracingHookBuilder::default()
    }
}

impl Hook for TracingHook {
    fn metadata(&self) -> HookMetadata {
        HookMetadata::new("OpenTelemetry tracing")
    }

    /// Starts the evaluation's span, if wanted. It does not become the active one: an awaiting door
    /// may go on with its evaluation on another thread, and the active span is a matter of one
    /// thread.
    fn before_evaluation(
        &self,
        series: &EvaluationSeriesContext<'_>,
        data: SeriesData,
    ) -> Result<SeriesData, HookError> {
        if !self.add_spans {
            return Ok(data);
        }
        // Asked for each time: until the application has set its tracer provider, the global one
        // makes no spans.
        let scope = InstrumentationScope::builder(env!("CARGO_PKG_NAME"))
            .with_version(env!("CARGO_PKG_VERSION"));
        let tracer = global::tracer_with_scope(scope.build());
        let span = tracer
            .span_builder(format!("Client.{}", series.method))
            .with_attributes(attributes::question(series));
        Ok(data.with(SPAN, tracer.build(span)))
    }

    fn after_evaluation(
        &self,
        series: &EvaluationSeriesContext<'_>,
        mut data: SeriesData,
        detail: &Detail<Value>,
    ) -> Result<SeriesData, HookError> {
        // Before the event is added, so that this never goes to the evaluation's own span.
        if let Some(mut span) = data.remove::<BoxedSpan>(SPAN) {
            span.end();
        }
        Context::map_current(|context| {
            let active = context.span();
            if active.is_recording() {
                let set = self.environment_id.as_ref().or(series.environment_id);
                active.add_event(
                    "feature_flag",
                    attributes::answer(series, detail, self.include_value, set),
                );
            }
        });
        Ok(data)
    }
}

/// Builds a [`TracingHook`].
#[derive(Clone, Debug, Default)]
pub struct TracingHookBuilder(TracingHook);

impl TracingHookBuilder {
    /// Whether each evaluation is a span of its own, a child of the active one, or a root if there
    /// is none. It is made by the global tracer provider. Default: `false`.
    #[must_use]
    pub fn add_spans(mut self, add: bool) -> Self {
        self.0.add_spans = add;
        self
    }

    /// Whether events hold the flag's value, as JSON text. Values may be large, and not meant for
    /// everyone who reads traces. Default: `false`.
    #[must_use]
    pub fn include_value(mut self, include: bool) -> Self {
        self.0.include_value = include;
        self
    }

    /// Sets the environment that the flags are from, which comes before the one that the service
    /// names. An empty one counts as none, with a warning. Default: what the service says, if it
    /// does.
    #[must_use]
    pub fn environment_id(mut self, id: impl Into<Text>) -> Self {
        let id = id.into();
        if id.is_empty() {
            tracing::warn!("the environment id for traces is empty; the service's is used");
        }
        self.0.environment_id = Some(id).filter(|id| !id.is_empty());
        self
    }

    /// Finishes the hook.
    #[must_use]
    pub fn build(self) -> TracingHook {
        self.0
    }
}
