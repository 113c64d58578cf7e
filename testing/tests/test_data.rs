//! `TestData` as a data source. Rule ids refer to `docs/protocol/data-sources.md`.

#![cfg(test)]

mod support;

use std::error::Error;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use serde_json::json;
use support::{Habit, Habitual, Recorder, attach, attach_as, yield_once};
use vexil::client::NotReadyError;
use vexil::config::{DataSystem, PersistentStoreConfig};
use vexil::data_source::{
    DataSink, DataSource, DataSourceError, DataSourceErrorInfo, DataSourceErrorKind,
    DataSourceState,
};
use vexil::eval::EvalErrorKind;
use vexil::model::{DataSet, Flag, Segment};
use vexil::{Client, Context, Value};
use vexil_testing::{FlagBuilder, MemoryPersistentStore, PreconfiguredError, TestData};

const TIMEOUT: Duration = Duration::from_secs(60);

fn client(data: &TestData) -> Client {
    Client::builder("sdk-key")
        .data_source(data.clone())
        .start()
        .unwrap()
}

fn client_with(data: &TestData, habit: Habit) -> Client {
    Client::builder("sdk-key")
        .data_source(data.clone())
        .data_store(Habitual::new(habit))
        .start()
        .unwrap()
}

fn ada() -> Context {
    Context::new("ada").unwrap()
}

fn value(client: &Client, key: &str) -> Value {
    client.json_variation(key, &ada(), Value::Null)
}

// The promise of the README: a test controls an in-memory flag in at most ten lines.
#[test]
fn a_test_controls_a_flag_in_a_few_lines() -> Result<(), Box<dyn Error>> {
    let flags = TestData::new().with("new-checkout", false);
    let client = Client::builder("sdk-key")
        .data_source(flags.clone())
        .start()?;
    assert!(!client.bool_variation("new-checkout", &Context::new("ada")?, true));
    flags.set("new-checkout", true);
    assert!(client.bool_variation("new-checkout", &Context::new("ada")?, false));
    Ok(())
}

#[test]
fn flags_with_any_json_value_are_created_in_one_line() {
    let data = TestData::new()
        .with("bool", true)
        .with("text", "hi")
        .with("json", json!({"a": [1, null]}));
    data.set("number", 1.5).set("null", Value::Null);
    let client = client(&data);
    assert_eq!(value(&client, "bool"), true.into());
    assert_eq!(value(&client, "text"), "hi".into());
    assert_eq!(value(&client, "json"), json!({"a": [1, null]}).into());
    assert_eq!(value(&client, "number"), 1.5.into());
    assert_eq!(
        client.json_variation("null", &ada(), "default".into()),
        Value::Null
    );
}

#[test]
fn test_data_is_created_from_lists_of_keys_and_values() {
    let from_array = TestData::from([("a", 1), ("b", 2)]);
    assert_eq!(value(&client(&from_array), "b"), 2.into());
    let collected: TestData = (0..3).map(|n| (format!("flag-{n}"), n)).collect();
    assert_eq!(value(&client(&collected), "flag-2"), 2.into());
}

#[test]
fn a_flag_set_to_true_or_false_is_a_boolean_flag() {
    let data = TestData::new().with("flag", true);
    assert_eq!(data.flag("flag"), FlagBuilder::new("flag"));
    data.set("flag", "text").set("flag", false);
    assert_eq!(
        data.flag("flag"),
        FlagBuilder::new("flag").fallthrough_variation(false)
    );
}

#[test]
fn setting_a_flag_turns_it_on_and_removes_targets() {
    let data = TestData::new();
    data.update(data.flag("flag").on(false).variation_for_user("ada", false))
        .set("flag", true);
    assert_eq!(value(&client(&data), "flag"), true.into());
}

// SRC-7.1, flag
#[test]
fn the_builder_of_a_new_key_is_a_boolean_flag() {
    assert_eq!(
        TestData::new().flag("flag"),
        FlagBuilder::new("flag").boolean_flag()
    );
}

// SRC-7.1, flag
#[test]
fn the_builder_of_a_known_key_is_the_last_one_passed_to_update() {
    let data = TestData::new();
    let flag = data
        .flag("flag")
        .variations(["a", "b"])
        .variation_for_user("ada", 1);
    data.update(flag.clone());
    assert_eq!(data.flag("flag"), flag);
}

