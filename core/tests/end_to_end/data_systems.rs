//! Clients with a data system: payloads of the second protocol, outages, and the service's orders.

use std::time::Duration;

use vexil::Client;
use vexil::config::{DataSystem, PayloadPollConfig, PayloadStreamConfig, PollingConfig};
use vexil::data_source::DataSourceState;
use vexil_testing::FakeService;
use vexil_testing::fake_service::{Answer, ClosedBy, Endpoint, Gate, Point, Request};

use crate::setup::{NONE, SOON, builder, ready, service, until_value, value};

/// How soon a data system falls back and recovers in these tests.
const SHORT: Duration = Duration::from_millis(100);

fn stream() -> PayloadStreamConfig {
    PayloadStreamConfig::new().initial_reconnect_delay(Duration::from_millis(1))
}

fn polls() -> PayloadPollConfig {
    PayloadPollConfig::new()
        .poll_interval(Duration::from_millis(10))
        .without_shortest_interval()
}

fn classic_polls() -> PollingConfig {
    PollingConfig::new()
        .poll_interval(Duration::from_millis(10))
        .without_shortest_interval()
}

/// A client with data that only streams.
fn streaming(service: &FakeService) -> Client {
    ready(builder(service).data_system(DataSystem::custom().synchronizer(stream())))
}

#[track_caller]
fn next(service: &FakeService, endpoint: Endpoint) -> Request {
    service.next_request(endpoint).wait().unwrap()
}

// FDV2-5.1, FDV2-5.2 and FDV2-2.1
#[test]
fn the_default_data_system_polls_once_and_streams_from_there() {
    let service = service("old");
    let client = ready(builder(&service).data_system(DataSystem::new()));
    assert_eq!(value(&client), "old");
    assert_eq!(next(&service, Endpoint::PayloadPoll).basis(), None);
    let basis = next(&service, Endpoint::PayloadStream).basis();
    assert_eq!(basis, Some(service.selector()));

    service.set("flag", "new");
    until_value(&client, "new");
    service.delete("flag");
    until_value(&client, NONE);
    assert_eq!(service.requests().len(), 2);
}

// FDV2-2.1 and FDV2-F1
#[test]
fn a_cut_stream_continues_from_the_state_of_its_data() {
    let (service, again) = (service("old"), Gate::new());
    let client = streaming(&service);
    assert_eq!(next(&service, Endpoint::PayloadStream).basis(), None);
    service.set("flag", "new");
    until_value(&client, "new");
    let selector = service.selector();

    service.answer(Endpoint::PayloadStream, Answer::usual().after(&again));
    service.cut_streams();
    assert_eq!(
        next(&service, Endpoint::PayloadStream).basis(),
        Some(selector)
    );
    assert_eq!(value(&client), "new");
    service.set("flag", "newest");
    again.open();
    until_value(&client, "newest");
    assert_eq!(
        client.data_source_status().status().state,
        DataSourceState::Valid
    );
}

// FDV2-F1 and FDV2-F2
#[test]
fn a_stream_cut_at_any_byte_applies_nothing_of_its_payload() {
    for bytes in (0..400).step_by(29) {
        let (service, again) = (service("value"), Gate::new());
        let cut = Answer::usual().cut_at(Point::bytes(bytes));
        service.answer(Endpoint::PayloadStream, cut);
        service.answer(Endpoint::PayloadStream, Answer::usual().after(&again));
        let builder = builder(&service);
        let client = builder
            .data_system(DataSystem::custom().synchronizer(stream()))
            .start()
            .unwrap();
        next(&service, Endpoint::PayloadStream);
        let second = next(&service, Endpoint::PayloadStream);
        assert_eq!((second.basis(), &*value(&client)), (None, NONE), "{bytes}");
        again.open();
        client.blocking_wait_until_ready(SOON).unwrap();
        assert_eq!(value(&client), "value", "{bytes}");
    }
}

// FDV2-4.2: the service no longer knows the state.
#[test]
fn a_service_that_lost_its_history_sends_everything_again() {
    let service = service("old");
    let client = streaming(&service);
    service.forget_selectors().cut_streams();
    service.set("flag", "new");
    until_value(&client, "new");
    service.wait_for_streams(1).wait().unwrap();
    service.cut_streams();
    service
        .until("a request with the new state", || {
            let requests = service.requests_to(Endpoint::PayloadStream);
            requests.last().and_then(Request::basis) == Some(service.selector())
        })
        .wait()
        .unwrap();
}

