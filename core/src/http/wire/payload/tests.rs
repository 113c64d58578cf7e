//! Tests of the second protocol, among them a comparison with a plain model.

use std::collections::BTreeMap;

use proptest::prelude::*;
use vexil_eval::model::{ChangeSetKind, DataKind};

use super::super::protocol::Protocol;
use super::super::update::Goodbye;
use super::*;

fn options(had_basis: bool) -> ReaderOptions {
    ReaderOptions {
        protocol: Protocol::ChangeSets,
        keep_json: true,
        had_basis,
        max_size: 1 << 20,
    }
}

/// An event as the service sends it.
#[derive(Clone, Debug)]
struct Sent(&'static str, String);

fn intent(code: &str) -> Sent {
    let data = format!(r#"{{"payloads":[{{"id":"p","target":1,"intentCode":"{code}"}}]}}"#);
    Sent("server-intent", data)
}

fn put(key: &str, version: u64) -> Sent {
    let data =
        format!(r#"{{"version":1,"kind":"flag","key":"{key}","object":{{"version":{version}}}}}"#);
    Sent("put-object", data)
}

fn delete(key: &str, version: u64) -> Sent {
    let data = format!(r#"{{"kind":"flag","key":"{key}","version":{version}}}"#);
    Sent("delete-object", data)
}

fn commit(state: &str) -> Sent {
    Sent(
        "payload-transferred",
        format!(r#"{{"state":"{state}","version":1}}"#),
    )
}

/// Reads events as a stream delivers them, in pieces.
fn read_all(had_basis: bool, events: &[Sent]) -> Result<Vec<Update>, WireError> {
    let mut reader = EventReader::new(options(had_basis));
    let read = |Sent(name, data): &Sent| {
        data.as_bytes()
            .chunks(7)
            .for_each(|piece| reader.push(piece));
        reader.finish(name)
    };
    events.iter().map(read).collect()
}

fn last(had_basis: bool, events: &[Sent]) -> Update {
    let updates = read_all(had_basis, events).unwrap();
    updates.into_iter().last().unwrap()
}

fn error(had_basis: bool, events: &[Sent]) -> String {
    read_all(had_basis, events).unwrap_err().to_string()
}

/// The versions by key, and the state, of a full or partial change set. A deleted item is negative.
fn changes(update: &Update) -> (bool, Vec<(String, i64)>, Option<&str>) {
    let Update::Changes(changes) = update else {
        panic!("{update:?}");
    };
    let version = |item: &Item| {
        let version = i64::try_from(item.version()).unwrap();
        let version = if item.is_deleted() { -version } else { version };
        (item.key().to_string(), version)
    };
    let state = changes.selector.as_ref().map(Selector::as_str);
    match &changes.kind {
        ChangeSetKind::Full(data) => {
            let items = data.flags.iter().cloned().map(Item::Flag);
            (true, items.map(|item| version(&item)).collect(), state)
        }
        ChangeSetKind::Delta(items) => (false, items.iter().map(version).collect(), state),
    }
}

fn owned(items: &[(&str, i64)]) -> Vec<(String, i64)> {
    let item = |(key, version): &(&str, i64)| ((*key).to_owned(), *version);
    items.iter().map(item).collect()
}

// FDV2-V1, FDV2-V2
#[test]
fn a_full_payload_and_a_difference_without_a_new_intent() {
    let events = [
        intent("xfer-full"),
        put("a", 1),
        commit("s1"),
        put("b", 5),
        delete("a", 9),
        commit("s2"),
    ];
    let updates = read_all(false, &events).unwrap();
    assert_eq!(changes(&updates[2]), (true, owned(&[("a", 1)]), Some("s1")));
    let delta = owned(&[("b", 5), ("a", -9)]);
    assert_eq!(changes(&updates[5]), (false, delta, Some("s2")));
    assert!(matches!(updates[0], Update::Partial) && matches!(updates[3], Update::Partial));
}

// FDV2-V5, FDV2-V6
#[test]
fn an_error_drops_the_changes_but_not_what_was_announced() {
    let dropped = Sent("error", r#"{"payloadId":"p","reason":"lost"}"#.to_owned());
    let mut events = vec![intent("xfer-full"), put("b", 1), dropped, put("c", 1)];
    let updates = read_all(false, &events).unwrap();
    assert!(matches!(&updates[2], Update::Dropped { reason: Some(reason) } if reason == "lost"));
    events.push(commit("s2"));
    assert_eq!(
        changes(&last(false, &events)),
        (true, owned(&[("c", 1)]), Some("s2"))
    );
    // An error without readable data is still an error.
    events[2].1 = "{".to_owned();
    assert_eq!(changes(&last(false, &events)).1, owned(&[("c", 1)]));
}

// FDV2-V8, FDV2-2.3
#[test]
fn a_goodbye_drops_the_changes_and_what_was_announced() {
    let goodbye = |data: &str| Sent("goodbye", data.to_owned());
    let events = [intent("xfer-full"), put("b", 1), goodbye("{}"), commit("s")];
    assert_eq!(
        error(false, &events),
        "a \"payload-transferred\" event came before a \"server-intent\""
    );
    for (data, expected) in [
        ("{}", Goodbye::default()),
        ("oops", Goodbye::default()),
        (
            r#"{"reason":"bye","silent":true,"catastrophe":false,"protocolFallbackTTL":7.9}"#,
            Goodbye {
                reason: Some("bye".to_owned()),
                is_silent: true,
                fallback_seconds: Some(7),
            },
        ),
        (
            r#"{"reason":7,"silent":"x","protocolFallbackTTL":"9"}"#,
            Goodbye::default(),
        ),
    ] {
        match last(false, &[goodbye(data)]) {
            Update::Goodbye(read) => assert_eq!(read, expected, "{data}"),
            other => panic!("{other:?}"),
        }
    }
}

// FDV2-V9, FDV2-V10, FDV2-V11
#[test]
fn none_means_current_and_a_commit_after_it_is_an_empty_difference() {
    let updates = read_all(true, &[intent("none"), commit("s1")]).unwrap();
    assert!(matches!(updates[0], Update::Current));
    assert_eq!(changes(&updates[1]), (false, Vec::new(), Some("s1")));
    let events = [intent("xfer-changes"), put("b", 1), commit("s2")];
    assert_eq!(
        changes(&last(true, &events)),
        (false, owned(&[("b", 1)]), Some("s2"))
    );
}

// FDV2-V13
#[test]
fn a_full_payload_may_be_empty() {
    let updates = [intent("xfer-full"), commit("s1")];
    assert_eq!(
        changes(&last(false, &updates)),
        (true, Vec::new(), Some("s1"))
    );
}

// FDV2-V14, FDV2-F3, FDV2-F4
#[test]
fn changes_and_commits_need_an_announcement() {
    for event in [put("a", 1), delete("a", 1), commit("s")] {
        let message = format!("a \"{}\" event came before a \"server-intent\"", event.0);
        assert_eq!(error(true, &[event]), message);
    }
}

// FDV2-V15
#[test]
fn the_last_change_of_a_key_counts() {
    let events = [
        put("a", 1),
        put("a", 2),
        delete("a", 3),
        put("b", 1),
        put("a", 1),
        commit("s"),
    ];
    let full: Vec<_> = [intent("xfer-full")]
        .into_iter()
        .chain(events.clone())
        .collect();
    let (_, items, _) = changes(&last(false, &full));
    let last_of_each: BTreeMap<_, _> = items.into_iter().collect();
    assert_eq!(
        last_of_each,
        owned(&[("a", 1), ("b", 1)]).into_iter().collect()
    );
    let delta: Vec<_> = [intent("xfer-changes")].into_iter().chain(events).collect();
    assert_eq!(changes(&last(true, &delta)).1, owned(&[("b", 1), ("a", 1)]));
}

// FDV2-V16, FDV2-2.2
#[test]
fn unknown_events_are_not_looked_at() {
    for name in ["heart-beat", "heartbeat", "patch", "x-unknown", ""] {
        let mut reader = EventReader::new(options(false));
        reader.push(b"\xff{");
        assert!(matches!(reader.finish(name), Ok(Update::Ignored)), "{name}");
    }
    let mut reader = EventReader::new(options(false));
    reader.push(b"\xff{");
    assert!(matches!(reader.finish("error"), Err(WireError::NotUtf8)));
}

// FDV2-V17, FDV2-F9
#[test]
fn an_object_of_an_unknown_kind_is_skipped_unread() {
    let skipped = [
        r#"{"kind":"experiment","key":7,"object":7,"version":"x"}"#,
        r#"{"kind":"experiment"}"#,
    ];
    for data in skipped {
        for name in ["put-object", "delete-object"] {
            let unknown = Sent(name, data.to_owned());
            assert!(matches!(last(false, &[unknown]), Update::Ignored), "{data}");
        }
    }
}

// FDV2-V18, FDV2-F7, FDV2-F8, FDV2-F38
#[test]
fn malformed_events_are_errors_that_name_the_culprit() {
    let full = intent("xfer-full");
    let of =
        |name: &'static str, data: &str| error(false, &[full.clone(), Sent(name, data.to_owned())]);
    for (name, data, message) in [
        (
            "server-intent",
            "{sorry",
            "a \"server-intent\" event cannot be read",
        ),
        (
            "server-intent",
            "{}",
            "a \"server-intent\" event has no payloads",
        ),
        (
            "server-intent",
            r#"{"payloads":[]}"#,
            "a \"server-intent\" event has no payload",
        ),
        (
            "server-intent",
            r#"{"payloads":{}}"#,
            "a \"server-intent\" event cannot be read",
        ),
        (
            "server-intent",
            r#"{"payloads":[7]}"#,
            "a \"server-intent\" event cannot be read",
        ),
        (
            "server-intent",
            r#"{"payloads":[{}]}"#,
            "a \"server-intent\" event has no intentCode",
        ),
        (
            "server-intent",
            r#"{"payloads":[{"intentCode":7}]}"#,
            "a \"server-intent\" event cannot be read",
        ),
        (
            "server-intent",
            r#"{"payloads":[{"intentCode":"xfer-some"}]}"#,
            "the intent \"xfer-some\" is unknown",
        ),
        ("put-object", "[]", "a \"put-object\" event cannot be read"),
        (
            "put-object",
            r#"{"key":"a","object":{}}"#,
            "a \"put-object\" event has no kind",
        ),
        (
            "put-object",
            r#"{"kind":7,"key":"a"}"#,
            "a \"put-object\" event cannot be read",
        ),
        (
            "put-object",
            r#"{"kind":"flag","object":{}}"#,
            "a \"put-object\" event has no key",
        ),
        (
            "put-object",
            r#"{"kind":"flag","key":"a"}"#,
            "a \"put-object\" event has no object",
        ),
        (
            "put-object",
            r#"{"kind":"flag","key":"a","object":null}"#,
            "a \"put-object\" event has no object",
        ),
        (
            "put-object",
            r#"{"kind":"flag","key":"a","object":[]}"#,
            "flag \"a\" cannot be read",
        ),
        (
            "put-object",
            r#"{"kind":"segment","key":"a","object":{"rules":{}}}"#,
            "segment \"a\" cannot be read",
        ),
        (
            "put-object",
            r#"{"kind":"flag","key":"a","object":{},"version":"x"}"#,
            "the version of flag a is not a number",
        ),
        (
            "delete-object",
            r#"{"kind":"flag","key":"a"}"#,
            "a \"delete-object\" event has no version",
        ),
        (
            "payload-transferred",
            "{}",
            "a \"payload-transferred\" event has no state",
        ),
        (
            "payload-transferred",
            r#"{"state":7}"#,
            "a \"payload-transferred\" event cannot be read",
        ),
    ] {
        assert_eq!(of(name, data), message, "{name}: {data}");
    }
}

// FDV2-V20, FDV2-F6
#[test]
fn differences_need_a_state_that_they_refer_to() {
    for code in ["xfer-changes", "none"] {
        assert_eq!(
            error(false, &[intent(code)]),
            format!("the intent {code:?} refers to data that the client does not have")
        );
        // The connection itself has delivered the state.
        let events = [intent("xfer-full"), commit("s"), intent(code)];
        assert!(read_all(false, &events).is_ok(), "{code}");
        // It has only begun to.
        let events = [intent("xfer-full"), put("a", 1), intent(code)];
        assert!(read_all(false, &events).is_err(), "{code}");
    }
}

// FDV2-V21, FDV2-F12
#[test]
fn an_empty_state_is_none() {
    assert_eq!(
        changes(&last(true, &[intent("xfer-changes"), commit("")])).2,
        None
    );
}

// FDV2-V22, FDV2-2.2
#[test]
fn the_version_of_the_object_counts_before_that_of_the_event() {
    for (object, envelope, expected) in [
        (r#"{"version":100}"#, r#","version":1"#, 100),
        (r#"{"version":0}"#, r#","version":7"#, 0),
        ("{}", r#","version":7"#, 7),
        ("{}", "", 0),
        (r#"{"version":3.0}"#, "", 3),
    ] {
        let data = format!(r#"{{"kind":"flag","key":"a","object":{object}{envelope}}}"#);
        let events = [intent("xfer-full"), Sent("put-object", data), commit("s")];
        assert_eq!(
            changes(&last(false, &events)).1,
            owned(&[("a", expected)]),
            "{object}"
        );
    }
}

// FDV2-2.2
#[test]
fn the_members_of_an_object_may_come_in_any_order_and_the_last_of_a_name_counts() {
    for data in [
        r#"{"kind":"flag","key":"a","object":{"version":7}}"#,
        r#"{"key":"a","kind":"flag","object":{"version":7}}"#,
        r#"{"object":{"version":7},"kind":"flag","key":"a"}"#,
        r#"{"key":"a","object":{"version":7},"kind":"flag"}"#,
        r#"{"kind":"segment","key":"b","object":{"version":7},"kind":"flag","key":"a"}"#,
        r#"{"kind":"flag","key":"a","object":{"version":3},"object":{"version":7}}"#,
        r#"{"version":7,"kind":"flag","key":"a","object":{"version":null}}"#,
    ] {
        let events = [
            intent("xfer-full"),
            Sent("put-object", data.to_owned()),
            commit("s"),
        ];
        let update = last(false, &events);
        assert_eq!(changes(&update).1, owned(&[("a", 7)]), "{data}");
        let update = poll(false, &body(&events)).unwrap();
        assert_eq!(changes(&update).1, owned(&[("a", 7)]), "{data}");
    }
}

// FDV2-2.2
#[test]
fn the_key_of_the_event_counts_and_may_be_empty() {
    let data = r#"{"kind":"flag","key":"","object":{"key":"other","version":2,"deleted":true}}"#;
    let events = [
        intent("xfer-full"),
        Sent("put-object", data.to_owned()),
        commit("s"),
    ];
    assert_eq!(changes(&last(false, &events)).1, owned(&[("", -2)]));
}

#[test]
fn changes_without_an_end_are_limited_in_size() {
    let mut reader = EventReader::new(ReaderOptions {
        max_size: 500,
        ..options(false)
    });
    let mut send = |Sent(name, data): Sent| {
        reader.push(data.as_bytes());
        reader.finish(name)
    };
    send(intent("xfer-full")).unwrap();
    for version in 1..6 {
        send(put("a", version)).unwrap();
    }
    // A commit makes room.
    send(commit("s")).unwrap();
    let sent = (0..20).map(|version| send(put("a", version)));
    let failed = sent.filter_map(Result::err).next().unwrap();
    assert_eq!(failed.to_string(), "the changes have more than 500 bytes");
}

/// The body of a poll with these events.
fn body(events: &[Sent]) -> String {
    let events = events.iter().enumerate().map(|(index, Sent(name, data))| {
        // The order of the members is arbitrary.
        match index % 2 {
            0 => format!(r#"{{"event":"{name}","data":{data}}}"#),
            _ => format!(r#"{{"data":{data},"x":[1],"event":"{name}"}}"#),
        }
    });
    let events: Vec<_> = events.collect();
    format!(r#"{{"a":{{}},"events":[{}],"b":1}}"#, events.join(" , "))
}

fn poll(had_basis: bool, body: &str) -> Result<Update, WireError> {
    let read = |size: usize| {
        let mut reader = PollReader::new(options(had_basis));
        for piece in body.as_bytes().chunks(size) {
            reader.push(piece)?;
        }
        reader.finish()
    };
    let whole = read(body.len().max(1));
    for size in [1, 10] {
        assert_eq!(
            format!("{:?}", read(size)),
            format!("{whole:?}"),
            "in pieces of {size}"
        );
    }
    whole
}

// FDV2-3
#[test]
fn a_body_is_read_to_its_first_commit() {
    let events = [
        Sent("heart-beat", "{}".to_owned()),
        intent("xfer-full"),
        put("a", 1),
        Sent("error", "{}".to_owned()),
        put("b", 2),
        commit("s1"),
        put("c", 3),
        commit("s2"),
        Sent("server-intent", "7".to_owned()),
    ];
    let update = poll(false, &body(&events)).unwrap();
    assert_eq!(changes(&update), (true, owned(&[("b", 2)]), Some("s1")));
    assert!(matches!(
        poll(true, &body(&[intent("none"), commit("s")])),
        Ok(Update::Current)
    ));
    let nameless = r#"{"events":[{"data":7},{"event":7},{"event":"server-intent","data":{"payloads":[{"intentCode":"xfer-full"}]}},{"event":"payload-transferred","data":{"state":"s"}}]}"#;
    assert_eq!(changes(&poll(false, nameless).unwrap()).2, Some("s"));
}

// FDV2-3, FDV2-F2, FDV2-F19
#[test]
fn a_body_without_a_commit_is_malformed() {
    let not_committed = "the response ended before its changes were complete";
    let goodbye = |data: &str| Sent("goodbye", data.to_owned());
    for (body, message) in [
        (body(&[intent("xfer-full"), put("a", 1)]), not_committed),
        (body(&[]), not_committed),
        ("{}".to_owned(), not_committed),
        (body(&[intent("xfer-full"), goodbye("{}")]), not_committed),
        (r#"{"events":{}}"#.to_owned(), "the response cannot be read"),
        (
            r#"{"events":null}"#.to_owned(),
            "the response cannot be read",
        ),
        (
            r#"{"events":[7]}"#.to_owned(),
            "a \"poll\" event cannot be read",
        ),
        (r#"{"events":[{}"#.to_owned(), "the response cannot be read"),
        (r#"{"events":[}"#.to_owned(), "the response cannot be read"),
        (
            r#"{"events":[{},]}"#.to_owned(),
            "the response cannot be read",
        ),
        ("[]".to_owned(), "the response cannot be read"),
        (String::new(), "the response cannot be read"),
        ("<html>".to_owned(), "the response cannot be read"),
    ] {
        assert_eq!(
            poll(false, &body).unwrap_err().to_string(),
            message,
            "{body}"
        );
    }
    let events = [intent("xfer-full"), goodbye(r#"{"protocolFallbackTTL":5}"#)];
    let expected = Goodbye {
        fallback_seconds: Some(5),
        ..Goodbye::default()
    };
    match poll(false, &body(&events)).unwrap() {
        Update::Goodbye(goodbye) => assert_eq!(goodbye, expected),
        other => panic!("{other:?}"),
    }
}

/// A plain model of a connection: what is committed, and whether the connection failed.
#[derive(Debug, Default, PartialEq)]
struct Model {
    data: BTreeMap<String, u64>,
    state: String,
}

impl Model {
    /// The events up to the one that fails, applied by the rules of FDV2-2.3.
    fn of(had_basis: bool, events: &[Sent]) -> Self {
        let mut model = Self::default();
        let mut has_basis = had_basis;
        // The data that the pending changes start from, and that data with the changes.
        let mut announced: Option<(BTreeMap<String, u64>, BTreeMap<String, u64>)> = None;
        for Sent(name, data) in events {
            let json: serde_json::Value = serde_json::from_str(data).unwrap();
            match *name {
                "server-intent" => {
                    let base = match json["payloads"][0]["intentCode"].as_str().unwrap() {
                        "xfer-full" => BTreeMap::new(),
                        _ if !has_basis => return model,
                        _ => model.data.clone(),
                    };
                    announced = Some((base.clone(), base));
                    continue;
                }
                "goodbye" => {
                    announced = None;
                    continue;
                }
                "error" if announced.is_none() => continue,
                _ => {}
            }
            let Some((base, pending)) = &mut announced else {
                return model;
            };
            match *name {
                "error" => pending.clone_from(base),
                "put-object" => {
                    let key = json["key"].as_str().unwrap().to_owned();
                    pending.insert(key, json["object"]["version"].as_u64().unwrap());
                }
                "delete-object" => drop(pending.remove(json["key"].as_str().unwrap())),
                _ => {
                    model.data.clone_from(pending);
                    model.state = json["state"].as_str().unwrap().to_owned();
                    base.clone_from(pending);
                    has_basis = true;
                }
            }
        }
        model
    }

    /// The same by the reader.
    fn read(had_basis: bool, events: &[Sent]) -> Self {
        let mut model = Self::default();
        let mut reader = EventReader::new(options(had_basis));
        for Sent(name, data) in events {
            reader.push(data.as_bytes());
            let Ok(update) = reader.finish(name) else {
                break;
            };
            let Update::Changes(changes) = update else {
                continue;
            };
            model.state = changes
                .selector
                .map(|state| state.as_str().to_owned())
                .unwrap_or_default();
            let items: Vec<Item> = match changes.kind {
                ChangeSetKind::Full(data) => {
                    model.data.clear();
                    data.flags.into_iter().map(Item::Flag).collect()
                }
                ChangeSetKind::Delta(items) => items,
            };
            for item in items {
                assert_eq!(item.kind(), DataKind::Flag);
                if item.is_deleted() {
                    model.data.remove(item.key().as_str());
                } else {
                    model.data.insert(item.key().to_string(), item.version());
                }
            }
        }
        model
    }
}

fn any_event() -> impl Strategy<Value = Sent> {
    let key = prop_oneof![Just("a"), Just("b"), Just("c")];
    prop_oneof![
        3 => prop_oneof![Just("xfer-full"), Just("xfer-changes"), Just("none")].prop_map(intent),
        6 => (key.clone(), 0..9_u64).prop_map(|(key, version)| put(key, version)),
        3 => (key, 0..9_u64).prop_map(|(key, version)| delete(key, version)),
        4 => "[s-z]{0,2}".prop_map(|state| commit(&state)),
        1 => Just(Sent("goodbye", "{}".to_owned())),
        1 => Just(Sent("error", "{}".to_owned())),
        1 => Just(Sent("heart-beat", "{}".to_owned())),
    ]
}

proptest! {
    #[test]
    fn any_sequence_of_events_commits_what_a_plain_model_commits(
        had_basis: bool,
        events in proptest::collection::vec(any_event(), 0..40),
    ) {
        // An unknown event has no meaning for the model either.
        let known: Vec<_> = events.iter().filter(|event| event.0 != "heart-beat").cloned().collect();
        prop_assert_eq!(Model::read(had_basis, &events), Model::of(had_basis, &known));
    }

    #[test]
    fn a_poll_reads_the_same_as_a_stream_to_its_first_commit(
        had_basis: bool,
        events in proptest::collection::vec(any_event(), 0..20),
    ) {
        let updates = read_until_done(had_basis, &events);
        let polled = poll(had_basis, &body(&events));
        match updates {
            Some(update) => prop_assert_eq!(format!("{:?}", polled.unwrap()), format!("{update:?}")),
            None => prop_assert!(polled.is_err()),
        }
    }

    #[test]
    fn arbitrary_text_is_an_error_or_has_a_meaning(text in ".{0,200}", name in 0..6_usize) {
        let names = ["server-intent", "put-object", "delete-object", "payload-transferred", "error", "goodbye"];
        let mut reader = EventReader::new(options(true));
        reader.push(text.as_bytes());
        let _ = reader.finish(names[name]);
        let _ = poll(true, &text);
    }
}

/// The first commit or `none` of a stream, if it comes before a failure or a goodbye.
fn read_until_done(had_basis: bool, events: &[Sent]) -> Option<Update> {
    let mut reader = EventReader::new(options(had_basis));
    for Sent(name, data) in events {
        reader.push(data.as_bytes());
        match reader.finish(name) {
            Ok(update @ (Update::Changes(_) | Update::Current)) => return Some(update),
            Ok(Update::Goodbye(_)) | Err(_) => return None,
            Ok(_) => {}
        }
    }
    None
}
