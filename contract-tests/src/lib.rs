//! The test service with which the field's contract tests drive vexil.
//!
//! The tests (`sdk-test-harness`) are a separate program. It replaces the flag service, commands
//! this service over HTTP to create and call clients, and checks the results. This crate contains
//! no expected results: each command is one call of the SDK, and its result is returned unchanged.
//!
//! ```text
//! service        the routes, and the clients by id
//!   capabilities the capabilities declared to the harness
//!   test_client  one client: started from its configuration, called by commands, closed
//!     client_config  configuration → ClientBuilder
//!       common_name   TLS to the harness
//!       hook     hooks that report their stages to the harness
//!       big_segments  a store backed by the harness
//!     contexts   the context commands
//!     migration  the migration commands
//!       callback calls to the harness
//!   api          the harness's JSON
//! ```
//!
//! The `README.md` of this package describes how to run the harness.

mod api;
mod api_error;
mod big_segments;
mod callback;
mod capabilities;
mod client_config;
mod common_name;
mod contexts;
mod data_system;
mod hook;
mod listeners;
mod migration;
mod service;
mod test_client;

use vexil::transport::RetryPolicy;

pub use service::serve;

/// Options that override the harness's configuration of clients.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Behaviour of clients after a refusal. The declared capabilities depend on it.
    pub retry_policy: RetryPolicy,
    /// Whether clients use databases in the default mode, which keeps everything in memory, instead
    /// of the cache that the harness requests.
    pub default_store_mode: bool,
}
