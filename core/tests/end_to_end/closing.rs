//! The end of a client. SRC-2.8 and SRC-4.4.

use std::io::Read;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use vexil::config::ServiceEndpoints;
use vexil::data_source::DataSourceState;
use vexil::{Client, ClientBuilder};
use vexil_testing::FakeService;
use vexil_testing::fake_service::{Answer, ClosedBy, Endpoint};

use crate::polling::often;
use crate::setup::{
    SOON, Statuses, builder, error_status, ready, service, stream, streaming, until_value, value,
};

/// Much less than `close` may wait, and than any timeout of a connection (SRC-F52). Long, because
/// a busy machine may not schedule the client for seconds.
pub(crate) const PROMPT: Duration = Duration::from_secs(15);

#[track_caller]
fn closes_promptly(client: &Client) {
    let start = Instant::now();
    pollster::block_on(client.close(SOON));
    assert!(start.elapsed() < PROMPT, "{:?}", start.elapsed());
    assert_eq!(
        client.data_source_status().status().state,
        DataSourceState::Off
    );
}

// SRC-2.10: connection lifecycle
#[test]
fn closing_closes_the_connection_promptly() {
    let service = service("value");
    let client = streaming(&service);
    let request = service.next_request(Endpoint::Stream).wait().unwrap();
    closes_promptly(&client);
    let by = service
        .wait_for_closed(&request)
        .within(PROMPT)
        .wait()
        .unwrap();
    assert_eq!(by, ClosedBy::Client);
    service.wait_for_streams(0).wait().unwrap();
    assert_eq!(value(&client), "value", "the last data is kept");
}

// SRC-F53
#[test]
fn dropping_the_last_clone_closes_the_connection_promptly() {
    let service = service("value");
    let client = streaming(&service);
    let request = service.next_request(Endpoint::Stream).wait().unwrap();
    let clone = client.clone();
    drop(client);
    assert_eq!(
        (value(&clone).as_str(), service.open_streams()),
        ("value", 1)
    );
    drop(clone);
    let by = service
        .wait_for_closed(&request)
        .within(PROMPT)
        .wait()
        .unwrap();
    assert_eq!(by, ClosedBy::Client);
}

// SRC-F53
#[test]
fn closing_twice_equals_closing_once() {
    let service = service("value");
    let client = streaming(&service);
    let mut statuses = Statuses::of(&client);
    closes_promptly(&client);
    closes_promptly(&client);
    assert_eq!(statuses.next(), "Off");
    drop(client);
    service.wait_for_streams(0).wait().unwrap();
}

// SRC-F52
#[test]
fn closing_during_a_backoff_returns_promptly_and_ends_all_requests() {
    let service = service("value");
    service.answer(Endpoint::Stream, Answer::status(503));
    let patient = stream().initial_reconnect_delay(Duration::from_secs(30));
    let client = builder(&service).data_source(patient).start().unwrap();
    assert_eq!(error_status(&client), "Initializing ErrorResponse 503");
    closes_promptly(&client);
    assert_eq!(error_status(&client), "Off ErrorResponse 503");
    drop(streaming(&service));
    assert_eq!(
        service.requests().len(),
        2,
        "one request of the other client"
    );
}

// SRC-F52
#[test]
fn closing_between_two_polls_ends_polling() {
    let service = service("value");
    let client = ready(builder(&service).data_source(often()));
    closes_promptly(&client);
    let connection = service.requests()[0].clone();
    assert_eq!(
        service
            .wait_for_closed(&connection)
            .within(PROMPT)
            .wait()
            .unwrap(),
        ClosedBy::Client
    );
}

// SRC-F52
#[test]
fn closing_while_a_response_is_pending_returns_promptly() {
    let service = service("value");
    service.answer(Endpoint::Stream, Answer::nothing());
    let client = builder(&service).data_source(stream()).start().unwrap();
    let request = service.next_request(Endpoint::Stream).wait().unwrap();
    closes_promptly(&client);
    assert_eq!(
        service
            .wait_for_closed(&request)
            .within(PROMPT)
            .wait()
            .unwrap(),
        ClosedBy::Client
    );
}

