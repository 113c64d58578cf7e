//! The calls that an event processor receives (EVT-1.7, EVT-3.7 and EVT-5).

#![cfg(test)]

mod support;

use serde_json::json;
use support::{Fixed, SOON, ada};
use vexil::eval::{BigSegmentsStatus, EvalErrorKind};
use vexil::{Client, Context, Value};
use vexil_testing::{EventRecorder, RecordedEvaluation, RecordedEvent};

fn recorded() -> (Client, EventRecorder) {
    let flag = |prerequisites: serde_json::Value| {
        json!({"on": true, "version": 3, "variations": [false, true], "fallthrough": {"variation": 1},
            "prerequisites": prerequisites})
    };
    let data = json!({"flags": {
        "base": flag(json!([])),
        "middle": flag(json!([{"key": "base", "variation": 1}])),
        "top": flag(json!([{"key": "middle", "variation": 1}])),
        "malformed": {"on": true, "version": 5, "fallthrough": {"variation": 9}},
    }});
    let events = EventRecorder::new();
    let client = Client::builder("sdk-key")
        .data_source(Fixed::new(&data))
        .events(events.clone())
        .start()
        .unwrap();
    (client, events)
}

/// The evaluations recorded since the last call.
fn evaluations(events: &EventRecorder) -> Vec<RecordedEvaluation> {
    let evaluation = |event| match event {
        RecordedEvent::Evaluation(evaluation) => *evaluation,
        other => panic!("{other:?} was not expected"),
    };
    events.take().into_iter().map(evaluation).collect()
}

// EVT-1.7
#[test]
fn only_the_detail_methods_request_the_reason() {
    let (client, events) = recorded();
    let ada = ada();
    let reason_requested = |what: &str, expected: bool| {
        let reason_requested: Vec<_> = evaluations(&events)
            .iter()
            .map(|evaluation| evaluation.with_reason)
            .collect();
        assert_eq!(reason_requested, [expected], "{what}");
    };
    let _ = client.bool_variation("base", &ada, false);
    reason_requested("plain", false);
    let _ = client.bool_variation_detail("base", &ada, false);
    reason_requested("detail", true);
    let _ = client.json_as("base", &ada, false);
    reason_requested("as", false);
    let _ = client.json_as_detail("base", &ada, false);
    reason_requested("as, with detail", true);
    pollster::block_on(client.json_as_async("base", &ada, false));
    reason_requested("as, async", false);
    pollster::block_on(client.variation_async("base", &ada, false));
    reason_requested("async", false);
}

// EVT-1.7
#[test]
fn prerequisites_are_recorded_first_the_deepest_before_the_others() {
    let (client, events) = recorded();
    assert!(client.bool_variation("top", &ada(), false));
    let recorded_event = evaluations(&events);
    let recorded_event: Vec<_> = recorded_event
        .iter()
        .map(|recorded_event| {
            (
                recorded_event.key.as_str(),
                recorded_event.prerequisite_of.as_deref(),
                recorded_event.default.clone(),
                recorded_event.version,
            )
        })
        .collect();
    let default = Some(Value::from(false));
    assert_eq!(
        recorded_event,
        [
            ("base", Some("middle"), None, Some(3)),
            ("middle", Some("top"), None, Some(3)),
            ("top", None, default, Some(3)),
        ]
    );
}

// EVT-1.7 and EVT-3.7
#[test]
fn evaluations_without_a_result_are_recorded_with_the_default() {
    let (client, events) = recorded();
    for (key, version, error) in [
        ("no-such-flag", None, EvalErrorKind::FlagNotFound),
        ("malformed", Some(5), EvalErrorKind::MalformedFlag),
        ("base", Some(3), EvalErrorKind::WrongType),
    ] {
        assert_eq!(client.int_variation(key, &ada(), 7), 7);
        let [recorded_event] = &evaluations(&events)[..] else {
            panic!("expected one evaluation of {key}")
        };
        assert_eq!(
            (
                recorded_event.version,
                recorded_event.variation,
                &recorded_event.value
            ),
            (version, None, &Value::from(7)),
            "{key}"
        );
        assert_eq!(recorded_event.reason.error(), Some(error), "{key}");
    }
}

// EVT-3.7
#[test]
fn only_evaluations_are_recorded() {
    let (client, events) = recorded();
    let invalid = Context::new("");
    let _ = client.bool_variation("base", &invalid, false);
    client.identify(&invalid);
    client.track("clicked", &invalid);
    let _ = client.all_flags_state(&ada(), vexil::client::FlagsStateOptions::default());
    assert_eq!(events.take(), []);
}