// SRC-7.1, flag
#[test]
fn the_builder_of_a_preconfigured_flag_is_new() -> Result<(), Box<dyn Error>> {
    let data = TestData::new().with("flag", "text");
    data.use_preconfigured_flag(json!({"key": "flag", "on": false}))?;
    assert_eq!(data.flag("flag"), FlagBuilder::new("flag"));
    Ok(())
}

// SRC-7.1, update
#[test]
fn versions_start_at_1_and_increase_by_1_separately_for_each_key() {
    let data = TestData::new();
    let (seen, _running) = attach(&data);
    data.update(data.flag("a"))
        .update(data.flag("a"))
        .update(data.flag("b"))
        .set("a", 1);
    assert_eq!(
        seen.take(),
        ["init []", "flag a 1", "flag a 2", "flag b 1", "flag a 3"]
    );
}

// SRC-7.1, update
#[test]
fn changing_a_builder_after_an_update_has_no_effect_until_the_next_one() {
    let data = TestData::new();
    let client = client(&data);
    let flag = data.flag("flag").variation_for_all(true);
    data.update(flag.clone());
    let flag = flag.variation_for_all(false);
    assert_eq!(value(&client, "flag"), true.into());
    assert_eq!(data.flag("flag"), FlagBuilder::new("flag"));
    data.update(flag);
    assert_eq!(value(&client, "flag"), false.into());
}

// SRC-7.1, use_preconfigured_flag
#[test]
fn a_preconfigured_flag_is_kept_unchanged_from_json_text_or_value() -> Result<(), Box<dyn Error>> {
    let json =
        json!({"key": "json", "on": true, "variations": ["j"], "fallthrough": {"variation": 0}});
    let text = json.to_string().replace("\"json\"", "\"text\"");
    let flag: Flag = serde_json::from_str(&text.replace("text", "flag"))?;
    let data = TestData::new();
    let client = client(&data);
    data.use_preconfigured_flag(json)?
        .use_preconfigured_flag(text.as_str())?
        .use_preconfigured_flag(flag)?;
    for key in ["json", "text", "flag"] {
        assert_eq!(value(&client, key), "j".into(), "{key}");
    }
    Ok(())
}

// SRC-7.1, use_preconfigured_flag
#[test]
fn the_version_of_a_preconfigured_flag_never_goes_back() -> Result<(), Box<dyn Error>> {
    let data = TestData::new();
    let (seen, _running) = attach(&data);
    let version = |version: u64| json!({"key": "flag", "version": version});
    data.use_preconfigured_flag(version(10))?;
    data.use_preconfigured_flag(version(10))?;
    data.use_preconfigured_flag(version(3))?;
    data.use_preconfigured_flag(version(20))?;
    data.update(data.flag("flag"));
    let versions = [
        "init []",
        "flag flag 10",
        "flag flag 11",
        "flag flag 12",
        "flag flag 20",
        "flag flag 21",
    ];
    assert_eq!(seen.take(), versions);
    Ok(())
}

// SRC-7.1, use_preconfigured_flag
#[test]
fn a_preconfigured_flag_may_be_a_deleted_one() -> Result<(), Box<dyn Error>> {
    let data = TestData::new().with("flag", 1);
    let (seen, _running) = attach(&data);
    data.use_preconfigured_flag(json!({"key": "flag", "version": 5, "deleted": true}))?;
    assert_eq!(seen.take(), ["init [flag flag 1]", "flag flag 5 deleted"]);
    Ok(())
}

