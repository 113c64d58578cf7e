mod migration_op;

use serde_json::json;
use vexil_eval::{EvalErrorKind, ReasonKind};

use super::*;
use crate::events::MigrationOpEvent;

/// Returns the JSON of a writer without redaction rules.
fn written(payload: &Payload) -> serde_json::Value {
    written_by(&writer(Redaction::new()), payload)
}

fn written_by(writer: &EventWriter, payload: &Payload) -> serde_json::Value {
    let written = writer.write(payload).unwrap();
    let events: serde_json::Value = serde_json::from_slice(&written.body).unwrap();
    assert_eq!(events.as_array().unwrap().len(), written.count);
    events
}

fn writer(redaction: Redaction) -> EventWriter {
    EventWriter::new(redaction, Format::Array, None)
}

fn events<const N: usize>(events: [FullEvent; N]) -> Payload {
    Payload {
        events: events.into(),
        summary: Summary::default(),
    }
}

fn ada() -> Context {
    Context::new("ada").unwrap()
}

fn evaluated() -> EvaluatedFlag {
    EvaluatedFlag {
        date: 1_700_000_000_123,
        key: "beta-ui".into(),
        context: ada(),
        version: Some(12),
        variation: Some(1),
        value: "on".into(),
        default: Some("off".into()),
        reason: None,
        prerequisite_of: None,
        sampling_ratio: None,
    }
}

fn feature(flag: EvaluatedFlag) -> serde_json::Value {
    written(&events([FullEvent::Feature(Box::new(flag))]))[0].take()
}

fn debug(flag: EvaluatedFlag) -> serde_json::Value {
    written(&events([FullEvent::Debug(Box::new(flag))]))[0].take()
}

fn custom(data: impl Into<Value>, metric: Option<f64>) -> FullEvent {
    FullEvent::Custom {
        date: 5,
        key: "bought".into(),
        context: ada(),
        data: data.into(),
        metric,
    }
}

fn summary<const N: usize>(flags: [(&str, FlagSummary); N]) -> Payload {
    let flags = flags
        .into_iter()
        .map(|(key, flag)| (key.into(), flag))
        .collect();
    Payload {
        events: Vec::new(),
        summary: Summary {
            start: 3,
            end: 9,
            flags,
        },
    }
}

fn flag_summary<const N: usize>(counters: [Counter; N]) -> FlagSummary {
    FlagSummary {
        default: Some("off".into()),
        kinds: ["user".into()].into(),
        counters: counters.into(),
    }
}

fn counter(version: Option<u64>, variation: Option<usize>, value: &str, count: u64) -> Counter {
    Counter {
        version,
        variation,
        is_override: false,
        value: value.into(),
        count,
    }
}

// EVT-1.1
#[test]
fn a_payload_is_an_array_of_its_events_in_order_with_the_summary_last() {
    let mut payload = summary([(
        "beta-ui",
        flag_summary([counter(Some(1), Some(0), "on", 1)]),
    )]);
    payload.events = vec![
        FullEvent::Index {
            date: 1,
            context: ada(),
        },
        FullEvent::Feature(Box::new(evaluated())),
        FullEvent::Debug(Box::new(evaluated())),
        custom(Value::Null, None),
        FullEvent::Identify {
            date: 2,
            context: ada(),
        },
    ];
    let written = written(&payload);
    let kinds: Vec<_> = written
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        ["index", "feature", "debug", "custom", "identify", "summary"]
    );
}

