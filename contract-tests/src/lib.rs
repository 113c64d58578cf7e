//! The service through which the field's contract tests drive vexil.
//!
//! The tests (`sdk-test-harness`) are a program of its own. It takes the place of the flag service,
//! tells this service over HTTP which clients to make and what to ask them, and compares what comes
//! back. Nothing here knows what the right answer is: each command is one call of the SDK, and what
//! the SDK says is passed on as it is.
//!
//! ```text
//! service        the routes, and the clients by number
//!   capabilities what the harness may test
//!   entity       one client: made from its configuration, asked by commands, closed
//!     recipe     configuration → ClientBuilder
//!       common_name   TLS towards the harness
//!       hook     hooks that tell the harness of their stages
//!       big_segments  a store that asks the harness
//!     contexts   the commands about contexts
//!     migration  the commands about migrations
//!       callback the harness as it is told or asked
//!   api          the JSON of the harness
//! ```
//!
//! How to run the harness: see the `README.md` of this package.

mod api;
mod big_segments;
mod callback;
mod capabilities;
mod common_name;
mod contexts;
mod entity;
mod hook;
mod migration;
mod recipe;
mod refusal;
mod service;

use vexil::transport::RetryPolicy;

pub use service::serve;

/// How the clients of a service differ from what the harness asks for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// What clients do when the service refuses them. The capabilities follow it.
    pub retry_policy: RetryPolicy,
    /// Whether clients use databases in the default mode, which keeps everything in memory, instead
    /// of with the cache that the harness asks for.
    pub default_store_mode: bool,
}
