//! The life of a stream: its requests, how its events are applied, and when it reconnects.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::select;
use tokio::time::{advance, sleep};
use vexil::config::StreamingConfig;
use vexil::data_source::DataSink;
use vexil::transport::{RetryPolicy, TransportErrorKind};

use super::script::{Answer, Piece, Script};
use super::{built, closes_when_dropped, event, patch, put, run, run_with, seconds};
use crate::recorder::Recorder;

fn stream() -> StreamingConfig {
    StreamingConfig::new()
}

/// Whether a wait is the exponential delay `nominal` minus jitter.
#[track_caller]
pub(super) fn about(wait: Duration, nominal: Duration) {
    assert!(wait >= nominal / 2, "{wait:?} is too short for {nominal:?}");
    assert!(
        wait <= nominal + Duration::from_millis(2),
        "{wait:?} is too long for {nominal:?}"
    );
}

// SRC-1.1, SRC-1.4 and SRC-2.8
#[tokio::test(start_paused = true)]
async fn the_stream_is_requested_with_the_key_and_a_read_timeout_of_five_minutes() {
    let script = Script::new([]);
    run(stream(), &script, seconds(1)).await;
    let requests = script.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].request.method(), "GET");
    assert_eq!(requests[0].request.uri(), "http://service/ld/all");
    assert_eq!(
        requests[0].header("authorization"),
        Some(b"sdk-key".as_slice())
    );
    assert_eq!(
        requests[0].header("accept"),
        Some(b"text/event-stream".as_slice())
    );
    assert_eq!(
        requests[0].header("cache-control"),
        Some(b"no-cache".as_slice())
    );
    assert!(requests[0].header("user-agent").is_some());
    assert_eq!(requests[0].header("last-event-id"), None);
    assert_eq!(requests[0].header("accept-encoding"), None);
    assert_eq!(requests[0].read_timeout, seconds(300));
}

// SRC-1.3
#[tokio::test(start_paused = true)]
async fn a_valid_payload_filter_is_sent_and_an_invalid_one_is_left_out() {
    for (filter, query) in [("part-1", Some("filter=part-1")), ("a b", None), ("", None)] {
        let script = Script::new([]);
        run(stream().payload_filter(filter), &script, seconds(1)).await;
        assert_eq!(
            script.requests()[0].request.uri().query(),
            query,
            "{filter:?}"
        );
    }
}

