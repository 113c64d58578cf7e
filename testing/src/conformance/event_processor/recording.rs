//! Clauses on the delivery of recorded events.

use serde_json::json;
use vexil::Value;

use super::EventProcessorHarness;
use super::pen::Pen;

/// Experiments and usage statistics depend on exact counts.
pub async fn every_evaluation_is_counted(harness: &dyn EventProcessorHarness) {
    let pen = Pen::new(harness).await;
    pen.evaluate("a", 1500);
    pen.evaluate("b", 1);
    pen.flush().await;
    let delivered = pen.delivered();
    assert_eq!(
        delivered.count("a"),
        1500,
        "evaluations of a: {delivered:?}"
    );
    assert_eq!(delivered.count("b"), 1, "evaluations of b: {delivered:?}");
    pen.close().await;
    pen.has_not_panicked();
}

/// The service shows which unknown flags an application evaluates.
pub async fn evaluations_of_unknown_flags_are_counted(harness: &dyn EventProcessorHarness) {
    let pen = Pen::new(harness).await;
    pen.evaluate("unknown", 3);
    pen.close().await;
    let delivered = pen.delivered();
    let unknown = ("unknown".to_owned(), None);
    assert_eq!(
        delivered.evaluations.get(&unknown),
        Some(&3),
        "evaluations of an unknown flag: {delivered:?}"
    );
    pen.has_not_panicked();
}

/// A record is borrowed for the call. What it refers to may change before the delivery.
pub async fn evaluations_are_counted_by_the_version_they_used(harness: &dyn EventProcessorHarness) {
    let pen = Pen::new(harness).await;
    pen.evaluate("a", 2);
    pen.change_flag();
    pen.evaluate("a", 3);
    pen.close().await;
    let delivered = pen.delivered();
    for (version, count) in [(1, 2), (2, 3)] {
        assert_eq!(
            delivered.evaluations.get(&("a".to_owned(), Some(version))),
            Some(&count),
            "evaluations of version {version}: {delivered:?}"
        );
    }
}

/// Each custom event is delivered, in order.
pub async fn custom_events_are_delivered_with_their_data(harness: &dyn EventProcessorHarness) {
    let pen = Pen::new(harness).await;
    pen.track("bought", Value::from("tea"));
    pen.track("bought", Value::from(2));
    pen.track("left", Value::Null);
    pen.flush().await;
    let expected = [
        ("bought".to_owned(), json!("tea")),
        ("bought".to_owned(), json!(2)),
        ("left".to_owned(), json!(null)),
    ];
    let custom: Vec<_> = pen.delivered().custom.into_iter().map(whole).collect();
    assert_eq!(custom, expected, "the custom events");
    pen.close().await;
    pen.has_not_panicked();
}

/// Writes an integral number as an integer: JSON has one type of numbers.
fn whole((key, data): (String, serde_json::Value)) -> (String, serde_json::Value) {
    match data.as_f64() {
        Some(number) if number.fract() == 0.0 => (key, json!(number as i64)),
        _ => (key, data),
    }
}

/// `identify` reports a context without an evaluation.
pub async fn identified_contexts_are_delivered(harness: &dyn EventProcessorHarness) {
    let pen = Pen::new(harness).await;
    pen.identify();
    pen.close().await;
    assert_eq!(
        pen.delivered().identified,
        ["ada"],
        "the identified contexts"
    );
    pen.has_not_panicked();
}

/// Applications evaluate on many threads.
pub async fn concurrent_evaluations_are_all_counted(harness: &dyn EventProcessorHarness) {
    let pen = Pen::new(harness).await;
    let count = pen.evaluate_on_threads(2_000, async |_: &Pen<'_>| ()).await;
    pen.flush().await;
    assert_eq!(pen.delivered().count("a"), count, "evaluations on threads");
    pen.close().await;
    pen.has_not_panicked();
}
