//! Fallback, recovery, the end of a data system, and their log: FDV2-5.4 and FDV2-5.6, and the rows
//! FDV2-F26 to FDV2-F33.

use std::iter::repeat_n;
use std::sync::Arc;

use tokio::time::advance;
use vexil::async_trait;
use vexil::data_source::{DataSink, DataSource, DataSourceError, DataSourceState};

use super::*;
use crate::capture::Log;
use crate::events::{full, intent};

/// A stream, and polls if it fails.
fn two() -> DataSystem {
    streaming().synchronizer(poll())
}

// FDV2-F26
#[tokio::test(start_paused = true)]
async fn the_only_synchronizer_is_refused_and_the_data_stays() {
    for system in [streaming(), polling()] {
        let answers = [polled(&full(1)), Answer::status(401)];
        let setup = Setup::run(system.initializer(poll()), answers, seconds(4000)).await;
        assert_eq!(setup.asked().len(), 2);
        let statuses = setup.statuses().await;
        assert_eq!(statuses.last().unwrap(), "Off ErrorResponse 401");
        assert_eq!((setup.flags().as_str(), setup.script.open()), ("a1", 0));
        setup.client.wait_until_ready(seconds(1)).await.unwrap();
    }
}

// FDV2-F27
#[tokio::test(start_paused = true)]
async fn all_sources_are_refused() {
    let answers = vec![Answer::status(401); 9];
    let setup = Setup::run(two().initializer(poll()), answers, seconds(4000)).await;
    timeline_is(&setup, &[(0, "poll"), (0, "stream"), (0, "poll")]);
    let statuses = setup.statuses().await;
    let refused = "Initializing ErrorResponse 401";
    assert_eq!(statuses[..3], [refused; 3]);
    assert_eq!(statuses.last().unwrap(), "Off ErrorResponse 401");
}

// FDV2-F28
#[tokio::test(start_paused = true)]
async fn a_primary_that_breaks_and_recovers_stays() {
    let mut answers = Vec::new();
    for _ in 0..30 {
        answers.push(Answer::stream([
            sse(&full(1)).into(),
            Piece::Wait(seconds(5)),
        ]));
    }
    // The last connection stays, whatever the delays before it were.
    let beats = std::iter::repeat_with(|| [Piece::Wait(seconds(60)), Piece::from(":")]);
    let beats = beats.take(20).flatten();
    let last = std::iter::once(sse(&full(2)).into()).chain(beats);
    answers.push(Answer::stream(last));
    let setup = Setup::run(two(), answers, seconds(1000)).await;
    assert!(
        setup
            .asked()
            .iter()
            .all(|asked| asked.starts_with("stream"))
    );
    assert_eq!(setup.asked().len(), 31);
}

// FDV2-F29
#[tokio::test(start_paused = true)]
async fn each_source_is_tried_in_turn() {
    let answers = repeat_n(Answer::Silence, 50);
    let setup = Setup::run(two(), answers, seconds(45)).await;
    timeline_is(
        &setup,
        &[
            (0, "stream"),
            (10, "poll"),
            (20, "stream"),
            (30, "poll"),
            (40, "stream"),
        ],
    );
    // The connection of a source that was left is closed.
    assert_eq!(setup.script.open(), 1);

    let answers = std::iter::once(Answer::poll([
        Piece::Wait(seconds(2)),
        body(&full(1)).into(),
    ]));
    let answers = answers.chain(repeat_n(Answer::status(500), 50));
    let polls = poll().poll_interval(seconds(40));
    let system = DataSystem::custom()
        .synchronizer(polls)
        .synchronizer(stream());
    let setup = Setup::run(system, answers, seconds(200)).await;
    let timeline = setup.timeline();
    let at = |name: &'static str| {
        let of_name = timeline
            .iter()
            .filter(move |(_, asked)| asked.starts_with(name));
        of_name.map(|(second, _)| *second).collect::<Vec<_>>()
    };
    // Interrupted at 40 s, and left a minute later; then 10 s each.
    assert_eq!(at("stream")[0], 100, "{timeline:?}");
    assert_eq!(at("poll")[..5], [0, 40, 80, 110, 130], "{timeline:?}");
}

