//! Scopes of a client whose data is in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use pollster::block_on;
use serde_json::{Value as Json, json};
use vexil::client::FlagsStateOptions;
use vexil::explain::ExplainOptions;
use vexil::model::{ChangeSet, DataKind, DataSet, Entry, Flag, Item, Segment};
use vexil::store::{DataStore, MemoryStore};
use vexil::{Client, Scope};

use crate::support::{
    Controls, SOON, Silent, ada, controlled_source, controlled_with, rule_for_segment, serving,
    with,
};

/// Two flags and a segment that change together. The flag `member` has the version as its value if
/// the segment does.
fn pair(version: u64) -> Json {
    let matches = json!([{"attribute": "key", "op": "in", "values": ["ada"]}]);
    json!({
        "flags": {
            "left": serving(version, version),
            "right": serving(version, version),
            "needs": with(serving(version, version),
                &json!({"prerequisites": [{"key": "left", "variation": 0}]})),
            "member": with(serving(version, version), &json!({
                "variations": [version, -1], "fallthrough": {"variation": 1},
                "rules": rule_for_segment("segment", false)})),
        },
        "segments": {"segment": {"version": version, "rules": [{"clauses": matches}]}},
    })
}

const KEYS: [&str; 4] = ["left", "right", "needs", "member"];

fn values(scope: &Scope) -> [i64; 4] {
    KEYS.map(|key| scope.int_variation(key, -2))
}

#[test]
fn a_scope_keeps_the_data_of_the_moment_of_its_creation() {
    let (client, source) = controlled_with(Client::builder("sdk-key"));
    source.init(&pair(1));
    let before = client.scope(&ada());
    source.init(&pair(2));
    source.flag("left", &serving(3, 3));
    source.delete(DataKind::Flag, "right", 3);
    source.flag("new", &serving(1, 1));
    let after = client.scope(&ada());
    assert_eq!(values(&before), [1, 1, 1, 1]);
    assert_eq!(before.int_variation("new", 0), 0);
    assert_eq!(values(&after), [3, -2, 2, 2]);
    assert_eq!(after.int_variation("new", 0), 1);
    let state = before.all_flags_state(FlagsStateOptions::default());
    assert_eq!(state.values().len(), 4);
    assert!(KEYS.iter().all(|key| state.value(key) == Some(&1.into())));
    let explanation = before.explain("right", &ExplainOptions::default());
    assert_eq!(explanation.value, Some(1.into()));
    // A scope of a scope is a new moment for the same context.
    assert_eq!(client.scope(&before).int_variation("left", 0), 3);
    assert_eq!(values(&before.clone()), [1, 1, 1, 1]);
}

/// Replaces the data until it is dropped.
struct Updates(Arc<AtomicBool>, Option<thread::JoinHandle<()>>);

impl Updates {
    fn of(mut update: impl FnMut(u64) + Send + 'static) -> Self {
        let done = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&done);
        let thread = thread::spawn(move || {
            for version in 2.. {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                update(version);
            }
        });
        Self(done, Some(thread))
    }
}

impl Drop for Updates {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
        self.1.take().unwrap().join().unwrap();
    }
}

/// Evaluates in scopes on several threads while the data changes, and asserts that no scope sees two
/// moments, and that later scopes see updates.
fn sees_one_moment(client: &Client) {
    let evaluate = || {
        let mut moments: Vec<i64> = vec![];
        // Plain evaluations and later scopes see other moments sooner or later; otherwise nothing is
        // tested.
        let mut differs = false;
        while !differs || moments.len() < 200 || moments.first() == moments.last() {
            let scope = client.scope(&ada());
            let [first, ..] = values(&scope);
            for _ in 0..3 {
                assert_eq!(values(&scope), [first; 4]);
            }
            let state = scope.all_flags_state(FlagsStateOptions::default());
            assert!(
                KEYS.iter()
                    .all(|key| state.value(key) == Some(&first.into()))
            );
            assert!(moments.last().is_none_or(|last| *last <= first));
            moments.push(first);
            let plain = ["left", "right"].map(|key| client.int_variation(key, &ada(), 0));
            differs |= plain[0] != plain[1];
        }
    };
    thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(evaluate);
        }
    });
}

#[test]
fn no_scope_sees_two_moments_while_the_data_changes() {
    let (client, source) = controlled_with(Client::builder("sdk-key").without_events());
    source.init(&pair(1));
    let _updates = Updates::of(move |version| source.init(&pair(version)));
    sees_one_moment(&client);
}

#[test]
fn no_scope_sees_two_moments_while_overrides_change() {
    let (overrides, controls) = controlled_source();
    let builder = Client::builder("sdk-key").without_events();
    let (client, source) = controlled_with(builder.flag_overrides(overrides));
    source.init(&pair(1));
    let overrides: Controls = controls();
    overrides.init(&pair(1));
    let _updates = Updates::of(move |version| overrides.init(&pair(version)));
    sees_one_moment(&client);
}

