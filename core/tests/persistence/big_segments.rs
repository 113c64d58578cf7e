//! Memberships of big segments (STO-4.4; EVAL-5).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;
use vexil::config::BigSegmentsConfig;
use vexil::status::BigSegmentStoreStatus;
use vexil_testing::{MemoryBigSegmentStore, StoreFault, StoreMethod};

use super::*;
use crate::log::Log;
use crate::support::Fixed;

fn now() -> u64 {
    u64::try_from(
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_millis(),
    )
    .unwrap()
}

/// A flag that returns whether a context belongs to the big segment `big.g2`.
fn data() -> Json {
    let segment = json!({"version": 1, "unbounded": true, "generation": 2,
        "rules": [{"clauses": [{"attribute": "key", "op": "in", "values": ["by-rule"]}]}]});
    let flag = json!({"on": true, "version": 1, "variations": ["in", "out"], "fallthrough": {"variation": 1},
        "rules": support::rule_for_segment("big", false)});
    json!({"flags": {"flag": flag}, "segments": {"big": segment}})
}

/// A client and its big-segment store, which is in sync with the service.
async fn with_big_segments(
    configure: impl FnOnce(BigSegmentsConfig) -> BigSegmentsConfig,
) -> (MemoryDatabase, Arc<MemoryBigSegmentStore>, Client) {
    let database = MemoryDatabase::new();
    let store = Arc::new(MemoryBigSegmentStore::attached(&database, PREFIX));
    database.set_synchronized(PREFIX, Some(now()));
    database.set_membership(PREFIX, "ada", ["big.g2"], []);
    let config = configure(BigSegmentsConfig::new(Arc::clone(&store)));
    let client = started(
        builder()
            .data_source(Fixed::new(&data()))
            .big_segments(config),
    )
    .await;
    (database, store, client)
}

