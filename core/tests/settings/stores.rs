//! The settings of databases and of big segments.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;
use tokio::runtime::Handle;
use tokio::time::sleep;
use vexil::big_segments::BigSegmentStore;
use vexil::config::{BigSegmentsConfig, PersistentStoreConfig};
use vexil::data_source::DataSourceState;
use vexil::eval::Membership;
use vexil::model::DataKind;
use vexil::store::{
    CacheMode, Collection, PersistentDataStore, StoreError, StoredItem, WriteOutcome,
};
use vexil::{Client, ClientBuilder, Text, async_trait};

use crate::support::{Fixed, SOON, ada, rule_for_segment, serving};
use crate::{MOST_ROUNDS, SIZES, TIMES, WINDOW};

/// A database with one flag. After too many calls it no longer responds, so that the test ends.
#[derive(Debug, Default)]
struct Database {
    calls: AtomicU64,
    suggested: Duration,
    /// Whether the marker is missing, so that a client waits for it.
    is_empty: bool,
}

impl Database {
    async fn called(&self) {
        if self.calls.fetch_add(1, Ordering::Relaxed) > 20_000 {
            pending::<()>().await;
        }
    }

    fn flag(&self) -> Option<StoredItem> {
        (!self.is_empty).then(|| StoredItem::new(serving(1, true).to_string()))
    }
}

#[async_trait]
impl PersistentDataStore for Database {
    async fn get(&self, kind: DataKind, key: &str) -> Result<Option<StoredItem>, StoreError> {
        self.called().await;
        Ok(self
            .flag()
            .filter(|_| kind == DataKind::Flag && key == "flag"))
    }

    async fn get_all(&self, kind: DataKind) -> Result<Vec<(Text, StoredItem)>, StoreError> {
        self.called().await;
        Ok(self
            .flag()
            .filter(|_| kind == DataKind::Flag)
            .map(|flag| ("flag".into(), flag))
            .into_iter()
            .collect())
    }

    async fn is_initialized(&self) -> Result<bool, StoreError> {
        self.called().await;
        Ok(!self.is_empty)
    }

    async fn init(&self, _: &[Collection]) -> Result<(), StoreError> {
        self.called().await;
        Ok(())
    }

    async fn upsert(
        &self,
        _: DataKind,
        _: &str,
        _: &StoredItem,
    ) -> Result<WriteOutcome, StoreError> {
        self.called().await;
        Ok(WriteOutcome::Written)
    }

    fn refresh_interval(&self) -> Duration {
        self.suggested
    }
}

fn builder() -> ClientBuilder {
    Client::builder("sdk-key")
        .runtime(Handle::current())
        .without_events()
}

/// The client evaluates its flag, and the database receives a bounded number of rounds of three
/// calls.
async fn works(what: &str, builder: ClientBuilder, database: &Database) {
    let client = builder.start().unwrap();
    client
        .wait_until_ready(SOON)
        .await
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(
        client.variation_async("flag", &ada(), false).await,
        "{what}"
    );
    let before = database.calls.load(Ordering::Relaxed);
    sleep(WINDOW).await;
    let calls = database.calls.load(Ordering::Relaxed) - before;
    assert!(
        calls <= 3 * MOST_ROUNDS,
        "{what}: {calls} calls in {WINDOW:?}"
    );
    assert!(
        client.variation_async("flag", &ada(), false).await,
        "{what}"
    );
    assert_eq!(
        client.data_source_status().status().state,
        DataSourceState::Valid,
        "{what}"
    );
    client.close(SOON).await;
}

