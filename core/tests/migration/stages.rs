//! The stage of a migration, and what a tracker reports about the flag.

use pollster::block_on;
use serde_json::json;
use vexil::eval::{EvalErrorKind, Reason};
use vexil::hooks::EvaluationMethod;
use vexil::migration::{Operation, Origin, Stage, TrackerError};
use vexil::{Client, Context, Value};
use vexil_testing::{HookRecorder, RecordedEvent, RecordedStage};

use crate::support::{Silent, ada};
use crate::{STAGES, client_at, only};

// EVT-7.5
#[test]
fn each_stage_is_returned_and_reported_with_variation_version_and_reason() {
    for stage in STAGES {
        let (client, events) = client_at(stage.as_str(), &json!({}));
        let (given, tracker) = client.migration_variation("move", &ada(), Stage::Off);
        let (awaited, _) = block_on(client.migration_variation_async("move", &ada(), Stage::Off));
        assert_eq!([given, awaited], [stage, stage]);
        tracker.operation(Operation::Read);
        tracker.invoked(Origin::New);
        let op = tracker.build().unwrap();
        assert_eq!(
            (op.key.as_str(), &op.context, op.operation),
            ("move", &ada(), Operation::Read)
        );
        assert_eq!((op.detail.value, op.default_stage), (stage, Stage::Off));
        assert_eq!((op.detail.variation_index, op.version), (Some(0), Some(10)));
        assert_eq!(
            serde_json::to_value(&op.detail.reason).unwrap(),
            json!({"kind": "FALLTHROUGH"})
        );
        let [
            RecordedEvent::Evaluation(recorded_event),
            RecordedEvent::Evaluation(_),
        ] = &events.take()[..]
        else {
            panic!("expected one evaluation per call")
        };
        assert_eq!(
            (&recorded_event.value, &recorded_event.default),
            (&stage.into(), &Some("off".into()))
        );
    }
}

// EVT-7.5
#[test]
fn an_invalid_stage_returns_the_default_and_keeps_the_version() {
    for value in [
        json!("half-way"),
        json!("OFF"),
        json!(7),
        json!(null),
        json!(true),
    ] {
        let (client, events) = client_at(value.clone(), &json!({}));
        let (stage, tracker) = client.migration_variation("move", &ada(), Stage::Live);
        assert_eq!(stage, Stage::Live, "{value}");
        tracker.operation(Operation::Write);
        tracker.invoked(Origin::Old);
        client.track_migration_op(&tracker);
        let op = only(&events);
        assert_eq!(
            op.detail.reason,
            Reason::from(EvalErrorKind::WrongType),
            "{value}"
        );
        assert_eq!(
            (op.detail.variation_index, op.version),
            (None, Some(10)),
            "{value}"
        );
    }
}

// Like other SDKs, which parse the stage only after the evaluation was reported.
#[test]
fn an_invalid_stage_is_reported_with_the_flags_value() {
    for value in [json!("half-way"), json!(7), json!(null), json!({"a": 1})] {
        let (client, events) = client_at(value.clone(), &json!({}));
        let _ = client.migration_variation("move", &ada(), Stage::Live);
        let _ = block_on(client.migration_variation_async("move", &ada(), Stage::Live));
        assert_eq!(client.variation("move", &ada(), Stage::Live), Stage::Live);
        let recorded_event = events.take();
        assert_eq!(recorded_event.len(), 3);
        for event in recorded_event {
            let RecordedEvent::Evaluation(recorded_event) = event else {
                panic!("{event:?}")
            };
            assert_eq!(
                (&recorded_event.value, recorded_event.variation),
                (&value.clone().into(), Some(0))
            );
            assert_eq!(
                (&recorded_event.default, recorded_event.version),
                (&Some("live".into()), Some(10))
            );
            assert_eq!(
                serde_json::to_value(&recorded_event.reason).unwrap(),
                json!({"kind": "FALLTHROUGH"})
            );
        }
    }
}

// EVT-7.5
#[test]
fn other_failures_return_the_default_with_their_reason_and_no_version() {
    let failed = |client: &Client, key: &str, error: EvalErrorKind| {
        let (stage, tracker) = client.migration_variation(key, &ada(), Stage::RampDown);
        assert_eq!(stage, Stage::RampDown);
        tracker.operation(Operation::Read);
        tracker.invoked(Origin::New);
        let op = tracker.build().unwrap();
        assert_eq!((op.detail.reason, op.version), (error.into(), None));
    };
    failed(
        &client_at("off", &json!({})).0,
        "no-such-flag",
        EvalErrorKind::FlagNotFound,
    );
    failed(
        &Client::builder("sdk-key")
            .data_source(Silent)
            .start()
            .unwrap(),
        "move",
        EvalErrorKind::ClientNotReady,
    );
    failed(
        &Client::builder("sdk-key").offline(true).start().unwrap(),
        "move",
        EvalErrorKind::ClientNotReady,
    );

    let (client, events) = client_at("live", &json!({}));
    let (stage, tracker) = client.migration_variation("move", &Context::new(""), Stage::Shadow);
    assert_eq!(stage, Stage::Shadow);
    tracker.operation(Operation::Read);
    tracker.invoked(Origin::Old);
    assert_eq!(tracker.build(), Err(TrackerError::InvalidContext));
    client.track_migration_op(&tracker);
    assert_eq!(events.take(), []);
}

// EVT-6.2, rule 12
#[test]
fn hooks_see_the_final_stage_as_a_string() {
    for (value, variation) in [("live", Some(0)), ("half-way", None)] {
        let (client, _) = client_at(value, &json!({}));
        let hook = HookRecorder::new("recorder");
        client.add_hook(hook.clone());
        let (stage, _) = client.migration_variation("move", &ada(), Stage::Off);
        let _ = block_on(client.migration_variation_async("move", &ada(), Stage::Off));
        let stages = hook.take();
        assert_eq!(stages.len(), 4);
        for after in [&stages[1], &stages[3]] {
            let RecordedStage::AfterEvaluation(series, detail) = after else {
                panic!("{after:?}")
            };
            assert_eq!(series.method, EvaluationMethod::MigrationVariation);
            assert_eq!(series.default_value, Value::from("off"));
            assert_eq!(
                (&detail.value, detail.variation_index),
                (&stage.into(), variation)
            );
        }
    }
}
