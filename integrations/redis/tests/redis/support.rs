//! Helpers of the tests.

use std::error::Error;
use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tracing::Level;
use tracing::subscriber::DefaultGuard;
use vexil::Text;
use vexil::model::DataKind;
use vexil::store::{Collection, StoreError, StoredItem};
use vexil_redis::{RedisConnection, RedisConnectionBuilder, RedisDataStore, RedisStoreBuilder};
use vexil_testing::servers::{RedisReply, RedisServer, redis_url};

/// Longer than any operation takes, even on a busy machine. A sentinel that finds its machine
/// overloaded does nothing for 30 s.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(120);

/// A prefix that no other test uses.
pub(crate) fn unique_prefix() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!(
        "vexil:{}:{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}

/// A connection with timeouts long enough for a busy machine, for tests of anything else.
pub(crate) fn connection_builder() -> RedisConnectionBuilder {
    RedisConnection::builder()
        .connect_timeout(TIMEOUT)
        .read_timeout(TIMEOUT)
        .bulk_timeout(TIMEOUT)
        .probe_timeout(TIMEOUT)
}

/// A store on its own connection with such timeouts.
pub(crate) fn store_builder(url: impl Into<String>) -> RedisStoreBuilder<RedisDataStore> {
    let connection = connection_builder().url(url).build().unwrap();
    RedisDataStore::builder().connection(&connection)
}

/// A store on the server that tests share, with its own prefix.
pub(crate) fn shared_store() -> RedisDataStore {
    store_builder(redis_url().unwrap())
        .prefix(unique_prefix())
        .build()
        .unwrap()
}

/// A store on the test's own server, with the default prefix.
pub(crate) fn store_on(server: &RedisServer) -> RedisDataStore {
    store_builder(server.url()).build().unwrap()
}

/// An item as the SDK passes it to a store.
pub(crate) fn item(key: &str, version: u64) -> StoredItem {
    StoredItem::new(format!(
        r#"{{"key":"{key}", "version":{version},"unknown":["é"]}}"#
    ))
    .with_version(version)
}

/// Flags and segments with these keys, in version 1.
pub(crate) fn data(flags: &[&str], segments: &[&str]) -> [Collection; 2] {
    let items = |keys: &[&str]| {
        keys.iter()
            .map(|key| (Text::from(*key), item(key, 1)))
            .collect()
    };
    [
        Collection::new(DataKind::Segment, items(segments)),
        Collection::new(DataKind::Flag, items(flags)),
    ]
}

/// The keys of a collection, in order.
pub(crate) fn keys(items: &[(Text, StoredItem)]) -> Vec<&str> {
    let mut keys: Vec<&str> = items.iter().map(|(key, _)| key.as_str()).collect();
    keys.sort_unstable();
    keys
}

/// The server's reply as text.
pub(crate) fn text(server: &RedisServer, command: &[&str]) -> Option<String> {
    server.command(command).unwrap().text()
}

/// The server's reply as a number.
pub(crate) fn number(server: &RedisServer, command: &[&str]) -> i64 {
    match server.command(command).unwrap() {
        RedisReply::Integer(number) => number,
        other => panic!("{command:?}: {other:?}"),
    }
}

/// A line of `INFO`.
pub(crate) fn info(server: &RedisServer, name: &str) -> String {
    let info = text(server, &["INFO", "everything"]).unwrap();
    let line = info
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("{name} in {info}"))
        .to_owned()
}

/// The number of clients of a server, except the test's own connection.
pub(crate) fn clients(server: &RedisServer) -> usize {
    let own = format!("id={} ", number(server, &["CLIENT", "ID"]));
    let list = text(server, &["CLIENT", "LIST", "TYPE", "normal"]).unwrap();
    list.lines().filter(|line| !line.starts_with(&own)).count()
}

/// Waits until the condition holds.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < TIMEOUT, "never: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// An error and all its sources.
pub(crate) fn chain(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

/// The log of this thread while the guard lives.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Captures the log until the guard is dropped.
    pub(crate) fn start() -> (Self, DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_max_level(Level::TRACE)
            .with_writer(move || writer.clone())
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    /// The lines so far: time, level, module, message.
    pub(crate) fn lines(&self) -> Vec<String> {
        String::from_utf8(self.0.lock().unwrap().clone())
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect()
    }

    /// The number of lines that contain all these words.
    pub(crate) fn count(&self, words: &[&str]) -> usize {
        self.lines()
            .iter()
            .filter(|line| words.iter().all(|word| line.contains(word)))
            .count()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
