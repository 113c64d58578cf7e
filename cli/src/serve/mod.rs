//! The flag server of `vexil serve`.
//!
//! An `environment` holds layers of items, and publishes a `snapshot` of them after each change. The
//! `listener` accepts connections; `handler` decides who is answered, and passes a request to `sdk`,
//! which answers SDKs, to the `api` of the page, or to the `page`. An open `stream` waits for the next
//! snapshot and sends what has changed. Contents of a source arrive through `contents`, and overrides
//! are kept in an `overrides_file`.

mod api;
mod contents;
mod environment;
mod events;
mod findings;
mod groups;
mod handler;
mod inspection;
mod listener;
mod memberships;
mod metrics;
mod overrides_file;
mod page;
mod sdk;
mod sdks;
mod search;
mod server;
mod snapshot;
mod stream;

pub(crate) use self::contents::Loaded;
pub(crate) use self::environment::{Environment, EnvironmentOptions};
pub(crate) use self::listener::{Listener, serve};
pub(crate) use self::overrides_file::OverridesFile;
pub(crate) use self::server::{Refresh, Server, ServerOptions};

/// Returns the messages of an error and of its sources.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
