//! What evaluations leave in traces, by an exporter in memory. "OTEL" is the vendor's specification
//! of its OpenTelemetry integration, "conventions" are OpenTelemetry's semantic conventions for
//! feature flags.
#![cfg(test)]

mod events;
mod hook;
mod spans;
mod support;
mod tracing_layer;
