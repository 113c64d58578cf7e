//! Listeners for changes of flags (SRC-5.3 to SRC-5.5).

#![cfg(test)]

#[path = "support/interest.rs"]
mod interest;
#[path = "support/log.rs"]
mod log;
mod support;

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value as Json, json};
use support::{
    Controls, Failing, SOON, ada, controlled, controlled_with, rule_for_segment, serving, with,
};
use vexil::client::{FlagTracker, FlagValueChange, FlagsStateOptions};
use vexil::model::{DataKind, Item, Upserted};
use vexil::{Client, ListenerId, Text};

/// A flag that only marks the end of a test's changes. Change events arrive in the order of the
/// updates.
const END: &str = "zzz-end";

/// The keys that a listener is notified of.
struct Notified(Receiver<Text>);

fn listen(tracker: &FlagTracker<'_>) -> (ListenerId, Notified) {
    let (notified, keys) = channel();
    (
        tracker.add_listener(move |change| notified.send(change.key.clone()).unwrap()),
        Notified(keys),
    )
}

impl Notified {
    /// The keys since the last call, sorted.
    #[track_caller]
    fn since(&self, source: &Controls, version: u64) -> Vec<Text> {
        source.flag(END, &serving(version, "end"));
        let next = || self.0.recv_timeout(SOON).expect("the end is announced");
        let mut keys: Vec<_> = std::iter::repeat_with(next)
            .take_while(|key| key != END)
            .collect();
        keys.sort();
        keys
    }
}

/// The keys that a listener is notified of while `act` runs on a client with `data`.
#[track_caller]
fn announced_by<R>(data: &Json, act: impl FnOnce(&Controls) -> R) -> Vec<Text> {
    let (client, source) = controlled();
    source.init(data);
    let (_, notified) = listen(&client.flag_tracker());
    act(&source);
    notified.since(&source, 1_000)
}

fn requires(version: u64, key: &str) -> Json {
    with(
        serving(version, 1),
        &json!({"prerequisites": [{"key": key, "variation": 0}]}),
    )
}

fn in_segment(key: &str, negate: bool) -> Json {
    with(
        serving(1, 1),
        &json!({"rules": rule_for_segment(key, negate)}),
    )
}

fn segment(version: u64, nested: &[&str]) -> Json {
    json!({"version": version, "rules": [{"clauses": [{"op": "segmentMatch", "values": nested}]}]})
}

/// `top` requires `middle`, which requires `base`. Three flags depend on segment `inner`, one of
/// them through another segment.
fn data() -> Json {
    json!({
        "flags": {
            "base": serving(1, 1), "middle": requires(1, "base"), "top": requires(1, "middle"), "alone": serving(1, 1),
            "by-inner": in_segment("inner", false), "by-outer": in_segment("outer", false),
            "not-inner": in_segment("inner", true),
        },
        "segments": {"outer": segment(1, &["other", "inner"]), "inner": segment(1, &[]), "unused": segment(1, &[])},
    })
}

#[test]
fn a_changed_flag_is_announced_even_if_its_value_stays() {
    assert_eq!(
        announced_by(&data(), |source| source.flag("alone", &serving(2, 1))),
        ["alone"]
    );
    assert_eq!(
        announced_by(&data(), |source| source.flag("new", &serving(1, 1))),
        ["new"]
    );
}

#[test]
fn a_change_is_announced_for_all_direct_and_indirect_dependents() {
    let flag = |key| announced_by(&data(), |source| source.flag(key, &serving(2, 1)));
    assert_eq!(flag("base"), ["base", "middle", "top"]);
    assert_eq!(flag("middle"), ["middle", "top"]);
    assert_eq!(flag("top"), ["top"]);
    let changed = |key| announced_by(&data(), |source| source.segment(key, &segment(2, &[])));
    assert_eq!(changed("inner"), ["by-inner", "by-outer", "not-inner"]);
    assert_eq!(changed("outer"), ["by-outer"]);
    assert!(changed("unused").is_empty());
    assert_eq!(
        changed("other"),
        ["by-outer"],
        "a segment that a rule named before it existed"
    );
}

