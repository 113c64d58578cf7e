//! The order to use the classic protocol: FDV2-6, and the rows FDV2-F21 to FDV2-F25.

use serde_json::json;
use vexil::config::PersistentStoreConfig;
use vexil::model::DataKind;
use vexil::transport::TransportErrorKind;
use vexil_testing::MemoryPersistentStore;

use super::*;
use crate::events::{classic, commit, full, goodbye, intent, put};

fn ordered(answer: Answer) -> Answer {
    answer.with("x-ld-fd-fallback", "true")
}

/// A poll of the classic protocol that returns the flag `a` in version 7.
fn seven() -> Answer {
    Answer::poll([classic(7)])
}

/// Checks that a client whose data has the version 1 follows an order at once, with the statuses
/// of a stream and of a poll that come with the order.
async fn is_followed(stream: Answer, poll: Answer, statuses: [&[&str]; 2]) {
    let name = format!("{stream:?}");
    let wait = Answer::poll([Piece::Wait(seconds(5)), classic(7).into()]);
    let answers = [ends(&full(1)), stream, wait.clone(), seven()];
    let setup = Setup::run(with_fallback(streaming()), answers, seconds(4)).await;
    assert_eq!(
        setup.asked(),
        ["stream", "stream?basis=s1", "latest-all"],
        "{name}"
    );
    // Until the fallback delivers, the data stays, and the connection is closed.
    assert_eq!(
        (setup.flags().as_str(), setup.script.open()),
        ("a1", 1),
        "{name}"
    );
    let expected = [&["Valid", "Interrupted NetworkError"], statuses[0]].concat();
    assert_eq!(setup.statuses().await, expected, "{name}");
    sleep(seconds(30)).await;
    assert_eq!(setup.flags(), "a7", "{name}");
    assert_eq!(setup.asked()[3], "latest-all", "{name}");

    let answers = [polled(&full(1)), poll.clone(), wait, seven()];
    let setup = Setup::run(with_fallback(polling()), answers, seconds(33)).await;
    timeline_is(
        &setup,
        &[(0, "poll"), (30, "poll?basis=s1"), (30, "latest-all")],
    );
    assert_eq!(
        (setup.flags().as_str(), setup.script.open()),
        ("a1", 1),
        "{name}"
    );
    let expected = [&["Valid"], statuses[1]].concat();
    assert_eq!(setup.statuses().await, expected, "{name}");
    sleep(seconds(30)).await;
    assert_eq!(setup.flags(), "a7", "{name}");
}

// FDV2-F21, FDV2-F22, FDV2-6.1
#[tokio::test(start_paused = true)]
async fn an_order_with_a_payload_that_cannot_be_used_is_followed() {
    let malformed = [
        intent("xfer-changes"),
        put("half", 1),
        Event("put-object", "{}".to_owned()),
    ];
    let invalid = "Interrupted InvalidData";
    let (stream, poll) = (ordered(stays(&malformed)), ordered(polled(&malformed)));
    is_followed(stream, poll, [&[invalid], &[invalid]]).await;

    let half = [intent("xfer-changes"), put("half", 1)];
    let network = "Interrupted NetworkError";
    let cut = |text: String| [text.into(), Piece::Error(TransportErrorKind::Connection)];
    let stream = ordered(Answer::stream(cut(sse(&half))));
    let poll = ordered(Answer::poll(cut(body(&half))));
    is_followed(stream, poll, [&[network], &[network]]).await;
    let (stream, poll) = (ordered(ends(&half)), ordered(polled(&half)));
    is_followed(stream, poll, [&[network], &[invalid]]).await;
}

// FDV2-6.1: whatever the status
#[tokio::test(start_paused = true)]
async fn an_order_with_an_error_is_followed() {
    for status in [400, 401, 500] {
        let error = format!("Interrupted ErrorResponse {status}");
        let answer = || ordered(Answer::status(status));
        is_followed(answer(), answer(), [&[&error], &[&error]]).await;
    }
}

