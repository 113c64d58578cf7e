//! What a hook receives from `track`.

use serde_json::json;
use vexil::{Client, Context, Value};
use vexil_testing::{EventRecorder, HookRecorder, RecordedStage};

use crate::support::{Fixed, ada};

fn tracked(key: &str, data: Option<Value>, metric_value: Option<f64>) -> RecordedStage {
    // Recorded from a client, because only a client can create a `TrackSeriesContext`.
    let hook = HookRecorder::new("model");
    let client = Client::builder("sdk-key")
        .offline(true)
        .hook(hook.clone())
        .start()
        .unwrap();
    match (data, metric_value) {
        (None, None) => client.track(key, &ada()),
        (Some(data), None) => client.track_data(key, &ada(), data),
        (data, Some(metric)) => client.track_metric(key, &ada(), metric, data),
    }
    hook.take().pop().unwrap()
}

// EVT-6.1
#[test]
fn a_hook_sees_the_given_values_and_no_others() {
    let seen = |stage: RecordedStage| match stage {
        RecordedStage::AfterTrack {
            key,
            context,
            data,
            metric_value,
            environment_id,
        } => {
            assert_eq!((context, environment_id), (ada(), None));
            (key.to_string(), data, metric_value)
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(seen(tracked("a", None, None)), ("a".into(), None, None));
    assert_eq!(
        seen(tracked("b", Some(false.into()), None)),
        ("b".into(), Some(false.into()), None)
    );
    assert_eq!(
        seen(tracked("c", None, Some(0.0))),
        ("c".into(), None, Some(0.0))
    );
    let data = Value::from(json!({"n": 1}));
    assert_eq!(
        seen(tracked("d", Some(data.clone()), Some(-1.5))),
        ("d".into(), Some(data), Some(-1.5))
    );
}

// EVT-6.2, rule 13
#[test]
fn hooks_run_with_and_without_events_but_not_for_an_invalid_context() {
    for events in [Some(EventRecorder::new()), None] {
        let hook = HookRecorder::new("recorder");
        let builder = Client::builder("sdk-key")
            .data_source(Fixed::new(&json!({})))
            .hook(hook.clone());
        let builder = match events.clone() {
            Some(events) => builder.events(events),
            None => builder.without_events(),
        };
        let client = builder.start().unwrap();
        client.track("bought", &Context::new(""));
        assert_eq!(hook.take(), []);
        client.track("bought", &ada());
        assert_eq!(hook.take().len(), 1);
        if let Some(events) = events {
            assert_eq!(events.take().len(), 1);
        }
    }
}
