//! The schedule of polls: their requests, and how their responses are applied.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::select;
use tokio::time::{advance, sleep};
use vexil::config::PollingConfig;

use super::recorder::Recorder;
use super::script::{Answer, Piece, Script};
use super::{built, closes_when_dropped, data, run, run_with, seconds};

fn polls() -> PollingConfig {
    PollingConfig::new()
}

fn etags(script: &Script) -> Vec<Option<Vec<u8>>> {
    script
        .requests()
        .iter()
        .map(|requests| requests.header("if-none-match").map(<[u8]>::to_vec))
        .collect()
}

// SRC-1.1, SRC-1.4 and SRC-3
#[tokio::test(start_paused = true)]
async fn the_first_poll_is_made_at_once_with_the_key() {
    let script = Script::new([]);
    run(
        polls().payload_filter("part-1"),
        &script,
        Duration::from_millis(1),
    )
    .await;
    let requests = script.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].request.method(), "GET");
    assert_eq!(
        requests[0].request.uri(),
        "http://service/ld/sdk/latest-all?filter=part-1"
    );
    assert_eq!(
        requests[0].header("authorization"),
        Some(b"sdk-key".as_slice())
    );
    assert_eq!(
        requests[0].header("accept-encoding"),
        Some(b"gzip".as_slice())
    );
    assert_eq!(requests[0].header("if-none-match"), None);
    assert_eq!(requests[0].read_timeout, seconds(15));
}

// SRC-1.3
#[tokio::test(start_paused = true)]
async fn an_invalid_payload_filter_is_left_out() {
    let script = Script::new([]);
    run(
        polls().payload_filter("a b"),
        &script,
        Duration::from_millis(1),
    )
    .await;
    assert_eq!(
        script.requests()[0].request.uri(),
        "http://service/ld/sdk/latest-all"
    );
}

// SRC-3
#[tokio::test(start_paused = true)]
async fn polls_begin_at_a_fixed_interval() {
    let slow = Answer::poll([Piece::Wait(seconds(10)), data(1).into()]);
    let missing_a_beat = [14, 14, 14]
        .map(|wait| [Piece::Wait(seconds(wait)), Piece::from(" ")])
        .concat();
    let missing_a_beat = Answer::poll(missing_a_beat.into_iter().chain([data(2).into()]));
    let script = Script::new([slow, missing_a_beat, Answer::poll([data(3)])]);
    let (sink, _) = run(polls(), &script, seconds(150)).await;
    assert_eq!(sink.seen(), ["init f:1", "init f:2", "init f:3"]);
    assert_eq!(script.waits(), [30, 60, 30].map(seconds));
}

// SRC-3
#[tokio::test(start_paused = true)]
async fn polls_are_at_least_half_a_minute_apart() {
    for (requests, used) in [(0, 30), (29, 30), (31, 31)] {
        let script = Script::new(vec![Answer::poll([data(1)]); 2]);
        run(
            polls().poll_interval(seconds(requests)),
            &script,
            seconds(100),
        )
        .await;
        assert_eq!(script.waits(), [seconds(used); 2]);
    }
    let script = Script::new([Answer::poll([data(1)])]);
    let (sink, _) = run(
        polls().poll_interval(Duration::MAX),
        &script,
        seconds(1_000_000),
    )
    .await;
    assert_eq!((sink.seen().len(), script.requests().len()), (1, 1));
}

// SRC-3
#[tokio::test(start_paused = true)]
async fn an_unchanged_response_is_valid_and_delivers_nothing() {
    let script = Script::new([
        Answer::poll([data(1)]).with("etag", "\"a\""),
        Answer::status(304),
        Answer::poll([data(2)]).with("etag", "W/\"b\""),
        Answer::poll([data(3)]),
    ]);
    let (sink, _) = run(polls(), &script, seconds(130)).await;
    assert_eq!(sink.seen(), ["init f:1", "valid", "init f:2", "init f:3"]);
    let sent = ["\"a\"", "\"a\"", "W/\"b\""].map(|etag| Some(etag.as_bytes().to_vec()));
    assert_eq!(
        etags(&script),
        [vec![None], sent.to_vec(), vec![None]].concat()
    );
}

// SRC-3, SRC-F39
#[tokio::test(start_paused = true)]
async fn an_unchanged_response_to_an_unconditional_request_is_an_error() {
    let (sink, _) = run(polls(), &Script::new([Answer::status(304)]), seconds(10)).await;
    assert_eq!(sink.seen(), ["interrupted ErrorResponse 304"]);
}

// SRC-F57
#[tokio::test(start_paused = true)]
async fn an_etag_is_sent_back_byte_for_byte() {
    let etag = b"W/\"caf\xe9 \xff\"".to_vec();
    let script = Script::new([Answer::poll([data(1)]).with("etag", &etag)]);
    run(polls(), &script, seconds(31)).await;
    assert_eq!(etags(&script), [None, Some(etag)]);

    let script = Script::new([Answer::poll([data(1)]).with("etag", "")]);
    run(polls(), &script, seconds(31)).await;
    assert_eq!(etags(&script), [None, None]);
}

