//! Items that a store does not hold in memory are fetched, within a time limit.

use std::sync::Arc;
use std::time::Duration;

use pollster::block_on;
use serde_json::{Value as Json, json};
use vexil::client::FlagsStateOptions;
use vexil::eval::BigSegmentsStatus;
use vexil::store::{DataStore, MemoryStore};
use vexil::{Client, ClientBuilder};
use vexil_testing::{MemoryBigSegmentStore, StoreFault, StoreMethod};

use crate::support::{
    self, Fetch, Fixed, Lazy, Panicking, PanicsIn, SOON, Silent, ada, error, rule_for_segment,
    serving, with,
};

const SHORT: Duration = Duration::from_millis(20);

fn data() -> Json {
    let requires = |key: &str| json!({"prerequisites": [{"key": key, "variation": 0}]});
    let for_segment =
        json!({"rules": rule_for_segment("outer", false), "fallthrough": {"variation": 1}});
    json!({
        "flags": {
            "plain": serving(1, "plain"),
            "first": with(serving(1, "first"), &requires("second")),
            "second": with(serving(1, "second"), &requires("third")),
            "third": serving(1, "third"),
            "segments": with(serving(1, "in"), &for_segment),
        },
        "segments": {
            "outer": {"version": 1, "rules": [{"clauses": [{"op": "segmentMatch", "values": ["inner"]}]}]},
            "inner": {"version": 1, "included": ["ada"]},
        },
    })
}

fn client_of(store: &Arc<Lazy>) -> Client {
    builder_of(store).start().unwrap()
}

/// With an evaluation timeout that holds on a busy machine. Tests of the timeout set their own.
fn builder_of(store: &Arc<Lazy>) -> ClientBuilder {
    Client::builder("sdk-key")
        .data_store(Arc::clone(store))
        .data_source(Silent)
        .evaluation_timeout(SOON)
}

#[test]
fn missing_items_are_fetched_one_by_one_by_synchronous_and_async_methods() {
    for fetch in [Fetch::AtOnce, Fetch::FromATask] {
        let store = Lazy::new(fetch, &data());
        let client = client_of(&store);
        for (key, value, fetched) in [
            ("plain", "plain", vec!["flag plain"]),
            (
                "first",
                "first",
                vec!["flag first", "flag second", "flag third"],
            ),
            (
                "segments",
                "in",
                vec!["flag segments", "segment outer", "segment inner"],
            ),
        ] {
            assert_eq!(
                client.str_variation(key, &ada(), "default"),
                value,
                "{fetch:?}"
            );
            assert_eq!(store.take_fetched(), fetched);
            assert_eq!(
                block_on(client.variation_async(key, &ada(), "default")),
                value,
                "{fetch:?}"
            );
            assert_eq!(store.take_fetched(), fetched);
            assert_eq!(
                client.str_variation_detail(key, &ada(), "").variation_index,
                Some(0)
            );
            assert_eq!(
                block_on(client.variation_detail_async(key, &ada(), "")).variation_index,
                Some(0)
            );
            store.take_fetched();
        }
    }
}

// EVAL-4.1 (4)
#[test]
fn an_item_that_the_store_does_not_have_is_not_found() {
    let client = client_of(&Lazy::new(Fetch::AtOnce, &data()));
    support::every_method_returns_its_default(
        &client,
        "no-such-flag",
        &ada(),
        &error("FLAG_NOT_FOUND"),
    );
}

// EVAL-4.1 (4)
#[test]
fn a_missing_prerequisite_fails_and_a_missing_segment_matches_nothing() {
    let flag = with(
        serving(1, "a"),
        &json!({"prerequisites": [{"key": "none", "variation": 0}]}),
    );
    let by_segment = with(
        serving(1, "in"),
        &json!({"rules": rule_for_segment("none", false), "fallthrough": {}}),
    );
    let store = Lazy::new(
        Fetch::AtOnce,
        &json!({"flags": {"flag": flag, "by-segment": by_segment}}),
    );
    let client = client_of(&store);
    let reason = json!({"kind": "PREREQUISITE_FAILED", "prerequisiteKey": "none"});
    support::every_method_returns_its_default(&client, "flag", &ada(), &reason);
    support::every_method_returns_its_default(
        &client,
        "by-segment",
        &ada(),
        &error("MALFORMED_FLAG"),
    );
}

// EVAL-4.1 (4)
#[test]
fn a_fetch_that_fails_is_an_exception_in_every_method() {
    let client = client_of(&Lazy::new(Fetch::Fails, &data()));
    support::every_method_returns_its_default(&client, "plain", &ada(), &error("EXCEPTION"));
}

