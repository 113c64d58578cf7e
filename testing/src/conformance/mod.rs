//! Suites that hold a store to the contract of its seam, in one line.
//!
//! A store author writes a harness, which knows how to reach the database by the side of the store,
//! and names it in a macro. That expands to a test for each clause of the contract, whose name says
//! what does not hold when it fails. So no clause can be forgotten, and a clause that is added
//! later is in force with the next build. The harness speaks to the database itself, because a
//! store shall read what others have written: a Relay Proxy, or another SDK.
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
//! The crate that the macro is used in needs no other dependency for it. Each test has a Tokio
//! runtime of its own, with two worker threads and 16 threads for blocking work, and a deadline of
//! one minute.

mod begin;
pub mod big_segment_store;
mod hold;
mod must;
mod occupy;
pub mod persistent_store;
mod prefix;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use vexil::async_trait;
use vexil::big_segments::BigSegmentStore;
use vexil::model::DataKind;
use vexil::store::{PersistentDataStore, StoredItem};

#[doc(hidden)]
pub use self::hold::hold;

/// What the suite for persistent stores needs to know of a database. It may panic: the test fails
/// then.
///
/// Every test uses prefixes of its own, so tests can share a server. A prefix consists of letters,
/// digits, `-` and `:`; the harness may add to it, such as the braces that keep the keys of a Redis
/// Cluster together.
#[async_trait]
pub trait PersistentStoreHarness: Send + Sync {
    /// A store of the kind that is tested, with what the database has under this prefix. Stores
    /// that are made at several times share nothing but the database.
    async fn store(&self, prefix: &str) -> Arc<dyn PersistentDataStore>;

    /// A store of that kind whose database cannot be reached: at a closed port, or in a folder that
    /// is none.
    async fn unreachable(&self) -> Arc<dyn PersistentDataStore>;

    /// Writes a row as another SDK would, without the store. The row's version is for databases
    /// that keep it beside the text.
    async fn put(&self, prefix: &str, kind: DataKind, key: &str, row: &StoredItem);

    /// Sets the marker of a complete data set as another SDK would, without the store.
    async fn mark(&self, prefix: &str);

    /// Removes everything under this prefix, and nothing under those that it is the beginning of.
    async fn clear(&self, prefix: &str);

    /// For the group `racing`: a store whose upserts do this after they have looked at what is
    /// there, and before they write.
    async fn racing(&self, prefix: &str, meanwhile: Meanwhile) -> Arc<dyn PersistentDataStore> {
        let _ = (prefix, meanwhile);
        unimplemented!(
            "the group `racing` needs a harness that can hold up an upsert between look and write"
        )
    }
}

/// What happens while a store of [`PersistentStoreHarness::racing`] is about to write.
pub type Meanwhile = Box<dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// What the suite for big-segment stores needs to know of a database. It may panic: the test fails
/// then.
///
/// Prefixes are as with [`PersistentStoreHarness`].
#[async_trait]
pub trait BigSegmentStoreHarness: Send + Sync {
    /// A store of the kind that is tested, with what the database has under this prefix.
    async fn store(&self, prefix: &str) -> Arc<dyn BigSegmentStore>;

    /// A store of that kind whose database cannot be reached.
    async fn unreachable(&self) -> Arc<dyn BigSegmentStore>;

    /// Makes these, as a Relay Proxy would, all the segments that are known to include or to
    /// exclude a context. With neither, what is left is what a Relay Proxy leaves when it has
    /// removed the last one.
    async fn set_membership(
        &self,
        prefix: &str,
        context_hash: &str,
        included: &[&str],
        excluded: &[&str],
    );

    /// Writes when big segments were last in step with the service, in milliseconds since 1970.
    async fn set_synchronized(&self, prefix: &str, time: u64);

    /// Removes everything under this prefix, and nothing under those that it is the beginning of.
    async fn clear(&self, prefix: &str);
}
