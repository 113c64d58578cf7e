//! Flags under a test's control, for applications and plug-ins that use [`vexil`].
//!
//! A test gives its client [`TestData`] in place of a connection to the service, and keeps a clone
//! to change flags with. Clients see a change when the call returns: there is nothing to wait for,
//! no network and no file.
//!
//! ```
//! use vexil::{Client, Context};
//! use vexil_testing::TestData;
//!
//! let flags = TestData::new().with("banner", "hello").with("new-checkout", false);
//! let client = Client::builder("sdk-key").data_source(flags.clone()).start()?;
//! let ada = Context::new("ada")?;
//! assert_eq!(client.string_variation("banner", &ada, ""), "hello");
//!
//! flags.set("new-checkout", true);
//! assert!(client.bool_variation("new-checkout", &ada, false));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A flag that is not the same for everyone comes from a [`FlagBuilder`]: targets and rules. What
//! the builder does not know (rollouts, other operators, prerequisites) comes from the JSON of the
//! service, with
//! [`TestData::use_preconfigured_flag`]. How an application takes it when the connection is lost shows
//! [`TestData::update_status`].
//!
//! Where flags come from a database, [`stores`] has one in memory, whose faults are the test's, too. Who writes a store
//! has it tested by [`persistent_store_conformance!`] or [`big_segment_store_conformance!`]; see [`conformance`].
#![cfg_attr(
    feature = "fake-service",
    doc = "\nWhere the connection itself is to be tested, or another SDK, [`FakeService`] is the other end of it."
)]
#![cfg_attr(
    all(unix, feature = "servers"),
    doc = "\nA store is tested against the database that it is for, and [`servers`] starts that."
)]
#![cfg_attr(
    feature = "fault-proxy",
    doc = "\nA [`FaultProxy`] between a client and a server breaks their connections."
)]

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
#[cfg(any(feature = "fake-service", feature = "fault-proxy"))]
mod waiting;

#[cfg(feature = "fake-service")]
pub use fake_service::FakeService;
#[cfg(feature = "fault-proxy")]
pub use fault_proxy::FaultProxy;
pub use flag_builder::FlagBuilder;
pub use preconfigured::{Preconfigured, PreconfiguredError};
pub use recorders::{
    EventRecorder, HookRecorder, RecordedEvaluation, RecordedEvent, RecordedSeries, RecordedStage,
};
pub use rule_builder::RuleBuilder;
pub use stores::{
    MemoryBigSegmentStore, MemoryDatabase, MemoryPersistentStore, StoreCalls, StoreFault,
    StoreMethod, StoreWrite,
};
pub use test_data::TestData;
pub use variation::Variation;
