//! Flag overrides (FDV2-9.4).

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use pollster::block_on;
use serde_json::{Value as Json, json};
use vexil::client::{DataAvailability, FlagsStateOptions};
use vexil::config::PersistentStoreConfig;
use vexil::data_source::DataSourceState;
use vexil::model::DataKind;
use vexil::store::CacheMode;
use vexil::{Client, ClientBuilder, Text};
use vexil_testing::{EventRecorder, MemoryPersistentStore, RecordedEvent, StoreFault, TestData};

use crate::log::Log;
use crate::support::{
    Controls, End, Ending, Fetch, Fixed, Guarded, Lazy, SOON, Silent, ada, controlled_source,
    controlled_with, data_set, error, serving, with,
};

/// A client, the controls of its data source, and those of its overrides.
fn overridden(builder: ClientBuilder) -> (Client, Controls, Controls) {
    let (overrides, controls) = controlled_source();
    let (client, source) = controlled_with(builder.flag_overrides(overrides));
    (client, source, controls())
}

/// A client with this data and these overrides.
fn client(data: &Json, overrides: &Json) -> (Client, Controls, Controls) {
    let (client, source, over) = overridden(Client::builder("sdk-key"));
    source.init(data);
    over.init(overrides);
    (client, source, over)
}

fn flags(flags: Json) -> Json {
    json!({"flags": flags})
}

/// The value of a flag, and its reason as JSON.
fn detail(client: &Client, key: &str) -> (Json, Json) {
    let detail = client.json_variation_detail(key, &ada(), "default".into());
    (
        serde_json::to_value(&detail.value).unwrap(),
        serde_json::to_value(&detail.reason).unwrap(),
    )
}

#[track_caller]
fn assert_served(client: &Client, key: &str, value: &str, is_override: bool) {
    let mut reason = json!({"kind": "FALLTHROUGH"});
    if is_override {
        reason = with(reason, &json!({"isOverride": true}));
    }
    assert_eq!(detail(client, key), (json!(value), reason), "{key}");
}

/// A flag that requires the first variation of another one.
fn requires(key: &str) -> Json {
    with(
        serving(1, "met"),
        &json!({"prerequisites": [{"key": key, "variation": 0}]}),
    )
}

/// A flag whose value says whether the context belongs to the segment.
fn in_segment(key: &str) -> Json {
    json!({"on": true, "version": 1, "variations": ["out", "in"], "fallthrough": {"variation": 0},
        "rules": [{"variation": 1, "clauses": [{"op": "segmentMatch", "values": [key]}]}]})
}

// FDV2-9.4
#[test]
fn an_override_replaces_the_flag_with_its_key_and_no_other() {
    let (client, source, overrides) = client(
        &flags(json!({"a": serving(100, "data"), "b": serving(100, "data")})),
        &flags(json!({"a": serving(1, "override"), "new": serving(1, "override")})),
    );
    assert_served(&client, "a", "override", true);
    assert_served(&client, "b", "data", false);
    assert_served(&client, "new", "override", true);
    assert_eq!(detail(&client, "none").1, error("FLAG_NOT_FOUND"));

    source.flag("a", &serving(101, "newer"));
    assert_served(&client, "a", "override", true);
    overrides.flag("b", &serving(1, "override"));
    assert_served(&client, "b", "override", true);
    overrides.delete(DataKind::Flag, "a", 2);
    assert_served(&client, "a", "newer", false);
    overrides.init(&json!({}));
    assert_served(&client, "b", "data", false);
    assert_eq!(detail(&client, "new").1, error("FLAG_NOT_FOUND"));
}

// FDV2-9.4
#[test]
fn overrides_are_the_prerequisites_and_segments_of_all_flags() {
    let data = json!({
        "flags": {"on": serving(1, "on"), "data": requires("off"), "off": {}, "by": in_segment("s")},
        "segments": {"s": {}},
    });
    let overrides = json!({
        "flags": {"off": serving(1, "on"), "over": requires("on"), "over-by": in_segment("s")},
        "segments": {"s": {"included": ["ada"]}},
    });
    let (client, ..) = client(&data, &overrides);
    assert_served(&client, "data", "met", false);
    assert_served(&client, "over", "met", true);
    let matched = |is_override| {
        let reason = json!({"kind": "RULE_MATCH", "ruleIndex": 0});
        match is_override {
            true => with(reason, &json!({"isOverride": true})),
            false => reason,
        }
    };
    assert_eq!(detail(&client, "by"), (json!("in"), matched(false)));
    assert_eq!(detail(&client, "over-by"), (json!("in"), matched(true)));
}

