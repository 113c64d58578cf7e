use std::time::Duration;

use vexil_eval::Detail;
use vexil_eval::migration::{Operation, PerOrigin, Stage};

use super::*;

/// A read from the old origin, without optional values.
pub(super) fn read() -> MigrationOpEvent {
    MigrationOpEvent {
        operation: Operation::Read,
        context: ada(),
        key: "move-db".into(),
        detail: Detail::new(Stage::Live, Some(3), ReasonKind::TargetMatch.into()),
        default_stage: Stage::Off,
        version: Some(0),
        sampling_ratio: None,
        invoked: PerOrigin {
            old: true,
            new: false,
        },
        failed: PerOrigin::default(),
        latency: PerOrigin::default(),
        consistent: None,
        check_ratio: None,
    }
}

pub(super) fn event(op: MigrationOpEvent) -> FullEvent {
    FullEvent::MigrationOp {
        date: 1_700_000_000_555,
        op: Box::new(op),
    }
}

fn written_op(op: MigrationOpEvent) -> serde_json::Value {
    written(&events([event(op)]))[0].take()
}

// EVT-1.6 and EVT-7.6
#[test]
fn unknown_values_are_left_out() {
    assert_eq!(
        written_op(read()),
        json!({"kind": "migration_op", "creationDate": 1_700_000_000_555_u64, "operation": "read",
            "context": {"kind": "user", "key": "ada"},
            "evaluation": {"key": "move-db", "value": "live", "default": "off", "variation": 3, "version": 0,
                "reason": {"kind": "TARGET_MATCH"}},
            "measurements": [{"key": "invoked", "values": {"old": true}}]})
    );
}

// EVT-7.6
#[test]
fn all_known_values_are_written() {
    let op = written_op(MigrationOpEvent {
        operation: Operation::Write,
        sampling_ratio: Some(10),
        check_ratio: Some(4),
        invoked: PerOrigin {
            old: true,
            new: true,
        },
        failed: PerOrigin {
            old: false,
            new: true,
        },
        latency: PerOrigin {
            old: Some(Duration::from_micros(14_900)),
            new: Some(Duration::ZERO),
        },
        consistent: Some(false),
        ..read()
    });
    assert_eq!(
        (&op["operation"], &op["samplingRatio"]),
        (&json!("write"), &json!(10))
    );
    assert_eq!(
        op["measurements"],
        json!([
            {"key": "invoked", "values": {"old": true, "new": true}},
            {"key": "consistent", "value": false, "samplingRatio": 4},
            {"key": "latency_ms", "values": {"old": 14, "new": 0}},
            {"key": "error", "values": {"new": true}},
        ])
    );
}

// EVT-7.6
#[test]
fn a_default_has_no_variation_and_an_unknown_flag_no_version() {
    let detail = Detail::new(Stage::Off, None, EvalErrorKind::FlagNotFound.into());
    let op = written_op(MigrationOpEvent {
        detail,
        version: None,
        ..read()
    });
    assert_eq!(
        op["evaluation"],
        json!({"key": "move-db", "value": "off", "default": "off",
            "reason": {"kind": "ERROR", "errorKind": "FLAG_NOT_FOUND"}})
    );
}

// EVT-7.6
#[test]
fn ratios_of_1_are_not_written() {
    let op = written_op(MigrationOpEvent {
        sampling_ratio: Some(1),
        check_ratio: Some(1),
        invoked: PerOrigin {
            old: true,
            new: true,
        },
        consistent: Some(true),
        ..read()
    });
    assert_eq!(op.get("samplingRatio"), None);
    assert_eq!(
        op["measurements"][1],
        json!({"key": "consistent", "value": true})
    );
}
