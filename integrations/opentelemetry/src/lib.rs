//! Feature-flag evaluations in [OpenTelemetry] traces, for the [`vexil`] SDK.
//!
//! With a [`TracingHook`] the trace of a request tells which flags were evaluated on the way and
//! how they came out, so that a change of latency or errors can be laid beside a change of a flag.
//! It is for traces alone: it makes no metrics and no log records.
//!
//! ```
//! use opentelemetry::trace::{Tracer, TracerProvider, mark_span_as_active};
//! use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
//! use vexil::{Client, Context};
//! use vexil_otel::TracingHook;
//! use vexil_testing::TestData;
//!
//! // What an application has anyway, here with an exporter that keeps spans in memory.
//! let exporter = InMemorySpanExporter::default();
//! let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
//!
//! let flags = TestData::new().with("new-checkout", true);
//! let client = Client::builder("sdk-key").data_source(flags).hook(TracingHook::new()).start()?;
//!
//! let request = provider.tracer("shop").start("GET /checkout");
//! {
//!     let _request = mark_span_as_active(request);
//!     assert!(client.bool_variation("new-checkout", &Context::new("ada")?, false));
//! }
//! let [request] = &exporter.get_finished_spans()?[..] else { panic!("one span") };
//! assert_eq!(request.events[0].name, "feature_flag");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is in the trace
//!
//! Each evaluation adds an event called `feature_flag` to the span that is active when the
//! evaluation ends; without one that records, nothing happens. Names are those of OpenTelemetry's
//! semantic conventions for feature flags; the two that those do not have are the ones of the
//! vendor's SDKs.
//!
//! | attribute | value |
//! | --- | --- |
//! | `feature_flag.key` | the flag's key |
//! | `feature_flag.provider.name` | `LaunchDarkly` |
//! | `feature_flag.context.id` | the context's [fully qualified key]; not for an invalid context |
//! | `feature_flag.result.variant` | the variation's index as a string, unless the default was given |
//! | `feature_flag.result.variationIndex` | the same as a number |
//! | `feature_flag.result.reason` | `targeting_match`, `default`, `split`, `disabled`, `prerequisite_failed` or `error` |
//! | `feature_flag.result.reason.inExperiment` | `true`, if the context takes part in an experiment |
//! | `feature_flag.result.value` | the value as JSON text, if [asked for](TracingHookBuilder::include_value) |
//! | `feature_flag.set.id` | the environment, if it is [set](TracingHookBuilder::environment_id) or the service has named it |
//! | `error.type` | `flag_not_found`, `type_mismatch`, `provider_not_ready`, `parse_error`, `targeting_key_missing`, `invalid_context` or `general`, if the default was given because of an error |
//!
//! So the trace holds the keys of contexts, but none of their other attributes.
//!
//! With [`TracingHookBuilder::add_spans`], each evaluation also is a span of its own,
//! `Client.variation`, `Client.variation_detail` or `Client.migration_variation`, with the key of
//! the flag and the context's. It is for evaluations that wait: for big segments, or for a store
//! without a cache.
//!
//! # The active span
//!
//! The hook takes the active span from the current OpenTelemetry context of the thread. In `async` code, a future has to
//! bring its context along when it is polled, with [`FutureExt::with_context`], whichever door of the client it uses.
//!
//! **With [`tracing`] and `tracing-opentelemetry`** nothing else is needed: a `tracing` span that
//! is entered, by `in_scope`, `#[instrument]` or `Instrument`, makes its OpenTelemetry span the
//! current one. Unless the layer is told not to, by `with_context_activation(false)`: then the hook
//! finds no span.
//!
//! The application and this crate have to use the same version of the crate `opentelemetry`, 0.33
//! (with which `tracing-opentelemetry` 0.34 goes): two versions know nothing of each other's spans.
//! `cargo tree -d` shows whether there are two.
//!
//! [OpenTelemetry]: https://opentelemetry.io
//! [fully qualified key]: vexil::Context::fully_qualified_key
//! [`FutureExt::with_context`]: opentelemetry::trace::FutureExt::with_context

mod attributes;
mod hook;

pub use hook::{TracingHook, TracingHookBuilder};