#[test]
fn dependency_cycles_end() {
    let circle = json!({
        "flags": {"a": requires(1, "b"), "b": requires(1, "a"), "itself": requires(1, "itself"),
            "by-x": in_segment("x", false)},
        "segments": {"x": segment(1, &["y"]), "y": segment(1, &["x"])},
    });
    assert_eq!(
        announced_by(&circle, |source| source.flag("a", &serving(2, 1))),
        ["a", "b"]
    );
    assert_eq!(
        announced_by(&circle, |source| source.flag("itself", &serving(2, 1))),
        ["itself"]
    );
    assert_eq!(
        announced_by(&circle, |source| source.segment("y", &segment(2, &[]))),
        ["by-x"]
    );
}

#[test]
fn a_stale_update_is_not_announced() {
    let notified = announced_by(&data(), |source| {
        assert_eq!(source.flag("base", &serving(1, 2)), Upserted::Stale);
        assert_eq!(source.flag("base", &serving(0, 2)), Upserted::Stale);
        assert_eq!(source.delete(DataKind::Flag, "base", 1), Upserted::Stale);
        assert_eq!(source.segment("inner", &segment(1, &[])), Upserted::Stale);
    });
    assert!(notified.is_empty(), "{notified:?}");
}

#[test]
fn a_deletion_is_announced_for_its_dependents() {
    let delete = |kind, key| announced_by(&data(), |source| source.delete(kind, key, 2));
    assert_eq!(delete(DataKind::Flag, "base"), ["base", "middle", "top"]);
    assert_eq!(
        delete(DataKind::Segment, "inner"),
        ["by-inner", "by-outer", "not-inner"]
    );
}

#[test]
fn a_deleted_flag_or_segment_has_no_dependencies() {
    let (client, source) = controlled();
    source.init(&data());
    let (_, notified) = listen(&client.flag_tracker());
    source.delete(DataKind::Flag, "middle", 2);
    source.delete(DataKind::Segment, "outer", 2);
    assert_eq!(notified.since(&source, 1), ["by-outer", "middle", "top"]);
    source.flag("base", &serving(2, 1));
    source.segment("inner", &segment(2, &[]));
    assert_eq!(
        notified.since(&source, 2),
        ["base", "by-inner", "not-inner"]
    );
}

// SRC-5.4
#[test]
fn only_the_differences_of_a_new_data_set_are_announced() {
    let next = |change: fn(&mut Json)| {
        let mut next = data();
        change(&mut next);
        announced_by(&data(), |source| source.init(&next))
    };
    assert!(next(|_| {}).is_empty(), "the same data set again");
    assert_eq!(next(|data| data["flags"]["new"] = serving(1, 1)), ["new"]);
    assert_eq!(
        next(|data| data["flags"]["alone"]["version"] = json!(2)),
        ["alone"]
    );
    assert_eq!(
        next(|data| data["flags"]["alone"]["version"] = json!(0)),
        ["alone"],
        "versions may decrease"
    );
    assert_eq!(
        next(|data| drop(data["flags"].as_object_mut().unwrap().remove("alone"))),
        ["alone"]
    );
    assert_eq!(
        next(|data| data["flags"]["alone"] = json!({"version": 2, "deleted": true})),
        ["alone"]
    );
    assert_eq!(
        next(|data| data["flags"]["base"]["version"] = json!(2)),
        ["base", "middle", "top"]
    );
    assert_eq!(
        next(|data| drop(data["flags"].as_object_mut().unwrap().remove("base"))),
        ["base", "middle", "top"],
        "its dependents have changed as well"
    );
    let by_inner = ["by-inner", "by-outer", "not-inner"];
    assert_eq!(
        next(|data| data["segments"]["inner"]["version"] = json!(2)),
        by_inner
    );
    assert_eq!(
        next(|data| drop(data["segments"].as_object_mut().unwrap().remove("inner"))),
        by_inner
    );
    assert!(next(|data| data["segments"]["unused"]["version"] = json!(2)).is_empty());
}

// SRC-5.4
#[test]
fn a_flag_is_announced_once_per_update_however_many_reasons_there_are() {
    let mut next = data();
    for key in ["base", "middle", "top"] {
        next["flags"][key]["version"] = json!(2);
    }
    assert_eq!(
        announced_by(&data(), |source| source.init(&next)),
        ["base", "middle", "top"]
    );
}