#[test]
fn invalid_json_is_refused_with_the_item_and_the_cause() {
    let data = TestData::new().with("flag", 1);
    let refused = |json| data.use_preconfigured_flag::<&str>(json).err().unwrap();
    assert!(matches!(refused("{"), PreconfiguredError::NotJson { .. }));
    for keyless in ["{}", "[]", r#"{"key": ""}"#, r#"{"key": 7}"#] {
        assert_eq!(refused(keyless).to_string(), "the flag has no key");
    }
    let error = refused(r#"{"key": "flag", "rules": true}"#);
    assert_eq!(
        error.source().unwrap().to_string(),
        "flag \"flag\" cannot be read"
    );
    assert!(error.source().unwrap().source().is_some());
    assert_eq!(
        value(&client(&data), "flag"),
        1.into(),
        "the existing flag is kept"
    );
}

// SRC-7.1, use_preconfigured_segment; SRC-7.4, segments from rules
#[test]
fn a_change_of_a_preconfigured_segment_affects_its_flags_immediately() -> Result<(), Box<dyn Error>>
{
    let data = TestData::new();
    data.use_preconfigured_flag(json!({
        "key": "flag", "on": true, "variations": [true, false], "fallthrough": {"variation": 1},
        "rules": [{"variation": 0, "clauses": [{"op": "segmentMatch", "values": ["testers"]}]}],
    }))?;
    data.use_preconfigured_segment(json!({"key": "testers", "included": ["ada"]}))?;
    let client = client(&data);
    assert_eq!(value(&client, "flag"), true.into());
    data.use_preconfigured_segment(json!({"key": "testers", "included": ["bob"]}))?;
    assert_eq!(value(&client, "flag"), false.into());
    let segment: Segment = serde_json::from_value(json!({"key": "testers", "included": ["ada"]}))?;
    data.use_preconfigured_segment(segment)?;
    assert_eq!(value(&client, "flag"), true.into());
    data.delete_segment("testers");
    assert_eq!(value(&client, "flag"), false.into());
    Ok(())
}

// SRC-7.1, use_preconfigured_segment
#[test]
fn segments_have_versions_separate_from_flags() -> Result<(), Box<dyn Error>> {
    let data = TestData::new().with("key", true);
    let (seen, _running) = attach(&data);
    data.use_preconfigured_segment(json!({"key": "key"}))?;
    data.use_preconfigured_segment(json!({"key": "key", "version": 7}))?;
    data.delete_segment("key").delete_segment("never-seen");
    data.use_preconfigured_segment(json!({"key": "key", "version": 2}))?;
    let expected = [
        "init [flag key 1]",
        "segment key 1",
        "segment key 7",
        "segment key 8 deleted",
        "segment never-seen 1 deleted",
        "segment key 9",
    ];
    assert_eq!(seen.take(), expected);
    let refused = data.use_preconfigured_segment(json!({})).err().unwrap();
    assert_eq!(refused.to_string(), "the segment has no key");
    Ok(())
}

// SRC-7.1, delete
#[test]
fn a_flag_created_after_a_deletion_continues_its_versions() {
    let data = TestData::new().with("flag", "text");
    let (seen, _running) = attach(&data);
    let client = client(&data);
    data.delete("flag");
    assert_eq!(value(&client, "flag"), Value::Null);
    assert_eq!(data.flag("flag"), FlagBuilder::new("flag"));
    data.set("flag", "back").delete("never-seen");
    assert_eq!(value(&client, "flag"), "back".into());
    let expected = [
        "init [flag flag 1]",
        "flag flag 2 deleted",
        "flag flag 3",
        "flag never-seen 1 deleted",
    ];
    assert_eq!(seen.take(), expected);
}

// SRC-7.1, update_status
#[test]
fn a_status_reaches_every_client() {
    let data = TestData::new();
    let clients = [client(&data), client(&data)];
    let mut changes = clients[1].data_source_status().subscribe();
    data.update_status(
        DataSourceState::Interrupted,
        DataSourceErrorInfo::new(DataSourceErrorKind::NetworkError, "connection lost"),
    );
    for client in &clients {
        let status = client.data_source_status().status();
        assert_eq!(status.state, DataSourceState::Interrupted);
        assert_eq!(
            status.error.map(|error| error.kind),
            Some(DataSourceErrorKind::NetworkError)
        );
    }
    data.update_status(DataSourceState::Valid, None);
    let states = [
        changes.blocking_next(TIMEOUT),
        changes.blocking_next(TIMEOUT),
    ]
    .map(|status| status.unwrap().state);
    assert_eq!(
        states,
        [DataSourceState::Interrupted, DataSourceState::Valid]
    );
}

// SRC-7.5
#[test]
fn a_client_of_data_that_is_not_ready_has_no_flags() {
    let data = TestData::not_ready().with("flag", true);
    let client = client(&data);
    assert!(!client.is_initialized());
    let state = client.data_source_status().status().state;
    assert_eq!(state, DataSourceState::Initializing);
    let detail = client.bool_variation_detail("flag", &ada(), false);
    assert_eq!(detail.reason.error(), Some(EvalErrorKind::ClientNotReady));
    let waited = client.blocking_wait_until_ready(Duration::from_millis(1));
    assert!(matches!(
        waited,
        Err(NotReadyError::Timeout { error: None })
    ));
}

// SRC-7.5
#[test]
fn making_the_data_ready_delivers_everything_that_was_set_before() {
    let data = TestData::not_ready().with("flag", 1);
    let clients = [client(&data), client(&data)];
    data.set("flag", 2)
        .set("other", 3)
        .delete("other")
        .make_ready();
    let late = client(&data);
    for client in clients.iter().chain([&late]) {
        assert!(client.is_initialized());
        assert_eq!(value(client, "flag"), 2.into());
        assert_eq!(value(client, "other"), Value::Null);
    }
    data.set("flag", 4);
    for client in clients.iter().chain([&late]) {
        assert_eq!(value(client, "flag"), 4.into());
    }
}

// SRC-7.5
#[test]
fn a_client_receives_the_data_once_and_later_changes_in_order() {
    let data = TestData::not_ready().with("flag", 1);
    let (seen, _running) = attach(&data);
    data.set("flag", 1);
    assert_eq!(seen.take(), [""; 0]);
    data.make_ready().make_ready().set("flag", 1);
    assert_eq!(seen.take(), ["init [flag flag 2]", "flag flag 3"]);
    TestData::new().make_ready();
}

// SRC-7.5
#[test]
fn a_wait_for_a_client_ends_when_the_data_becomes_ready() {
    let data = TestData::not_ready();
    let client = client(&data);
    let waiting = thread::spawn({
        let client = client.clone();
        move || client.blocking_wait_until_ready(TIMEOUT)
    });
    data.make_ready();
    waiting.join().unwrap().unwrap();
}

// SRC-7.5
#[test]
fn a_status_before_the_data_is_ready_reaches_later_clients_too() {
    let data = TestData::not_ready();
    let error = DataSourceErrorInfo::new(DataSourceErrorKind::NetworkError, "no route");
    let early = client(&data);
    data.update_status(DataSourceState::Interrupted, error);
    for client in [early, client(&data)] {
        let status = client.data_source_status().status();
        assert_eq!(status.state, DataSourceState::Initializing);
        assert_eq!(status.error.unwrap().message, "no route");
        let waited = client.blocking_wait_until_ready(Duration::from_millis(1));
        assert!(matches!(
            waited,
            Err(NotReadyError::Timeout { error: Some(_) })
        ));
    }
    data.make_ready();
    let state = client(&data).data_source_status().status().state;
    assert_eq!(state, DataSourceState::Valid);
}

// SRC-7.5
#[test]
fn a_source_that_has_failed_for_good_stays_off() {
    let data = TestData::not_ready().with("flag", true);
    let early = client(&data);
    let error = DataSourceErrorInfo::new(DataSourceErrorKind::ErrorResponse, "gone");
    data.update_status(DataSourceState::Off, error);
    let clients = [early, client(&data)];
    for client in &clients {
        let waited = client.blocking_wait_until_ready(Duration::MAX);
        assert!(matches!(
            waited,
            Err(NotReadyError::GivenUp { error: Some(_) })
        ));
    }
    data.make_ready().set("flag", false);
    for client in &clients {
        let state = client.data_source_status().status().state;
        assert_eq!(state, DataSourceState::Off);
        assert!(!client.is_initialized());
    }
    assert!(client(&data).is_initialized());
}

// SRC-7.5
#[test]
fn a_store_that_fails_when_the_data_becomes_ready_ends_the_source() {
    let data = TestData::not_ready();
    let client = client_with(&data, Habit::Fail);
    data.make_ready();
    let status = client.data_source_status().status();
    assert_eq!(status.state, DataSourceState::Off);
    assert_eq!(status.error.unwrap().kind, DataSourceErrorKind::StoreError);
}

// SRC-7.5
#[test]
fn a_change_while_the_data_becomes_ready_is_not_lost() {
    let data = TestData::not_ready().with("flag", 0);
    let clients: Vec<_> = (0..4)
        .map(|_| client_with(&data, Habit::Hesitate))
        .collect();
    thread::scope(|scope| {
        scope.spawn(|| data.make_ready());
        scope.spawn(|| data.set("flag", 1));
    });
    for client in &clients {
        assert_eq!(value(client, "flag"), 1.into());
    }
}

// SRC-7.4, start
#[test]
fn a_client_is_ready_with_all_flags_and_segments_when_start_returns() -> Result<(), Box<dyn Error>>
{
    let data = TestData::new().with("b", 1).with("a", 1);
    data.use_preconfigured_segment(json!({"key": "s"}))?
        .delete("b");
    let client = client(&data);
    assert!(client.is_initialized());
    assert_eq!(
        client.data_source_status().status().state,
        DataSourceState::Valid
    );
    let (seen, _running) = attach(&data);
    assert_eq!(
        seen.take(),
        ["init [flag a 1, flag b 2 deleted, segment s 1]"]
    );
    Ok(())
}

// SRC-7.4, before attach
#[test]
fn a_client_without_any_flags_is_ready_too() {
    let client = client(&TestData::new());
    assert!(client.is_initialized());
    assert_eq!(value(&client, "flag"), Value::Null);
}

// SRC-7.4, updates and several clients
#[test]
fn a_change_is_visible_on_every_client_when_the_call_returns() {
    let data = TestData::new();
    let clients = [client(&data), client(&data.clone())];
    for n in 0..100 {
        data.set("flag", n);
        for client in &clients {
            assert_eq!(value(client, "flag"), n.into());
        }
    }
}

// SRC-7.4, updates
#[test]
fn a_listener_is_notified_of_changes_of_a_flag_and_its_dependencies() -> Result<(), Box<dyn Error>>
{
    let data = TestData::new().with("plain", 1);
    data.use_preconfigured_segment(json!({"key": "testers"}))?
        .use_preconfigured_flag(json!({
            "key": "of-segment",
            "rules": [{"variation": 0, "clauses": [{"op": "segmentMatch", "values": ["testers"]}]}],
        }))?;
    let client = client(&data);
    let (send, changes) = channel();
    client
        .flag_tracker()
        .add_listener(move |change| send.send(change.key.clone()).unwrap());
    data.set("plain", 1);
    data.use_preconfigured_segment(json!({"key": "testers", "included": ["ada"]}))?;
    data.delete("plain");
    let heard: Vec<_> = (0..3)
        .map(|_| changes.recv_timeout(TIMEOUT).unwrap())
        .collect();
    assert_eq!(heard, ["plain", "of-segment", "plain"]);
    Ok(())
}

#[test]
fn a_listener_may_make_changes_itself() {
    let data = TestData::new().with("cause", 0);
    let clients = [client(&data), client(&data)];
    let (send, changes) = channel();
    let inner = data.clone();
    clients[0]
        .flag_tracker()
        .add_listener(move |change| match change.key.as_str() {
            "cause" => {
                inner.set("effect", 1);
            }
            _ => send.send(()).unwrap(),
        });
    data.set("cause", 1);
    changes.recv_timeout(TIMEOUT).unwrap();
    assert_eq!(value(&clients[1], "effect"), 1.into());
}

#[test]
fn a_value_listener_receives_the_old_and_the_new_value() {
    let data = TestData::new().with("flag", "old");
    let client = client(&data);
    let (send, changes) = channel();
    client
        .flag_tracker()
        .add_flag_value_change_listener("flag", &ada(), move |change| {
            send.send((change.old_value.clone(), change.new_value.clone()))
                .unwrap();
        });
    data.set("flag", "new");
    assert_eq!(
        changes.recv_timeout(TIMEOUT),
        Ok(("old".into(), "new".into()))
    );
}

// SRC-7.4, several clients
#[test]
fn each_client_detaches_when_its_data_source_is_stopped() {
    let data = TestData::new();
    let (first, first_running) = attach(&data);
    let (second, _second_running) = attach(&data);
    assert_eq!(data.client_count(), 2);
    drop(first_running);
    assert_eq!(data.client_count(), 1);
    assert_eq!(Arc::strong_count(&first), 1, "the sink is released");
    data.set("flag", 1)
        .update_status(DataSourceState::Off, None);
    assert_eq!(first.take(), ["init []"]);
    assert_eq!(second.take(), ["init []", "flag flag 1", "Off "]);
}

// SRC-7.4, several clients: dropped clients do not leak
#[test]
fn a_dropped_client_leaves_nothing_behind() {
    let data = TestData::new().with("flag", 1);
    let (send, gone) = channel();
    let other = client(&data);
    drop(client_with(&data, Habit::SayGoodbye(send)));
    gone.recv_timeout(TIMEOUT).unwrap();
    assert_eq!(data.client_count(), 1, "only the other client");
    data.set("flag", 2);
    assert_eq!(value(&other, "flag"), 2.into());
}

// SRC-7.4, several clients: an instance unregisters when its client closes
#[test]
fn a_closed_client_keeps_its_flags_and_the_others_continue() {
    let data = TestData::new().with("flag", 1);
    let (send, gone) = channel();
    let (closed, other) = (client_with(&data, Habit::SayGoodbye(send)), client(&data));
    pollster::block_on(closed.close(TIMEOUT));
    assert_eq!(
        closed.data_source_status().status().state,
        DataSourceState::Off
    );
    assert_eq!(value(&closed, "flag"), 1.into());
    drop(closed);
    gone.recv_timeout(TIMEOUT).unwrap();
    assert_eq!(data.client_count(), 1);
    data.set("flag", 2);
    assert_eq!(value(&other, "flag"), 2.into());
}

#[test]
fn a_client_works_when_no_other_handle_is_left() {
    let client = Client::builder("sdk-key")
        .data_source(TestData::new().with("flag", 1))
        .start()
        .unwrap();
    assert_eq!(value(&client, "flag"), 1.into());
}

// SRC-7.4, start and updates: no change is lost between the initial data and the first change
#[test]
fn a_change_during_the_initial_data_is_delivered_after_it() {
    let data = TestData::new().with("flag", 1);
    let (send, threads) = channel();
    let changing = data.clone();
    let recorder = Arc::new(Recorder::new(move || {
        let (before, to) = (changing.flag("flag"), changing.clone());
        send.send(thread::spawn(move || drop(to.set("flag", 2).clone())))
            .unwrap();
        while changing.flag("flag") == before {
            thread::yield_now();
        }
        // The change is made. Leaves time for an early notification, which would be wrong.
        (0..10_000).for_each(|_| thread::yield_now());
    }));
    let _running = attach_as(&data, &recorder);
    threads.recv_timeout(TIMEOUT).unwrap().join().unwrap();
    assert_eq!(recorder.take(), ["init [flag flag 1]", "flag flag 2"]);
}

// SRC-7.4, the same with threads
#[test]
fn clients_that_start_during_changes_lose_none() {
    const LAST: i32 = 500;
    let data = TestData::new();
    let keys = ["a", "b", "c"];
    let clients = thread::scope(|scope| {
        for key in keys {
            let data = data.clone();
            scope.spawn(move || (1..=LAST).for_each(|n| drop(data.set(key, n).clone())));
        }
        let starting: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| (0..10).map(|_| client(&data)).collect::<Vec<_>>()))
            .collect();
        starting
            .into_iter()
            .flat_map(|started| started.join().unwrap())
            .collect::<Vec<_>>()
    });
    for client in &clients {
        assert_eq!(
            keys.map(|key| value(client, key)),
            keys.map(|_| LAST.into())
        );
    }
    assert_eq!(data.client_count(), 40);
}