// FDV2-F23
#[tokio::test(start_paused = true)]
async fn an_order_with_current_data_is_followed_after_it_is_valid() {
    let none = [intent("none")];
    let (stream, poll) = (ordered(stays(&none)), ordered(polled(&none)));
    is_followed(stream, poll, [&["Valid"], &[]]).await;

    // An initializer has no data that could be current.
    let answers = [ordered(polled(&none)), seven()];
    let setup = Setup::run(with_fallback(initializing()), answers, seconds(1)).await;
    timeline_is(&setup, &[(0, "poll"), (0, "latest-all")]);
    assert_eq!(setup.flags(), "a7");

    let answers = [
        polled(&[&full(1)[..2], &[commit("s1")][..]].concat()),
        polled(&[intent("xfer-changes"), commit("s1")]).with("etag", "a"),
        ordered(Answer::status(304)),
        seven(),
    ];
    let setup = Setup::run(with_fallback(polling()), answers, seconds(61)).await;
    assert_eq!(setup.asked()[3], "latest-all");
    assert_eq!(setup.statuses().await, ["Valid"]);
    assert_eq!(setup.flags(), "a7");
}

// FDV2-6.2, FDV2-V40, FDV2-V45
#[tokio::test(start_paused = true)]
async fn the_payload_that_comes_with_an_order_is_applied_first() {
    for is_stream in [true, false] {
        let (system, answer) = match is_stream {
            true => (streaming(), ordered(stays(&full(1)))),
            false => (polling(), ordered(polled(&full(1)))),
        };
        let answers = [answer, Answer::status(400), seven()];
        let setup = Setup::run(with_fallback(system), answers, seconds(1)).await;
        assert_eq!((setup.flags().as_str(), setup.script.open()), ("a1", 0));
        setup.client.wait_until_ready(Duration::ZERO).await.unwrap();
        let expected = ["Valid", "Interrupted ErrorResponse 400"];
        assert_eq!(setup.statuses().await, expected);
        sleep(seconds(30)).await;
        assert_eq!(setup.flags(), "a7");
        assert_eq!(setup.asked()[1..], ["latest-all"; 2]);
    }
    let answers = [ordered(polled(&full(1))), seven()];
    let setup = Setup::run(with_fallback(initializing()), answers, seconds(1)).await;
    timeline_is(&setup, &[(0, "poll"), (0, "latest-all")]);
    assert_eq!(setup.flags(), "a7");
    assert_eq!(setup.statuses().await, ["Valid"]);
}

// FDV2-F21, FDV2-F22, FDV2-V39
#[tokio::test(start_paused = true)]
async fn an_order_to_an_initializer_ends_all_others() {
    let half = [intent("xfer-full"), put("half", 1)];
    for (answer, status) in [
        (Answer::status(500), "ErrorResponse 500"),
        (Answer::status(401), "ErrorResponse 401"),
        (polled(&half), "InvalidData"),
        (Answer::poll(["{"]), "InvalidData"),
    ] {
        let answers = [ordered(answer), seven()];
        let setup = Setup::run(with_fallback(initializing()), answers, seconds(1)).await;
        timeline_is(&setup, &[(0, "poll"), (0, "latest-all")]);
        assert_eq!(setup.flags(), "a7");
        assert_eq!(
            setup.statuses().await,
            [&format!("Initializing {status}"), "Valid"]
        );
    }
}

// FDV2-6.1, FDV2-6.4, FDV2-3
#[tokio::test(start_paused = true)]
async fn a_goodbye_with_a_time_to_live_is_an_order_and_no_error() {
    let half = [intent("xfer-changes"), put("half", 1)];
    for seconds_to_live in [json!(0), json!(-5), json!(2500.5)] {
        let leaves = goodbye(&json!({"protocolFallbackTTL": seconds_to_live}));
        let events = [&half[..], std::slice::from_ref(&leaves)].concat();
        is_followed(stays(&events), polled(&events), [&[], &[]]).await;

        // Neither an initializer nor a synchronizer has failed.
        let slow = || Answer::poll([Piece::Wait(seconds(1)), classic(7).into()]);
        for (system, first) in [
            (initializing(), polled(std::slice::from_ref(&leaves))),
            (streaming(), stays(std::slice::from_ref(&leaves))),
            (polling(), polled(std::slice::from_ref(&leaves))),
        ] {
            let setup = Setup::run(with_fallback(system), [first, slow()], seconds(1) / 2).await;
            assert_eq!(setup.asked()[1], "latest-all");
            let status = setup.client.data_source_status().status();
            assert_eq!(status.error, None, "{seconds_to_live}");
            sleep(seconds(1)).await;
            assert_eq!(setup.statuses().await, ["Valid"], "{seconds_to_live}");
        }
    }
}

