//! Test doubles for applications and plug-ins that use [`vexil`].
//!
//! A test passes [`TestData`] to its client as the data source and changes flags through a clone.
//! Clients see a change when the call returns: no waiting, no network, no files.
//!
//! ```
//! use vexil::{Client, Context};
//! use vexil_testing::TestData;
//!
//! let flags = TestData::new().with("banner", "hello").with("new-checkout", false);
//! let client = Client::builder("sdk-key").data_source(flags.clone()).start()?;
//! let ada = Context::new("ada")?;
//! assert_eq!(client.str_variation("banner", &ada, ""), "hello");
//!
//! flags.set("new-checkout", true);
//! assert!(client.bool_variation("new-checkout", &ada, false));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A [`FlagBuilder`] describes flags with targets and rules. For everything the builder does not
//! support (rollouts, other operators, prerequisites), pass the service's JSON to
//! [`TestData::use_preconfigured_flag`]. [`TestData::not_ready`] simulates a service that cannot be
//! reached at the start, and [`TestData::update_status`] the loss of the connection.
//!
//! An [`EventRecorder`] records the events of a client, and asserts what the code under test has
//! evaluated and tracked. A [`HookRecorder`] records the calls of hooks.
//!
//! [`stores`] has in-memory databases with injectable faults, for tests of clients that read flags
//! from a database.
//!
//! [`conformance`] has a suite for each seam of the SDK, which tests an implementation in one line:
//! [`data_source_conformance!`], [`data_store_conformance!`], [`persistent_store_conformance!`],
//! [`big_segment_store_conformance!`], [`event_processor_conformance!`] and [`hook_conformance!`].
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    feature = "http-transport",
    doc = "The suite for HTTP transports is [`transport_conformance!`]."
)]
#![cfg_attr(
    feature = "fake-service",
    doc = "\nTo test the connection itself, or another SDK, use [`FakeService`], the service side of it."
)]
#![cfg_attr(
    all(unix, feature = "servers"),
    doc = "\n[`servers`] starts the real databases that stores are tested against."
)]
#![cfg_attr(
    feature = "fault-proxy",
    doc = "\nA [`FaultProxy`] between a client and a server injects connection faults."
)]
//!
//! # Features
//!
//! - `fake-service` (default): `FakeService`, the service side of the connection, over HTTP and
//!   TLS. Without it, flags are only in memory, and no optional crate is linked.
//! - `tls-aws-lc-rs` (default): the fake service encrypts with aws-lc-rs, and so does `vexil`.
//! - `tls-ring`: the same with ring. Use the provider that `vexil` has.
//! - `http-transport`: `transport_conformance!`, the suite for HTTP transports.
//! - `fault-proxy`: `FaultProxy`, which cuts, delays and corrupts connections to a local server.
//! - `servers`: Redis and DynamoDB Local, started and stopped by a test. On Unix only.
//! - `containers`: the same servers in containers of Docker or Podman, where the programs are not
//!   installed.

#[cfg(any(feature = "fake-service", all(unix, feature = "servers")))]
mod authority;
#[cfg(any(feature = "fake-service", feature = "fault-proxy"))]
mod background;
mod clients;
pub mod conformance;
#[cfg(feature = "fake-service")]
pub mod fake_service;
#[cfg(feature = "fault-proxy")]
pub mod fault_proxy;
mod flag_builder;
mod observed;
#[cfg(any(feature = "fault-proxy", all(unix, feature = "servers")))]
mod ports;
mod preconfigured;
mod recorders;
mod rule_builder;
#[cfg(all(unix, feature = "servers"))]
pub mod servers;
mod state;
pub mod stores;
mod test_data;
mod variation;
mod wait;
mod waiting;

#[cfg(feature = "fake-service")]
pub use fake_service::FakeService;
#[cfg(feature = "fault-proxy")]
pub use fault_proxy::FaultProxy;
pub use flag_builder::FlagBuilder;
pub use preconfigured::{Preconfigured, PreconfiguredError};
pub use recorders::{
    EventFilter, EventKind, EventRecorder, HookRecorder, RecordedCustom, RecordedEvaluation,
    RecordedEvent, RecordedSeries, RecordedStage,
};
pub use rule_builder::RuleBuilder;
pub use stores::{
    MemoryBigSegmentStore, MemoryDatabase, MemoryPersistentStore, StoreCalls, StoreFault,
    StoreMethod, StoreWrite,
};
pub use test_data::TestData;
pub use variation::Variation;
pub use waiting::{TimedOut, Waiting};

/// Compiles and runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
