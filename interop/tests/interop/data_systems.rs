//! Both SDKs receive flags from the same service by the second protocol, with the data systems of the
//! same name, and evaluate them alike.

use serde_json::json;
use vexil::config::DataSystem;
use vexil_testing::FakeService;
use vexil_testing::fake_service::Endpoint;

use crate::data::{self, FLAGS};
use crate::database::TIMEOUT;
use crate::reading::{Evaluations, Results};

fn service() -> FakeService {
    FakeService::builder()
        .data(data::environment())
        .start()
        .unwrap()
}

/// What both SDKs evaluate with this data system, after `act` has led to this value of `changed`.
fn results(
    service: &FakeService,
    system: (&str, DataSystem),
    changed: &str,
    act: impl FnOnce() + Send,
) -> Results {
    let evaluations = Evaluations::about(&FLAGS);
    let results = evaluations.results_of_service(service, system, ("changed", changed), act);
    assert_results(&results, changed);
    results
}

// FDV2-3
#[test]
#[ignore = "run by scripts/interop, with the Python SDK"]
fn a_poll_is_read_alike() {
    let service = service();
    results(
        &service,
        ("polling", DataSystem::polling()),
        "before",
        || {},
    );
    assert!(service.requests_to(Endpoint::PayloadStream).is_empty());
}

// FDV2-2.3
#[test]
#[ignore = "run by scripts/interop, with the Python SDK"]
fn a_stream_and_its_changes_are_read_alike() {
    let service = service();
    let system = ("streaming", DataSystem::streaming());
    let change = || change_while_streaming(&service);
    results(&service, system, "after", change).assert_gone("gone");
    assert!(service.requests_to(Endpoint::PayloadPoll).is_empty());
}

// FDV2-10: a poll, and a stream from its state
#[test]
#[ignore = "run by scripts/interop, with the Python SDK"]
fn a_poll_followed_by_a_stream_is_read_alike() {
    let service = service();
    let change = || change_while_streaming(&service);
    results(&service, ("default", DataSystem::new()), "after", change).assert_gone("gone");
    let streams = service.requests_to(Endpoint::PayloadStream);
    assert!(streams.iter().all(|request| request.basis().is_some()));
}

/// Changes and deletes flags once Python streams them. What it waits for comes last.
fn change_while_streaming(service: &FakeService) {
    service
        .until("a stream", || service.open_streams() > 0)
        .within(TIMEOUT)
        .wait()
        .unwrap();
    service.delete("gone").delete_segment("old");
    let changed = serde_json::from_str(data::CHANGED[1]).unwrap();
    service.use_preconfigured_flag(changed).unwrap();
}

#[track_caller]
fn assert_results(results: &Results, changed: &str) {
    assert_eq!(results.0["initialized"], true);
    let [ada, bob, carol] = [0, 1, 2];
    assert_eq!(
        *results.value(ada, "peculiar"),
        json!({"b": 100.0, "a": [1.5, null]})
    );
    assert_eq!(*results.value(bob, "ruled"), "member");
    assert_eq!(*results.value(carol, "ruled"), "abroad");
    assert_eq!(*results.value(ada, data::ODD_KEY), "off");
    assert_eq!(*results.value(carol, "changed"), changed);
    results.assert_gone("never-there");
}
