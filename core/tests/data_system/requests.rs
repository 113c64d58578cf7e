//! Requests of the second protocol, and the answers to polls: FDV2-2.1, FDV2-3, FDV2-7.1 to FDV2-7.5.

use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use serde_json::json;
use vexil::async_trait;
use vexil::events::{Event as Recorded, EventProcessor};
use vexil::transport::TransportErrorKind;
use vexil_testing::{HookRecorder, RecordedStage};

use super::*;
use crate::events::{commit, full, intent, put};

/// The values of a header, in the order of the requests.
fn sent(setup: &Setup, name: &str) -> Vec<Option<String>> {
    let requests = setup.script.requests();
    let value = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
    requests
        .iter()
        .map(|request| request.header(name).map(value))
        .collect()
}

fn owned(value: &str) -> Option<String> {
    Some(value.to_owned())
}

// FDV2-2.1, FDV2-3
#[tokio::test(start_paused = true)]
async fn requests_have_the_usual_headers_and_no_filter() {
    let system = with_fallback(DataSystem::new());
    let order = Answer::status(500).with("x-ld-fd-fallback", "TRUE");
    let setup = Setup::run(system, [polled(&full(1)), order], seconds(20)).await;
    assert_eq!(setup.asked(), ["poll", "stream?basis=s1", "latest-all"]);
    let gzip = owned("gzip");
    assert_eq!(sent(&setup, "accept-encoding"), [gzip.clone(), None, gzip]);
    assert_eq!(
        sent(&setup, "accept"),
        [None, owned("text/event-stream"), None]
    );
    assert_eq!(sent(&setup, "authorization"), vec![owned("sdk-key"); 3]);
    let instances = sent(&setup, "x-launchdarkly-instance-id");
    assert!(instances[0].is_some() && instances.iter().all(|id| *id == instances[0]));
    for request in setup.script.requests() {
        assert_eq!(request.request.method(), "GET");
    }
}

// FDV2-2.1
#[tokio::test(start_paused = true)]
async fn a_source_may_have_its_own_base_and_the_fallback_a_filter() {
    let system = DataSystem::custom()
        .initializer(poll().base_url("http://near/a/"))
        .synchronizer(stream().base_url("http://near/b"))
        .fdv1_fallback(PollingConfig::new().payload_filter("part-1"));
    let order = Answer::status(500).with("x-ld-fd-fallback", "true");
    let setup = Setup::run(system, [polled(&full(1)), order], seconds(20)).await;
    let requests = setup.script.requests();
    let urls = requests
        .iter()
        .map(|request| request.request.uri().to_string());
    assert_eq!(
        urls.collect::<Vec<_>>(),
        [
            "http://near/a/sdk/poll",
            "http://near/b/sdk/stream?basis=s1",
            "http://service/ld/sdk/latest-all?filter=part-1"
        ]
    );
}

// FDV2-2.1
#[tokio::test(start_paused = true)]
async fn the_last_event_id_is_sent_after_an_event_with_an_id() {
    let with_id = format!("id: 7\n{}", sse(&full(1)));
    let answers = [ends(&full(1)), Answer::stream([with_id])];
    let setup = Setup::run(streaming(), answers, seconds(20)).await;
    assert_eq!(sent(&setup, "last-event-id"), [None, None, owned("7")]);
}

// FDV2-3
#[tokio::test(start_paused = true)]
async fn an_etag_is_sent_for_exactly_the_url_it_belongs_to() {
    let none = || polled(&[intent("none")]);
    let answers = [
        polled(&full(1)).with("etag", "for-everything"),
        // The state is the same as before, so the next request has the same URL.
        polled(&[intent("xfer-changes"), put("b", 1), commit("s1")]).with("etag", "for-s1"),
        Answer::status(304),
        // What is not applied has no tag.
        none().with("etag", "of-none"),
        Answer::status(500).with("etag", "of-an-error"),
        polled(&[intent("xfer-changes"), commit("s2")]).with("etag", "for-s1-later"),
        none(),
    ];
    let setup = Setup::run(polling(), answers, seconds(215)).await;
    let for_s1 = owned("for-s1");
    let mut expected = vec![None, None];
    expected.extend(vec![for_s1; 4]);
    expected.extend([None, None]);
    assert_eq!(sent(&setup, "if-none-match"), expected);
    assert_eq!(
        setup.statuses().await,
        ["Valid", "Interrupted ErrorResponse 500", "Valid"]
    );
}

