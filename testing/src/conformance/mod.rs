//! Conformance suites for implementations of the SDK's seams, in one line.
//!
//! An implementor writes a harness, which creates the component under test and observes it from
//! outside, and names it in a macro. The macro expands to a test for each clause of the contract,
//! with a name that describes the failure. So no clause can be forgotten, and a clause added later
//! takes effect with the next build. Clauses are grouped; a harness with optional methods can be
//! tested with further groups.
//!
//! | seam | macro | harness |
//! | --- | --- | --- |
//! | [`PersistentDataStore`] | [`persistent_store_conformance!`](crate::persistent_store_conformance) | [`PersistentStoreHarness`] |
//! | [`BigSegmentStore`] | [`big_segment_store_conformance!`](crate::big_segment_store_conformance) | [`BigSegmentStoreHarness`] |
//! | [`DataStore`](vexil::store::DataStore) | [`data_store_conformance!`](crate::data_store_conformance) | [`DataStoreHarness`] |
//! | [`DataSource`](vexil::data_source::DataSource) | [`data_source_conformance!`](crate::data_source_conformance) | [`DataSourceHarness`] |
//! | [`EventProcessor`](vexil::events::EventProcessor) | [`event_processor_conformance!`](crate::event_processor_conformance) | [`EventProcessorHarness`] |
//! | [`Hook`](vexil::hooks::Hook) | [`hook_conformance!`](crate::hook_conformance) | [`HookHarness`] |
//! | `HttpTransport`, with the feature `http-transport` | `transport_conformance!` | `TransportHarness` |
//!
//! A component that is created from a configuration gets its context from [`client_context`].
//!
//! For example, the suite for persistent stores. Its harness accesses the database directly because
//! a store must read the data of other writers: a Relay Proxy, or another SDK.
//!
//! ```
//! use std::sync::Arc;
//! use vexil::async_trait;
//! use vexil::model::DataKind;
//! use vexil::store::{PersistentDataStore, StoredItem};
//! use vexil_testing::conformance::PersistentStoreHarness;
//! use vexil_testing::{MemoryDatabase, MemoryPersistentStore, StoreFault};
//!
//! /// A new database for each test.
//! #[derive(Default)]
//! struct Harness(MemoryDatabase);
//!
//! #[async_trait]
//! impl PersistentStoreHarness for Harness {
//!     async fn store(&self, prefix: &str) -> Arc<dyn PersistentDataStore> {
//!         Arc::new(MemoryPersistentStore::attached(&self.0, prefix))
//!     }
//!     async fn unreachable(&self) -> Arc<dyn PersistentDataStore> {
//!         let store = MemoryPersistentStore::new();
//!         store.calls().fault_all(StoreFault::Fail);
//!         Arc::new(store)
//!     }
//!     async fn put(&self, prefix: &str, kind: DataKind, key: &str, row: &StoredItem) {
//!         self.0.put(prefix, kind, key, row.clone());
//!     }
//!     async fn mark(&self, prefix: &str) {
//!         self.0.set_initialized(prefix, true);
//!     }
//!     async fn clear(&self, prefix: &str) {
//!         self.0.clear(prefix);
//!     }
//! }
//!
//! vexil_testing::persistent_store_conformance!(Harness::default());
//! # fn main() {}
//! ```
//!
//! The crate that invokes the macro needs no further dependency. Each test has its own Tokio
//! runtime, with two worker threads and 16 threads for blocking work, and a timeout of one minute.

mod begin;
pub mod big_segment_store;
mod context;
pub mod data_source;
pub mod data_store;
pub mod event_processor;
mod eventually;
mod hold;
pub mod hook;
mod lacks;
mod must;
mod occupy;
pub mod persistent_store;
mod prefix;
#[cfg(feature = "http-transport")]
pub mod transport;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use vexil::async_trait;
use vexil::big_segments::BigSegmentStore;
use vexil::model::DataKind;
use vexil::store::{PersistentDataStore, StoredItem};

pub use self::context::client_context;
pub use self::data_source::DataSourceHarness;
pub use self::data_store::DataStoreHarness;
pub use self::event_processor::{DeliveredEvents, EventProcessorHarness};
#[doc(hidden)]
pub use self::hold::hold;
pub use self::hook::HookHarness;
use self::lacks::lacks;
#[cfg(feature = "http-transport")]
pub use self::transport::TransportHarness;

/// Access to a database for the suite for persistent stores. Methods may panic, which fails the
/// test.
///
/// Every test uses unique prefixes, so tests can share a server. A prefix consists of letters,
/// digits, `-` and `:`. The harness may extend it, for example with the braces that keep the keys
/// of a Redis Cluster together.
#[async_trait]
pub trait PersistentStoreHarness: Send + Sync {
    /// Creates a store under test for this prefix of the database. Stores created by different
    /// calls share nothing but the database.
    async fn store(&self, prefix: &str) -> Arc<dyn PersistentDataStore>;

    /// Creates a store whose database is unreachable: at a closed port, or in a folder that does
    /// not exist.
    async fn unreachable(&self) -> Arc<dyn PersistentDataStore>;

    /// Writes a row as another SDK would, without the store. The row's version is for databases
    /// that keep it beside the text.
    async fn put(&self, prefix: &str, kind: DataKind, key: &str, row: &StoredItem);

    /// Sets the marker of a complete data set as another SDK would, without the store.
    async fn mark(&self, prefix: &str);

    /// Removes everything under this prefix, but nothing under longer prefixes that start with it.
    async fn clear(&self, prefix: &str);

    /// For the group `racing`: creates a store whose upserts call `meanwhile` after reading the
    /// current row and before writing.
    async fn racing(&self, prefix: &str, meanwhile: Meanwhile) -> Arc<dyn PersistentDataStore> {
        let _ = (prefix, meanwhile);
        lacks("racing", "can suspend an upsert between read and write")
    }
}

/// A write by another process, called while a store of [`PersistentStoreHarness::racing`] is about
/// to write.
pub type Meanwhile = Box<dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// Access to a database for the suite for big-segment stores. Methods may panic, which fails the
/// test.
///
/// Prefixes are as in [`PersistentStoreHarness`].
#[async_trait]
pub trait BigSegmentStoreHarness: Send + Sync {
    /// Creates a store under test for this prefix of the database.
    async fn store(&self, prefix: &str) -> Arc<dyn BigSegmentStore>;

    /// Creates a store whose database is unreachable.
    async fn unreachable(&self) -> Arc<dyn BigSegmentStore>;

    /// Sets all segments that include or exclude a context, as a Relay Proxy would. If both are
    /// empty, writes the record that a Relay Proxy leaves after it has removed the last one.
    async fn set_membership(
        &self,
        prefix: &str,
        context_hash: &str,
        included: &[&str],
        excluded: &[&str],
    );

    /// Writes when big segments were last synchronized with the service, in milliseconds since
    /// 1970.
    async fn set_synchronized(&self, prefix: &str, time: u64);

    /// Removes everything under this prefix, but nothing under longer prefixes that start with it.
    async fn clear(&self, prefix: &str);
}