#[test]
fn a_fetch_that_never_ends_is_an_exception_within_the_evaluation_timeout() {
    let store = Lazy::new(Fetch::Never, &data());
    let client = builder_of(&store)
        .evaluation_timeout(SHORT)
        .start()
        .unwrap();
    let detail = client.bool_variation_detail("plain", &ada(), true);
    assert!(detail.value);
    assert_eq!(
        serde_json::to_value(&detail.reason).unwrap(),
        error("EXCEPTION")
    );
    assert_eq!(client.str_variation("plain", &ada(), "default"), "default");
}

// STO-F33
#[test]
fn a_membership_that_is_late_counts_as_failed_instead_of_causing_a_default() {
    let store = MemoryBigSegmentStore::new();
    store
        .calls()
        .fault(StoreMethod::Membership, StoreFault::Hang);
    let segment = json!({"version": 1, "unbounded": true, "generation": 1});
    let flag = with(
        serving(1, "in"),
        &json!({"variations": ["in", "out"], "fallthrough": {"variation": 1},
            "rules": rule_for_segment("big", false)}),
    );
    let client = Client::builder("sdk-key")
        .data_source(Fixed::new(
            &json!({"flags": {"flag": flag}, "segments": {"big": segment}}),
        ))
        .big_segments(store)
        .evaluation_timeout(SHORT)
        .start()
        .unwrap();
    client.blocking_wait_until_ready(SOON).unwrap();
    let detail = client.str_variation_detail("flag", &ada(), "default");
    assert_eq!(detail.value, "out");
    assert_eq!(
        detail.reason.big_segments_status,
        Some(BigSegmentsStatus::StoreError)
    );
    let state = client.all_flags_state(&ada(), FlagsStateOptions::default());
    assert_eq!(state.value("flag"), Some(&"out".into()));
}

// an infinite timeout does not panic
#[test]
fn an_infinite_evaluation_timeout_is_allowed() {
    let store = Lazy::new(Fetch::AtOnce, &data());
    let client = builder_of(&store)
        .evaluation_timeout(Duration::MAX)
        .start()
        .unwrap();
    assert_eq!(client.str_variation("plain", &ada(), "default"), "plain");
    let state = client.all_flags_state(&ada(), FlagsStateOptions::default());
    assert_eq!(state.value("first"), Some(&"first".into()));
}

// panics of a store are contained
#[test]
fn a_fetch_that_panics_is_an_exception_in_every_method() {
    let client = client_of(&Lazy::new(Fetch::Panics, &data()));
    support::every_method_returns_its_default(&client, "plain", &ada(), &error("EXCEPTION"));
}

// panics of a store are contained
#[test]
fn a_fetch_that_panics_is_an_exception_in_the_async_methods() {
    let client = client_of(&Lazy::new(Fetch::Panics, &data()));
    let detail = block_on(client.variation_detail_async("plain", &ada(), true));
    assert_eq!(
        serde_json::to_value(&detail.reason).unwrap(),
        error("EXCEPTION")
    );
}

// panics of a store are contained
#[test]
fn a_store_that_panics_in_read_is_an_exception_in_every_method() {
    let store = Arc::new(Panicking(PanicsIn::Read, MemoryStore::new()));
    let client = Client::builder("sdk-key")
        .data_store(store)
        .data_source(Fixed::new(&data()))
        .start()
        .unwrap();
    assert!(client.is_initialized());
    support::every_method_returns_its_default(&client, "plain", &ada(), &error("EXCEPTION"));
    let state = client.all_flags_state(&ada(), FlagsStateOptions::default());
    assert!(!state.is_valid());
}

// panics of a store are contained
#[test]
fn a_store_that_panics_in_is_initialized_does_not_break_evaluations() {
    let store = Arc::new(Panicking(PanicsIn::IsInitialized, MemoryStore::new()));
    let client = Client::builder("sdk-key")
        .data_store(store)
        .data_source(Silent)
        .start()
        .unwrap();
    assert!(client.bool_variation("plain", &ada(), true));
    assert!(!client.is_initialized());
}

// panics of a store are contained
#[test]
fn a_store_that_panics_in_a_write_does_not_prevent_a_client_from_starting() {
    let store = Arc::new(Panicking(PanicsIn::Write, MemoryStore::new()));
    let client = Client::builder("sdk-key")
        .data_store(store)
        .data_source(Fixed::new(&data()))
        .start()
        .unwrap();
    support::every_method_returns_its_default(&client, "plain", &ada(), &error("CLIENT_NOT_READY"));
}

// the SDK's own runtime works while the caller waits
#[test]
fn a_fetch_that_needs_a_timer_works_from_a_plain_thread() {
    let client = client_of(&Lazy::new(Fetch::AfterATimer, &data()));
    assert_eq!(client.str_variation("first", &ada(), "default"), "first");
}

// the SDK's own runtime works while the caller waits
#[test]
fn a_fetch_that_needs_a_timer_works_on_any_executor() {
    let client = client_of(&Lazy::new(Fetch::AfterATimer, &data()));
    assert_eq!(
        block_on(client.variation_async("first", &ada(), "default")),
        "first"
    );
}