// FDV2-3, FDV2-7.1
#[tokio::test(start_paused = true)]
async fn a_304_that_was_not_asked_for_is_a_failure() {
    let answers = [polled(&full(1)), Answer::status(304)];
    let setup = Setup::run(polling(), answers, seconds(31)).await;
    assert_eq!(
        setup.statuses().await,
        ["Valid", "Interrupted ErrorResponse 304"]
    );
    let answers = [Answer::status(304), polled(&full(1))];
    let setup = Setup::run(initializing(), answers, seconds(1)).await;
    assert_eq!(
        setup.statuses().await,
        ["Initializing ErrorResponse 304", "Valid"]
    );
}

// FDV2-3
#[tokio::test(start_paused = true)]
async fn what_follows_the_end_of_a_payload_is_not_read() {
    for end in [commit("s2"), intent("none")] {
        let text = body(&[intent("xfer-changes"), put("b", 1), end]);
        let text = text.trim_end_matches("]}").to_owned() + ", 7, {\"event\"";
        let answers = [polled(&full(1)), Answer::poll([text])];
        let setup = Setup::run(polling(), answers, seconds(31)).await;
        assert_eq!(setup.statuses().await, ["Valid"]);
    }
}

// FDV2-3
#[tokio::test(start_paused = true)]
async fn bodies_that_are_not_of_the_protocol_are_malformed() {
    let classic = crate::events::classic(5);
    for text in [
        "",
        "{",
        "<html></html>",
        "{}",
        r#"{"events":7}"#,
        r#"{"events":[7]}"#,
        &classic,
    ] {
        let answers = [polled(&full(1)), Answer::poll([text])];
        let setup = Setup::run(polling(), answers, seconds(31)).await;
        let expected = ["Valid", "Interrupted InvalidData"];
        assert_eq!(setup.statuses().await, expected, "{text}");
        assert_eq!(setup.flags(), "a1", "{text}");

        let answers = [Answer::poll([text]), polled(&full(1))];
        let setup = Setup::run(initializing(), answers, seconds(1)).await;
        let expected = ["Initializing InvalidData", "Valid"];
        assert_eq!(setup.statuses().await, expected, "{text}");
    }
}

// FDV2-3
#[tokio::test(start_paused = true)]
async fn a_synchronizer_polls_at_once_and_then_at_its_interval() {
    let system = DataSystem::custom()
        .initializer(poll())
        .synchronizer(poll().poll_interval(seconds(40)));
    let slow = Answer::poll([Piece::Wait(seconds(7)), body(&[intent("none")]).into()]);
    let answers = [polled(&full(1)), slow, polled(&[intent("none")])];
    let setup = Setup::run(system, answers, seconds(85)).await;
    let with_basis = "poll?basis=s1";
    timeline_is(
        &setup,
        &[
            (0, "poll"),
            (0, with_basis),
            (40, with_basis),
            (80, with_basis),
        ],
    );

    let system = DataSystem::custom().synchronizer(poll().poll_interval(seconds(1)));
    let setup = Setup::run(system, [polled(&full(1))], seconds(31)).await;
    timeline_is(&setup, &[(0, "poll"), (30, with_basis)]);
}

// FDV2-3
#[tokio::test(start_paused = true)]
async fn bodies_and_polls_are_bounded() {
    let system = DataSystem::custom().synchronizer(poll().max_body_size(1005));
    let setup = Setup::run(system, [Answer::poll([Piece::Flood(b"   ")])], seconds(1)).await;
    assert_eq!(setup.statuses().await, ["Initializing InvalidData"]);

    let drops = [Piece::Wait(seconds(10)), Piece::from(" ")];
    let drops = || Answer::poll(drops.iter().cloned().cycle().take(100));
    let setup = Setup::run(polling(), [drops()], seconds(61)).await;
    assert_eq!(setup.statuses().await, ["Initializing NetworkError"]);
    let setup = Setup::run(initializing(), [drops(), polled(&full(1))], seconds(61)).await;
    timeline_is(
        &setup,
        &[(0, "poll"), (60, "poll"), (60, "stream?basis=s1")],
    );
}

