//! [`DataStoreHarness`]: creates the stores of the suite for data stores.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use vexil::async_trait;
use vexil::model::DataKind;
use vexil::store::DataStore;

use crate::conformance::eventually::TIMEOUT;
use crate::conformance::lacks::lacks;

/// Creates the stores of the suite for data stores. Methods may panic, which fails the test.
#[async_trait]
pub trait DataStoreHarness: Send + Sync {
    /// Creates an empty store under test. The harness keeps no other handle to it. Stores created
    /// by different calls share nothing.
    async fn store(&self) -> Arc<dyn DataStore>;

    /// For the group `failures`: creates a store whose backend is unreachable.
    async fn unreachable(&self) -> Arc<dyn DataStore> {
        lacks("failures", "creates an unreachable store")
    }

    /// For the group `json`: returns the text of an item that the store created last has written to
    /// its backend. Called after the store was closed.
    async fn written_json(&self, kind: DataKind, key: &str) -> Option<Bytes> {
        let _ = (kind, key);
        lacks("json", "reads the backend")
    }

    /// Returns how long a clause waits for what must happen. Default: 20 seconds.
    fn timeout(&self) -> Duration {
        TIMEOUT
    }
}