// FDV2-9.4
#[test]
fn the_reason_of_an_error_also_says_whether_the_flag_is_overridden() {
    let malformed = json!({"on": true, "fallthrough": {"variation": 7}});
    let flags = flags(json!({"malformed": malformed, "text": serving(1, "text")}));
    let (client, ..) = client(&json!({}), &flags);
    let is_override = |kind: &str| with(error(kind), &json!({"isOverride": true}));
    assert_eq!(
        detail(&client, "malformed").1,
        is_override("MALFORMED_FLAG")
    );
    let mismatch = client.int_variation_detail("text", &ada(), 0).reason;
    assert_eq!(
        serde_json::to_value(&mismatch).unwrap(),
        is_override("WRONG_TYPE")
    );
    assert_eq!(
        mismatch.to_string(),
        "error: the flag's value has another type; the flag is overridden"
    );
    let mismatch = client.json_as_detail("text", &ada(), 0);
    assert!(mismatch.reason.is_override);
}

// FDV2-9.4
#[test]
fn the_state_of_all_flags_contains_overrides() {
    let (client, ..) = client(
        &flags(json!({"a": serving(1, "data"), "b": serving(1, "data")})),
        &flags(json!({"a": serving(1, "override"), "new": serving(1, "override")})),
    );
    assert_all_flags(&client);
}

#[track_caller]
fn assert_all_flags(client: &Client) {
    let state = client.all_flags_state(&ada(), FlagsStateOptions::default().with_reasons(true));
    assert!(state.is_valid());
    let found = |key| {
        let is_override = state.reason(key).map(|reason| reason.is_override);
        (state.value(key).cloned(), is_override)
    };
    assert_eq!(found("a"), (Some("override".into()), Some(true)));
    assert_eq!(found("b"), (Some("data".into()), Some(false)));
    assert_eq!(found("new"), (Some("override".into()), Some(true)));
    assert_eq!(state.values().len(), 3);
}

// FDV2-9.4
#[test]
fn only_overrides_are_evaluated_before_there_is_data() {
    let (client, source, overrides) = overridden(Client::builder("sdk-key"));
    overrides.init(&flags(json!({"a": serving(1, "override")})));
    assert_served(&client, "a", "override", true);
    assert_eq!(
        block_on(client.variation_async("a", &ada(), "")),
        "override"
    );
    assert_eq!(detail(&client, "b").1, error("CLIENT_NOT_READY"));
    let state = client.all_flags_state(&ada(), FlagsStateOptions::default());
    assert!(!state.is_valid());

    source.init(&flags(json!({"b": serving(1, "data")})));
    assert_served(&client, "b", "data", false);
}

// FDV2-9.4
#[test]
fn overrides_change_no_state_of_the_client() {
    let (client, source, overrides) = overridden(Client::builder("sdk-key"));
    let state = || {
        (
            client.blocking_wait_until_ready(Duration::ZERO).is_ok(),
            client.is_initialized(),
            client.data_availability(),
            client.data_source_status().status().state,
        )
    };
    let nothing = (
        false,
        false,
        DataAvailability::Defaults,
        DataSourceState::Initializing,
    );
    overrides.init(&flags(json!({"a": serving(1, "override")})));
    assert_eq!(state(), nothing);
    overrides.status(DataSourceState::Off);
    assert_eq!(state(), nothing);
    source.init(&json!({}));
    let ready = (
        true,
        true,
        DataAvailability::Refreshed,
        DataSourceState::Valid,
    );
    assert_eq!(state(), ready);
    overrides.network_error(DataSourceState::Interrupted, "the disk is gone");
    assert_eq!(state(), ready);
    assert!(client.data_source_status().status().error.is_none());
}

// FDV2-9.4
#[test]
fn a_started_client_uses_the_overrides_that_are_available_immediately() {
    let overrides = Fixed::new(&flags(json!({"a": serving(1, "override")})));
    let client = Client::builder("sdk-key")
        .data_source(Silent)
        .flag_overrides(overrides)
        .start()
        .unwrap();
    assert_served(&client, "a", "override", true);
}

