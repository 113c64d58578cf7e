//! [`Database`]: one environment in a real database, used by a single test.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use tokio::runtime::Runtime;
use vexil::config::{BigSegmentsConfig, PersistentStoreConfig};
use vexil::model::DataKind;
use vexil::store::PersistentDataStore;

/// A generous timeout, for a busy machine.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);

/// Runs the tests' store calls and the stores' connections.
pub(crate) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// One environment, and the access of both SDKs and of the test to it.
pub(crate) trait Database {
    /// Returns the Rust SDK's store.
    fn store(&self) -> Arc<dyn PersistentDataStore>;

    /// Returns the configuration of the Rust SDK's store, for a client.
    fn flags(&self) -> PersistentStoreConfig;

    /// Returns the configuration of the Rust SDK's big-segment store.
    fn big_segments(&self) -> BigSegmentsConfig;

    /// Returns the same environment as an argument for the peers.
    fn for_peer(&self) -> Json;

    /// Returns the same environment as a target of `vexil mirror`.
    fn for_command_line(&self) -> String;

    /// Writes an item as another SDK would. The version is for databases that keep it beside the
    /// text.
    fn put(&self, kind: DataKind, key: &str, version: u64, text: &str);

    /// Returns the text of an item, byte for byte.
    fn text(&self, kind: DataKind, key: &str) -> Option<String>;

    /// Writes the marker as a Relay Proxy does.
    fn mark(&self);

    fn has_marker(&self) -> bool;

    /// Writes a context's big segments as a Relay Proxy does.
    fn put_membership(&self, context_hash: &str, included: &[&str], excluded: &[&str]);

    /// Writes when big segments were last synchronized, in milliseconds since 1970.
    fn put_synchronized(&self, time: u64);
}

/// Returns a unique prefix.
pub(crate) fn prefix() -> String {
    static PREFIXES: AtomicU32 = AtomicU32::new(0);
    format!("interop:{}", PREFIXES.fetch_add(1, Ordering::Relaxed))
}

/// Waits until a condition holds in the database.
#[track_caller]
pub(crate) fn until(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < TIMEOUT, "timeout: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
