//! An independent, LaunchDarkly-compatible server-side feature-flag SDK in which every part can be
//! replaced.
//!
//! A [`Client`] evaluates flags for a [`Context`]. It is started once, shared by all threads, and
//! kept up to date by a data source. An evaluation reads an immutable snapshot, without a lock or
//! an allocation.
//!
//! ```
//! use std::sync::Arc;
//! use vexil::data_source::{DataSink, DataSource, DataSourceError};
//! use vexil::model::DataSet;
//! use vexil::{Client, Context};
//!
//! /// Flags that are compiled in. Real programs stream them, read them from files
//! /// (`vexil-file-data`) or, in tests, build them (`vexil-testing`).
//! #[derive(Clone, Debug)]
//! struct Compiled;
//!
//! #[vexil::async_trait]
//! impl DataSource for Compiled {
//!     async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
//!         let flags = br#"{"flags": {"theme": {"on": true, "variations": ["light", "dark"],
//!             "rules": [{"clauses": [{"attribute": "country", "op": "in", "values": ["GB"]}], "variation": 1}],
//!             "fallthrough": {"variation": 0}}}}"#;
//!         sink.init(DataSet::from_json(flags).map_err(DataSourceError::invalid_data)?)
//!             .await
//!             .map_err(DataSourceError::store)
//!     }
//! }
//!
//! let client = Client::builder("sdk-key").data_source(Compiled).without_events().start()?;
//! let ada = Context::builder("ada").set("country", "GB").build()?;
//! assert_eq!(client.str_variation("theme", &ada, "light"), "dark");
//!
//! let detail = client.variation_detail("theme", &ada, "light");
//! assert_eq!(detail.reason.to_string(), "matched rule 0");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Where to look
//!
//! | for | see |
//! | --- | --- |
//! | evaluating flags | [`Client`], [`client`], [`eval::Reason`] |
//! | several flags at one moment | [`Client::scope`], [`Scope`] |
//! | why a flag has its value | [`Client::explain`], [`explain`] |
//! | flags as the fields of a struct | [`Flags`], [`flags`] |
//! | contexts | [`Context`], [`ContextBuilder`], [`Reference`] |
//! | settings | [`ClientBuilder`], [`config`] |
//! | several data sources with failover | [`config::DataSystem`] |
//! | a custom data source | [`data_source`] |
//! | a custom store | [`store`] |
//! | changes of flags | [`Client::flag_tracker`] |
//! | code around evaluations | [`hooks`], [`client::Plugin`] |
//! | moving from one system to another | [`migration`] |
//! | the client's status | [`Client::data_source_status`], [`status`] |
//! | numbers for a dashboard | the feature `metrics` |
//! | the end of a process, and forked processes | [`Client`], [`Client::close_on_drop`] |
//! | one client for the process | [`global`] |
//!
//! # Features
//!
//! Those marked as a default are on, unless the application sets `default-features = false`.
//!
//! - `http` (default): streaming, polling and events over HTTP. Without it, no HTTP crate is
//!   linked.
//! - `tls-aws-lc-rs` (default): `https`, with rustls and the crypto provider aws-lc-rs, which most
//!   crates that use rustls enable by default.
//! - `tls-ring`: `https`, with rustls and the crypto provider ring. Use it in programs in which
//!   every crate uses ring: if both providers are linked, rustls panics in crates that rely on its
//!   choice. Also turn off the default features, here and in `vexil-redis` and `vexil-dynamodb`.
//! - `tls`: `https`, with rustls and no provider. The application installs a process default, or
//!   passes a configuration to [`HttpConfig::rustls_config`](config::HttpConfig). A process default
//!   also overrides the providers of the two features above.
//! - `derive`: `#[derive(Flags)]`, see [`Flags`].
//! - `metrics`: numbers for a dashboard, for the recorder of the crate `metrics` that the application
//!   has installed: the state of the data, evaluations by result, failures of hooks, the fate of
//!   events. `docs/guide/metrics.md` lists them. Without it, nothing is counted.
//! - `float-roundtrip` (default): JSON numbers parse to the nearest float, in the whole binary.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod big_segments;
#[doc(hidden)]
pub mod bounds;
pub mod client;
pub mod config;
mod daemon;
pub mod data_source;
mod data_system;
mod drop_log;
mod error_chain;
pub mod eval;
pub mod events;
pub mod flags;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod global;
pub mod hooks;
#[cfg(feature = "http")]
mod http;
mod meter;
pub mod migration;
mod moment;
mod per_process;
#[cfg(any(feature = "http", feature = "metrics"))]
mod per_thread;
mod runtime;
mod shards;
mod single_flight;
mod sink;
pub mod status;
pub mod store;
mod store_error;
mod sync;
#[cfg(feature = "tls")]
pub mod tls;
mod url_text;
mod watchdog;

#[cfg(feature = "http")]
pub use self::http::transport;
/// The name of the SDK for the service and for plugins.
const SDK_NAME: &str = "VexilRust";

/// The version of this crate, which the service and plugins receive.
///
/// ```
/// let report = format!("flags by vexil {}", vexil::VERSION);
/// assert!(vexil::VERSION.split('.').count() >= 3, "{report}");
/// ```
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

pub use async_trait::async_trait;
pub use client::{Client, ClientBuilder, Scope};
pub use flags::Flags;
pub use per_process::PerProcess;
pub use sink::{FlagChange, ListenerId};
pub use status::Subscription;
#[cfg(feature = "derive")]
pub use vexil_derive::Flags;
pub use vexil_eval::{
    Array, Context, ContextBuilder, ContextError, MultiContextBuilder, Number, Object, Reference,
    ReferenceError, Text, Value,
};
pub use vexil_eval::{explain, json, model};
