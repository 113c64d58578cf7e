//! [`Database`]: a place in a real server, that nobody but one test uses.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use tokio::runtime::Runtime;
use vexil::config::{BigSegmentsConfig, PersistentStoreConfig};
use vexil::model::DataKind;
use vexil::store::PersistentDataStore;

/// How long anything may take, on a machine that is busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// On which tests wait for stores, and stores for their connections.
pub(crate) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// A place for one environment, and how both SDKs and the test itself reach it.
pub(crate) trait Database {
    /// The Rust SDK's store.
    fn store(&self) -> Arc<dyn PersistentDataStore>;

    /// The Rust SDK's store, for a client.
    fn flags(&self) -> PersistentStoreConfig;

    /// The Rust SDK's store of big segments.
    fn big_segments(&self) -> BigSegmentsConfig;

    /// The same place, as `peer.py` takes it.
    fn for_python(&self) -> Json;

    /// Writes an item as somebody else would. The version is for databases that keep it beside the
    /// text.
    fn put(&self, kind: DataKind, key: &str, version: u64, text: &str);

    /// The text of an item, byte for byte.
    fn text(&self, kind: DataKind, key: &str) -> Option<String>;

    /// Writes a marker as a Relay Proxy does.
    fn mark(&self);

    fn has_marker(&self) -> bool;

    /// Writes a context's big segments as a Relay Proxy does.
    fn put_membership(&self, context_hash: &str, included: &[&str], excluded: &[&str]);

    /// Writes when big segments were in step with the service, in milliseconds since 1970.
    fn put_synchronized(&self, time: u64);
}

/// A prefix that no other test has.
pub(crate) fn prefix() -> String {
    static PREFIXES: AtomicU32 = AtomicU32::new(0);
    format!("interop:{}", PREFIXES.fetch_add(1, Ordering::Relaxed))
}

/// Waits until something holds in the database.
#[track_caller]
pub(crate) fn until(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "it never happens: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
