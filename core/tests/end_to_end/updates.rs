//! Updates that arrive while a client runs.

use std::sync::mpsc::{Receiver, channel};

use serde_json::json;
use vexil::Client;
use vexil_testing::FakeService;
use vexil_testing::fake_service::{Answer, Endpoint};

use crate::setup::{
    NONE, SOON, Statuses, ada, builder, service, stream, streaming, until_value, value,
};
use crate::support::error;

/// The keys of the flags that change from now on.
pub(crate) fn changes(client: &Client) -> Receiver<String> {
    let (keys, changed) = channel();
    client
        .flag_tracker()
        .add_listener(move |change| drop(keys.send(change.key.to_string())));
    changed
}

/// The keys that changed before `key` did.
#[track_caller]
pub(crate) fn before(last: &str, changes: &Receiver<String>) -> Vec<String> {
    let next = || changes.recv_timeout(SOON).expect("the last change arrives");
    std::iter::repeat_with(next)
        .take_while(|key| key != last)
        .collect()
}

pub(crate) fn flag(version: u64, value: &str) -> serde_json::Value {
    json!({"version": version, "on": true, "variations": [value], "fallthrough": {"variation": 0}})
}

pub(crate) fn data(flags: &serde_json::Value) -> String {
    json!({"flags": flags, "segments": {}}).to_string()
}

// SRC-2.3 and SRC-5.5
#[test]
fn a_patch_is_visible_and_announced_with_the_old_and_the_new_value() {
    let service = service("old");
    let client = streaming(&service);
    let (values, changed) = channel();
    let report = move |change: &vexil::client::FlagValueChange| drop(values.send(change.clone()));
    client
        .flag_tracker()
        .add_flag_value_change_listener("flag", &ada(), report);
    service.set("flag", "new");
    let change = changed.recv_timeout(SOON).unwrap();
    assert_eq!(
        (change.old_value, change.new_value),
        ("old".into(), "new".into())
    );
    assert_eq!(value(&client), "new");
    service.delete("flag");
    let change = changed.recv_timeout(SOON).unwrap();
    assert_eq!(
        (change.old_value, change.new_value),
        ("new".into(), vexil::Value::Null)
    );
    assert_eq!(value(&client), NONE);
}

// SRC-2.3: segments
#[test]
fn a_change_of_a_segment_changes_the_flags_that_use_it() {
    let service = FakeService::start().unwrap();
    let segment = |included: &[&str]| json!({"key": "segment", "included": included});
    service.use_preconfigured_segment(segment(&[])).unwrap();
    let clause = json!({"op": "segmentMatch", "values": ["segment"]});
    let rule = json!({"variation": 1, "clauses": [clause]});
    let flag = json!({"key": "flag", "on": true, "variations": ["out", "in"], "rules": [rule],
        "fallthrough": {"variation": 0}});
    service.use_preconfigured_flag(flag).unwrap();
    let client = streaming(&service);
    assert_eq!(value(&client), "out");
    service
        .use_preconfigured_segment(segment(&["ada"]))
        .unwrap();
    until_value(&client, "in");
    service.delete_segment("segment");
    until_value(&client, "out");
}

// SRC-F21
#[test]
fn a_second_put_replaces_everything_and_listeners_receive_the_differences() {
    let service = FakeService::start().unwrap();
    service
        .set_data(&data(
            &json!({"same": flag(1, "a"), "flag": flag(1, "old"), "gone": flag(1, "a")}),
        ))
        .unwrap();
    let client = streaming(&service);
    let changes = changes(&client);
    service
        .set_data(&data(
            &json!({"same": flag(1, "a"), "flag": flag(2, "new"), "added": flag(1, "a")}),
        ))
        .unwrap();
    service.set("last", true);
    let mut changed = before("last", &changes);
    changed.sort();
    assert_eq!(changed, ["added", "flag", "gone"]);
    assert_eq!(
        (
            value(&client).as_str(),
            client.str_variation("gone", &ada(), NONE).as_str()
        ),
        ("new", NONE)
    );
    assert_eq!(
        service.requests().len(),
        1,
        "all updates used one connection"
    );
}

// SRC-F22
#[test]
fn the_same_put_again_changes_nothing() {
    let service = FakeService::start().unwrap();
    let same = data(&json!({"flag": flag(1, "a"), "other": flag(3, "b")}));
    service.set_data(&same).unwrap();
    let client = streaming(&service);
    let changes = changes(&client);
    service.set_data(&same).unwrap();
    service.set("last", true);
    assert_eq!(before("last", &changes), [""; 0]);
}