// SRC-2.2 and SRC-2.9
#[tokio::test(start_paused = true)]
async fn a_stream_initializes_updates_and_deletes_without_further_status_changes() {
    let delete = event("delete", r#"{"path": "/segments/s", "version": 3}"#);
    let script = Script::new([Answer::endless([put(1), patch(2), delete])]);
    let (sink, ended) = run(stream(), &script, seconds(60)).await;
    assert!(ended.is_none());
    assert_eq!(sink.seen(), ["init f:1", "upsert f:2", "delete s:3"]);
}

// SRC-2.9
#[tokio::test(start_paused = true)]
async fn after_a_disconnect_the_source_is_interrupted_until_the_next_put() {
    let unknown = event("whatever", "{sorry");
    let again = Answer::endless([
        Piece::Wait(seconds(30)),
        unknown.into(),
        Piece::Wait(seconds(30)),
        put(2).into(),
    ]);
    let script = Script::new([Answer::stream([put(1)]), again]);
    let (sink, _) = run(stream(), &script, seconds(70)).await;
    assert_eq!(
        sink.seen(),
        ["init f:1", "interrupted NetworkError", "init f:2"]
    );
}

// SRC-1.4: the environment id is set before the data is stored.
#[tokio::test(start_paused = true)]
async fn the_environment_id_is_set_before_the_data() {
    let script = Script::new([
        Answer::stream([put(1)]).with("x-ld-envid", "env-12345"),
        Answer::endless([put(2)]).with("x-ld-envid", ""),
    ]);
    let (sink, _) = run(stream(), &script, seconds(10)).await;
    assert_eq!(
        sink.seen(),
        [
            "environment env-12345",
            "init f:1",
            "interrupted NetworkError",
            "init f:2"
        ]
    );
}

// SRC-2.1, rules 10 and 12
#[tokio::test(start_paused = true)]
async fn the_last_event_id_is_sent_until_it_is_reset() {
    let script = Script::new([
        Answer::stream(["id: caf\u{e9}\n", "data: x\n\n", "id: never\ndata"]),
        Answer::Error(TransportErrorKind::Connection),
        Answer::stream(["id\n\n"]),
    ]);
    run(stream(), &script, seconds(60)).await;
    let ids: Vec<_> = script
        .requests()
        .iter()
        .map(|requests| requests.header("last-event-id").map(<[u8]>::to_vec))
        .collect();
    let id = Some("caf\u{e9}".as_bytes().to_vec());
    assert_eq!(ids, [None, id.clone(), id, None]);
}

// SRC-2.6
#[tokio::test(start_paused = true)]
async fn reconnect_delays_grow_up_to_half_a_minute() {
    let script = Script::new(vec![Answer::Error(TransportErrorKind::Connection); 8]);
    run(stream(), &script, seconds(1000)).await;
    let waits = script.waits();
    assert_eq!(waits.len(), 8);
    for (wait, nominal) in waits.into_iter().zip([1, 2, 4, 8, 16, 30, 30, 30]) {
        about(wait, seconds(nominal));
    }
}

// SRC-2.6
#[tokio::test(start_paused = true)]
async fn the_first_delay_is_configurable() {
    for millis in [1, 10_000] {
        let script = Script::new(vec![Answer::status(503); 2]);
        let delay = Duration::from_millis(millis);
        run(
            stream().initial_reconnect_delay(delay),
            &script,
            seconds(60),
        )
        .await;
        assert_eq!(script.requests().len(), 3);
        about(script.waits()[0], delay);
    }
}

// SRC-2.6
#[tokio::test(start_paused = true)]
async fn only_a_stream_that_delivered_for_a_minute_resets_the_delay() {
    let short = || Answer::stream([put(1).into(), Piece::Wait(seconds(59))]);
    let long = || Answer::stream([Piece::from(put(1)), Piece::Wait(seconds(61))]);
    let late = || Answer::stream([Piece::Wait(seconds(100)), put(1).into()]);
    let script = Script::new([short(), short(), late(), long(), short()]);
    run(stream(), &script, seconds(2000)).await;
    let lived = [59, 59, 100, 61, 59];
    for ((wait, lived), nominal) in script.waits().into_iter().zip(lived).zip([1, 2, 4, 1, 2]) {
        about(wait - seconds(lived), seconds(nominal));
    }
    assert_eq!(script.requests().len(), 6);
}

// SRC-2.1, rule 11; SRC-F30
#[tokio::test(start_paused = true)]
async fn the_service_can_set_the_delay_but_not_to_zero() {
    for (retry, nominal) in [
        ("5000", seconds(5)),
        ("0", seconds(1)),
        ("99999999999999999999", seconds(30)),
    ] {
        let script = Script::new([Answer::stream([format!("retry: {retry}\n\n")])]);
        run(stream(), &script, seconds(100)).await;
        about(script.waits()[0], nominal);
    }
}

// SRC-2.6
#[tokio::test(start_paused = true)]
async fn after_a_refusal_reconnects_are_rare_until_one_delivered_for_a_minute() {
    let served = Answer::stream([Piece::from(put(1)), Piece::Wait(seconds(75))]);
    let script = Script::new([Answer::status(401), Answer::status(500), served]);
    run(stream(), &script, seconds(2000)).await;
    let waits = script.waits();
    about(waits[0], seconds(300));
    about(waits[1], seconds(600));
    about(waits[2] - seconds(75), seconds(1));
}

// SRC-F55: a suspended machine whose monotonic clock continues
#[tokio::test(start_paused = true)]
async fn a_jump_of_time_costs_a_stream_one_reconnect() {
    let script = Script::new((1..10).map(|version| Answer::endless([put(version)])));
    let sink = Recorder::new();
    let source = built(stream(), &script, "http://service");
    let running = tokio::spawn({
        let sink = std::sync::Arc::clone(&sink);
        async move { source.run(sink).await }
    });
    sleep(seconds(1)).await;
    advance(seconds(8 * 3600)).await;
    sleep(seconds(60)).await;
    assert_eq!(
        sink.seen(),
        ["init f:1", "interrupted NetworkError", "init f:2"]
    );
    about(script.waits()[0] - seconds(8 * 3600 + 1), seconds(1));
    running.abort();
}

// SRC-F52
#[tokio::test(start_paused = true)]
async fn dropping_the_source_closes_the_connection_at_once() {
    for answers in [
        vec![],
        vec![Answer::endless([put(1)])],
        vec![Answer::endless(["event"])],
    ] {
        closes_when_dropped(stream(), &Script::new(answers)).await;
    }
}

// SRC-2.8: the old connection is closed before the wait.
#[tokio::test(start_paused = true)]
async fn a_connection_is_closed_before_the_reconnect_delay_begins() {
    let script = Script::new([Answer::endless([event("put", "{sorry")])]);
    let (sink, _) = run(
        stream().initial_reconnect_delay(seconds(30)),
        &script,
        seconds(10),
    )
    .await;
    assert_eq!(sink.states(), ["interrupted InvalidData"]);
    assert_eq!((script.requests().len(), script.open()), (1, 0));
}

// SRC-F5
#[tokio::test(start_paused = true)]
async fn a_flood_of_comments_lets_other_tasks_run() {
    let script = Script::new([Answer::stream([Piece::Flood(b": comment\n")])]);
    let source = built(stream(), &script, "http://service");
    let running =
        tokio::task::unconstrained(source.run(Recorder::new() as std::sync::Arc<dyn DataSink>));
    // The source goes first each time: if it did not yield, the other task would never run.
    tokio::select! {
        biased;
        _ = running => unreachable!(),
        () = tokio::task::yield_now() => {}
    }
}

#[tokio::test(start_paused = true)]
async fn debug_output_contains_no_secret() {
    let script = Script::default();
    let source = built(
        stream().retry_policy(RetryPolicy::LegacyStop),
        &script,
        "http://service/?token=pass",
    );
    let shown = format!("{source:?}");
    assert!(
        !shown.contains("sdk-key") && !shown.contains("pass"),
        "{shown}"
    );
}

// A proxy that ends each stream after 59 seconds must not turn one refusal into gaps of minutes for
// ever.
#[tokio::test(start_paused = true)]
async fn after_a_refusal_a_stream_that_delivers_all_data_ends_the_long_waits() {
    let short = || Answer::stream([Piece::from(put(1)), Piece::Wait(seconds(59))]);
    let script = Script::new(std::iter::once(Answer::status(401)).chain((0..6).map(|_| short())));
    run(stream(), &script, seconds(3_000)).await;
    let waits = script.waits();
    assert!(
        (seconds(150)..=seconds(300)).contains(&waits[0]),
        "{waits:?}"
    );
    assert!(
        waits.len() >= 6 && waits[1..].iter().all(|wait| *wait <= seconds(59 + 30)),
        "{waits:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_service_that_asks_for_instant_reconnects_is_contacted_less_and_less_often() {
    for retry in ["1", "100"] {
        let script =
            Script::new((0..5_000).map(|_| Answer::stream([format!("retry: {retry}\n\n")])));
        run(stream(), &script, seconds(10)).await;
        assert!(
            (5..=12).contains(&script.requests().len()),
            "retry: {retry}: {} connections",
            script.requests().len()
        );
    }
}

// SRC-2.8: a store that may have lost data gets all of it again
#[tokio::test(start_paused = true)]
async fn a_stream_is_opened_again_if_the_sink_needs_all_data() {
    let first = Answer::endless(["id: 7\n".to_owned() + &put(1)]);
    let script = Script::new([first, Answer::endless([put(2)])]);
    let sink = Recorder::new();
    let request = async {
        sleep(seconds(10)).await;
        sink.request_refresh();
        pending::<()>().await
    };
    select! {
        _ = run_with(stream(), &script, seconds(60), Arc::clone(&sink)) => {}
        () = request => {}
    }
    assert_eq!(sink.seen(), ["init f:1", "refresh", "init f:2"]);
    let requests = script.requests();
    assert_eq!(requests.len(), 2);
    about(requests[1].at - requests[0].at - seconds(10), seconds(1));
    assert_eq!(requests[1].header("last-event-id"), None);
    assert_eq!(script.open(), 0);
}

// SRC-2.8: until all data has arrived, it is on its way anyway
#[tokio::test(start_paused = true)]
async fn a_stream_whose_data_is_still_to_come_is_not_opened_again() {
    let late = [Piece::Wait(seconds(30)), put(1).into()];
    let script = Script::new([Answer::endless(late)]);
    let sink = Recorder::new();
    sink.request_refresh();
    run_with(stream(), &script, seconds(29), Arc::clone(&sink)).await;
    assert_eq!((sink.seen().len(), script.requests().len()), (0, 1));
}
