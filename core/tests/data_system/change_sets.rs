//! What change sets do to the data, the state, and the listeners: FDV2-4, and the test vectors of
//! FDV2-14 that concern a whole client.

use std::sync::{Arc, Mutex};

use serde_json::json;
use vexil_testing::TestData;

use super::*;
use crate::events::{
    commit, delete, error, full, goodbye, intent, put, put_flag, put_segment, serving,
};

/// What a test vector leads to: the flags, the next request, and the states that are reported.
async fn leads_to(events: &[Event], flags: &str, asked: &str, statuses: &[&str]) {
    let setup = Setup::run(streaming(), [ends(events)], seconds(2)).await;
    assert_eq!(setup.flags(), flags, "{events:?}");
    assert_eq!(setup.asked(), ["stream", asked], "{events:?}");
    assert_eq!(setup.statuses().await, statuses, "{events:?}");
}

fn and(events: impl IntoIterator<Item = Event>) -> Vec<Event> {
    full(1).into_iter().chain(events).collect()
}

// FDV2-V1 to FDV2-V8, FDV2-V13 to FDV2-V19, FDV2-V21, FDV2-V22
#[tokio::test(start_paused = true)]
async fn test_vectors_of_one_connection() {
    let cut = &["Valid", "Interrupted NetworkError"];
    let none = |data: &str| Event("put-object", data.to_owned());
    let all = intent("xfer-full");
    let vectors = [
        (and([]), "a1", "?basis=s1"),
        (and([put("b", 5), commit("s2")]), "a1 b5", "?basis=s2"),
        (and([put("a", 0), commit("s2")]), "a0", "?basis=s2"),
        (and([delete("a", 9), commit("s2")]), "", "?basis=s2"),
        (
            and([put("b", 1), error(), put("c", 1), commit("s2")]),
            "a1 c1",
            "?basis=s2",
        ),
        (
            and([put("b", 1), error(), all.clone(), put("c", 1), commit("s2")]),
            "c1",
            "?basis=s2",
        ),
        (and([put("b", 1)]), "a1", "?basis=s1"),
        (vec![all.clone(), commit("s1")], "", "?basis=s1"),
        (
            vec![
                all.clone(),
                put("a", 1),
                put("a", 2),
                delete("a", 3),
                put("a", 1),
                commit("s1"),
            ],
            "a1",
            "?basis=s1",
        ),
        (
            vec![
                all.clone(),
                put("a", 1),
                Event("x-unknown", "?".to_owned()),
                Event("heart-beat", String::new()),
                commit("s1"),
            ],
            "a1",
            "?basis=s1",
        ),
        (
            vec![
                all.clone(),
                put("a", 1),
                none(r#"{"kind":"experiment","key":"e","object":7}"#),
                commit("s1"),
            ],
            "a1",
            "?basis=s1",
        ),
        (and([commit("s2")]), "a1", "?basis=s2"),
        (and([commit("")]), "a1", ""),
    ];
    for (events, flags, query) in vectors {
        leads_to(&events, flags, &format!("stream{query}"), cut).await;
    }
    leads_to(&[put("a", 1)], "", "stream", &["Initializing InvalidData"]).await;
    let events = [
        all,
        put("a", 1),
        none(r#"{"kind":"flag","key":"a","object":{"rules":{}}}"#),
        commit("s1"),
    ];
    leads_to(&events, "", "stream", &["Initializing InvalidData"]).await;
    let events = and([put("b", 1), goodbye(&json!({}))]);
    leads_to(&events, "a1", "stream?basis=s1", &["Valid"]).await;
}

// FDV2-V9 to FDV2-V12, FDV2-V20
#[tokio::test(start_paused = true)]
async fn test_vectors_of_two_connections() {
    for (second, flags, state) in [
        (vec![intent("none")], "a1", "s1"),
        (vec![intent("none"), commit("s1")], "a1", "s1"),
        (
            vec![intent("xfer-changes"), put("b", 1), commit("s2")],
            "a1 b1",
            "s2",
        ),
        (
            vec![intent("xfer-full"), put("b", 1), commit("s2")],
            "b1",
            "s2",
        ),
    ] {
        let setup = Setup::run(streaming(), [ends(&full(1)), ends(&second)], seconds(5)).await;
        assert_eq!(setup.flags(), flags, "{second:?}");
        let last = format!("stream?basis={state}");
        assert_eq!(setup.asked(), ["stream", "stream?basis=s1", &last]);
        let cut = "Interrupted NetworkError";
        assert_eq!(setup.statuses().await, ["Valid", cut, "Valid", cut]);
    }
    let events = [intent("xfer-changes"), put("a", 1), commit("s1")];
    leads_to(&events, "", "stream", &["Initializing InvalidData"]).await;
}

// FDV2-2.3: a commit is applied before the next request is made
#[tokio::test(start_paused = true)]
async fn a_commit_just_before_the_end_of_a_connection_counts() {
    for end in [Answer::stream([sse(&full(3))]), polled(&full(3))] {
        let is_stream = matches!(&end, Answer::Response { headers, .. } if !headers.is_empty());
        let system = if is_stream { streaming() } else { polling() };
        let setup = Setup::run(system, [end], seconds(31)).await;
        assert!(setup.asked()[1].ends_with("?basis=s3"));
    }
}

// FDV2-4.2
#[tokio::test(start_paused = true)]
async fn the_state_survives_reconnects_fallback_and_recovery() {
    let system = DataSystem::custom()
        .synchronizer(stream())
        .synchronizer(poll());
    let mut answers = vec![ends(&full(1)), Answer::status(500)];
    answers.resize(100, Answer::Silence);
    let setup = Setup::run(system, answers, seconds(3000)).await;
    let asked = setup.asked();
    assert!(
        asked.len() > 3 && asked.contains(&"poll?basis=s1".to_owned()),
        "{asked:?}"
    );
    assert!(
        asked[1..].iter().all(|asked| asked.ends_with("?basis=s1")),
        "{asked:?}"
    );

    let system = DataSystem::custom()
        .synchronizer(stream())
        .synchronizer(poll());
    let mut answers = vec![silent(), polled(&full(1))];
    answers.extend(vec![polled(&[intent("none")]); 9]);
    let setup = Setup::run(system, answers, seconds(315)).await;
    assert_eq!(
        setup.timeline().last().unwrap(),
        &(310, "stream?basis=s1".to_owned())
    );
}

// FDV2-4.2, FDV2-9.2
#[tokio::test(start_paused = true)]
async fn data_of_another_origin_removes_the_state() {
    let flags = TestData::new().with("mine", true);
    let system = DataSystem::custom()
        .initializer(poll())
        .synchronizer(flags.clone());
    let setup = Setup::run(system, [polled(&full(1))], seconds(5)).await;
    assert_eq!(setup.flags(), "minetrue");
    // A source that is refused, and its successor that has no state.
    let system = DataSystem::custom()
        .synchronizer(stream())
        .synchronizer(flags)
        .synchronizer(poll())
        .recover_after(seconds(7));
    let answers = [silent(), stays(&full(1))];
    let setup = Setup::run(system, answers, seconds(30)).await;
    timeline_is(&setup, &[(0, "stream"), (17, "stream")]);
    assert_eq!(setup.flags(), "a1");
}

/// The flags that are announced as changed by a payload that follows another one.
async fn announced(before: &[Event], after: &[Event]) -> Vec<String> {
    let first = [&[intent("xfer-full")], before, &[commit("s1")]].concat();
    let answers = [ends(&first), stays(after)];
    let setup = Setup::new(streaming(), answers);
    let mut changed = setup.changed().await;
    changed.sort();
    let names = before
        .iter()
        .filter(|Event(_, data)| data.contains(r#""kind":"flag""#));
    assert_eq!(changed.len(), names.count());
    sleep(seconds(2)).await;
    let mut changed = setup.changed().await;
    changed.sort();
    assert_eq!(setup.asked().len(), 2);
    changed
}

// FDV2-4.3
#[tokio::test(start_paused = true)]
async fn a_full_change_set_announces_what_differs() {
    let before = [put("gone", 1), put("same", 1), put("newer", 1)];
    let after = [
        intent("xfer-full"),
        put("same", 1),
        put("newer", 2),
        put("new", 1),
        commit("s2"),
    ];
    assert_eq!(announced(&before, &after).await, ["gone", "new", "newer"]);
    let same = [&[intent("xfer-full")], &before[..], &[commit("s2")]].concat();
    assert!(announced(&before, &same).await.is_empty());
}

// FDV2-4.3, FDV2-F10, FDV2-V19
#[tokio::test(start_paused = true)]
async fn a_difference_announces_what_it_names() {
    let before = [put("kept", 1), put("gone", 1), put("older", 5)];
    let after = [
        intent("xfer-changes"),
        delete("gone", 2),
        delete("unknown", 2),
        put("older", 3),
        put("new", 1),
        commit("s2"),
    ];
    assert_eq!(announced(&before, &after).await, ["gone", "new", "older"]);
    for nothing in [
        vec![intent("none")],
        vec![intent("none"), commit("s2")],
        vec![intent("xfer-changes"), commit("s2")],
        vec![intent("xfer-changes"), delete("unknown", 2), commit("s2")],
        vec![intent("xfer-changes"), put("half", 2)],
    ] {
        assert!(announced(&before, &nothing).await.is_empty(), "{nothing:?}");
    }
}

// FDV2-4.3
#[tokio::test(start_paused = true)]
async fn flags_that_depend_on_a_changed_item_are_announced() {
    let mut dependent = serving(1);
    let clause = json!({"op": "segmentMatch", "values": ["staff"]});
    dependent["rules"] = json!([{"variation": 0, "clauses": [clause]}]);
    let mut indirect = serving(1);
    indirect["prerequisites"] = json!([{"key": "dependent", "variation": 0}]);
    let before = [
        put_segment("staff", &json!({"version": 1})),
        put_flag("dependent", &dependent),
        put_flag("indirect", &indirect),
        put("other", 1),
    ];
    let segment = put_segment("staff", &json!({"version": 2, "included": ["ada"]}));
    let after = [intent("xfer-changes"), segment, commit("s2")];
    assert_eq!(announced(&before, &after).await, ["dependent", "indirect"]);
}

// FDV2-4.3
#[tokio::test(start_paused = true)]
async fn a_value_listener_is_notified_only_of_another_value() {
    let newer = {
        let mut flag = serving(1);
        flag["version"] = json!(2);
        flag
    };
    let events = |flag| [intent("xfer-changes"), flag, commit("s2")];
    let answers = [
        polled(&full(1)),
        polled(&events(put_flag("a", &newer))),
        polled(&events(put("a", 3))),
        polled(&full(4)),
        polled(&events(delete("a", 5))),
    ];
    let setup = Setup::new(polling(), answers);
    let values = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&values);
    let context = Context::new("ada").unwrap();
    setup
        .client
        .flag_tracker()
        .add_flag_value_change_listener("a", &context, move |change| {
            let value = |value: &vexil::Value| serde_json::to_string(value).unwrap();
            let both = (value(&change.old_value), value(&change.new_value));
            seen.lock().unwrap().push(both);
        });
    sleep(seconds(125)).await;
    let both = |old: &str, new: &str| (old.to_owned(), new.to_owned());
    let expected = [both("1", "3"), both("3", "4"), both("4", "null")];
    assert_eq!(*values.lock().unwrap(), expected);
}

// FDV2-4.1
#[tokio::test(start_paused = true)]
async fn a_flag_whose_segment_was_deleted_contains_no_context() {
    let mut flag = serving(1);
    let clause = json!({"op": "segmentMatch", "values": ["staff"]});
    flag["rules"] = json!([{"variation": 1, "clauses": [clause]}]);
    flag["variations"] = json!([1, 2]);
    let gone = json!({"kind": "segment", "key": "staff", "version": 9});
    let answers = [
        polled(&[
            intent("xfer-full"),
            put_segment("staff", &json!({"version": 1, "included": ["ada"]})),
            put_flag("a", &flag),
            commit("s1"),
        ]),
        polled(&[
            intent("xfer-changes"),
            Event("delete-object", gone.to_string()),
            commit("s2"),
        ]),
    ];
    let setup = Setup::run(polling(), answers, seconds(1)).await;
    assert_eq!(setup.flags(), "a2");
    sleep(seconds(30)).await;
    assert_eq!(setup.flags(), "a1");
}
