//! The time limits of calls, and how long an evaluation may wait.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use vexil::Client;
use vexil::config::{BigSegmentsConfig, PersistentStoreConfig};
use vexil::data_source::DataSourceState;
use vexil::model::DataKind;
use vexil::store::{CacheMode, StoredItem};
use vexil_testing::{FakeService, MemoryBigSegmentStore, MemoryDatabase, MemoryPersistentStore};

use crate::TIMES;
use crate::support::{SOON, ada, controlled, serving};

type Call = fn(&Client, Duration) -> bool;

/// Calls that succeed on a client with data if their time limit is long enough.
const CALLS: &[(&str, Call)] = &[
    ("Client::wait_until_ready", |client, time| {
        pollster::block_on(client.wait_until_ready(time)).is_ok()
    }),
    ("Client::blocking_wait_until_ready", |client, time| {
        client.blocking_wait_until_ready(time).is_ok()
    }),
    ("Client::flush_and_wait", |client, time| {
        pollster::block_on(client.flush_and_wait(time))
    }),
    ("Client::blocking_flush", Client::blocking_flush),
    ("DataSourceStatusProvider::wait_for", |client, time| {
        pollster::block_on(
            client
                .data_source_status()
                .wait_for(DataSourceState::Valid, time),
        )
    }),
    (
        "DataSourceStatusProvider::blocking_wait_for",
        |client, time| {
            client
                .data_source_status()
                .blocking_wait_for(DataSourceState::Valid, time)
        },
    ),
    ("DataStoreStatusProvider::wait_for", |client, time| {
        pollster::block_on(
            client
                .data_store_status()
                .wait_for(|status| status.available, time),
        )
    }),
    (
        "DataStoreStatusProvider::blocking_wait_for",
        |client, time| {
            client
                .data_store_status()
                .blocking_wait_for(|status| status.available, time)
        },
    ),
    (
        "BigSegmentStoreStatusProvider::blocking_status",
        |client, time| {
            client
                .big_segment_store_status()
                .blocking_status(time)
                .is_some()
        },
    ),
    ("Client::close", |client, time| {
        pollster::block_on(client.close(time))
    }),
    // These wait for the same close.
    ("Client::blocking_close", Client::blocking_close),
    ("Client::close_on_drop", |client, time| {
        drop(client.close_on_drop(time));
        client.blocking_close(time)
    }),
];

#[test]
fn a_call_accepts_any_limit_and_succeeds_without_one() {
    for time in TIMES {
        let service = FakeService::start().unwrap();
        service.set("flag", true);
        let client = Client::builder("sdk-key")
            .service_endpoints(vexil::config::ServiceEndpoints::relay(service.url()))
            .big_segments(BigSegmentsConfig::new(MemoryBigSegmentStore::new()))
            .start()
            .unwrap();
        client.blocking_wait_until_ready(SOON).unwrap();
        for (name, call) in CALLS {
            let _ = client.bool_variation("flag", &ada(), false);
            // Whether a call succeeds within zero time is undefined.
            let is_done = call(&client, time);
            assert!(is_done || time != Duration::MAX, "{name}({time:?})");
        }
    }
}

#[test]
fn a_subscription_accepts_any_timeout() {
    let _setting = "Subscription::blocking_next";
    let (client, source) = controlled();
    let mut changes = client.data_source_status().subscribe();
    assert_eq!(
        [Duration::ZERO, Duration::from_nanos(1)].map(|time| changes.blocking_next(time)),
        [None, None]
    );
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| changes.blocking_next(Duration::MAX));
        source.init(&json!({}));
        assert_eq!(
            waiting.join().unwrap().unwrap().state,
            DataSourceState::Valid
        );
    });
}

#[test]
fn a_subscription_to_flags_accepts_any_timeout() {
    let _setting = "FlagSubscription::blocking_next";
    let (client, source) = controlled();
    let mut changes = client.flag_tracker().subscribe();
    for time in [Duration::ZERO, Duration::from_nanos(1)] {
        assert!(changes.blocking_next(time).is_none());
    }
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| changes.blocking_next(Duration::MAX));
        source.init(&json!({"flags": {"flag": serving(1, true)}}));
        assert_eq!(waiting.join().unwrap().unwrap().key, "flag");
    });
}

/// See [`ClientBuilder::evaluation_timeout`](vexil::ClientBuilder::evaluation_timeout).
#[test]
fn an_evaluation_that_reads_the_database_accepts_any_timeout() {
    let database = MemoryDatabase::new();
    database.put(
        "ld",
        DataKind::Flag,
        "flag",
        StoredItem::new(serving(1, true).to_string()),
    );
    for time in TIMES {
        let store = Arc::new(MemoryPersistentStore::attached(&database, "ld"));
        let config = PersistentStoreConfig::new(store).cache(CacheMode::Off);
        let client = Client::builder("sdk-key")
            .daemon_mode(config)
            .without_events()
            .evaluation_timeout(time);
        let value = client
            .start()
            .unwrap()
            .bool_variation("flag", &ada(), false);
        assert!(value || time != Duration::MAX, "{time:?}");
    }
}