// SRC-7.1, update
#[test]
fn concurrent_changes_of_one_flag_get_distinct_versions() {
    let data = TestData::new();
    let client = client(&data);
    let (seen, _running) = attach(&data);
    thread::scope(|scope| {
        for n in 0..8 {
            let (data, client) = (data.clone(), client.clone());
            scope.spawn(move || {
                for _ in 0..50 {
                    data.update(data.flag("flag").value_for_all(n));
                    assert_ne!(value(&client, "flag"), Value::Null);
                }
            });
        }
    });
    let mut versions: Vec<u32> = seen
        .take()
        .iter()
        .skip(1)
        .map(|line| line.rsplit(' ').next().unwrap().parse().unwrap())
        .collect();
    versions.sort_unstable();
    assert_eq!(versions, (1..=400).collect::<Vec<_>>());
}

#[test]
fn a_change_waits_for_a_store_that_does_not_finish_immediately() {
    let data = TestData::new().with("flag", 1);
    let client = client_with(&data, Habit::Hesitate);
    for n in 2..100 {
        data.set("flag", n);
        assert_eq!(value(&client, "flag"), n.into());
    }
}

#[test]
fn a_change_does_not_wait_for_a_client_that_ends_during_its_start() {
    let data = TestData::new();
    let client = client_with(&data, Habit::Hang);
    thread::scope(|scope| {
        let change = scope.spawn(|| drop(data.set("flag", 1).clone()));
        drop(client);
        change.join().unwrap();
    });
}