// FDV2-F22, FDV2-6.1
#[tokio::test(start_paused = true)]
async fn an_order_is_followed_when_the_connection_ends_with_a_goodbye() {
    let leaves = [goodbye(&json!({"reason": "shutting down"}))];
    for (system, answer) in [
        (initializing(), ordered(polled(&leaves))),
        (streaming(), ordered(stays(&leaves))),
        (polling(), ordered(polled(&leaves))),
    ] {
        let setup = Setup::run(with_fallback(system), [answer, seven()], seconds(1)).await;
        assert_eq!(setup.asked()[1..], ["latest-all"]);
        assert_eq!(setup.flags(), "a7");
    }
}

// FDV2-6.1
#[tokio::test(start_paused = true)]
async fn other_values_are_no_order() {
    for (name, value) in [
        ("x-ld-fd-fallback", "false"),
        ("x-ld-fd-fallback", "1"),
        ("x-ld-fd-fallback", ""),
        ("x-ld-fd-fallback-ttl", "5"),
    ] {
        let answers = [stays(&full(1)).with(name, value)];
        let setup = Setup::run(with_fallback(streaming()), answers, seconds(50)).await;
        assert_eq!(setup.asked(), ["stream"], "{name}: {value}");
    }
    let leaves = goodbye(&json!({"protocolFallbackTTL": "soon"}));
    let setup = Setup::run(with_fallback(streaming()), [stays(&[leaves])], seconds(50)).await;
    assert_eq!(setup.asked(), ["stream", "stream"]);
}

// FDV2-F24, FDV2-F25, FDV2-6.2
#[tokio::test(start_paused = true)]
async fn the_fallback_polls_on_whatever_it_is_answered() {
    let answers = [
        ordered(stays(&full(1))),
        ordered(Answer::poll([body(&full(5))])),
        Answer::poll(["<html></html>"]),
        ordered(Answer::status(500)).with("x-ld-fd-fallback-ttl", "1"),
        Answer::status(304),
        ordered(Answer::poll([classic(8)]).with("etag", "a")),
        ordered(Answer::status(304)),
    ];
    let setup = Setup::run(with_fallback(streaming()), answers, seconds(95)).await;
    assert_eq!(setup.flags(), "a1");
    let expected = [
        "Valid",
        "Interrupted InvalidData",
        "Interrupted InvalidData",
        "Interrupted ErrorResponse 500",
        "Interrupted ErrorResponse 304",
    ];
    assert_eq!(setup.statuses().await, expected);
    sleep(seconds(60)).await;
    assert_eq!(setup.flags(), "a8");
    assert_eq!(setup.statuses().await, ["Valid"]);
    let polls = [0, 30, 60, 90, 120, 150].map(|second| (second, "latest-all".to_owned()));
    assert_eq!(setup.timeline()[1..], polls);
}