#[test]
fn a_scope_keeps_the_overrides_and_the_data_below_them() {
    let (overrides, controls) = controlled_source();
    let builder = Client::builder("sdk-key").flag_overrides(overrides);
    let (client, source) = controlled_with(builder);
    let overrides = controls();
    source.init(&json!({"flags": {"a": serving(1, "data"), "b": serving(1, "data")}}));
    overrides.init(&json!({"flags": {"a": serving(1, "override")}}));
    let scope = client.scope(&ada());
    overrides.init(&json!({"flags": {"b": serving(1, "override"), "new": serving(1, "override")}}));
    source.init(&json!({"flags": {"a": serving(2, "newer"), "b": serving(2, "newer")}}));

    let detail = scope.str_variation_detail("a", "");
    assert_eq!(
        (detail.value.as_str(), detail.reason.is_override),
        ("override", true)
    );
    let detail = scope.str_variation_detail("b", "");
    assert_eq!(
        (detail.value.as_str(), detail.reason.is_override),
        ("data", false)
    );
    assert_eq!(scope.str_variation("new", "none"), "none");
    let state = scope.all_flags_state(FlagsStateOptions::default());
    assert_eq!(state.value("a"), Some(&"override".into()));
    assert_eq!(
        (state.value("b"), state.values().len()),
        (Some(&"data".into()), 2)
    );

    let now = client.scope(&ada());
    let values = ["a", "b", "new"].map(|key| now.str_variation(key, ""));
    assert_eq!(values, ["newer", "override", "override"]);
}

// An override needs no other data, in a scope too.
#[test]
fn before_there_is_data_a_scope_evaluates_the_overrides_of_its_moment() {
    let (overrides, controls) = controlled_source();
    let builder = Client::builder("sdk-key").flag_overrides(overrides);
    let (client, source) = controlled_with(builder);
    let overrides = controls();
    overrides.init(&json!({"flags": {"a": serving(1, "override")}}));
    let scope = client.scope(&ada());
    overrides.init(&json!({"flags": {"b": serving(1, "override")}}));
    source.init(&json!({"flags": {"a": serving(1, "data"), "b": serving(1, "data")}}));
    assert_eq!(scope.str_variation("a", ""), "override");
    let detail = scope.str_variation_detail("b", "none");
    assert_eq!(detail.value, "none");
    assert_eq!(detail.reason.to_string(), "error: the client has no data");
}

fn flag(key: &str, version: u64) -> Arc<Flag> {
    let json = serving(version, version).to_string();
    match Item::from_json(DataKind::Flag, key, json.as_bytes()) {
        Ok(Item::Flag(Entry::Present(flag))) => flag,
        other => panic!("{other:?}"),
    }
}

fn segment(key: &str) -> Arc<Segment> {
    match Item::from_json(DataKind::Segment, key, br#"{"version": 1}"#) {
        Ok(Item::Segment(Entry::Present(segment))) => segment,
        other => panic!("{other:?}"),
    }
}

#[test]
fn replaced_items_live_as_long_as_a_scope_that_pins_them() {
    let store = MemoryStore::new();
    let client = Client::builder("sdk-key")
        .data_store(store.clone())
        .data_source(Silent)
        .without_events()
        .start()
        .unwrap();
    let (old, kept, members) = (flag("old", 1), flag("kept", 1), segment("members"));
    let (old_alive, kept_alive) = (Arc::downgrade(&old), Arc::downgrade(&kept));
    let members_alive = Arc::downgrade(&members);
    let items = [
        Item::Flag(Entry::Present(old)),
        Item::Flag(Entry::Present(kept)),
        Item::Segment(Entry::Present(members)),
    ];
    block_on(store.init(items.into_iter().collect())).unwrap();

    let scope = client.scope(&ada());
    let clone = scope.clone();
    let newer = vec![
        Item::Flag(Entry::Present(flag("old", 2))),
        Item::deleted(DataKind::Segment, "members", 2),
    ];
    block_on(store.apply(ChangeSet::delta(newer))).unwrap();
    assert_eq!(scope.int_variation("old", 0), 1);
    assert!(old_alive.strong_count() > 0 && members_alive.strong_count() > 0);
    drop(scope);
    assert!(old_alive.strong_count() > 0, "a clone is the same scope");
    drop(clone);
    assert_eq!(
        (old_alive.strong_count(), members_alive.strong_count()),
        (0, 0)
    );
    assert_eq!(kept_alive.strong_count(), 1, "it is still current");

    // Scopes of the same data share it.
    let scopes: Vec<_> = (0..100).map(|_| client.scope(&ada())).collect();
    assert_eq!(kept_alive.strong_count(), 1);
    block_on(store.init(DataSet::default())).unwrap();
    assert_eq!(kept_alive.strong_count(), 1);
    drop(scopes);
    assert_eq!(kept_alive.strong_count(), 0);
    assert!(client.blocking_close(SOON));
}