#[test]
fn a_client_whose_store_fails_reports_it_and_the_others_continue() {
    let data = TestData::new().with("flag", 1);
    let failing = client_with(&data, Habit::Fail);
    let other = client(&data);
    let error = failing.data_source_status().status().error.unwrap();
    assert_eq!(error.kind, DataSourceErrorKind::StoreError);
    assert_eq!(
        data.client_count(),
        1,
        "a source whose initial data cannot be stored has ended"
    );
    data.set("flag", 2);
    assert_eq!(value(&other, "flag"), 2.into());
}

/// Makes more changes inside a Tokio task than the task's budget allows before it has to yield.
#[derive(Clone, Debug)]
struct Busy(TestData);

#[vexil::async_trait]
impl DataSource for Busy {
    fn reports_events(&self) -> bool {
        false
    }

    async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
        yield_once().await;
        for n in 0..=1_000 {
            self.0.set("flag", n);
        }
        sink.init(DataSet::default())
            .await
            .map_err(DataSourceError::store)
    }
}

#[test]
fn any_number_of_changes_can_be_made_in_an_async_task() {
    let data = TestData::new();
    let client = client(&data);
    let busy = Client::builder("sdk-key")
        .data_source(Busy(data))
        .start()
        .unwrap();
    busy.blocking_wait_until_ready(TIMEOUT).unwrap();
    assert_eq!(value(&client, "flag"), 1_000.into());
}