// FDV2-9.4
#[test]
fn an_offline_client_has_no_overrides() {
    let client = Client::builder("sdk-key")
        .flag_overrides(TestData::new().with("a", "override"))
        .offline(true)
        .start()
        .unwrap();
    assert_eq!(detail(&client, "a").1, error("CLIENT_NOT_READY"));
}

// FDV2-9.4
#[test]
fn a_source_of_overrides_that_fails_keeps_its_last_overrides() {
    crate::interest::always_interested();
    for (end, message) in [
        (End::Error, "the source of flag overrides has ended"),
        (
            End::Panic,
            "the source of flag overrides panicked when it was started",
        ),
    ] {
        let log = Log::default();
        let overrides = Ending {
            end,
            late: false,
            data: Some(data_set(&flags(json!({"a": serving(1, "override")})))),
        };
        let builder = Client::builder("sdk-key").flag_overrides(overrides);
        let (client, source) =
            tracing::subscriber::with_default(log.subscriber(), || controlled_with(builder));
        let lines = log.lines();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains(message), "{lines:?}");
        assert_served(&client, "a", "override", true);
        source.init(&flags(json!({"b": serving(1, "data")})));
        assert_served(&client, "a", "override", true);
        assert_served(&client, "b", "data", false);
    }
}

// FDV2-9.4
#[test]
fn overrides_are_laid_over_a_store_that_is_read_item_by_item() {
    let data = flags(json!({
        "a": serving(1, "data"), "b": serving(1, "data"), "needs": requires("a"),
    }));
    let store = Lazy::new(Fetch::AtOnce, &data);
    let builder = Client::builder("sdk-key").data_store(store.clone());
    let (client, _, overrides) = overridden(builder);
    overrides.init(&flags(json!({
        "a": serving(1, "override"), "new": requires("b"),
    })));
    assert_served(&client, "a", "override", true);
    assert_eq!(store.take_fetched(), Vec::<String>::new());
    assert_served(&client, "new", "met", true);
    assert_eq!(store.take_fetched(), ["flag b"]);
    assert_served(&client, "needs", "met", false);
    assert_eq!(store.take_fetched(), ["flag needs"]);
}

// FDV2-9.4
#[test]
fn overrides_are_laid_over_a_database_in_every_mode_and_never_written() {
    let data = flags(json!({"a": serving(1, "data"), "b": serving(1, "data")}));
    let over = flags(json!({"a": serving(1, "override"), "new": serving(1, "override")}));
    let database = MemoryPersistentStore::new();
    let config = || PersistentStoreConfig::new(database.clone());
    let read_through = || config().cache(CacheMode::Off);

    let start = |builder: ClientBuilder| {
        let (client, source, overrides) = overridden(builder.without_events());
        overrides.init(&over);
        (client, source)
    };
    let builder = || Client::builder("sdk-key");
    let (writer, source) = start(builder().data_store(config()));
    source.init(&data);
    assert_all_flags(&writer);
    assert!(writer.blocking_close(SOON));
    let stored = |key| database.database().item("", DataKind::Flag, key);
    assert!(stored("a").is_some() && stored("new").is_none());

    let (reader, _) = start(builder().data_store(read_through()));
    reader.blocking_wait_until_ready(SOON).unwrap();
    assert_all_flags(&reader);
    assert_served(&reader, "b", "data", false);
    for config in [config(), read_through()] {
        let (controls, overrides) = controlled_source();
        let client = builder()
            .daemon_mode(config)
            .flag_overrides(controls)
            .without_events()
            .start()
            .unwrap();
        overrides().init(&over);
        assert_served(&client, "a", "override", true);
        client.blocking_wait_until_ready(SOON).unwrap();
        assert_all_flags(&client);
        assert_served(&client, "b", "data", false);
    }
}

// FDV2-9.4
#[test]
fn overrides_are_evaluated_in_daemon_mode_before_the_database_was_read() {
    let database = MemoryPersistentStore::new();
    database.calls().fault_all(StoreFault::Fail);
    let client = Client::builder("sdk-key")
        .daemon_mode(PersistentStoreConfig::new(database))
        .flag_overrides(TestData::new().with("a", "override"))
        .without_events()
        .start()
        .unwrap();
    assert_served(&client, "a", "override", true);
    assert_eq!(detail(&client, "b").1, error("EXCEPTION"));
}

