//! The transport, server-sent events, backoff and the service's payloads. Compiled with the feature
//! `http` only.

pub(crate) mod backoff;
pub(crate) mod sse;
pub mod transport;
pub(crate) mod wire;