// FDV2-F30
#[tokio::test(start_paused = true)]
async fn a_recovery_that_fails_is_repeated() {
    let valid = || polled(&[intent("none")]);
    let mut answers = vec![silent(), polled(&full(1))];
    answers.extend(repeat_n(valid(), 7));
    answers.push(silent());
    answers.extend(repeat_n(valid(), 8));
    answers.push(stays(&full(2)));
    let system = streaming().synchronizer(poll().poll_interval(seconds(40)));
    let setup = Setup::run(system, answers, seconds(900)).await;
    let timeline = setup.timeline();
    let streams: Vec<_> = timeline
        .iter()
        .filter(|(_, asked)| asked.starts_with("stream"))
        .collect();
    let seconds: Vec<_> = streams.iter().map(|(second, _)| *second).collect();
    assert_eq!(seconds, [0, 310, 620], "{timeline:?}");
    assert_eq!((setup.flags().as_str(), setup.script.open()), ("a2", 1));
    // A fallback or recovery is no event of the status.
    assert_eq!(setup.statuses().await, ["Valid"]);
}

// FDV2-F31: a suspended machine whose monotonic clock continues
#[tokio::test(start_paused = true)]
async fn a_jump_of_time_moves_a_client_by_one_source_at_most() {
    const NIGHT: Duration = Duration::from_secs(8 * 3600);
    // The primary reconnects.
    let answers = [stays(&full(1)), stays(&[intent("none")])];
    let setup = Setup::run(two(), answers, seconds(1)).await;
    advance(NIGHT).await;
    sleep(seconds(60)).await;
    assert_eq!(setup.asked(), ["stream", "stream?basis=s1"]);
    assert_eq!(
        setup.statuses().await,
        ["Valid", "Interrupted NetworkError", "Valid"]
    );

    // The secondary recovers to the primary.
    let answers = [silent(), polled(&full(1)), stays(&full(2))];
    let rare = streaming().synchronizer(poll().poll_interval(2 * NIGHT));
    let setup = Setup::run(rare, answers, seconds(20)).await;
    advance(NIGHT).await;
    sleep(seconds(60)).await;
    assert_eq!(setup.asked(), ["stream", "poll", "stream?basis=s1"]);
    assert_eq!((setup.flags().as_str(), setup.script.open()), ("a2", 1));
    assert_eq!(setup.statuses().await, ["Valid"]);
}

// FDV2-5.4: each activation starts with new backoff and no entity tag
#[tokio::test(start_paused = true)]
async fn an_activation_starts_anew() {
    let polls = poll().poll_interval(seconds(50));
    let system = DataSystem::custom()
        .synchronizer(polls)
        .synchronizer(stream());
    let system = system.recover_after(seconds(20));
    let answers = [
        polled(&full(1)).with("etag", "a"),
        polled(&[intent("xfer-changes"), crate::events::commit("s1")]).with("etag", "b"),
        Answer::status(500),
        Answer::status(500),
        stays(&[intent("none")]),
        polled(&[intent("none")]),
    ];
    let setup = Setup::run(system, answers, seconds(185)).await;
    let with_basis = "poll?basis=s1";
    let expected = [
        (0, "poll"),
        (50, with_basis),
        (100, with_basis),
        (150, with_basis),
        (160, "stream?basis=s1"),
        (180, with_basis),
    ];
    timeline_is(&setup, &expected);
    let requests = setup.script.requests();
    let tags: Vec<_> = requests
        .iter()
        .map(|request| request.header("if-none-match"))
        .collect();
    assert_eq!(tags[2..], [Some(&b"b"[..]), Some(b"b"), None, None]);
}

// FDV2-5.4: a slow payload
#[tokio::test(start_paused = true)]
async fn a_payload_that_is_arriving_has_a_minute() {
    let slow = |wait| {
        let events = full(1);
        Answer::stream([
            sse(&events[..1]).into(),
            Piece::Wait(seconds(wait)),
            sse(&events[1..]).into(),
            Piece::Silence,
        ])
    };
    let setup = Setup::run(two(), [slow(55)], seconds(58)).await;
    assert_eq!((setup.flags().as_str(), setup.asked().len()), ("a1", 1));
    let setup = Setup::run(two(), [slow(65)], seconds(62)).await;
    timeline_is(&setup, &[(0, "stream"), (60, "poll")]);
    assert_eq!(setup.flags(), "");
}