// EVT-1.1
#[test]
fn an_empty_summary_is_not_written() {
    assert_eq!(written(&Payload::default()), json!([]));
    assert_eq!(
        written(&events([custom(0, None)]))
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

// EVT-1.6
#[test]
fn index_and_identify_have_a_date_and_a_context() {
    let context = json!({"kind": "user", "key": "ada", "anonymous": true, "name": "Ada"});
    let original = Context::try_from(context.clone()).unwrap();
    let introductions = events([
        FullEvent::Index {
            date: 1_700_000_000_123,
            context: original.clone(),
        },
        FullEvent::Identify {
            date: 7,
            context: original,
        },
    ]);
    assert_eq!(
        written(&introductions),
        json!([
            {"kind": "index", "creationDate": 1_700_000_000_123_u64, "context": context},
            {"kind": "identify", "creationDate": 7, "context": context},
        ])
    );
}

// EVT-1.4 and EVT-1.6
#[test]
fn a_minimal_feature_event_has_exactly_the_required_properties() {
    let writer = writer(Redaction::new());
    let text = writer
        .write(&events([FullEvent::Feature(Box::new(evaluated()))]))
        .unwrap()
        .body;
    assert_eq!(
        String::from_utf8(text).unwrap(),
        r#"[{"kind":"feature","creationDate":1700000000123,"key":"beta-ui","version":12,"variation":1,"value":"on","#
            .to_owned()
            + r#""default":"off","context":{"kind":"user","key":"ada"}}]"#
    );
}

// EVT-1.6
#[test]
fn a_debug_event_has_the_properties_of_a_feature_event() {
    let full = EvaluatedFlag {
        reason: Some(ReasonKind::Off.into()),
        prerequisite_of: Some("parent".into()),
        sampling_ratio: Some(2),
        ..evaluated()
    };
    for flag in [evaluated(), full] {
        let mut expected = feature(flag.clone());
        expected["kind"] = "debug".into();
        assert_eq!(debug(flag), expected);
    }
}

// EVT-1.6
#[test]
fn a_prerequisite_event_names_the_dependent_flag_and_has_no_default() {
    let flag = EvaluatedFlag {
        default: None,
        prerequisite_of: Some("parent".into()),
        ..evaluated()
    };
    assert_eq!(
        feature(flag),
        json!({"kind": "feature", "creationDate": 1_700_000_000_123_u64, "key": "beta-ui", "version": 12,
            "variation": 1, "value": "on", "prereqOf": "parent", "context": {"kind": "user", "key": "ada"}})
    );
}

// EVT-1.6
#[test]
fn null_is_written_as_a_default_and_as_a_value() {
    let event = feature(EvaluatedFlag {
        default: Some(Value::Null),
        value: Value::Null,
        ..evaluated()
    });
    assert_eq!(
        (event.get("default"), event.get("value")),
        (Some(&json!(null)), Some(&json!(null)))
    );
    for value in [
        json!(false),
        json!(0),
        json!(""),
        json!([]),
        json!({"a": [1.5, null]}),
    ] {
        let event = feature(EvaluatedFlag {
            default: Some(value.clone().into()),
            value: value.clone().into(),
            ..evaluated()
        });
        assert_eq!((&event["default"], &event["value"]), (&value, &value));
    }
}

// EVT-1.6 and EVT-1.7
#[test]
fn a_reason_is_written_if_present() {
    let in_experiment = ReasonKind::Fallthrough {
        in_experiment: true,
    };
    let event = feature(EvaluatedFlag {
        reason: Some(in_experiment.into()),
        ..evaluated()
    });
    assert_eq!(
        event["reason"],
        json!({"kind": "FALLTHROUGH", "inExperiment": true})
    );
    assert!(feature(evaluated()).get("reason").is_none());
}

// EVT-1.7
#[test]
fn an_event_with_the_default_has_a_version_but_no_variation() {
    let malformed = EvaluatedFlag {
        variation: None,
        value: "off".into(),
        reason: Some(EvalErrorKind::MalformedFlag.into()),
        ..evaluated()
    };
    assert_eq!(
        feature(malformed),
        json!({"kind": "feature", "creationDate": 1_700_000_000_123_u64, "key": "beta-ui", "version": 12,
            "value": "off", "default": "off", "reason": {"kind": "ERROR", "errorKind": "MALFORMED_FLAG"},
            "context": {"kind": "user", "key": "ada"}})
    );
}

// EVT-1.6
#[test]
fn variation_and_version_0_are_written_and_the_version_of_an_unknown_flag_is_not() {
    let event = feature(EvaluatedFlag {
        version: Some(0),
        variation: Some(0),
        ..evaluated()
    });
    assert_eq!(
        (&event["version"], &event["variation"]),
        (&json!(0), &json!(0))
    );
    let event = feature(EvaluatedFlag {
        version: None,
        variation: None,
        ..evaluated()
    });
    assert!(event.get("version").is_none() && event.get("variation").is_none());
}

// EVT-1.6
#[test]
fn the_sampling_ratio_is_written_unless_it_is_1() {
    for (ratio, shown) in [(None, None), (Some(1), None), (Some(2), Some(json!(2)))] {
        let event = feature(EvaluatedFlag {
            sampling_ratio: ratio,
            ..evaluated()
        });
        assert_eq!(event.get("samplingRatio"), shown.as_ref());
    }
}

// EVT-1.6
#[test]
fn a_custom_event_has_data_and_metric_only_if_they_were_given() {
    let context = json!({"kind": "user", "key": "ada"});
    assert_eq!(
        written(&events([
            custom(Value::Null, None),
            custom(json!({"sku": [1, null]}), Some(1.5))
        ])),
        json!([
            {"kind": "custom", "creationDate": 5, "key": "bought", "context": context},
            {"kind": "custom", "creationDate": 5, "key": "bought", "context": context, "data": {"sku": [1, null]},
                "metricValue": 1.5},
        ])
    );
}

// EVT-1.6
#[test]
fn empty_data_is_written() {
    for data in [json!(false), json!(0), json!(""), json!([]), json!({})] {
        assert_eq!(
            written(&events([custom(data.clone(), None)]))[0].get("data"),
            Some(&data)
        );
    }
}

// EVT-1.6
#[test]
fn a_metric_may_be_any_finite_number() {
    for (metric, shown) in [
        (0.0, Some(json!(0))),
        (-0.0, Some(json!(0))),
        (-1.5, Some(json!(-1.5))),
        (1.5, Some(json!(1.5))),
        (1e300, Some(json!(1e300))),
        (f64::NAN, None),
        (f64::INFINITY, None),
    ] {
        assert_eq!(
            written(&events([custom(Value::Null, Some(metric))]))[0].get("metricValue"),
            shown.as_ref()
        );
    }
}

// EVT-1.6
#[test]
fn a_summary_has_counters_by_flag() {
    let known = FlagSummary {
        kinds: ["user".into(), "org".into()].into(),
        ..flag_summary([
            counter(Some(12), Some(1), "on", 3),
            counter(Some(0), Some(0), "off", 1),
        ])
    };
    let ghost = FlagSummary {
        default: Some(7.into()),
        ..flag_summary([counter(None, None, "7", 2)])
    };
    assert_eq!(
        written(&summary([("beta-ui", known), ("ghost", ghost)])),
        json!([{"kind": "summary", "startDate": 3, "endDate": 9, "features": {
            "beta-ui": {"default": "off", "contextKinds": ["org", "user"], "counters": [
                {"value": "on", "variation": 1, "version": 12, "count": 3},
                {"value": "off", "variation": 0, "version": 0, "count": 1},
            ]},
            "ghost": {"default": 7, "contextKinds": ["user"], "counters": [
                {"value": "7", "unknown": true, "count": 2},
            ]},
        }}])
    );
}

// EVT-1.6
#[test]
fn a_counter_of_the_default_of_a_known_flag_has_no_variation() {
    let written = written(&summary([(
        "f",
        flag_summary([counter(Some(4), None, "off", 1)]),
    )]));
    assert_eq!(
        written[0]["features"]["f"]["counters"],
        json!([{"value": "off", "version": 4, "count": 1}])
    );
}

// EVT-1.6
#[test]
fn a_summary_has_a_null_default_for_a_null_or_missing_default() {
    for (default, shown) in [
        (None, Some(json!(null))),
        (Some(Value::Null), Some(json!(null))),
    ] {
        let flag = FlagSummary {
            default,
            ..flag_summary([counter(Some(1), Some(0), "on", 1)])
        };
        assert_eq!(
            written(&summary([("f", flag)]))[0]["features"]["f"].get("default"),
            shown.as_ref()
        );
    }
}

/// Returns the kind and context of one event of each kind.
fn contexts(writer: &EventWriter, context: serde_json::Value) -> Vec<(String, serde_json::Value)> {
    let context = Context::try_from(context).unwrap();
    let flag = || {
        Box::new(EvaluatedFlag {
            context: context.clone(),
            ..evaluated()
        })
    };
    let payload = events([
        FullEvent::Index {
            date: 1,
            context: context.clone(),
        },
        FullEvent::Identify {
            date: 1,
            context: context.clone(),
        },
        FullEvent::Debug(flag()),
        FullEvent::Feature(flag()),
        FullEvent::Custom {
            date: 1,
            key: "c".into(),
            context: context.clone(),
            data: Value::Null,
            metric: None,
        },
        migration_op::event(MigrationOpEvent {
            context: context.clone(),
            ..migration_op::read()
        }),
    ]);
    let written = written_by(writer, &payload);
    let written = written.as_array().unwrap().iter();
    written
        .map(|event| {
            (
                event["kind"].as_str().unwrap().to_owned(),
                event["context"].clone(),
            )
        })
        .collect()
}

// EVT-1.5
#[test]
fn every_event_contains_the_full_context() {
    let multi = json!({"kind": "multi", "org": {"key": "o", "seats": 2}, "user": {"key": "u", "name": "U"}});
    for (kind, context) in contexts(&writer(Redaction::new()), multi.clone()) {
        assert_eq!(context, multi, "{kind}");
    }
}

// EVT-2.1 and EVT-2.3
#[test]
fn private_attributes_are_left_out_of_every_event() {
    let original = json!({"kind": "user", "key": "u", "name": "U", "a": 1, "b": {"c": 2, "d": 3},
        "_meta": {"privateAttributes": ["/b/c"]}});
    let some = json!({"kind": "user", "key": "u", "name": "U", "b": {"d": 3},
        "_meta": {"redactedAttributes": ["a", "/b/c"]}});
    for (kind, context) in contexts(
        &writer(Redaction::new().private_attributes(["a"])),
        original.clone(),
    ) {
        assert_eq!(context, some, "{kind}");
    }
    let none =
        json!({"kind": "user", "key": "u", "_meta": {"redactedAttributes": ["name", "a", "b"]}});
    for (kind, context) in contexts(
        &writer(Redaction::new().all_attributes_private(true)),
        original,
    ) {
        assert_eq!(context, none, "{kind}");
    }
}

// EVT-2.4
#[test]
fn only_feature_custom_and_migration_events_redact_anonymous_contexts() {
    let guest = json!({"kind": "user", "key": "u", "anonymous": true, "name": "U"});
    let bare = json!({"kind": "user", "key": "u", "anonymous": true, "_meta": {"redactedAttributes": ["name"]}});
    for (kind, context) in contexts(&writer(Redaction::new()), guest.clone()) {
        let redacted = ["feature", "custom", "migration_op"].contains(&kind.as_str());
        assert_eq!(&context, if redacted { &bare } else { &guest }, "{kind}");
    }
}

#[test]
fn the_lines_format_writes_one_event_per_line() {
    let lines = EventWriter::new(Redaction::new(), Format::Lines, None);
    let mut payload = summary([(
        "beta-ui",
        flag_summary([counter(Some(1), Some(0), "two\nlines", 1)]),
    )]);
    payload.events = vec![
        FullEvent::Index {
            date: 1,
            context: ada(),
        },
        custom("text", None),
    ];
    let written = lines.write(&payload).unwrap();
    let text = String::from_utf8(written.body).unwrap();
    assert!(text.ends_with('\n'));
    let kinds: Vec<_> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["kind"].clone())
        .collect();
    assert_eq!(
        (kinds, written.count),
        (vec![json!("index"), json!("custom"), json!("summary")], 3)
    );
    assert!(lines.write(&Payload::default()).unwrap().body.is_empty());
}