/// Receives the keys of flags that change from now on.
fn changes(client: &Client) -> Receiver<Text> {
    let (notified, keys) = channel();
    client
        .flag_tracker()
        .add_listener(move |change| drop(notified.send(change.key.clone())));
    keys
}

/// The keys that a listener is notified of, sorted.
#[track_caller]
fn next_keys(changes: &Receiver<Text>, count: usize) -> Vec<Text> {
    let next = |_| changes.recv_timeout(SOON).expect("a change is announced");
    let mut keys: Vec<_> = (0..count).map(next).collect();
    keys.sort();
    keys
}

// FDV2-9.4
#[test]
fn a_change_of_an_override_is_announced_with_all_flags_that_depend_on_it() {
    let (client, source, overrides) = client(
        &json!({
            "flags": {"base": serving(1, "data"), "data": requires("base"), "by": in_segment("s")},
            "segments": {"s": {}, "t": {}},
        }),
        &flags(json!({"over": requires("data"), "over-by": in_segment("t")})),
    );
    let changes = changes(&client);
    overrides.flag("base", &serving(1, "override"));
    assert_eq!(next_keys(&changes, 3), ["base", "data", "over"]);
    overrides.segment("s", &json!({"version": 1}));
    assert_eq!(next_keys(&changes, 1), ["by"]);
    // A change of the data affects overrides in the same way.
    source.segment("t", &json!({"version": 2}));
    assert_eq!(next_keys(&changes, 1), ["over-by"]);
    source.flag("data", &with(requires("base"), &json!({"version": 2})));
    assert_eq!(next_keys(&changes, 2), ["data", "over"]);
}

// FDV2-9.4
#[test]
fn a_new_set_of_overrides_is_announced_whatever_the_versions() {
    let over = |value: &str| flags(json!({"a": serving(7, value), "b": serving(7, "same")}));
    let (client, _, overrides) = client(&json!({}), &over("old"));
    let changes = changes(&client);
    overrides.init(&over("new"));
    assert_eq!(next_keys(&changes, 2), ["a", "b"]);
    overrides.init(&json!({}));
    assert_eq!(next_keys(&changes, 2), ["a", "b"]);
    overrides.init(&flags(json!({"c": serving(1, "new")})));
    assert_eq!(next_keys(&changes, 1), ["c"]);
}

// FDV2-9.4
#[test]
fn a_change_of_an_override_is_a_change_of_the_value() {
    let (client, _, overrides) = client(
        &flags(json!({"a": serving(9, "data")})),
        &flags(json!({"a": serving(1, "override")})),
    );
    let (send, values) = channel();
    let listener = move |change: &vexil::client::FlagValueChange| {
        drop(send.send((change.old_value.clone(), change.new_value.clone())));
    };
    client
        .flag_tracker()
        .add_flag_value_change_listener("a", &ada(), listener);
    overrides.init(&json!({}));
    assert_eq!(
        values.recv_timeout(SOON).unwrap(),
        ("override".into(), "data".into())
    );
}

// FDV2-9.4
#[test]
fn recorded_evaluations_say_whether_the_flag_is_overridden() {
    let events = EventRecorder::new();
    let builder = Client::builder("sdk-key").events(events.clone());
    let (client, source, overrides) = overridden(builder);
    source.init(&flags(json!({"top": requires("base")})));
    overrides.init(&flags(json!({"base": serving(1, "override")})));
    assert_eq!(client.str_variation("top", &ada(), ""), "met");
    let recorded: Vec<_> = events
        .take()
        .into_iter()
        .map(|event| match event {
            RecordedEvent::Evaluation(event) => (event.key.to_string(), event.reason.is_override),
            other => panic!("{other:?} was not expected"),
        })
        .collect();
    assert_eq!(recorded, [("base".into(), true), ("top".into(), false)]);
}

// FDV2-9.4
#[test]
fn closing_the_client_stops_the_source_of_overrides() {
    let data = flags(json!({"a": serving(1, "override")}));
    let (overrides, dropped) = Guarded::new(&data);
    let client = Client::builder("sdk-key")
        .data_source(Silent)
        .flag_overrides(overrides)
        .start()
        .unwrap();
    assert!(client.blocking_close(SOON));
    dropped.recv_timeout(SOON).expect("the source is dropped");
    assert_served(&client, "a", "override", true);

    let (client, _, overrides) = overridden(Client::builder("sdk-key"));
    assert!(client.blocking_close(SOON));
    assert!(overrides.try_init(&data).is_err());
}