/// Fails, each time it is activated, in a way of its own.
#[derive(Clone, Debug)]
struct Broken {
    panics: bool,
}

#[async_trait]
impl DataSource for Broken {
    async fn run(&self, _: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
        tokio::task::yield_now().await;
        assert!(!self.panics, "a source panics");
        Ok(())
    }
}

// FDV2-F33
#[tokio::test(start_paused = true)]
async fn a_source_that_panics_or_ends_early_is_replaced() {
    for panics in [true, false] {
        let broken = || Broken { panics };
        let system = DataSystem::custom()
            .synchronizer(broken())
            .synchronizer(stream());
        let setup = Setup::run(system, [stays(&full(1))], seconds(1)).await;
        assert_eq!(setup.statuses().await, ["Initializing Unknown", "Valid"]);
        let setup = Setup::run(
            streaming().initializer(broken()),
            [stays(&full(1))],
            seconds(1),
        );
        assert_eq!(
            setup.await.statuses().await,
            ["Initializing Unknown", "Valid"]
        );
        let system = DataSystem::custom().synchronizer(broken());
        let setup = Setup::run(system, [], seconds(1)).await;
        assert_eq!(setup.statuses().await.last().unwrap(), "Off Unknown");
    }
}

// FDV2-F32, FDV2-5.6
#[tokio::test(start_paused = true)]
async fn a_client_can_be_closed_at_any_time() {
    let delivers = || Answer::poll([Piece::Wait(seconds(5)), body(&full(1)).into()]);
    let order = Answer::status(500).with("x-ld-fd-fallback", "true");
    let cases = [
        (
            "an initializer",
            two().initializer(poll()),
            vec![delivers()],
            1,
        ),
        ("a stream", two(), vec![silent()], 1),
        ("a fallback", two(), vec![silent(), delivers()], 11),
        ("an update", two(), vec![stays(&full(1)[..2])], 1),
        ("a delay", streaming(), vec![Answer::status(500); 4], 6),
        ("an interval", polling(), vec![Answer::status(500)], 10),
        ("an order", with_fallback(two()), vec![order, delivers()], 1),
    ];
    for (name, system, answers, after) in cases {
        let setup = Setup::run(system, answers, seconds(after)).await;
        let (asked, begun) = (setup.asked(), Instant::now());
        assert!(setup.client.close(seconds(30)).await, "{name}");
        assert!(begun.elapsed() < seconds(1), "{name}");
        sleep(seconds(500)).await;
        assert_eq!(setup.script.open(), 0, "{name}");
        assert_eq!(setup.asked(), asked, "{name}");
        assert_eq!(setup.flags(), "", "{name}");
        let status = setup.client.data_source_status().status();
        assert_eq!(status.state, DataSourceState::Off, "{name}");
    }
}

/// The lines of a client's log that are not for debugging: level and text.
async fn logged(system: DataSystem, answers: Vec<Answer>, time: Duration) -> Vec<String> {
    interest::always_interested();
    let log = Log::default();
    let guard = tracing::subscriber::set_default(log.subscriber());
    let setup = Setup::run(system, answers, time).await;
    drop(guard);
    drop(setup);
    let lines = log.lines().into_iter().map(|line| {
        let words: Vec<_> = line.split_whitespace().skip(1).map(str::to_owned).collect();
        words.join(" ")
    });
    lines
        .filter(|line| !line.starts_with("DEBUG") && !line.starts_with("TRACE"))
        .collect()
}

fn levels(lines: &[String]) -> Vec<&str> {
    lines
        .iter()
        .map(|line| line.split(' ').next().unwrap())
        .collect()
}