// SRC-5.4
#[test]
fn a_listener_added_before_the_first_data_is_notified_of_every_flag() {
    let (client, source) = controlled();
    let (_, notified) = listen(&client.flag_tracker());
    source.init(&data());
    let all = [
        "alone",
        "base",
        "by-inner",
        "by-outer",
        "middle",
        "not-inner",
        "top",
    ];
    assert_eq!(notified.since(&source, 1), all);
    source.flag("base", &serving(2, 1));
    assert_eq!(notified.since(&source, 2), ["base", "middle", "top"]);
}

// SRC-5.3
#[test]
fn dependencies_follow_updates_and_later_data_sets() {
    let (client, source) = controlled();
    source.init(&data());
    source.flag("alone", &requires(2, "base"));
    let (id, notified) = listen(&client.flag_tracker());
    source.flag("base", &serving(2, 1));
    assert_eq!(
        notified.since(&source, 1),
        ["alone", "base", "middle", "top"],
        "changed before there was a listener"
    );
    source.flag("alone", &serving(3, 1));
    source.flag("top", &requires(3, "alone"));
    source.flag("base", &serving(3, 1));
    assert_eq!(
        notified.since(&source, 2),
        ["alone", "base", "middle", "top"],
        "changed while there is a listener"
    );
    source.init(
        &json!({"flags": {"x": requires(1, "y"), "y": serving(1, 1), END: serving(2, "end")}}),
    );
    notified.since(&source, 3);
    source.flag("y", &serving(2, 1));
    source.flag("base", &serving(4, 1));
    assert_eq!(
        notified.since(&source, 4),
        ["base", "x", "y"],
        "the whole data set replaced"
    );
    client.flag_tracker().remove_listener(id);
    source.flag("x", &serving(2, 1));
    source.flag("z", &requires(1, "y"));
    let (_, notified) = listen(&client.flag_tracker());
    source.flag("y", &serving(3, 1));
    assert_eq!(
        notified.since(&source, 5),
        ["y", "z"],
        "changed while there was no listener"
    );
}

#[test]
fn an_update_that_could_not_be_stored_is_not_announced() {
    let store = Arc::new(Failing::default());
    let (client, source) =
        controlled_with(Client::builder("sdk-key").data_store(Arc::clone(&store)));
    source.init(&data());
    let (_, notified) = listen(&client.flag_tracker());
    store.set(true);
    assert!(source.try_init(&json!({})).is_err());
    assert!(
        source
            .upsert(Item::deleted(DataKind::Flag, "alone", 9))
            .is_err()
    );
    store.set(false);
    source.flag("base", &serving(2, 1));
    assert_eq!(notified.since(&source, 1), ["base", "middle", "top"]);
}

#[test]
fn change_events_have_the_order_of_the_updates() {
    let (client, source) = controlled();
    source.init(&json!({}));
    let (_, notified) = listen(&client.flag_tracker());
    let keys: Vec<_> = (0..500).map(|n| format!("flag-{n}")).collect();
    for key in &keys {
        source.flag(key, &serving(1, 1));
    }
    let received: Vec<_> = keys
        .iter()
        .map(|_| notified.0.recv_timeout(SOON).unwrap())
        .collect();
    assert!(
        keys.iter()
            .zip(&received)
            .all(|(key, received)| received == key.as_str())
    );
}

#[test]
fn the_new_data_is_visible_when_a_listener_is_notified() {
    let (client, source) = controlled();
    source.init(&json!({"flags": {"flag": serving(1, 1)}}));
    let (values, value) = channel();
    let reader = client.clone();
    client.flag_tracker().add_listener(move |change| {
        values
            .send(reader.int_variation(&change.key, &ada(), 0))
            .unwrap()
    });
    source.flag("flag", &serving(2, 2));
    assert_eq!(value.recv_timeout(SOON).unwrap(), 2);
}

#[test]
fn a_removed_listener_is_not_notified() {
    let (client, source) = controlled();
    source.init(&data());
    let tracker = client.flag_tracker();
    let (removed, first) = listen(&tracker);
    let (_, second) = listen(&tracker);
    source.flag("alone", &serving(2, 1));
    assert_eq!(first.since(&source, 1), ["alone"]);
    tracker.remove_listener(removed);
    tracker.remove_listener(removed);
    source.flag("alone", &serving(3, 1));
    assert_eq!(second.since(&source, 2), ["alone"]);
    assert_eq!(second.since(&source, 3), ["alone"]);
    assert!(
        first.0.try_recv().is_err(),
        "the first listener would be notified before the second"
    );
}

