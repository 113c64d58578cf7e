//! Log levels: a retried fault is logged at debug level, an outage as one warning, a refusal as an
//! error.

use std::time::Duration;

use vexil::config::{Configure, PollingConfig, StreamingConfig};
use vexil::data_source::DataSource;

use super::capture::Log;
use super::script::{Answer, Piece, Script};
use super::{data, put, run, seconds};

/// The lines that a data source logs while it runs: their levels, and the whole text.
async fn logged(
    config: impl Configure<dyn DataSource>,
    answers: Vec<Answer>,
    time: Duration,
) -> (Vec<String>, String) {
    let log = Log::default();
    let guard = tracing::subscriber::set_default(log.subscriber());
    run(config, &Script::new(answers), time).await;
    drop(guard);
    let text = log.lines().join("\n");
    assert!(!text.contains("sdk-key"), "{text}");
    (
        text.lines()
            .map(|line| line.split_whitespace().nth(1).unwrap().to_owned())
            .collect(),
        text,
    )
}

#[tokio::test(start_paused = true)]
async fn a_short_outage_is_logged_at_debug_level_only() {
    let answers = vec![
        Answer::stream([put(1)]),
        Answer::status(503),
        Answer::endless([put(2)]),
    ];
    let (levels, text) = logged(StreamingConfig::new(), answers, seconds(300)).await;
    assert_eq!(levels, ["DEBUG", "DEBUG"], "{text}");
    assert!(
        text.contains("the service answered with status 503"),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_long_outage_is_logged_as_one_warning_and_its_end_is_logged() {
    let mut answers = vec![Answer::status(503); 10];
    answers.push(Answer::endless([put(1)]));
    let (levels, text) = logged(StreamingConfig::new(), answers, seconds(300)).await;
    let worth_reading: Vec<_> = levels.iter().filter(|level| *level != "DEBUG").collect();
    assert_eq!(worth_reading, ["WARN", "INFO"], "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_service_is_an_outage_after_a_minute() {
    for (recipe_time, expected) in [(59, vec![]), (62, vec!["WARN"])] {
        for answer in [Answer::Silence, Answer::stream([Piece::Silence])] {
            let (levels, text) =
                logged(StreamingConfig::new(), vec![answer], seconds(recipe_time)).await;
            assert_eq!(levels, expected, "{text}");
        }
    }
}

// SRC-2.7
#[tokio::test(start_paused = true)]
async fn a_refusal_is_logged_as_an_error_with_the_time_of_the_next_attempt() {
    let (levels, text) = logged(
        StreamingConfig::new(),
        vec![Answer::status(401)],
        seconds(10),
    )
    .await;
    assert_eq!(levels, ["ERROR"], "{text}");
    assert!(
        text.contains("status=401") && text.contains("delay="),
        "{text}"
    );
}

// SRC-1.3 and SRC-3
#[tokio::test(start_paused = true)]
async fn ignored_settings_are_logged_once() {
    let config = PollingConfig::new()
        .poll_interval(seconds(1))
        .payload_filter("a b");
    let answers = vec![Answer::poll([data(1)]); 5];
    let (levels, text) = logged(config, answers, seconds(100)).await;
    assert_eq!(levels, ["WARN", "WARN", "ERROR"], "{text}");
    assert!(text.contains("asked=1s used=30s"), "{text}");
}