// SRC-3
#[tokio::test(start_paused = true)]
async fn an_etag_is_used_only_if_its_data_was_stored() {
    let script = Script::new([
        Answer::poll([data(1)]).with("etag", "a"),
        Answer::poll(["{sorry"]).with("etag", "b"),
        Answer::status(500).with("etag", "c"),
    ]);
    run(polls(), &script, seconds(100)).await;
    assert_eq!(
        etags(&script),
        [
            None,
            Some(b"a".to_vec()),
            Some(b"a".to_vec()),
            Some(b"a".to_vec())
        ]
    );

    let script = Script::new([
        Answer::poll([data(1)]).with("etag", "a"),
        Answer::poll([data(2)]).with("etag", "b"),
    ]);
    let (sink, _) = run_with(polls(), &script, seconds(61), Recorder::failing(1)).await;
    assert_eq!(sink.seen(), ["init f:1", "init f:2"]);
    assert_eq!(etags(&script), [None, None, Some(b"b".to_vec())]);
}

// SRC-1.4: the environment id is set before the data is stored.
#[tokio::test(start_paused = true)]
async fn the_environment_id_is_set_before_the_data() {
    let script = Script::new([
        Answer::poll([data(1)])
            .with("x-ld-envid", "env-12345")
            .with("etag", "a"),
        Answer::status(304).with("x-ld-envid", "env-2"),
    ]);
    let (sink, _) = run(polls(), &script, seconds(31)).await;
    assert_eq!(
        sink.seen(),
        [
            "environment env-12345",
            "init f:1",
            "environment env-2",
            "valid"
        ]
    );
}

// SRC-3. Flags with an empty key are an accident that the contract tests rely on.
#[tokio::test(start_paused = true)]
async fn a_flag_can_have_an_empty_key_and_be_empty() {
    let empty = r#"{"flags": {"": {"key": "", "version": 0, "variations": null, "fallthrough": {}, "salt": ""}}}"#;
    let (sink, _) = run(polls(), &Script::new([Answer::poll([empty])]), seconds(1)).await;
    assert_eq!(sink.seen(), ["init :0"]);
}

// SRC-F55: a suspended machine whose monotonic clock continues
#[tokio::test(start_paused = true)]
async fn a_jump_of_time_costs_one_poll() {
    let script = Script::new((1..10).map(|version| Answer::poll([data(version)])));
    let sink = Recorder::new();
    let source = built(polls(), &script, "http://service");
    let running = tokio::spawn({
        let sink = std::sync::Arc::clone(&sink);
        async move { source.run(sink).await }
    });
    sleep(seconds(1)).await;
    advance(seconds(8 * 3600)).await;
    sleep(seconds(1)).await;
    assert_eq!(
        sink.seen(),
        ["init f:1", "init f:2"],
        "missed polls are not made up for"
    );
    sleep(seconds(30)).await;
    assert_eq!(sink.seen()[2..], ["init f:3"]);
    running.abort();
}

// SRC-F52
#[tokio::test(start_paused = true)]
async fn dropping_the_source_closes_the_connection_at_once() {
    for answers in [vec![], vec![Answer::poll([Piece::Silence])]] {
        closes_when_dropped(polls(), &Script::new(answers)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn tests_can_poll_more_often() {
    let script = Script::new(vec![Answer::poll([data(1)]); 3]);
    let often = polls()
        .poll_interval(Duration::from_millis(5))
        .without_shortest_interval();
    run(often, &script, Duration::from_millis(100)).await;
    assert_eq!(script.waits(), [Duration::from_millis(5); 3]);
}

/// Runs a source that polls every hour, and requests a complete data set once.
async fn run_with_a_request(script: &Script, sink: Arc<Recorder>, at: Duration) {
    let polls = polls().poll_interval(seconds(3600));
    let request = async {
        sleep(at).await;
        sink.request_refresh();
        pending::<()>().await
    };
    select! {
        _ = run_with(polls, script, at + seconds(3650), Arc::clone(&sink)) => {}
        () = request => {}
    }
}

// SRC-3: a store that may have lost data gets all of it again
#[tokio::test(start_paused = true)]
async fn a_poll_is_made_soon_and_without_a_tag_if_the_sink_needs_all_data() {
    let tagged = |version| Answer::poll([data(version)]).with("etag", "tag");
    for sink in [Recorder::new(), Recorder::failing(1)] {
        let script = Script::new([tagged(1), tagged(2), Answer::status(304)]);
        run_with_a_request(&script, Arc::clone(&sink), seconds(60)).await;
        let seen = sink.seen();
        assert_eq!(seen[..3], ["init f:1", "refresh", "init f:2"]);
        let tag = Some(b"tag".to_vec());
        assert_eq!(etags(&script), [None, None, tag]);
        super::streaming::about(script.waits()[0] - seconds(60), seconds(1));
        assert_eq!(script.waits()[1], seconds(3600));
    }
}

// SRC-3
#[tokio::test(start_paused = true)]
async fn a_service_that_fails_is_not_polled_sooner_but_asked_for_everything() {
    let tagged = Answer::poll([data(1)]).with("etag", "tag");
    let script = Script::new([tagged, Answer::status(500), Answer::poll([data(2)])]);
    run_with_a_request(&script, Recorder::new(), seconds(3660)).await;
    assert_eq!(script.waits(), [seconds(3600); 2]);
    assert_eq!(etags(&script), [None, Some(b"tag".to_vec()), None]);
}