// EVT-9
#[test]
fn a_listener_that_panics_does_not_stop_other_notifications() {
    let (client, source) = controlled();
    source.init(&data());
    let tracker = client.flag_tracker();
    let (_, before) = listen(&tracker);
    tracker.add_listener(|_| panic!("this listener always panics"));
    let (_, after) = listen(&tracker);
    source.flag("base", &serving(2, 1));
    source.flag("alone", &serving(2, 1));
    for notified in [before, after] {
        let keys: Vec<_> = (0..4)
            .map(|_| notified.0.recv_timeout(SOON).unwrap())
            .collect();
        assert_eq!(keys, ["base", "middle", "top", "alone"]);
    }
}

#[test]
fn a_listener_can_use_the_client_and_the_tracker() {
    let (client, source) = controlled();
    source.init(&data());
    let (notified, values) = channel();
    let own = client.clone();
    let id = Arc::new(Mutex::new(None));
    let own_id = Arc::clone(&id);
    *id.lock().unwrap() = Some(client.flag_tracker().add_listener(move |change| {
        assert!(
            own.all_flags_state(&ada(), FlagsStateOptions::default())
                .is_valid()
        );
        let added = own.flag_tracker().add_listener(|_| {});
        own.flag_tracker().remove_listener(added);
        own.flag_tracker()
            .remove_listener(own_id.lock().unwrap().unwrap());
        own.blocking_wait_until_ready(SOON).unwrap();
        pollster::block_on(own.close(SOON));
        notified
            .send(own.int_variation(&change.key, &ada(), 0))
            .unwrap();
    }));
    source.flag("alone", &serving(2, 7));
    assert_eq!(values.recv_timeout(SOON).unwrap(), 7);
}

#[test]
fn a_listener_can_hold_the_last_client() {
    let (client, source) = controlled();
    source.init(&data());
    let (done, is_done) = channel();
    let last = Mutex::new(None);
    let holder = Arc::new(last);
    let own = Arc::clone(&holder);
    client.flag_tracker().add_listener(move |_| {
        drop(own.lock().unwrap().take());
        done.send(()).unwrap();
    });
    *holder.lock().unwrap() = Some(client);
    source.flag("alone", &serving(2, 7));
    is_done.recv_timeout(SOON).unwrap();
}

// EVT-9
#[test]
fn a_listener_that_blocks_delays_neither_updates_nor_evaluations() {
    let (client, source) = controlled();
    source.init(&json!({"flags": {"flag": serving(1, 1)}}));
    let (gate, go) = channel::<()>();
    let (entered, is_in) = channel();
    let go = Mutex::new(go);
    client.flag_tracker().add_listener(move |_| {
        entered.send(()).unwrap();
        go.lock().unwrap().recv_timeout(SOON).unwrap();
    });
    source.flag("flag", &serving(2, 2));
    is_in.recv_timeout(SOON).unwrap();
    source.flag("flag", &serving(3, 3));
    assert_eq!(client.int_variation("flag", &ada(), 0), 3);
    gate.send(()).unwrap();
    gate.send(()).unwrap();
    is_in.recv_timeout(SOON).unwrap();
}

/// The changes that a listener for the value of `flag` receives.
#[test]
fn changes_that_a_blocked_listener_leaves_no_room_for_are_dropped_with_one_warning() {
    let (client, source) = controlled();
    let (blocking, blocked) = channel::<()>();
    let blocked = Mutex::new(blocked);
    let (notified, keys) = channel();
    client.flag_tracker().add_listener(move |change| {
        // Returns once the sender is dropped.
        let _ = blocked.lock().unwrap().recv();
        notified.send(change.key.clone()).unwrap();
    });
    let log = log::Log::default();
    interest::always_interested();
    tracing::subscriber::with_default(log.subscriber(), || {
        for version in 1..=6_000 {
            source.flag("flag", &serving(version, 1));
        }
    });
    let lines = log.lines();
    let warnings = lines.iter().filter(|line| line.contains("queue full"));
    assert_eq!(warnings.count(), 1, "{lines:#?}");

    drop(blocking);
    let next = || keys.recv_timeout(SOON).expect("a change is announced");
    (0..4_000).for_each(|_| assert_eq!(next(), "flag"));
    source.flag(END, &serving(1, "end"));
    let rest = std::iter::repeat_with(next).take_while(|key| key != END);
    assert!(4_000 + rest.count() < 6_000);
}

