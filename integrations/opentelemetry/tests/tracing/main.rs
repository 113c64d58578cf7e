//! Traces of evaluations, recorded by an in-memory exporter. "OTEL" is the vendor's specification
//! of its OpenTelemetry integration; "conventions" are OpenTelemetry's semantic conventions for
//! feature flags.
#![cfg(test)]

mod conformance;
mod events;
mod hook;
mod spans;
mod support;
mod tracing_layer;