// FDV2-7.1
#[tokio::test(start_paused = true)]
async fn an_error_that_may_pass_is_retried() {
    let statuses = [204, 206, 302, 400, 408, 429, 500, 503];
    let statuses =
        statuses.map(|status| (Answer::status(status), format!("ErrorResponse {status}")));
    let errors = [
        TransportErrorKind::Connection,
        TransportErrorKind::Timeout,
        TransportErrorKind::Certificate,
        TransportErrorKind::Redirect,
    ];
    let errors = errors.map(|kind| (Answer::Error(kind), "NetworkError".to_owned()));
    let large = Answer::Error(TransportErrorKind::TooLarge);
    let no_stream = Answer::poll([sse(&full(1))]).with("content-type", "text/html");
    let invalid = [
        (large, "InvalidData".to_owned()),
        (no_stream, "InvalidData".to_owned()),
    ];
    for (answer, error) in statuses.into_iter().chain(errors).chain(invalid) {
        let answers = [answer.clone(), stays(&full(1))];
        let setup = Setup::run(streaming(), answers, seconds(2)).await;
        let expected = [format!("Initializing {error}"), "Valid".to_owned()];
        assert_eq!(setup.statuses().await, expected, "{answer:?}");

        let answers = [answer.clone(), polled(&full(1))];
        let setup = Setup::run(polling(), answers, seconds(31)).await;
        assert_eq!(setup.statuses().await, expected, "{answer:?}");
        timeline_is(&setup, &[(0, "poll"), (30, "poll")]);

        let answers = [answer.clone(), polled(&full(1))];
        let setup = Setup::run(initializing(), answers, seconds(2)).await;
        assert_eq!(setup.statuses().await, expected, "{answer:?}");
        timeline_is(&setup, &[(0, "poll"), (0, "poll"), (0, "stream?basis=s1")]);
    }
}

// FDV2-7.1
#[tokio::test(start_paused = true)]
async fn a_refusal_ends_a_source_for_good() {
    let statuses = [401, 403, 404, 405, 410, 414];
    let statuses =
        statuses.map(|status| (Answer::status(status), format!("ErrorResponse {status}")));
    let unsendable = (
        Answer::Error(TransportErrorKind::Request),
        "Unknown".to_owned(),
    );
    for (answer, error) in statuses.into_iter().chain([unsendable]) {
        for system in [streaming(), polling()] {
            let setup = Setup::run(system, [answer.clone()], seconds(4000)).await;
            let statuses = setup.statuses().await;
            assert_eq!(
                statuses.last().unwrap(),
                &format!("Off {error}"),
                "{answer:?}"
            );
            assert_eq!(setup.asked().len(), 1, "{answer:?}");
        }
        let answers = [answer.clone(), polled(&full(1))];
        let setup = Setup::run(initializing(), answers, seconds(2)).await;
        let expected = [format!("Initializing {error}"), "Valid".to_owned()];
        assert_eq!(setup.statuses().await, expected, "{answer:?}");
    }
}

// FDV2-7.2
#[tokio::test(start_paused = true)]
async fn an_intent_alone_does_not_end_the_backoff_and_a_minute_of_data_does() {
    let half = || {
        Answer::stream([
            sse(&[intent("xfer-full")]).into(),
            Piece::Wait(seconds(100)),
        ])
    };
    let setup = Setup::run(streaming(), vec![half(); 8], seconds(1000)).await;
    let waits = setup.script.waits();
    assert!(waits[6] >= seconds(115), "{waits:?}");

    let mut answers = vec![Answer::status(500); 6];
    answers.push(Answer::stream([
        sse(&full(1)).into(),
        Piece::Wait(seconds(61)),
    ]));
    let setup = Setup::run(streaming(), answers, seconds(300)).await;
    let waits = setup.script.waits();
    assert!(waits[5] >= seconds(15), "{waits:?}");
    assert!(waits[6] <= seconds(62), "{waits:?}");
}