#[test]
fn a_data_set_keeps_its_versions_and_changes_continue_them() -> Result<(), Box<dyn Error>> {
    let json = json!({
        "flags": {
            "flag": {"version": 7, "on": true, "variations": ["a"], "fallthrough": {"variation": 0}},
            "gone": {"version": 4, "deleted": true},
        },
        "segments": {"segment": {"version": 9}},
    });
    let data = TestData::from(DataSet::from_json(json.to_string().as_bytes())?);
    let (seen, _running) = attach(&data);
    assert_eq!(value(&client(&data), "flag"), "a".into());
    assert_eq!(data.flag("flag"), FlagBuilder::new("flag"));
    data.set("flag", "b")
        .set("gone", 1)
        .delete_segment("segment");
    let init = "init [flag flag 7, flag gone 4 deleted, segment segment 9]";
    assert_eq!(
        seen.take(),
        [
            init,
            "flag flag 8",
            "flag gone 5",
            "segment segment 10 deleted"
        ]
    );
    Ok(())
}

// FDV2-9.2
#[test]
fn a_data_system_does_not_write_test_data_to_a_database() {
    let (data, store) = (TestData::from([("flag", 1)]), MemoryPersistentStore::new());
    let client = Client::builder("sdk-key")
        .data_system(DataSystem::custom().synchronizer(data.clone()))
        .data_store(PersistentStoreConfig::new(store.clone()))
        .start()
        .unwrap();
    client.blocking_wait_until_ready(TIMEOUT).unwrap();
    data.set("flag", 2);
    assert_eq!(value(&client, "flag"), 2.into());
    // Closing writes what is queued.
    assert!(client.blocking_close(TIMEOUT));
    assert_eq!(store.writes(), []);
}

#[test]
fn debug_output_is_short() {
    let data = TestData::new().with("flag", "a secret");
    let _client = client(&data);
    assert_eq!(format!("{data:?}"), "TestData { clients: 1, .. }");
}
