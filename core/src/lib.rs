//! An independent, LaunchDarkly-compatible server-side feature-flag SDK in which every part can be replaced.

pub mod client;
pub mod config;
mod context;
pub mod data_source;
pub mod eval;
pub mod global;
pub mod migration;
pub mod model;
mod runtime;
pub mod status;
pub mod store;
mod text;
mod update;
mod value;

pub use async_trait::async_trait;
pub use client::{Client, ClientBuilder};
pub use context::{Context, ContextBuilder, ContextError, MultiContextBuilder, Reference, ReferenceError};
pub use status::Subscription;
pub use text::Text;
pub use update::{FlagChange, ListenerId};
pub use value::{Number, Object, Value};