// SRC-F23 and SRC-F25
#[test]
fn an_update_that_is_not_newer_is_ignored_and_a_deletion_is_remembered() {
    let service = FakeService::start().unwrap();
    service
        .set_data(&data(&json!({"flag": flag(7, "seventh")})))
        .unwrap();
    let client = streaming(&service);
    let changes = changes(&client);
    let patch = |path: &str, version, value: &str| {
        service.send_event(
            "patch",
            &json!({"data": flag(version, value), "path": path}).to_string(),
        );
    };
    let delete = |path: &str, version: u64| {
        service.send_event(
            "delete",
            &json!({"path": path, "version": version}).to_string(),
        );
    };
    patch("/flags/flag", 7, "equal");
    patch("/flags/flag", 6, "older");
    delete("/flags/flag", 7);
    delete("/flags/unknown", 5);
    patch("/flags/unknown", 5, "stale");
    service.set("last", true);
    // The deletion of an unknown flag is stored and announced like any other.
    assert_eq!(before("last", &changes), ["unknown"]);
    assert_eq!(value(&client), "seventh");
    assert_eq!(client.str_variation("unknown", &ada(), NONE), NONE);
    patch("/flags/unknown", 6, "newer");
    patch("/flags/flag", 8, "eighth");
    until_value(&client, "eighth");
    assert_eq!(client.str_variation("unknown", &ada(), NONE), "newer");
}

// SRC-F24
#[test]
fn a_patch_before_the_first_put_does_not_initialise() {
    let service = FakeService::start().unwrap();
    service.answer(Endpoint::Stream, Answer::stream());
    let client = builder(&service).data_source(stream()).start().unwrap();
    let mut statuses = Statuses::of(&client);
    let changes = changes(&client);
    service.wait_for_streams(1).wait().unwrap();
    service.set("flag", "early");
    assert_eq!(
        changes.recv_timeout(SOON).unwrap(),
        "flag",
        "the patch is applied"
    );
    assert_eq!(
        (client.is_initialized(), value(&client).as_str()),
        (false, NONE)
    );
    service
        .set_data(&data(&json!({"flag": flag(9, "put")})))
        .unwrap();
    assert_eq!(statuses.next(), "Valid", "nothing precedes it");
    assert_eq!(value(&client), "put");
}

// SRC-2.4; SRC-F26
#[test]
fn unknown_events_and_kinds_are_ignored_and_the_stream_continues() {
    let service = service("old");
    let client = streaming(&service);
    let mut statuses = Statuses::of(&client);
    service
        .send_event("whatever", "{}")
        .send_event("whatever", "{sorry")
        .send_event("goodbye", "");
    service.send_event("patch", r#"{"path": "/cats/Jack", "data": {}}"#);
    service.send_event("delete", r#"{"path": "/cats/Jack", "version": 1}"#);
    service.set("flag", "new");
    until_value(&client, "new");
    assert_eq!(service.requests().len(), 1);
    service.close_streams();
    assert_eq!(
        statuses.next(),
        "Interrupted NetworkError",
        "nothing precedes it"
    );
}

/// Data whose flags and segments refer to one another in cycles.
pub(crate) fn cycles() -> String {
    let requires = |key: &str| {
        json!({"version": 1, "on": true, "variations": ["value"], "fallthrough": {"variation": 0},
            "prerequisites": [{"key": key, "variation": 0}]})
    };
    let asks = |segment: &str| json!([{"clauses": [{"op": "segmentMatch", "values": [segment]}]}]);
    let mut in_segment = flag(1, "value");
    in_segment["rules"] = json!([{"variation": 0, "clauses": asks("a")[0]["clauses"]}]);
    let data = json!({
        "flags": {"flag": requires("other"), "other": requires("flag"), "self": requires("self"), "in": in_segment},
        "segments": {"a": {"version": 1, "rules": asks("b")}, "b": {"version": 1, "rules": asks("a")}},
    });
    data.to_string()
}

/// Checks that all flags of [`cycles`] are malformed.
#[track_caller]
pub(crate) fn are_malformed(client: &Client) {
    for key in ["flag", "other", "self", "in"] {
        let reason = client.str_variation_detail(key, &ada(), NONE).reason;
        assert_eq!(
            serde_json::to_value(reason).unwrap(),
            error("MALFORMED_FLAG"),
            "{key}"
        );
    }
}

// SRC-F27
#[test]
fn cycles_in_the_data_are_stored_and_evaluated_as_malformed() {
    let service = service("old");
    let client = streaming(&service);
    let changes = changes(&client);
    service.set_data(&cycles()).unwrap();
    service.set("last", true);
    let mut changed = before("last", &changes);
    changed.sort();
    assert_eq!(changed, ["flag", "in", "other", "self"]);
    are_malformed(&client);
    assert_eq!(service.requests().len(), 1);
}

// SRC-2.1, rules 6 and 14
#[test]
fn a_hundred_changes_in_a_row_arrive_in_order_with_heartbeats_between() {
    let service = service("0");
    let client = streaming(&service);
    let (values, changed) = channel();
    let report =
        move |change: &vexil::client::FlagValueChange| drop(values.send(change.new_value.clone()));
    client
        .flag_tracker()
        .add_flag_value_change_listener("flag", &ada(), report);
    for n in 1..=100 {
        service.send_heartbeat().set("flag", n.to_string());
    }
    // The listener is not notified of a value that is replaced before it evaluates. Those it
    // receives are in order.
    let mut last = 0;
    while last < 100 {
        let next: i32 = changed
            .recv_timeout(SOON)
            .unwrap()
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!(next > last, "{next} after {last}");
        last = next;
    }
    assert_eq!(service.requests().len(), 1);
}
