//! Faults of the service, in a stream, in a poll, and in the answer to an initializer: the rows
//! FDV2-F1 to FDV2-F20 and FDV2-F38.

use serde_json::json;
use vexil::transport::TransportErrorKind;

use super::*;
use crate::events::{commit, delete, error, full, goodbye, intent, put};

/// The answers of a service that makes a mistake.
struct Fault {
    stream: Answer,
    poll: Answer,
    /// The kinds of errors in a stream and in a poll.
    kinds: [&'static str; 2],
}

impl Fault {
    /// Malformed events, after a change that must not be applied.
    fn malformed(code: &str, events: &[Event]) -> Self {
        let mut all = vec![intent(code), put("half", 1)];
        all.extend_from_slice(events);
        all.push(commit("s9"));
        Self::unannounced(&all)
    }

    /// Malformed events and nothing before them.
    fn unannounced(events: &[Event]) -> Self {
        Self {
            stream: stays(events),
            poll: polled(events),
            kinds: ["InvalidData"; 2],
        }
    }
}

/// Checks that a payload is rejected as a whole. `fault` is called with the code of an intent.
async fn is_rejected(fault: impl Fn(&str) -> Fault) {
    let Fault {
        stream,
        poll,
        kinds,
    } = fault("xfer-changes");
    let name = format!("{stream:?}");
    let answers = [ends(&full(1)), stream, stays(&[intent("none")])];
    let setup = Setup::run(streaming(), answers, seconds(50)).await;
    let interrupted = kinds.map(|kind| format!("Interrupted {kind}"));
    let expected = [
        "Valid",
        "Interrupted NetworkError",
        &interrupted[0],
        "Valid",
    ];
    assert_eq!(setup.statuses().await, expected, "{name}");
    let asked = ["stream", "stream?basis=s1", "stream?basis=s1"];
    assert_eq!(setup.asked(), asked, "{name}");
    assert_eq!(setup.flags(), "a1", "{name}");
    assert_eq!(setup.script.open(), 1, "{name}");

    let answers = [polled(&full(1)), poll, polled(&[intent("none")])];
    let setup = Setup::run(polling(), answers, seconds(65)).await;
    let expected = ["Valid", &interrupted[1], "Valid"];
    assert_eq!(setup.statuses().await, expected, "{name}");
    let asked = [(0, "poll"), (30, "poll?basis=s1"), (60, "poll?basis=s1")];
    timeline_is(&setup, &asked);
    assert_eq!(setup.flags(), "a1", "{name}");

    let Fault { poll, .. } = fault("xfer-full");
    let setup = Setup::run(initializing(), [poll, polled(&full(1))], seconds(5)).await;
    let expected = [format!("Initializing {}", kinds[1]), "Valid".to_owned()];
    assert_eq!(setup.statuses().await, expected, "{name}");
    timeline_is(&setup, &[(0, "poll"), (0, "poll"), (0, "stream?basis=s1")]);
    assert_eq!(setup.flags(), "a1", "{name}");
}

/// Checks what a payload leads to: flags, and the query of the next request.
async fn is_applied(fault: &[Event], flags: &str, query: &str) {
    let with_v1 = [&full(1), fault].concat();
    let setup = Setup::run(streaming(), [ends(&with_v1)], seconds(50)).await;
    assert_eq!(setup.flags(), flags, "{fault:?}");
    assert_eq!(setup.asked(), ["stream", &format!("stream{query}")]);

    let answers = [
        polled(&full(1)),
        polled(&[&[intent("xfer-changes")], fault].concat()),
    ];
    let setup = Setup::run(polling(), answers, seconds(65)).await;
    assert_eq!(setup.flags(), flags, "{fault:?}");
    assert_eq!(setup.statuses().await, ["Valid"]);
    assert_eq!(setup.asked()[2], format!("poll{query}"));

    let fault = [&[intent("xfer-full"), put("a", 1)], fault].concat();
    let system = streaming().initializer(poll());
    let setup = Setup::run(system, [polled(&fault)], seconds(5)).await;
    assert_eq!(setup.flags(), flags, "{fault:?}");
    assert_eq!(setup.asked(), ["poll", &format!("stream{query}")]);
}

// FDV2-F1
#[tokio::test(start_paused = true)]
async fn a_payload_that_is_cut_within_an_event_is_not_applied() {
    is_rejected(|code| {
        let events = [intent(code), put("half", 1), put("other", 1)];
        let cut = |text: String| {
            let half = text[..text.len() - 20].to_owned();
            [half.into(), Piece::Error(TransportErrorKind::Connection)]
        };
        Fault {
            stream: Answer::stream(cut(sse(&events))),
            poll: Answer::poll(cut(body(&events))),
            kinds: ["NetworkError"; 2],
        }
    })
    .await;
}

// FDV2-F2
#[tokio::test(start_paused = true)]
async fn a_payload_without_its_commit_is_not_applied() {
    is_rejected(|code| {
        let events = [intent(code), put("half", 1), delete("a", 9)];
        Fault {
            stream: ends(&events),
            poll: polled(&events),
            kinds: ["NetworkError", "InvalidData"],
        }
    })
    .await;
}

// FDV2-F3, FDV2-F4
#[tokio::test(start_paused = true)]
async fn changes_and_commits_without_an_announcement_are_rejected() {
    for events in [
        vec![put("half", 1), commit("s9")],
        vec![delete("a", 9), commit("s9")],
        vec![commit("s9")],
    ] {
        is_rejected(|_| Fault::unannounced(&events)).await;
    }
}

// FDV2-F5
#[tokio::test(start_paused = true)]
async fn the_second_of_two_intents_counts() {
    let full = intent("xfer-full");
    let events = [
        full.clone(),
        put("half", 1),
        full,
        put("b", 2),
        commit("s2"),
    ];
    is_applied(&events, "b2", "?basis=s2").await;
}

// FDV2-F6
#[tokio::test(start_paused = true)]
async fn a_difference_to_nothing_is_rejected() {
    for code in ["xfer-changes", "none"] {
        let events = [intent(code), put("half", 1), commit("s9")];
        let answers = [stays(&events), stays(&full(1))];
        let setup = Setup::run(streaming(), answers, seconds(50)).await;
        assert_eq!(
            setup.statuses().await,
            ["Initializing InvalidData", "Valid"]
        );
        assert_eq!(setup.asked(), ["stream", "stream"]);
        assert_eq!((setup.flags().as_str(), setup.script.open()), ("a1", 1));

        let answers = [polled(&events), polled(&full(1))];
        let setup = Setup::run(polling(), answers, seconds(31)).await;
        assert_eq!(
            setup.statuses().await,
            ["Initializing InvalidData", "Valid"]
        );
        timeline_is(&setup, &[(0, "poll"), (30, "poll")]);

        let answers = [polled(&events), polled(&full(1))];
        let setup = Setup::run(initializing(), answers, seconds(5)).await;
        assert_eq!(
            setup.statuses().await,
            ["Initializing InvalidData", "Valid"]
        );
        assert_eq!(setup.asked(), ["poll", "poll", "stream?basis=s1"]);
    }
}

// FDV2-F7, FDV2-F8, FDV2-F38
#[tokio::test(start_paused = true)]
async fn a_payload_with_one_malformed_event_is_rejected_as_a_whole() {
    let malformed = [
        (
            "server-intent",
            r#"{"payloads":[{"intentCode":"xfer-some"}]}"#,
        ),
        ("server-intent", r#"{"payloads":[]}"#),
        ("server-intent", r#"{"payloads":{}}"#),
        ("server-intent", r#"{"payloads":[{"intentCode":7}]}"#),
        (
            "put-object",
            r#"{"kind":"flag","key":"b","object":{"rules":{}}}"#,
        ),
        ("put-object", r#"{"kind":"flag","key":"b","object":null}"#),
        ("put-object", r#"{"kind":"segment","key":"b","object":7}"#),
        ("put-object", r#"{"kind":"flag","key":7,"object":{}}"#),
        ("delete-object", r#"{"kind":"flag","key":"a"}"#),
        ("payload-transferred", r#"{"version":1}"#),
    ];
    for (name, data) in malformed {
        let event = Event(name, data.to_owned());
        is_rejected(|code| Fault::malformed(code, std::slice::from_ref(&event))).await;
    }
}

// FDV2-F9, FDV2-F38
#[tokio::test(start_paused = true)]
async fn unknown_kinds_are_skipped_and_an_empty_object_has_defaults() {
    let put = |data: &str| Event("put-object", data.to_owned());
    let events = [
        put(r#"{"kind":"experiment","key":7,"object":7}"#),
        put(r#"{"kind":"flag","key":"b","object":{}}"#),
        commit("s2"),
    ];
    is_applied(&events, "a1 bnull", "?basis=s2").await;
}

// FDV2-F10, FDV2-F11
#[tokio::test(start_paused = true)]
async fn versions_do_not_matter_within_a_change_set() {
    let events = [delete("unknown", 1), put("a", 0), commit("s2")];
    is_applied(&events, "a0", "?basis=s2").await;
}

// FDV2-F12
#[tokio::test(start_paused = true)]
async fn data_with_an_empty_state_is_applied_and_not_referred_to() {
    is_applied(&[put("b", 2), commit("")], "a1 b2", "").await;
}

// FDV2-F13, FDV2-2.1
#[tokio::test(start_paused = true)]
async fn a_state_is_encoded() {
    let query = "?basis=%28p%3Ax%20y%3A7%29%26%C3%A9%23-._~%2B%25";
    is_applied(&[commit("(p:x y:7)&é#-._~+%")], "a1", query).await;
}

// FDV2-F13
#[tokio::test(start_paused = true)]
async fn a_state_that_is_too_long_is_dropped() {
    let long = "s".repeat(1 << 16);
    is_applied(&[put("b", 2), commit(&long)], "a1 b2", "").await;
    // The answer to the request without a state contains everything.
    let answers = [
        ends(&[intent("xfer-full"), put("a", 1), commit(&long)]),
        stays(&[intent("xfer-changes"), commit("s9")]),
    ];
    let setup = Setup::run(streaming(), answers, seconds(20)).await;
    assert_eq!(
        setup.statuses().await.last().unwrap(),
        "Interrupted InvalidData"
    );
    assert_eq!(setup.flags(), "a1");
}

// FDV2-F14
#[tokio::test(start_paused = true)]
async fn a_state_that_is_refused_three_times_is_dropped_once() {
    for status in [400, 414] {
        let refusals = || vec![Answer::status(status); 3];
        let answers = [vec![ends(&full(1))], refusals(), vec![ends(&full(2))]].concat();
        let setup = Setup::run(streaming(), answers, seconds(200)).await;
        let with_basis = "stream?basis=s1";
        let mut expected = vec!["stream", with_basis, with_basis, with_basis, "stream"];
        expected.push("stream?basis=s2");
        assert_eq!(setup.asked(), expected);
        assert_eq!(setup.flags(), "a2");

        // Other errors in between restart the count, and the next refusals do not count at once.
        let mut answers = vec![
            polled(&full(1)),
            Answer::status(status),
            Answer::status(500),
        ];
        answers.extend(refusals());
        answers.extend([
            Answer::status(500),
            polled(&full(2)),
            Answer::status(status),
        ]);
        let setup = Setup::run(polling(), answers, seconds(275)).await;
        let mut expected = vec!["poll"];
        expected.extend(["poll?basis=s1"; 5]);
        expected.extend(["poll", "poll", "poll?basis=s2", "poll?basis=s2"]);
        assert_eq!(setup.asked(), expected);
        assert_eq!(setup.flags(), "a2");
    }
}

// FDV2-F15
#[tokio::test(start_paused = true)]
async fn heart_beats_are_not_data() {
    let beats = || {
        let beat = || Piece::from(sse(&[Event("heart-beat", "{}".to_owned())]));
        let beats = std::iter::repeat_with(|| [beat(), Piece::Wait(seconds(20))]);
        Answer::stream(beats.take(50).flatten())
    };
    let setup = Setup::run(streaming(), [beats()], seconds(400)).await;
    timeline_is(&setup, &[(0, "stream")]);

    let system = streaming().synchronizer(poll());
    let setup = Setup::run(system, [beats(), polled(&full(1))], seconds(11)).await;
    timeline_is(&setup, &[(0, "stream"), (10, "poll")]);
    assert_eq!((setup.flags().as_str(), setup.script.open()), ("a1", 0));
}

// FDV2-F16
#[tokio::test(start_paused = true)]
async fn silence_after_the_headers_ends_with_the_read_timeout() {
    let setup = Setup::run(streaming(), [silent()], seconds(302)).await;
    assert_eq!(setup.statuses().await, ["Initializing NetworkError"]);
    assert_eq!(setup.timeline()[1].0, 300);

    let hangs = || Answer::poll([Piece::Silence]);
    let setup = Setup::run(polling(), [hangs(), polled(&full(1))], seconds(31)).await;
    assert_eq!(
        setup.statuses().await,
        ["Initializing NetworkError", "Valid"]
    );
    timeline_is(&setup, &[(0, "poll"), (30, "poll")]);

    let answers = [hangs(), polled(&full(1))];
    let setup = Setup::run(initializing(), answers, seconds(20)).await;
    assert_eq!(
        setup.statuses().await,
        ["Initializing NetworkError", "Valid"]
    );
    timeline_is(
        &setup,
        &[(0, "poll"), (15, "poll"), (15, "stream?basis=s1")],
    );
}

// FDV2-F17
#[tokio::test(start_paused = true)]
async fn many_commits_are_applied_in_order_with_their_events() {
    let mut events = full(1);
    for version in 2..=200 {
        events.extend([put("a", version), commit(&format!("s{version}"))]);
    }
    let setup = Setup::run(streaming(), [ends(&events)], seconds(2)).await;
    assert_eq!(setup.flags(), "a200");
    assert_eq!(setup.changed().await, vec!["a"; 200]);
    assert_eq!(setup.asked()[1], "stream?basis=s200");
}

// FDV2-F18
#[tokio::test(start_paused = true)]
async fn an_error_event_drops_what_came_before_it() {
    let events = [put("half", 1), error(), put("b", 2), commit("s2")];
    let with_v1 = [&full(1), &events[..]].concat();
    let setup = Setup::run(streaming(), [stays(&with_v1)], seconds(50)).await;
    assert_eq!(setup.statuses().await, ["Valid"]);
    assert_eq!((setup.flags().as_str(), setup.script.open()), ("a1 b2", 1));

    let changes = [&[intent("xfer-changes")], &events[..]].concat();
    let answers = [polled(&full(1)), polled(&changes)];
    let setup = Setup::run(polling(), answers, seconds(65)).await;
    assert_eq!(setup.statuses().await, ["Valid"]);
    assert_eq!(setup.asked()[2], "poll?basis=s2");
    assert_eq!(setup.flags(), "a1 b2");

    let all = [&[intent("xfer-full")], &events[..]].concat();
    let setup = Setup::run(initializing(), [polled(&all)], seconds(5)).await;
    assert_eq!(setup.asked(), ["poll", "stream?basis=s2"]);
    assert_eq!(setup.flags(), "b2");
}

// FDV2-F18
#[tokio::test(start_paused = true)]
async fn a_poll_without_a_commit_after_an_error_event_is_malformed() {
    let without = |code: &str| polled(&[intent(code), put("half", 1), error()]);
    let answers = [polled(&full(1)), without("xfer-changes")];
    let setup = Setup::run(polling(), answers, seconds(31)).await;
    assert_eq!(setup.statuses().await, ["Valid", "Interrupted InvalidData"]);
    assert_eq!(setup.flags(), "a1");

    let answers = [without("xfer-full"), polled(&full(1))];
    let setup = Setup::run(initializing(), answers, seconds(5)).await;
    assert_eq!(
        setup.statuses().await,
        ["Initializing InvalidData", "Valid"]
    );
    assert_eq!(setup.asked(), ["poll", "poll", "stream?basis=s1"]);
}

// FDV2-F19, FDV2-6.4
#[tokio::test(start_paused = true)]
async fn a_goodbye_drops_half_a_payload_and_is_no_error_of_a_stream() {
    let leaves = |code: &str| {
        [
            intent(code),
            put("half", 1),
            goodbye(&json!({"reason": "bye"})),
        ]
    };
    let events = [&full(1), &leaves("xfer-changes")[..]].concat();
    let setup = Setup::run(
        streaming(),
        [stays(&events), stays(&[intent("none")])],
        seconds(50),
    );
    let setup = setup.await;
    assert_eq!(setup.statuses().await, ["Valid"]);
    assert_eq!(setup.client.data_source_status().status().error, None);
    assert_eq!(setup.asked(), ["stream", "stream?basis=s1"]);
    let wait = setup.script.waits()[0];
    assert!(wait >= seconds(1) / 2 && wait <= seconds(1), "{wait:?}");
    assert_eq!((setup.flags().as_str(), setup.script.open()), ("a1", 1));

    let answers = [polled(&full(1)), polled(&leaves("xfer-changes"))];
    let setup = Setup::run(polling(), answers, seconds(31)).await;
    assert_eq!(setup.statuses().await, ["Valid", "Interrupted InvalidData"]);
    assert_eq!(setup.flags(), "a1");

    let answers = [polled(&leaves("xfer-full")), polled(&full(1))];
    let setup = Setup::run(initializing(), answers, seconds(5)).await;
    assert_eq!(
        setup.statuses().await,
        ["Initializing InvalidData", "Valid"]
    );
    assert_eq!(setup.asked(), ["poll", "poll", "stream?basis=s1"]);
}

// FDV2-F20, FDV2-6.4, FDV2-7.2
#[tokio::test(start_paused = true)]
async fn the_delay_after_a_goodbye_does_not_grow() {
    let leaves = goodbye(&json!({}));
    // Also after it has grown because of errors.
    let mut answers = vec![Answer::status(500); 5];
    answers.extend(vec![stays(&[leaves]); 20]);
    let setup = Setup::run(streaming(), answers, seconds(200)).await;
    let waits = setup.script.waits();
    assert_eq!(waits.len(), 25);
    for wait in &waits[5..] {
        assert!(*wait >= seconds(1) / 2 && *wait <= seconds(1), "{wait:?}");
    }
    let is_500 = |status: &String| status == "Initializing ErrorResponse 500";
    assert!(setup.statuses().await.iter().all(is_500));
}

// FDV2-F20, FDV2-5.4
#[tokio::test(start_paused = true)]
async fn a_source_that_only_says_goodbye_is_left() {
    let leaves = || stays(&[goodbye(&json!({}))]);
    let system = || {
        DataSystem::custom()
            .synchronizer(stream())
            .synchronizer(poll())
    };
    // From the start: like a silent source.
    let mut answers = vec![leaves(); 50];
    let setup = Setup::run(system(), answers.clone(), seconds(11)).await;
    let polls = |setup: &Setup| {
        let timeline = setup.timeline();
        let poll = timeline
            .into_iter()
            .find(|(_, asked)| asked.starts_with("poll"));
        poll.map(|(second, _)| second)
    };
    assert_eq!(polls(&setup), Some(10));
    // After it has delivered: like an interrupted one, whatever follows the goodbye.
    let delivers = stays(&[&full(1), &[goodbye(&json!({}))][..]].concat());
    answers.resize_with(200, leaves);
    for rest in [answers, vec![silent()], vec![]] {
        let answers = std::iter::once(delivers.clone()).chain(rest);
        let setup = Setup::run(system(), answers, seconds(65)).await;
        assert_eq!(polls(&setup), Some(60));
        assert!(
            !setup
                .statuses()
                .await
                .iter()
                .any(|status| status.contains("Error"))
        );
    }
    // Data in between ends the interruption.
    let answers = [delivers, stays(&[intent("none")])];
    let setup = Setup::run(system(), answers, seconds(100)).await;
    assert_eq!(polls(&setup), None);
}