fn value_changes(client: &Client) -> Receiver<FlagValueChange> {
    let (notified, changes) = channel();
    client
        .flag_tracker()
        .add_flag_value_change_listener("flag", &ada(), move |change| {
            notified.send(change.clone()).unwrap()
        });
    changes
}

#[track_caller]
fn next(changes: &Receiver<FlagValueChange>) -> Json {
    let change = changes.recv_timeout(SOON).unwrap();
    assert_eq!(change.key, "flag");
    json!([change.old_value, change.new_value])
}

// SRC-5.5
#[test]
fn a_value_listener_gets_both_values_and_only_if_they_differ() {
    let (client, source) = controlled();
    source.init(&json!({"flags": {"flag": serving(1, json!({"a": [1]}))}}));
    let changes = value_changes(&client);
    // Each update follows the notification of the one before, because a listener sees only the
    // newest data.
    source.flag("flag", &serving(2, json!({"a": [1.0]})));
    source.flag("another", &serving(1, 1));
    source.flag("flag", &serving(3, "b"));
    assert_eq!(next(&changes), json!([{"a": [1]}, "b"]));
    source.delete(DataKind::Flag, "flag", 4);
    assert_eq!(next(&changes), json!(["b", null]));
    source.delete(DataKind::Flag, "flag", 5);
    source.flag("flag", &serving(6, 3));
    assert_eq!(next(&changes), json!([null, 3]));
    source.init(&json!({}));
    assert_eq!(next(&changes), json!([3, null]));
    assert!(changes.try_recv().is_err());
}

// SRC-5.5
#[test]
fn a_value_is_null_before_there_is_data_and_if_a_flag_has_no_value() {
    let (client, source) = controlled();
    let changes = value_changes(&client);
    source.init(&json!({"flags": {"flag": serving(1, "a")}}));
    assert_eq!(next(&changes), json!([null, "a"]));
    source.flag("flag", &with(serving(2, "a"), &json!({"on": false})));
    assert_eq!(next(&changes), json!(["a", null]));
}

// SRC-5.5
#[test]
fn a_change_of_a_dependency_can_change_the_value_of_a_flag() {
    let (client, source) = controlled();
    let off = json!({"variations": ["on", "off"], "offVariation": 1});
    source
        .init(&json!({"flags": {"flag": with(requires(1, "base"), &off), "base": serving(1, 1)}}));
    let changes = value_changes(&client);
    source.delete(DataKind::Flag, "base", 2);
    assert_eq!(next(&changes), json!(["on", "off"]));
}

// SRC-5.5
#[test]
fn a_value_listener_is_notified_for_its_context_only() {
    let (client, source) = controlled();
    let targets = |version, keys: &[&str]| {
        let two = json!({"variations": ["targeted", "not"], "fallthrough": {"variation": 1}});
        with(
            with(serving(version, 0), &two),
            &json!({"targets": [{"variation": 0, "values": keys}]}),
        )
    };
    source.init(&json!({"flags": {"flag": targets(1, &[])}}));
    let (notified, changes) = channel();
    for key in ["ada", "bob", "ada"] {
        let notified = notified.clone();
        let context = vexil::Context::new(key).unwrap();
        client
            .flag_tracker()
            .add_flag_value_change_listener("flag", &context, move |change| {
                notified.send((key, change.new_value.clone())).unwrap();
            });
    }
    source.flag("flag", &targets(2, &["bob"]));
    assert_eq!(
        changes.recv_timeout(SOON).unwrap(),
        ("bob", "targeted".into())
    );
    source.flag("flag", &targets(3, &["bob", "ada"]));
    let notified: Vec<_> = (0..2)
        .map(|_| changes.recv_timeout(SOON).unwrap())
        .collect();
    assert_eq!(
        notified,
        [("ada", "targeted".into()), ("ada", "targeted".into())],
        "each of two listeners"
    );
}

