//! Migrations: stages, the order of calls, and the reports (EVT-7).

#![cfg(test)]

#[path = "../support/mod.rs"]
mod support;

#[path = "../support/interest.rs"]
mod interest;
#[path = "../support/log.rs"]
mod log;

mod faults;
mod order;
mod origins;
mod reports;
mod stages;
mod tracker;

use serde_json::{Value as Json, json};
use vexil::Client;
use vexil::migration::{MigrationOpEvent, Stage};
use vexil_testing::{EventRecorder, RecordedEvent};

const STAGES: [Stage; 6] = [
    Stage::Off,
    Stage::DualWrite,
    Stage::Shadow,
    Stage::Live,
    Stage::RampDown,
    Stage::Complete,
];

/// A client whose flag `move` has this stage (or any other value) and additional fields, and a
/// recorder of its events.
fn client_at(stage: impl Into<Json>, more: &Json) -> (Client, EventRecorder) {
    let flag = support::with(support::serving(10, stage), more);
    let events = EventRecorder::new();
    let source = support::Fixed::new(&json!({"flags": {"move": flag}}));
    (
        Client::builder("sdk-key")
            .data_source(source)
            .events(events.clone())
            .start()
            .unwrap(),
        events,
    )
}

/// The migration operations reported since the last call.
fn reported(events: &EventRecorder) -> Vec<MigrationOpEvent> {
    let op = |event| match event {
        RecordedEvent::MigrationOp(op) => Some(*op),
        _ => None,
    };
    events.take().into_iter().filter_map(op).collect()
}

/// The only migration operation.
#[track_caller]
fn only(events: &EventRecorder) -> MigrationOpEvent {
    let mut ops = reported(events);
    assert_eq!(ops.len(), 1, "{ops:?}");
    ops.remove(0)
}
