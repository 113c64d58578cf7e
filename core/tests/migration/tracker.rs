//! Operations that a tracker refuses to report.

use std::time::Duration;

use serde_json::json;
use vexil::migration::{MigrationOpTracker, Operation, Origin, Stage, TrackerError};

use crate::log::Log;
use crate::support::ada;
use crate::{client_at, interest, reported};

fn tracker(key: &str) -> MigrationOpTracker {
    client_at("shadow", &json!({}))
        .0
        .migration_variation(key, &ada(), Stage::Off)
        .1
}

// EVT-7.5
#[test]
fn an_inconsistent_operation_is_an_error() {
    let built = |key: &str, note: &dyn Fn(&MigrationOpTracker)| {
        let tracker = tracker(key);
        note(&tracker);
        tracker.build().map(|_| ())
    };
    let read = |tracker: &MigrationOpTracker| tracker.operation(Operation::Read);
    assert_eq!(
        built("move", &|tracker| tracker.invoked(Origin::Old)),
        Err(TrackerError::OperationMissing)
    );
    assert_eq!(built("move", &read), Err(TrackerError::NothingInvoked));
    let old = |tracker: &MigrationOpTracker| {
        read(tracker);
        tracker.invoked(Origin::Old);
    };
    assert_eq!(built("move", &old), Ok(()));
    assert_eq!(built("", &old), Err(TrackerError::EmptyKey));
    let new_failed = |tracker: &MigrationOpTracker| {
        old(tracker);
        tracker.error(Origin::New);
    };
    assert_eq!(
        built("move", &new_failed),
        Err(TrackerError::NotInvoked {
            origin: Origin::New
        })
    );
    let new_took = |tracker: &MigrationOpTracker| {
        old(tracker);
        tracker.latency(Origin::New, Duration::ZERO);
    };
    assert_eq!(
        built("move", &new_took),
        Err(TrackerError::NotInvoked {
            origin: Origin::New
        })
    );
    let compared = |tracker: &MigrationOpTracker| {
        old(tracker);
        tracker.consistent(|| true);
    };
    assert_eq!(built("move", &compared), Err(TrackerError::NotBothInvoked));
    let both = |tracker: &MigrationOpTracker| {
        compared(tracker);
        tracker.invoked(Origin::New);
        tracker.latency(Origin::New, Duration::ZERO);
    };
    assert_eq!(built("move", &both), Ok(()));
}

// EVT-7.5
#[test]
fn an_inconsistent_operation_is_logged_and_not_reported() {
    interest::always_interested();
    let (client, events) = client_at("shadow", &json!({}));
    let (_, tracker) = client.migration_variation("move", &ada(), Stage::Off);
    let log = Log::default();
    tracing::subscriber::with_default(log.subscriber(), || client.track_migration_op(&tracker));
    assert_eq!(reported(&events), []);
    let lines = log.lines();
    let [line] = &lines[..] else {
        panic!("{lines:#?}")
    };
    assert!(
        [" ERROR ", "move", "was not recorded"]
            .iter()
            .all(|word| line.contains(word)),
        "{line}"
    );
}