// FDV2-6.4
#[test]
fn a_goodbye_leads_to_another_connection_and_is_no_error() {
    let service = service("old");
    let client = streaming(&service);
    let first = next(&service, Endpoint::PayloadStream);
    service.send_event("goodbye", r#"{"reason": "maintenance"}"#);
    assert_eq!(
        next(&service, Endpoint::PayloadStream).basis(),
        Some(service.selector())
    );
    assert_eq!(
        service.wait_for_closed(&first).wait().unwrap(),
        ClosedBy::Client
    );
    service.set("flag", "new");
    until_value(&client, "new");
    assert!(client.data_source_status().status().error.is_none());
}

// FDV2-2.3
#[test]
fn an_error_event_voids_the_payload_in_progress() {
    let service = service("value");
    let put = |value: &str| {
        format!(
            r#"{{"kind": "flag", "key": "flag", "object": {{"version": 1, "on": true, "variations": ["{value}"], "fallthrough": {{"variation": 0}}}}}}"#
        )
    };
    let other = put("void").replace(r#""key": "flag""#, r#""key": "other""#);
    let payload = Answer::payload()
        .event(
            "server-intent",
            r#"{"payloads": [{"intentCode": "xfer-full"}]}"#,
        )
        .event("put-object", &other)
        .event("error", r#"{"reason": "try again"}"#)
        .event("put-object", &put("mine"))
        .event(
            "payload-transferred",
            r#"{"state": "(p:mine:1)", "version": 1}"#,
        );
    service.answer(Endpoint::PayloadStream, payload);
    let client = streaming(&service);
    assert_eq!(value(&client), "mine");
    assert_eq!(
        client.str_variation("other", &crate::setup::ada(), NONE),
        NONE
    );
}

// FDV2-5.4
#[test]
fn polls_replace_a_stream_that_is_away_until_it_is_back() {
    let service = service("old");
    service.always(Endpoint::PayloadStream, Answer::status(503));
    let system = DataSystem::new()
        .synchronizer(polls())
        .fallback_after(SHORT, SHORT)
        .recover_after(SHORT);
    let client = ready(builder(&service).data_system(system));
    let selector = service.selector();
    let initializer = next(&service, Endpoint::PayloadPoll);
    let synchronizer = next(&service, Endpoint::PayloadPoll);
    assert_eq!(
        (initializer.basis(), synchronizer.basis()),
        (None, Some(selector))
    );
    service.set("flag", "new");
    until_value(&client, "new");

    service.as_usual(Endpoint::PayloadStream);
    service.wait_for_streams(1).wait().unwrap();
    service.set("flag", "newest");
    until_value(&client, "newest");
}

// FDV2-6.2
#[test]
fn an_order_to_use_the_classic_protocol_is_followed_for_good() {
    let service = service("old");
    let order = Answer::usual().fallback_directive(None);
    service.answer(Endpoint::PayloadStream, order);
    let system = DataSystem::new().fdv1_fallback(classic_polls());
    let client = ready(builder(&service).data_system(system));
    next(&service, Endpoint::Poll);
    service.wait_for_streams(0).wait().unwrap();
    service.set("flag", "new");
    until_value(&client, "new");
    for endpoint in [Endpoint::PayloadPoll, Endpoint::PayloadStream] {
        assert_eq!(service.requests_to(endpoint).len(), 1, "{endpoint:?}");
    }
}

// FDV2-6.3
#[test]
fn an_order_with_a_time_to_live_ends() {
    let service = service("old");
    let order = Answer::usual().fallback_directive(Some(Duration::from_secs(3)));
    service.answer(Endpoint::PayloadPoll, order);
    let system = DataSystem::new().fdv1_fallback(classic_polls());
    let client = ready(builder(&service).data_system(system));
    next(&service, Endpoint::Poll);
    service.set("flag", "classic");
    until_value(&client, "classic");
    // Data of the classic protocol has no state.
    assert_eq!(next(&service, Endpoint::PayloadStream).basis(), None);
    service.wait_for_streams(1).wait().unwrap();
    service.set("flag", "new");
    until_value(&client, "new");
}

// FDV2-6.1: on an error too.
#[test]
fn a_failed_poll_with_an_order_is_followed() {
    let service = service("value");
    service.always(
        Endpoint::PayloadPoll,
        Answer::status(503).fallback_directive(None),
    );
    let client = ready(builder(&service).data_system(DataSystem::polling()));
    assert_eq!(value(&client), "value");
    assert_eq!(next(&service, Endpoint::Poll).basis(), None);
}

// FDV2-7.1: all sources are refused.
#[test]
fn a_data_system_without_a_source_is_off_and_keeps_its_data() {
    let service = service("value");
    let client = streaming(&service);
    service
        .always(Endpoint::PayloadStream, Answer::status(401))
        .cut_streams();
    let status = client.data_source_status();
    assert!(status.blocking_wait_for(DataSourceState::Off, SOON));
    assert_eq!(
        status.status().error.and_then(|error| error.status_code),
        Some(401)
    );
    assert_eq!(value(&client), "value");
}

// FDV2-5.6
#[test]
fn closing_ends_a_request_of_an_initializer() {
    let service = service("value");
    service.answer(Endpoint::PayloadPoll, Answer::nothing());
    let client = builder(&service)
        .data_system(DataSystem::new())
        .start()
        .unwrap();
    closes(&service, &client, &next(&service, Endpoint::PayloadPoll));
}

// FDV2-5.6
#[test]
fn closing_ends_an_open_stream_and_one_that_stopped_within_a_payload() {
    let service = service("value");
    let client = streaming(&service);
    closes(&service, &client, &next(&service, Endpoint::PayloadStream));

    let silent = Answer::usual().silent_at(Point::events(2));
    service.answer(Endpoint::PayloadStream, silent);
    let system = DataSystem::custom().synchronizer(stream());
    let client = builder(&service).data_system(system).start().unwrap();
    let request = next(&service, Endpoint::PayloadStream);
    closes(&service, &client, &request);
    assert_eq!(value(&client), NONE);
}

// FDV2-5.6
#[test]
fn closing_after_an_order_ends_the_fallback() {
    let service = service("value");
    service.answer(
        Endpoint::PayloadPoll,
        Answer::status(503).fallback_directive(None),
    );
    service.always(Endpoint::Poll, Answer::nothing());
    let client = builder(&service)
        .data_system(DataSystem::polling())
        .start()
        .unwrap();
    closes(&service, &client, &next(&service, Endpoint::Poll));
}

/// Closes the client, and asserts that this closes the connection of a request.
#[track_caller]
fn closes(service: &FakeService, client: &Client, request: &Request) {
    assert!(client.blocking_close(SOON));
    assert_eq!(
        service.wait_for_closed(request).wait().unwrap(),
        ClosedBy::Client
    );
}