// SRC-5.5
#[test]
fn a_removed_value_listener_is_not_notified() {
    let (client, source) = controlled();
    source.init(&json!({"flags": {"flag": serving(1, 1)}}));
    let (notified, changes) = channel();
    let tracker = client.flag_tracker();
    let id = tracker.add_flag_value_change_listener("flag", &ada(), move |change| {
        notified.send(change.clone()).unwrap()
    });
    let others = value_changes(&client);
    tracker.remove_listener(id);
    source.flag("flag", &serving(2, 2));
    assert_eq!(next(&others), json!([1, 2]));
    assert!(
        changes.try_recv().is_err(),
        "the removed listener would be notified first"
    );
}

// SRC-5.3
#[test]
fn a_subscription_receives_each_changed_flag() {
    let (client, source) = controlled();
    source.init(&json!({"flags": {"base": serving(1, 1), "top": requires(1, "base")}}));
    let mut changes = client.flag_tracker().subscribe();
    source.flag("base", &serving(2, 2));
    let mut keys = [(); 2].map(|()| changes.blocking_next(SOON).unwrap().key);
    keys.sort();
    assert_eq!(keys, ["base", "top"]);
    assert_eq!(changes.blocking_next(Duration::ZERO), None);
    source.flag("new", &serving(1, 1));
    let next = pollster::block_on(changes.next()).unwrap();
    assert_eq!(next.key, "new");
}

#[test]
fn a_slow_subscriber_receives_each_changed_flag_once() {
    let (client, source) = controlled();
    source.init(&json!({}));
    let mut changes = client.flag_tracker().subscribe();
    let (_, notified) = listen(&client.flag_tracker());
    for version in 1..=1_000 {
        source.flag(
            ["a", "b", "c"][version as usize % 3],
            &serving(version, version),
        );
    }
    // All of them have been announced.
    assert_eq!(notified.since(&source, 1).len(), 1_000);
    let keys = [(); 4].map(|()| changes.blocking_next(SOON).unwrap().key);
    assert_eq!(keys, ["b", "c", "a", END]);
    assert_eq!(changes.blocking_next(Duration::ZERO), None);
}

// SRC-5.5
#[test]
fn a_slow_subscriber_to_a_value_receives_its_changes_as_one_or_none() {
    let (client, source) = controlled();
    source.init(&json!({"flags": {"flag": serving(1, 1)}}));
    let tracker = client.flag_tracker();
    let mut changes = tracker.subscribe_to_value("flag", &ada());
    let (_, notified) = listen(&tracker);
    for version in 2..=5 {
        source.flag("flag", &serving(version, version));
    }
    notified.since(&source, 1);
    let change = changes.blocking_next(SOON).unwrap();
    assert_eq!(
        (change.key.as_str(), change.old_value, change.new_value),
        ("flag", 1.into(), 5.into())
    );

    source.flag("flag", &serving(6, 6));
    source.flag("flag", &serving(7, 5));
    notified.since(&source, 2);
    assert_eq!(changes.blocking_next(Duration::ZERO), None);
    source.flag("flag", &serving(8, 8));
    let change = pollster::block_on(changes.next()).unwrap();
    assert_eq!((change.old_value, change.new_value), (5.into(), 8.into()));
}

#[test]
fn a_subscription_ends_with_its_client_after_its_last_change() {
    let (client, source) = controlled();
    source.init(&json!({}));
    let mut changes = client.flag_tracker().subscribe();
    let (_, notified) = listen(&client.flag_tracker());
    notified.since(&source, 1);
    let waiting = std::thread::spawn(move || {
        let change = changes.blocking_next(SOON);
        (change.map(|change| change.key), changes.blocking_next(SOON))
    });
    assert!(client.blocking_close(SOON));
    assert_eq!(waiting.join().unwrap(), (Some(END.into()), None));
    let mut late = client.flag_tracker().subscribe();
    assert_eq!(late.blocking_next(SOON), None);

    // It does not keep the client open.
    let (client, _source) = controlled();
    let mut changes = client.flag_tracker().subscribe_to_value("flag", &ada());
    drop(client);
    assert_eq!(changes.blocking_next(SOON), None);
}

#[test]
fn a_dropped_subscription_removes_its_listener() {
    let (client, source) = controlled();
    source.init(&json!({}));
    let tracker = client.flag_tracker();
    let count = || format!("{tracker:?}").contains("listeners: 0");
    let changes = (
        tracker.subscribe(),
        tracker.subscribe_to_value("flag", &ada()),
    );
    assert!(!count());
    drop(changes);
    assert!(count());
}