// FDV2-7.2
#[tokio::test(start_paused = true)]
async fn the_service_may_set_the_base_delay() {
    let retry = |text: String| Answer::stream([format!("retry: 20000\n{text}")]);
    let leaves = sse(&[crate::events::goodbye(&json!({}))]);
    for answer in [retry(sse(&full(1))), retry(leaves)] {
        let setup = Setup::run(streaming(), [answer], seconds(21)).await;
        let wait = setup.script.waits()[0];
        assert!(wait >= seconds(10) && wait <= seconds(20), "{wait:?}");
    }
}

// FDV2-7.5, FDV2-5.5
#[tokio::test(start_paused = true)]
async fn the_newest_environment_id_counts_also_of_an_error() {
    let id = |answer: Answer, id: &str| answer.with("x-ld-envid", id);
    let order = |answer: Answer| answer.with("x-ld-fd-fallback", "true");
    let hook = HookRecorder::new("recorder");
    let builder = builder().hook(hook.clone());
    let answers = [
        id(Answer::status(500), "of-an-error"),
        id(
            Answer::poll([Piece::Wait(seconds(1)), body(&full(1)).into()]),
            "of-a-poll",
        ),
        id(Answer::status(503), "of-a-stream"),
        // This is no stream of events, but it names the environment.
        id(Answer::poll([Piece::Silence]), "of-a-page"),
        id(stays(&[intent("none")]), ""),
    ];
    let order = order(id(Answer::status(500), "of-the-order"));
    let classic = id(Answer::poll([crate::events::classic(2)]), "of-the-fallback");
    let last = Answer::stream([sse(&[intent("none")]).into(), Piece::Wait(seconds(100))]);
    let answers = answers[..4].iter().cloned().chain([last, order, classic]);
    let setup = Setup::with(builder, with_fallback(initializing()), answers);
    let seen = || {
        let _ = hook.take();
        let context = Context::new("ada").unwrap();
        let _ = setup.client.int_variation("a", &context, 0);
        let stages = hook.take();
        let RecordedStage::BeforeEvaluation(series) = &stages[0] else {
            panic!("{stages:?}")
        };
        series.environment_id.clone().map(|id| id.to_string())
    };
    let mut ids = Vec::new();
    while setup.flags() != "a2" {
        ids.push(seen());
        sleep(Duration::from_millis(100)).await;
    }
    ids.push(seen());
    ids.dedup();
    let expected = [
        "of-an-error",
        "of-a-poll",
        "of-a-stream",
        "of-a-page",
        "of-the-fallback",
    ];
    assert_eq!(ids, expected.map(owned));
}

/// How long each attempt to connect took, and whether it failed.
#[derive(Clone, Debug, Default)]
struct Attempts(Arc<Mutex<Vec<(u64, bool)>>>);

#[async_trait]
impl EventProcessor for Attempts {
    fn record(&self, _: &Recorded<'_>) {}
    fn flush(&self) {}
    async fn flush_and_wait(&self) {}
    async fn close(&self) {}
    fn connection_attempt(&self, _: SystemTime, took: Duration, failed: bool) {
        self.0.lock().unwrap().push((took.as_secs(), failed));
    }
}

// FDV2-7.6
#[tokio::test(start_paused = true)]
async fn each_attempt_of_a_stream_to_connect_is_reported_to_its_first_data_or_failure() {
    let late = |events: &[Event]| {
        Answer::stream([
            Piece::Wait(seconds(3)),
            sse(events).into(),
            Piece::Wait(seconds(4)),
        ])
    };
    let answers = [
        // Not an attempt of a stream.
        polled(&full(1)),
        late(&[intent("none")]),
        late(&[intent("xfer-full")]),
        Answer::status(500),
        late(&full(2)),
        stays(&[intent("none"), commit("s3"), commit("s4")]),
    ];
    let attempts = Attempts::default();
    let builder = builder().events(attempts.clone());
    let setup = Setup::with(builder, streaming().initializer(poll()), answers);
    sleep(seconds(100)).await;
    let expected = [(3, false), (7, true), (0, true), (3, false), (0, false)];
    assert_eq!(*attempts.0.lock().unwrap(), expected);
    assert_eq!(setup.asked().len(), 6);
}