// FDV2-5.4, FDV2-7.1: one warning for a fallback, whatever the number of attempts
#[tokio::test(start_paused = true)]
async fn a_fallback_is_one_warning_and_its_end_is_logged() {
    // Silent, with errors, and interrupted after data.
    let failing = || repeat_n(Answer::status(503), 200);
    let answers = vec![silent(), polled(&full(1))];
    let lines = logged(two(), answers, seconds(100)).await;
    assert_eq!(levels(&lines), ["WARN", "INFO"], "{lines:#?}");

    let answers = std::iter::once(ends(&full(1))).chain(failing()).collect();
    let lines = logged(two(), answers, seconds(1000)).await;
    assert_eq!(levels(&lines), ["WARN"], "{lines:#?}");
    assert!(
        lines[0].contains("the service answered with status 503"),
        "{lines:#?}"
    );

    let lines = logged(streaming(), failing().collect(), seconds(1000)).await;
    assert_eq!(levels(&lines), ["WARN"], "{lines:#?}");
    let answers = failing().take(10).chain([stays(&full(1))]).collect();
    let lines = logged(streaming(), answers, seconds(400)).await;
    assert_eq!(levels(&lines), ["WARN", "INFO"], "{lines:#?}");

    let lines = logged(two(), vec![stays(&full(1))], seconds(290)).await;
    assert!(lines.is_empty(), "{lines:#?}");
}

// FDV2-5.2, FDV2-5.4: one line names the culprit
#[tokio::test(start_paused = true)]
async fn a_source_that_is_removed_is_one_warning_and_the_end_an_error() {
    let answers = vec![Answer::status(401), polled(&full(1))];
    let lines = logged(two(), answers, seconds(20)).await;
    assert_eq!(levels(&lines), ["WARN", "INFO"], "{lines:#?}");
    assert!(lines[0].contains("status 401"), "{lines:#?}");

    let lines = logged(two(), vec![Answer::status(401); 2], seconds(20)).await;
    assert_eq!(levels(&lines), ["WARN", "ERROR"], "{lines:#?}");

    let answers = vec![Answer::status(500), Answer::poll(["{"]), stays(&full(1))];
    let lines = logged(initializing(), answers, seconds(20)).await;
    assert_eq!(levels(&lines), ["WARN", "WARN"], "{lines:#?}");
    assert!(
        lines[0].contains("index=0") && lines[0].contains("status 500"),
        "{lines:#?}"
    );
    assert!(lines[1].contains("index=1"), "{lines:#?}");
}

// FDV2-5.1: each member is configured at the start, and again for each activation
#[tokio::test(start_paused = true)]
async fn an_ignored_setting_is_logged_once_whatever_the_number_of_activations() {
    let polls = poll().poll_interval(seconds(1));
    let system = streaming().synchronizer(polls);
    let system = system.fdv1_fallback(PollingConfig::new().payload_filter("a b"));
    let order = Answer::status(500).with("x-ld-fd-fallback", "true");
    let answers = repeat_n(Answer::Silence, 9).chain([order]).collect();
    let lines = logged(system, answers, seconds(500)).await;
    let of = |text: &str| lines.iter().filter(|line| line.contains(text)).count();
    assert_eq!(of("the poll interval is too short"), 1, "{lines:#?}");
    assert_eq!(of("the payload filter is invalid"), 1, "{lines:#?}");
    assert_eq!(of("using the classic protocol"), 1, "{lines:#?}");
}

// FDV2-6.2, FDV2-6.4
#[tokio::test(start_paused = true)]
async fn an_order_and_its_end_are_logged_and_a_goodbye_is_information() {
    let order = stays(&full(1)).with("x-ld-fd-fallback", "true");
    let order = order.with("x-ld-fd-fallback-ttl", "5");
    let answers = vec![
        order,
        Answer::poll([crate::events::classic(7)]),
        stays(&full(2)),
    ];
    let lines = logged(with_fallback(streaming()), answers, seconds(20)).await;
    assert_eq!(levels(&lines), ["WARN", "INFO"], "{lines:#?}");

    for (is_silent, expected) in [(false, vec!["INFO"]), (true, vec![])] {
        let members = serde_json::json!({"reason": "a deployment", "silent": is_silent});
        let leaves = crate::events::goodbye(&members);
        let answers = vec![stays(&[&full(1)[..], &[leaves]].concat()), stays(&full(2))];
        let lines = logged(streaming(), answers, seconds(20)).await;
        assert_eq!(levels(&lines), expected, "{lines:#?}");
        assert!(
            lines.iter().all(|line| line.contains("a deployment")),
            "{lines:#?}"
        );
    }
}