// FDV2-6.2 (4), FDV2-4.1
#[tokio::test(start_paused = true)]
async fn the_data_of_either_protocol_is_written_to_the_database() {
    let database = MemoryPersistentStore::new();
    let builder = builder().data_store(PersistentStoreConfig::new(database.clone()));
    let late = Answer::poll([Piece::Wait(seconds(5)), classic(7).into()]);
    let system = with_fallback(streaming());
    let setup = Setup::with(builder, system, [ordered(stays(&full(1))), late]);
    let stored = || {
        let item = database.database().item("", DataKind::Flag, "a").unwrap();
        String::from_utf8(item.body.to_vec()).unwrap()
    };
    sleep(seconds(1)).await;
    assert!(stored().contains(r#""version":1"#), "{}", stored());
    sleep(seconds(5)).await;
    assert!(stored().contains(r#""version":7"#), "{}", stored());
    assert_eq!(setup.flags(), "a7");
}

// FDV2-6.2 (6)
#[tokio::test(start_paused = true)]
async fn a_refusal_of_the_fallback_is_not_final() {
    let answers = [
        ordered(stays(&full(1))),
        Answer::status(401),
        Answer::poll([classic(8)]),
    ];
    let setup = Setup::run(with_fallback(streaming()), answers, seconds(100)).await;
    let expected = ["Valid", "Interrupted ErrorResponse 401"];
    assert_eq!(setup.statuses().await, expected);
    sleep(seconds(250)).await;
    assert_eq!(setup.flags(), "a8");
}

// FDV2-V41, FDV2-6.2
#[tokio::test(start_paused = true)]
async fn an_order_without_a_fallback_ends_the_data_system() {
    let system = || streaming().synchronizer(poll());
    for (answer, flags, off) in [
        (ordered(Answer::status(500)), "", "Off ErrorResponse 500"),
        (ordered(stays(&full(1))), "a1", "Off"),
        (
            stays(&[goodbye(&json!({"protocolFallbackTTL": 5}))]),
            "",
            "Off",
        ),
    ] {
        let setup = Setup::run(system(), [answer], seconds(4000)).await;
        assert_eq!(setup.asked().len(), 1);
        assert_eq!((setup.flags().as_str(), setup.script.open()), (flags, 0));
        let statuses = setup.statuses().await;
        let last = statuses.last().unwrap();
        assert!(last.starts_with(off), "{statuses:?}");
        let ready = setup.client.wait_until_ready(seconds(60)).await;
        assert_eq!(ready.is_ok(), !flags.is_empty());
    }
}

// FDV2-V42, FDV2-V43, FDV2-6.3
#[tokio::test(start_paused = true)]
async fn an_order_ends_after_its_time_to_live() {
    let two = |answer: Answer| ordered(answer).with("x-ld-fd-fallback-ttl", "2");
    let answers = [two(stays(&full(1))), seven(), stays(&full(2))];
    let setup = Setup::run(with_fallback(streaming()), answers, seconds(10)).await;
    // The data of the classic protocol has no state.
    timeline_is(&setup, &[(0, "stream"), (0, "latest-all"), (2, "stream")]);
    assert_eq!((setup.flags().as_str(), setup.script.open()), ("a2", 1));

    // If the fallback delivers nothing, the state is still that of the data.
    let answers = [
        two(stays(&full(1))),
        Answer::status(401),
        stays(&[intent("none")]),
    ];
    let setup = Setup::run(with_fallback(streaming()), answers, seconds(10)).await;
    timeline_is(
        &setup,
        &[(0, "stream"), (0, "latest-all"), (2, "stream?basis=s1")],
    );
    let expected = ["Valid", "Interrupted ErrorResponse 401", "Valid"];
    assert_eq!(setup.statuses().await, expected);

    // Initializers do not run again.
    let answers = [two(Answer::status(500)), seven(), stays(&full(2))];
    let setup = Setup::run(with_fallback(initializing()), answers, seconds(10)).await;
    timeline_is(&setup, &[(0, "poll"), (0, "latest-all"), (2, "stream")]);

    // The time of a goodbye wins over that of the headers.
    let leaves = goodbye(&json!({"protocolFallbackTTL": 7}));
    let answers = [two(stays(&[leaves])), seven(), stays(&full(2))];
    let setup = Setup::run(with_fallback(streaming()), answers, seconds(10)).await;
    timeline_is(&setup, &[(0, "stream"), (0, "latest-all"), (7, "stream")]);
}

// FDV2-6.3
#[tokio::test(start_paused = true)]
async fn a_time_to_live_is_an_hour_at_most_or_has_no_end() {
    for time in ["0", "-1", "soon", ""] {
        let order = ordered(Answer::status(500)).with("x-ld-fd-fallback-ttl", time);
        let setup = Setup::run(with_fallback(streaming()), [order], seconds(10_000)).await;
        assert!(!setup.asked()[1..].contains(&"stream".to_owned()), "{time}");
    }
    let order = ordered(Answer::status(500)).with("x-ld-fd-fallback-ttl", "7200");
    let setup = Setup::run(with_fallback(streaming()), [order, seven()], seconds(3601)).await;
    let timeline = setup.timeline();
    let again = timeline[1..]
        .iter()
        .find(|(_, asked)| asked == "stream")
        .unwrap();
    assert!(again.0 >= 1800 && again.0 <= 3600, "{again:?}");
}

// FDV2-6.3
#[tokio::test(start_paused = true)]
async fn an_end_of_an_order_may_be_ignored() {
    let order = ordered(Answer::status(500)).with("x-ld-fd-fallback-ttl", "2");
    let system = with_fallback(streaming()).honor_fallback_ttl(false);
    let setup = Setup::run(system, [order, seven()], seconds(1000)).await;
    assert!(!setup.asked()[1..].contains(&"stream".to_owned()));
}