// EVT-5
#[test]
fn track_and_identify_calls_are_recorded() {
    let (client, events) = recorded();
    client.identify(&ada());
    client.track("clicked", &ada());
    client.track_metric("bought", &ada(), 0.0, json!({"items": 3}));
    let custom =
        |key: &str, data: serde_json::Value, metric| (key.to_owned(), Value::from(data), metric);
    let [RecordedEvent::Identify(who), first, second] = &events.take()[..] else {
        panic!("expected three events")
    };
    assert_eq!(who, &ada());
    for (event, expected) in [
        (first, custom("clicked", json!(null), None)),
        (second, custom("bought", json!({"items": 3}), Some(0.0))),
    ] {
        let RecordedEvent::Custom(event) = event else {
            panic!("{event}")
        };
        let found = (event.key.to_string(), event.data.clone(), event.metric);
        assert_eq!(found, expected);
        assert_eq!(event.context, ada());
    }
    assert!(pollster::block_on(client.flush_and_wait(SOON)));
}

#[test]
fn the_default_of_a_custom_type_is_recorded_as_json() {
    let (client, events) = recorded();
    let default = std::collections::BTreeMap::from([("rps", 7)]);
    let owned = || {
        default
            .iter()
            .map(|(name, value)| ((*name).to_owned(), *value))
            .collect()
    };
    let json = Value::from(default.clone());
    let _: std::collections::BTreeMap<String, u32> =
        client.json_as("no-such-flag", &ada(), owned());
    let _ = pollster::block_on(client.json_as_detail_async("base", &ada(), owned()));
    let [unknown, known] = &evaluations(&events)[..] else {
        panic!("expected two evaluations")
    };
    assert_eq!(
        (&unknown.value, &unknown.default),
        (&json, &Some(json.clone()))
    );
    assert_eq!((&known.value, &known.default), (&true.into(), &Some(json)));
}

#[test]
fn a_configured_default_is_recorded_as_the_returned_value() {
    let events = EventRecorder::new();
    let builder = Client::builder("sdk-key")
        .defaults([("flag", true)])
        .events(events.clone());
    let client = builder.data_source(Fixed::new(&json!({}))).start().unwrap();
    assert!(client.bool_variation("flag", &ada(), false));
    assert_eq!(client.int_variation("flag", &ada(), 7), 7);
    assert!(client.json_as("flag", &ada(), false));
    assert_eq!(client.json_as("flag", &ada(), 7), 7);
    let values: Vec<_> = evaluations(&events)
        .into_iter()
        .map(|recorded_event| (recorded_event.value, recorded_event.default.unwrap()))
        .collect();
    let [yes, seven] = [Value::from(true), Value::from(7)].map(|value| (value.clone(), value));
    assert_eq!(values, [yes.clone(), seven.clone(), yes, seven]);
}

#[test]
fn an_error_keeps_the_status_of_big_segments() {
    let in_big_segment = |more: serde_json::Value| {
        let rule = json!({"variation": 0, "clauses": [{"op": "segmentMatch", "values": ["big"]}]});
        let mut flag = json!({"on": true, "version": 1, "rules": [rule], "variations": ["text"], "fallthrough": {"variation": 0}});
        flag.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        flag
    };
    let data = json!({
        "flags": {"wrong-type": in_big_segment(json!({})), "malformed": in_big_segment(json!({"fallthrough": {"variation": 9}}))},
        "segments": {"big": {"version": 1, "unbounded": true, "generation": 1}},
    });
    let events = EventRecorder::new();
    let client = Client::builder("sdk-key")
        .data_source(Fixed::new(&data))
        .events(events.clone())
        .start()
        .unwrap();
    for (key, error) in [
        ("wrong-type", EvalErrorKind::WrongType),
        ("malformed", EvalErrorKind::MalformedFlag),
    ] {
        let detail = client.bool_variation_detail(key, &ada(), false);
        let [recorded_event] = &evaluations(&events)[..] else {
            panic!("expected one evaluation of {key}")
        };
        assert_eq!(
            (recorded_event.reason.error(), detail.reason.error()),
            (Some(error), Some(error)),
            "{key}"
        );
        let status = Some(BigSegmentsStatus::NotConfigured);
        assert_eq!(
            (
                recorded_event.reason.big_segments_status,
                detail.reason.big_segments_status
            ),
            (status, status),
            "{key}"
        );
    }
}
