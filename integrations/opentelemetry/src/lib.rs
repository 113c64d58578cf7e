//! Feature-flag evaluations in [OpenTelemetry] traces, for the [`vexil`] SDK.
//!
//! [`TracingHook`] records in the trace of a request which flags were evaluated and with which
//! result, so that changes in latency or errors can be correlated with flag changes. It produces
//! traces only: no metrics and no log records.
//!
//! ```
//! use opentelemetry::trace::{Tracer, TracerProvider, mark_span_as_active};
//! use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
//! use vexil::{Client, Context};
//! use vexil_otel::TracingHook;
//! use vexil_testing::TestData;
//!
//! // The application's tracer provider, here with an exporter that keeps spans in memory.
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
//! # Contents of the trace
//!
//! Each evaluation adds an event named `feature_flag` to the span that is active when the
//! evaluation ends. If no recording span is active, nothing happens. Attribute names are those of
//! OpenTelemetry's semantic conventions for feature flags; two attributes that the conventions lack
//! are named as in the vendor's SDKs.
//!
//! | attribute | value |
//! | --- | --- |
//! | `feature_flag.key` | the flag's key |
//! | `feature_flag.provider.name` | `LaunchDarkly` |
//! | `feature_flag.context.id` | the context's [fully qualified key]; not for an invalid context |
//! | `feature_flag.result.variant` | the variation's index as a string, unless the default was returned |
//! | `feature_flag.result.variationIndex` | the same as a number |
//! | `feature_flag.result.reason` | `targeting_match`, `default`, `split`, `disabled`, `prerequisite_failed` or `error` |
//! | `feature_flag.result.reason.inExperiment` | `true`, if the context is part of an experiment |
//! | `feature_flag.result.value` | the value as JSON text, if [enabled](TracingHookBuilder::include_value) |
//! | `feature_flag.set.id` | the [configured](TracingHookBuilder::environment_id) environment, or the one sent by the service |
//! | `error.type` | `flag_not_found`, `type_mismatch`, `provider_not_ready`, `parse_error`, `targeting_key_missing`, `invalid_context` or `general`, if the default was returned because of an error |
//!
//! The trace contains the keys of contexts, but none of their other attributes.
//!
//! With [`TracingHookBuilder::add_spans`], each evaluation also has a span, named
//! `Client.variation`, `Client.variation_detail` or `Client.migration_variation`, with the keys of
//! the flag and the context. This is useful for evaluations that do I/O: for big segments, or with
//! a store without a cache.
//!
//! # The active span
//!
//! The hook takes the active span from the current OpenTelemetry context of the thread. In `async`
//! code, attach the context to the future with [`FutureExt::with_context`], so that it is current
//! whenever the future is polled. This applies to all methods of the client.
//!
//! **With [`tracing`] and `tracing-opentelemetry`** nothing else is needed: entering a `tracing`
//! span, by `in_scope`, `#[instrument]` or `Instrument`, makes its OpenTelemetry span the current
//! one. With `with_context_activation(false)` the layer does not do this, and the hook finds no
//! span.
//!
//! The application and this crate must use the same version of the crate `opentelemetry`, 0.33
//! (which `tracing-opentelemetry` 0.34 uses): two versions do not share their spans. Run
//! `cargo tree -d` to check for two versions.
//!
//! [OpenTelemetry]: https://opentelemetry.io
//! [fully qualified key]: vexil::Context::fully_qualified_key
//! [`FutureExt::with_context`]: opentelemetry::trace::FutureExt::with_context

mod attributes;
mod hook;

pub use hook::{TracingHook, TracingHookBuilder};

/// Compiles and runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