// the SDK's own runtime works while the caller waits
#[test]
fn a_fetch_that_needs_a_timer_works_in_a_runtime_that_blocks_on_it() {
    let client = client_of(&Lazy::new(Fetch::AfterATimer, &data()));
    support::current_thread().block_on(async {
        assert_eq!(client.str_variation("first", &ada(), "default"), "first");
    });
}

#[test]
fn a_fetch_that_needs_a_timer_works_in_a_runtime_that_awaits_it() {
    let client = client_of(&Lazy::new(Fetch::AfterATimer, &data()));
    support::current_thread().block_on(async {
        assert_eq!(
            client.variation_async("first", &ada(), "default").await,
            "first"
        );
    });
}

#[test]
fn one_task_can_await_any_number_of_fetches() {
    let store = Lazy::new(Fetch::FromATask, &data());
    let client = client_of(&store);
    support::current_thread().block_on(async {
        for n in 0..200 {
            assert_eq!(
                client.str_variation("plain", &ada(), "default"),
                "plain",
                "the {n}th time"
            );
        }
    });
}

// EVAL-5 and EVAL-6.4
#[test]
fn all_flags_state_fetches_missing_items_or_is_invalid() {
    let state = |fetch| {
        let limit = if matches!(fetch, Fetch::Never) {
            SHORT
        } else {
            SOON
        };
        let client = builder_of(&Lazy::new(fetch, &data()))
            .evaluation_timeout(limit)
            .start()
            .unwrap();
        client
            .all_flags_state(&ada(), FlagsStateOptions::default())
            .to_json()
    };
    let fetched = state(Fetch::AtOnce);
    assert_eq!(fetched["first"], "first");
    assert_eq!(fetched["segments"], "in");
    let nothing = json!({"$valid": false, "$flagsState": {}});
    assert_eq!(state(Fetch::Fails), nothing);
    assert_eq!(state(Fetch::Never), nothing);
    let client = client_of(&Lazy::new(Fetch::Fails, &data()));
    assert_eq!(
        block_on(client.all_flags_state_async(&ada(), FlagsStateOptions::default())).to_json(),
        nothing
    );
    let client = client_of(&Lazy::new(Fetch::FromATask, &data()));
    assert_eq!(
        block_on(client.all_flags_state_async(&ada(), FlagsStateOptions::default())).to_json(),
        fetched
    );
}

// EVAL-5: no store
#[test]
fn a_big_segment_without_a_store_matches_nothing_and_reports_it() {
    let segments = json!({
        "big": {"version": 1, "unbounded": true, "generation": 1, "included": ["ada"]},
        "with-rules": {"version": 1, "unbounded": true, "generation": 1, "rules": [{"clauses": []}]},
        "without-generation": {"version": 1, "unbounded": true, "rules": [{"clauses": []}]},
        "other-kind": {"version": 1, "unbounded": true, "generation": 1, "unboundedContextKind": "org"},
    });
    let two = json!({"variations": ["in", "out"], "fallthrough": {"variation": 1}});
    let flag = |segment: &str| {
        with(
            with(serving(1, 0), &two),
            &json!({"rules": rule_for_segment(segment, false)}),
        )
    };
    let keys = ["big", "with-rules", "without-generation", "other-kind"];
    let flags: serde_json::Map<_, _> = keys
        .iter()
        .map(|key| ((*key).to_owned(), flag(key)))
        .collect();
    let client = support::client(&json!({"flags": flags, "segments": segments}));
    for (key, value, status) in [
        ("big", "out", Some("NOT_CONFIGURED")),
        ("with-rules", "in", Some("NOT_CONFIGURED")),
        ("without-generation", "out", Some("NOT_CONFIGURED")),
        ("other-kind", "out", None),
    ] {
        let detail = client.str_variation_detail(key, &ada(), "default");
        assert_eq!(detail.value, value, "{key}");
        let reason = serde_json::to_value(&detail.reason).unwrap();
        assert_eq!(
            reason.get("bigSegmentsStatus").and_then(Json::as_str),
            status,
            "{key}"
        );
        assert_eq!(
            block_on(client.variation_detail_async(key, &ada(), "default")),
            detail
        );
    }
    let state = client.all_flags_state(&ada(), FlagsStateOptions::default().with_reasons(true));
    assert_eq!(state.to_json()["with-rules"], "in");
    assert!(state.reason("big").unwrap().big_segments_status.is_some());
}

#[test]
fn a_store_can_be_shared_and_read_by_the_application() {
    let store = Arc::new(MemoryStore::new());
    let builder = Client::builder("sdk-key")
        .data_store(Arc::clone(&store))
        .data_source(Fixed::new(&data()));
    let _client = builder.start().unwrap();
    let mut count = 0;
    store.read(&mut |snapshot| count = snapshot.flags().count());
    assert_eq!(count, 5);
}