/// The flag's value for a context, and the status of big segments.
async fn value_and_status(client: &Client, key: &str) -> (String, String) {
    let context = vexil::Context::new(key).unwrap();
    let detail = client
        .variation_detail_async("flag", &context, "default")
        .await;
    let reason = serde_json::to_value(&detail.reason).unwrap();
    (
        detail.value.to_string(),
        reason["bigSegmentsStatus"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
    )
}

fn outcome(value: &str, status: &str) -> (String, String) {
    (value.to_owned(), status.to_owned())
}

#[tokio::test(start_paused = true)]
async fn the_store_decides_membership_and_rules_decide_if_it_has_none() {
    let (database, _, client) = with_big_segments(|config| config).await;
    database.set_membership::<&str>(PREFIX, "excluded", [], ["big.g2"]);
    database.set_membership(PREFIX, "older", ["big.g1"], []);
    for (key, value) in [
        ("ada", "in"),
        ("excluded", "out"),
        ("older", "out"),
        ("stranger", "out"),
        ("by-rule", "in"),
    ] {
        assert_eq!(
            value_and_status(&client, key).await,
            outcome(value, "HEALTHY"),
            "{key}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn memberships_and_missing_memberships_are_cached_for_a_time() {
    let (database, store, client) =
        with_big_segments(|config| config.context_cache_time(Duration::from_secs(60))).await;
    for key in ["ada", "stranger"] {
        let before = store.calls().count(StoreMethod::Membership);
        for _ in 0..10 {
            value_and_status(&client, key).await;
        }
        assert_eq!(
            store.calls().count(StoreMethod::Membership),
            before + 1,
            "{key}"
        );
    }
    database.set_membership(PREFIX, "stranger", ["big.g2"], []);
    tokio::time::sleep(Duration::from_secs(59)).await;
    assert_eq!(value_and_status(&client, "stranger").await.0, "out");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(value_and_status(&client, "stranger").await.0, "in");
}

#[tokio::test(start_paused = true)]
async fn the_least_recently_used_context_is_evicted_from_the_cache() {
    let (_, store, client) = with_big_segments(|config| {
        config
            .context_cache_size(2)
            .context_cache_time(Duration::from_secs(3600))
    })
    .await;
    let mut queries = Vec::new();
    for key in ["a", "b", "a", "c", "a", "b", "c"] {
        let before = store.calls().count(StoreMethod::Membership);
        value_and_status(&client, key).await;
        queries.push(store.calls().count(StoreMethod::Membership) - before);
    }
    assert_eq!(queries, [1, 1, 0, 1, 0, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_evaluations_for_one_context_cause_one_query() {
    let (_, store, client) = with_big_segments(|config| config).await;
    store.calls().fault_next(
        StoreMethod::Membership,
        StoreFault::Delay(Duration::from_millis(100)),
    );
    let all: Vec<_> = (0..1_000)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { value_and_status(&client, "ada").await })
        })
        .collect();
    for one in all {
        assert_eq!(one.await.unwrap(), outcome("in", "HEALTHY"));
    }
    assert_eq!(store.calls().count(StoreMethod::Membership), 1);
}

// STO-F33
#[tokio::test(start_paused = true)]
async fn a_failing_store_is_not_queried_for_a_while_and_cached_memberships_are_used() {
    let (_, store, client) = with_big_segments(|config| config).await;
    assert_eq!(
        value_and_status(&client, "ada").await,
        outcome("in", "HEALTHY")
    );
    tokio::time::sleep(Duration::from_secs(10)).await;
    store
        .calls()
        .fault(StoreMethod::Membership, StoreFault::Fail);
    assert_eq!(
        value_and_status(&client, "ada").await,
        outcome("in", "STALE")
    );
    // Rules are still evaluated.
    assert_eq!(
        value_and_status(&client, "by-rule").await,
        outcome("in", "STORE_ERROR")
    );
    assert_eq!(
        value_and_status(&client, "stranger").await,
        outcome("out", "STORE_ERROR")
    );
    assert_eq!(
        store.calls().count(StoreMethod::Membership),
        2,
        "the store was queried once in half a second"
    );
    store.calls().heal();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(
        value_and_status(&client, "stranger").await,
        outcome("out", "HEALTHY")
    );
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_or_panics_counts_as_failing() {
    for fault in [StoreFault::Hang, StoreFault::Panic] {
        let (_, store, client) = with_big_segments(|config| config).await;
        store.calls().fault(StoreMethod::Membership, fault);
        let begun = Instant::now();
        assert_eq!(
            value_and_status(&client, "ada").await,
            outcome("out", "STORE_ERROR"),
            "{fault:?}"
        );
        assert!(
            begun.elapsed() <= Duration::from_secs(2),
            "{fault:?} {:?}",
            begun.elapsed()
        );
    }
}

// STO-F34
#[tokio::test(start_paused = true)]
async fn the_status_reports_whether_the_store_is_available_and_in_sync() {
    let (database, store, client) =
        with_big_segments(|config| config.stale_after(Duration::from_secs(60))).await;
    let status = client.big_segment_store_status();
    let mut changes = status.subscribe().unwrap();
    assert_eq!(
        status.status().await,
        BigSegmentStoreStatus::new(true, false)
    );
    // The store's sync time is wall-clock time, which tests cannot pause, so it is set to the past.
    database.set_synchronized(PREFIX, Some(now() - 61_000));
    assert_eq!(
        changes.next().await.unwrap(),
        BigSegmentStoreStatus::new(true, true)
    );
    assert_eq!(
        value_and_status(&client, "ada").await,
        outcome("in", "STALE")
    );
    store
        .calls()
        .fault(StoreMethod::LastSynchronized, StoreFault::Fail);
    assert_eq!(
        changes.next().await.unwrap(),
        BigSegmentStoreStatus::new(false, false)
    );
    assert_eq!(
        value_and_status(&client, "ada").await,
        outcome("in", "STORE_ERROR")
    );
    store.calls().heal();
    database.set_synchronized(PREFIX, None);
    assert_eq!(
        changes.next().await.unwrap(),
        BigSegmentStoreStatus::new(true, true)
    );
    // Clocks differ: a time in the future counts as now.
    database.set_synchronized(PREFIX, Some(now() + 3_600_000));
    assert_eq!(
        changes.next().await.unwrap(),
        BigSegmentStoreStatus::new(true, false)
    );
}

// STO-4.4: one query at the start, however many callers request the status
#[tokio::test(start_paused = true)]
async fn the_first_status_is_queried_once() {
    let (_, store, client) = with_big_segments(|config| config).await;
    for _ in 0..10 {
        client.big_segment_store_status().status().await;
        value_and_status(&client, "ada").await;
    }
    assert_eq!(store.calls().count(StoreMethod::LastSynchronized), 1);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(
        (12..=13).contains(&store.calls().count(StoreMethod::LastSynchronized)),
        "one query every five seconds"
    );
}

#[tokio::test(start_paused = true)]
async fn without_a_store_membership_is_decided_by_rules_only() {
    let client = started(builder().data_source(Fixed::new(&data()))).await;
    assert_eq!(
        value_and_status(&client, "ada").await,
        outcome("out", "NOT_CONFIGURED")
    );
    assert_eq!(
        value_and_status(&client, "by-rule").await,
        outcome("in", "NOT_CONFIGURED")
    );
    assert_eq!(
        client.big_segment_store_status().status().await,
        BigSegmentStoreStatus::new(false, false)
    );
    assert!(client.big_segment_store_status().subscribe().is_none());
}

#[tokio::test(start_paused = true)]
async fn closing_the_client_closes_the_store() {
    let (_, store, client) = with_big_segments(|config| config).await;
    client.close(SOON).await;
    assert_eq!(store.calls().count(StoreMethod::Close), 1);
}

#[test]
fn a_plain_thread_can_evaluate_big_segments() {
    let database = MemoryDatabase::new();
    database.set_synchronized(PREFIX, Some(now()));
    database.set_membership(PREFIX, "ada", ["big.g2"], []);
    let store = Arc::new(MemoryBigSegmentStore::attached(&database, PREFIX));
    let source = Fixed::new(&data());
    let client = Client::builder("sdk-key")
        .data_source(source)
        .without_events()
        .big_segments(store)
        .start()
        .unwrap();
    assert_eq!(client.str_variation("flag", &ada(), "default"), "in");
    let status = client.big_segment_store_status().blocking_status(SOON);
    assert_eq!(status, Some(BigSegmentStoreStatus::new(true, false)));
    pollster::block_on(client.close(SOON));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_down_at_the_start_is_logged_as_one_warning_at_once() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.subscriber());
    let store = MemoryBigSegmentStore::new();
    store.calls().fault_all(StoreFault::Fail);
    let config = BigSegmentsConfig::new(store.clone());
    let client = started(
        builder()
            .data_source(Fixed::new(&data()))
            .big_segments(config),
    )
    .await;
    assert!(!client.big_segment_store_status().status().await.available);
    let warnings = || {
        log.lines()
            .iter()
            .filter(|line| line.contains(" WARN ") && line.contains("has it fail"))
            .count()
    };
    assert_eq!(warnings(), 1, "{:#?}", log.lines());
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(warnings(), 1, "{:#?}", log.lines());
}

#[tokio::test(start_paused = true)]
async fn queries_that_fail_in_one_outage_are_logged_as_one_warning() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.subscriber());
    let (_, store, client) = with_big_segments(|config| config).await;
    let warnings = || {
        let is_warning = |line: &&String| line.contains(" WARN ") && line.contains("cannot query");
        log.lines().iter().filter(is_warning).count()
    };
    for outage in 1..=2 {
        store
            .calls()
            .fault(StoreMethod::Membership, StoreFault::Fail);
        for second in 0..10 {
            let key = format!("{outage}-{second}");
            let value = value_and_status(&client, &key).await;
            assert_eq!(value, outcome("out", "STORE_ERROR"));
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        assert_eq!(warnings(), outage, "{:#?}", log.lines());
        store.calls().heal();
        let value = value_and_status(&client, "ada").await;
        assert_eq!(value, outcome("in", "HEALTHY"));
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
}