#[tokio::test(start_paused = true)]
async fn a_database_is_read_at_a_bounded_rate_whatever_the_interval() {
    for time in TIMES {
        let database = Arc::new(Database::default());
        let config = PersistentStoreConfig::new(Arc::clone(&database)).refresh_interval(time);
        let what = format!("{} of {time:?}", "PersistentStoreConfig::refresh_interval");
        works(&what, builder().daemon_mode(config), &database).await;

        let database = Arc::new(Database {
            suggested: time,
            ..Database::default()
        });
        works(
            &format!("an interval that the store suggests, {time:?}"),
            builder().daemon_mode(Arc::clone(&database)),
            &database,
        )
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_database_without_a_marker_is_queried_at_a_bounded_rate_whatever_the_interval() {
    for time in TIMES {
        let database = Arc::new(Database {
            suggested: time,
            is_empty: true,
            ..Database::default()
        });
        let config = PersistentStoreConfig::new(Arc::clone(&database));
        let client = builder()
            .data_source(crate::support::Silent)
            .data_store(config)
            .start()
            .unwrap();
        sleep(WINDOW).await;
        let calls = database.calls.load(Ordering::Relaxed);
        assert!(
            calls <= 3 * MOST_ROUNDS,
            "{time:?}: {calls} calls in {WINDOW:?}"
        );
        client.close(SOON).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_database_is_reconciled_at_a_bounded_rate_whatever_the_interval() {
    for time in TIMES {
        let database = Arc::new(Database::default());
        let config = PersistentStoreConfig::new(Arc::clone(&database)).reconcile_interval(time);
        let flags = Fixed::new(&json!({"flags": {"flag": serving(1, true)}}));
        let what = format!(
            "{} of {time:?}",
            "PersistentStoreConfig::reconcile_interval"
        );
        works(
            &what,
            builder().data_source(flags).data_store(config),
            &database,
        )
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn items_can_be_cached_for_any_time() {
    for time in TIMES {
        let database = Arc::new(Database::default());
        let config = PersistentStoreConfig::new(Arc::clone(&database)).cache(CacheMode::Ttl(time));
        works(
            &format!("{} of {time:?}", "CacheMode::Ttl"),
            builder().daemon_mode(config),
            &database,
        )
        .await;
    }
}

/// A big-segment store with one context that is a member.
#[derive(Debug, Default)]
struct Memberships {
    calls: AtomicU64,
}

#[async_trait]
impl BigSegmentStore for Memberships {
    async fn membership(&self, _: &str) -> Result<Option<Membership>, StoreError> {
        Ok(Some(Membership::new(["big.g1"], Vec::<&str>::new())))
    }

    async fn last_synchronized(&self) -> Result<Option<u64>, StoreError> {
        if self.calls.fetch_add(1, Ordering::Relaxed) > 20_000 {
            pending::<()>().await;
        }
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_millis();
        Ok(Some(u64::try_from(now).unwrap()))
    }
}

type Sets<T> = fn(BigSegmentsConfig, T) -> BigSegmentsConfig;

const OF_TIMES: &[(&str, Sets<Duration>)] = &[
    (
        "BigSegmentsConfig::context_cache_time",
        BigSegmentsConfig::context_cache_time,
    ),
    (
        "BigSegmentsConfig::status_poll_interval",
        BigSegmentsConfig::status_poll_interval,
    ),
    (
        "BigSegmentsConfig::stale_after",
        BigSegmentsConfig::stale_after,
    ),
];

const OF_SIZES: &[(&str, Sets<usize>)] = &[(
    "BigSegmentsConfig::context_cache_size",
    BigSegmentsConfig::context_cache_size,
)];

#[tokio::test(start_paused = true)]
async fn big_segments_are_watched_at_a_bounded_rate_with_any_setting() {
    for (setting, set) in OF_TIMES {
        for time in TIMES {
            let always_stale =
                *setting == "BigSegmentsConfig::stale_after" && time < Duration::from_secs(1);
            watches(&format!("{setting}({time:?})"), always_stale, |config| {
                set(config, time)
            })
            .await;
        }
    }
    for (setting, set) in OF_SIZES {
        for size in SIZES {
            watches(&format!("{setting}({size})"), false, |config| {
                set(config, size)
            })
            .await;
        }
    }
}

async fn watches(
    what: &str,
    always_stale: bool,
    set: impl FnOnce(BigSegmentsConfig) -> BigSegmentsConfig,
) {
    let segment = json!({"version": 1, "unbounded": true, "generation": 1});
    let mut flag = serving(1, false);
    flag["variations"] = json!([true, false]);
    flag["fallthrough"] = json!({"variation": 1});
    flag["rules"] = rule_for_segment("big", false);
    let data = json!({"flags": {"flag": flag}, "segments": {"big": segment}});
    let store = Arc::new(Memberships::default());
    let config = set(BigSegmentsConfig::new(Arc::clone(&store)));
    let client = builder()
        .data_source(Fixed::new(&data))
        .big_segments(config)
        .start()
        .unwrap();
    for _ in 0..3 {
        assert!(
            client.variation_async("flag", &ada(), false).await,
            "{what}"
        );
    }
    let before = store.calls.load(Ordering::Relaxed);
    sleep(WINDOW).await;
    let calls = store.calls.load(Ordering::Relaxed) - before;
    assert!(calls <= MOST_ROUNDS, "{what}: {calls} calls in {WINDOW:?}");
    let status = client.big_segment_store_status().status().await;
    assert_eq!(
        (status.available, status.stale),
        (true, always_stale),
        "{what}"
    );
    client.close(SOON).await;
}
