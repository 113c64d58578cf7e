//! The start of a client.

use std::time::Duration;

use serde_json::json;
use vexil::Client;
use vexil::client::{FlagsStateOptions, NotReadyError};
use vexil::config::ServiceEndpoints;
use vexil::data_source::DataSourceState;
use vexil_testing::FakeService;
use vexil_testing::fake_service::{Answer, Endpoint, Gate};

use crate::setup::{SOON, Statuses, ada, builder, ready, service, stream, value};
use crate::support::{error, every_method_returns_its_default};

// SRC-1.1
#[test]
fn flags_are_streamed_by_default() {
    let service = service("value");
    let endpoints = ServiceEndpoints::relay(service.url());
    let client = ready(Client::builder("sdk-key").service_endpoints(endpoints));
    assert_eq!(value(&client), "value");
    assert_eq!(service.requests_to(Endpoint::Stream).len(), 1);
    assert!(service.requests_to(Endpoint::Poll).is_empty());
}

// SRC-4.4
#[test]
fn an_offline_client_makes_no_request() {
    let service = service("value");
    let endpoints = ServiceEndpoints::relay(service.url());
    let offline = Client::builder("sdk-offline")
        .service_endpoints(endpoints)
        .offline(true)
        .start()
        .unwrap();
    assert!(offline.is_initialized());
    every_method_returns_its_default(&offline, "flag", &ada(), &error("CLIENT_NOT_READY"));
    pollster::block_on(offline.close(SOON));
    // A request would have arrived before this.
    ready(builder(&service));
    let keys: Vec<_> = service
        .requests()
        .iter()
        .map(|r| r.header("authorization").map(str::to_owned))
        .collect();
    assert_eq!(keys, [Some("sdk-key".to_owned())]);
}

// SRC-2.9 and SRC-4.4
#[test]
fn a_client_starts_at_once_and_is_not_ready_before_the_put() {
    let (service, gate) = (service("value"), Gate::new());
    service.answer(Endpoint::Stream, Answer::usual().after(&gate));
    let client = builder(&service).start().unwrap();
    service.next_request(Endpoint::Stream).wait().unwrap();
    let waiting = client.blocking_wait_until_ready(Duration::from_millis(1));
    assert!(
        matches!(waiting, Err(NotReadyError::Timeout { error: None })),
        "{waiting:?}"
    );
    every_method_returns_its_default(&client, "flag", &ada(), &error("CLIENT_NOT_READY"));
    assert_eq!(
        client.data_source_status().status().state,
        DataSourceState::Initializing
    );
    gate.open();
    client.blocking_wait_until_ready(SOON).unwrap();
    assert_eq!(value(&client), "value");
}

// SRC-2.10: the harness's "unavailable" data
#[test]
fn a_stream_that_opens_and_stays_silent_leaves_the_client_not_ready() {
    let service = FakeService::start().unwrap();
    service.always(Endpoint::Stream, Answer::stream());
    let client = builder(&service).start().unwrap();
    service.wait_for_streams(1).wait().unwrap();
    every_method_returns_its_default(&client, "flag", &ada(), &error("CLIENT_NOT_READY"));
    let state = serde_json::to_value(client.all_flags_state(&ada(), FlagsStateOptions::default()));
    assert_eq!(state.unwrap(), json!({"$flagsState": {}, "$valid": false}));
}

// SRC-F26
#[test]
fn a_client_whose_first_event_is_of_an_unknown_kind_initialises() {
    let put = r#"{"path": "/", "data": {"flags": {}, "segments": {}}}"#;
    for (name, data) in [
        ("whatever", "{}"),
        ("whatever", "{sorry"),
        ("goodbye", ""),
        ("server-intent", "[]"),
    ] {
        let service = FakeService::start().unwrap();
        service.always(
            Endpoint::Stream,
            Answer::stream().event(name, data).event("put", put),
        );
        ready(builder(&service).data_source(stream()));
        assert_eq!(service.requests().len(), 1, "{name} {data}");
    }
}

// SRC-2.6: first connect
#[test]
fn a_client_that_cannot_connect_at_first_keeps_trying() {
    let (service, gate) = (service("value"), Gate::new());
    service.answer(Endpoint::Stream, Answer::status(503).after(&gate));
    service.answers(Endpoint::Stream, vec![Answer::status(503); 4]);
    let client = builder(&service).data_source(stream()).start().unwrap();
    let mut statuses = Statuses::of(&client);
    gate.open();
    for _ in 0..5 {
        assert_eq!(statuses.next(), "Initializing ErrorResponse 503");
    }
    assert_eq!(statuses.next(), "Valid");
    assert_eq!(value(&client), "value");
}