// SRC-F52
#[test]
fn closing_during_a_connect_returns_promptly_and_closes_the_socket() {
    // Accepts connections, but never answers the TLS handshake.
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoints = ServiceEndpoints::relay(format!("https://{}", mute.local_addr().unwrap()));
    let builder = || {
        Client::builder("sdk-key")
            .service_endpoints(endpoints.clone())
            .without_events()
    };
    let ends: [fn(ClientBuilder) -> Client; 2] = [
        |builder| builder.start().unwrap(),
        |builder| builder.data_source(often()).start().unwrap(),
    ];
    for start in ends {
        let client = start(builder());
        let (mut socket, _) = mute.accept().unwrap();
        socket.set_read_timeout(Some(SOON)).unwrap();
        closes_promptly(&client);
        let mut hello = Vec::new();
        // Read until the client closes the socket.
        socket.read_to_end(&mut hello).unwrap();
    }
}

// SRC-F52
#[test]
fn closing_in_the_middle_of_an_event_returns_promptly_and_stores_nothing() {
    let service = service("old");
    let client = streaming(&service);
    let request = service.next_request(Endpoint::Stream).wait().unwrap();
    service.send_raw(
        "event: patch\ndata: {\"path\": \"/flags/flag\", \"data\": {\"version\": 100}}\n",
    );
    closes_promptly(&client);
    service.send_raw("\n");
    service
        .wait_for_closed(&request)
        .within(PROMPT)
        .wait()
        .unwrap();
    assert_eq!(value(&client), "old");
}

// SRC-F54
#[test]
fn two_clients_with_the_same_key_are_independent() {
    let service = service("value");
    service.answer(Endpoint::Stream, Answer::usual());
    let first = streaming(&service);
    service.always(Endpoint::Stream, Answer::status(503));
    let second = builder(&service).data_source(stream()).start().unwrap();
    assert_eq!(error_status(&second), "Initializing ErrorResponse 503");
    assert_eq!(
        first.data_source_status().status().state,
        DataSourceState::Valid
    );
    closes_promptly(&second);
    assert_eq!(
        (service.open_streams(), value(&first).as_str()),
        (1, "value")
    );
    service.set("flag", "new");
    until_value(&first, "new");
}

// SRC-1.5: the contract tests make hundreds of clients
#[test]
fn many_clients_can_be_started_and_closed() {
    let service = service("value");
    for _ in 0..10 {
        let clients: Vec<_> = (0..20)
            .map(|_| builder(&service).data_source(stream()).start().unwrap())
            .collect();
        for client in &clients {
            client.blocking_wait_until_ready(SOON).unwrap();
            assert_eq!(value(client), "value");
        }
        assert_eq!(service.open_streams(), 20);
        drop(clients);
        service.wait_for_streams(0).wait().unwrap();
    }
    let closed = || {
        service
            .requests()
            .iter()
            .all(|request| request.closed() == Some(ClosedBy::Client))
    };
    service
        .until("the end of all connections", closed)
        .wait()
        .unwrap();
}

#[test]
fn clients_that_are_dropped_before_they_have_data_close_their_connections() {
    let service = FakeService::start().unwrap();
    service.always(Endpoint::Stream, Answer::nothing());
    for number in 1..=20 {
        let client = builder(&service).start().unwrap();
        service
            .until("the request", || service.requests().len() == number)
            .wait()
            .unwrap();
        drop(client);
    }
    let closed = || {
        service
            .requests()
            .iter()
            .all(|request| request.closed() == Some(ClosedBy::Client))
    };
    service
        .until("the end of all connections", closed)
        .wait()
        .unwrap();
}
