//! The diagnostic report of the SDK at its start (EVT-4.1).

#![cfg(test)]

use std::time::Duration;

use serde_json::{Value, json};
use vexil::config::{
    DataSystem, EventsConfig, PayloadPollConfig, PayloadStreamConfig, PollingConfig,
    ServiceEndpoints, StreamingConfig,
};
use vexil::store::MemoryStore;
use vexil::{Client, ClientBuilder};
use vexil_testing::fake_service::Endpoint;
use vexil_testing::{FakeService, TestData};

/// Starts a client and returns the named settings of its report.
fn reported<const N: usize>(
    names: [&str; N],
    choose: impl FnOnce(ClientBuilder) -> ClientBuilder,
) -> [Value; N] {
    reported_to(&FakeService::start().unwrap(), names, choose)
}

/// Like `reported`, to this service.
fn reported_to<const N: usize>(
    service: &FakeService,
    names: [&str; N],
    choose: impl FnOnce(ClientBuilder) -> ClientBuilder,
) -> [Value; N] {
    let builder =
        Client::builder("sdk-key").service_endpoints(ServiceEndpoints::relay(service.url()));
    let _client = choose(builder).start().unwrap();
    let request = service.next_request(Endpoint::Diagnostics).wait().unwrap();
    let report = request.json().unwrap();
    names.map(|name| {
        report["configuration"]
            .get(name)
            .cloned()
            .unwrap_or_default()
    })
}

const ARRIVAL: [&str; 4] = [
    "streamingDisabled",
    "reconnectTimeMillis",
    "pollingIntervalMillis",
    "usingRelayDaemon",
];

#[test]
fn the_report_contains_the_data_source_settings() {
    let usual = reported(ARRIVAL, |builder| builder);
    assert_eq!(
        usual,
        [json!(false), json!(1_000), json!(null), json!(false)]
    );

    let stream = StreamingConfig::new().initial_reconnect_delay(Duration::from_millis(20));
    let streaming = reported(ARRIVAL, |builder| builder.data_source(stream));
    assert_eq!(
        streaming,
        [json!(false), json!(20), json!(null), json!(false)]
    );

    let polls = PollingConfig::new().poll_interval(Duration::from_secs(90));
    let polling = reported(ARRIVAL, |builder| builder.data_source(polls));
    assert_eq!(
        polling,
        [json!(true), json!(null), json!(90_000), json!(false)]
    );

    let elsewhere = reported(ARRIVAL, |builder| {
        builder
            .data_source(TestData::new())
            .events(EventsConfig::new())
    });
    assert_eq!(
        elsewhere,
        [json!(null), json!(null), json!(null), json!(false)]
    );
}

// FDV2-7.6
#[test]
fn the_report_describes_the_first_synchronizer_and_the_first_poller() {
    let usual = reported(ARRIVAL, |builder| builder.data_system(DataSystem::new()));
    assert_eq!(
        usual,
        [json!(false), json!(1_000), json!(30_000), json!(false)]
    );

    let stream = || PayloadStreamConfig::new().initial_reconnect_delay(Duration::from_millis(20));
    let poll = |seconds| PayloadPollConfig::new().poll_interval(Duration::from_secs(seconds));
    let system = DataSystem::custom()
        .initializer(poll(50))
        .synchronizer(poll(60))
        .synchronizer(stream())
        .synchronizer(poll(70));
    let polling = reported(ARRIVAL, |builder| builder.data_system(system));
    assert_eq!(
        polling,
        [json!(true), json!(null), json!(60_000), json!(false)]
    );

    let system = DataSystem::custom().synchronizer(stream());
    let streaming = reported(ARRIVAL, |builder| builder.data_system(system));
    assert_eq!(
        streaming,
        [json!(false), json!(20), json!(null), json!(false)]
    );
}

// FDV2-7.6
#[test]
fn the_report_compares_the_effective_base_urls_with_the_defaults() {
    let names = ["customStreamURI", "customBaseURI"];
    let service = FakeService::start().unwrap();
    let events_only = || ServiceEndpoints::new().with_events(service.url());
    let stream = || PayloadStreamConfig::new().base_url(service.url());
    let poll = || PayloadPollConfig::new().base_url(service.url());
    for (system, expected) in [
        (DataSystem::custom().synchronizer(stream()), [true, false]),
        (DataSystem::custom().synchronizer(poll()), [false, true]),
        (
            DataSystem::custom()
                .synchronizer(stream())
                .initializer(poll()),
            [true, true],
        ),
    ] {
        let seen = reported_to(&service, names, |builder| {
            builder.service_endpoints(events_only()).data_system(system)
        });
        assert_eq!(seen, expected.map(Value::from));
    }
}

#[test]
fn the_report_contains_the_data_store_type() {
    let store = ["dataStoreType"];
    assert_eq!(reported(store, |builder| builder), ["memory"]);
    let own = std::sync::Arc::new(MemoryStore::new());
    assert_eq!(
        reported(store, |builder| builder.data_store(own)),
        ["custom"]
    );
}

#[test]
fn the_report_contains_the_event_settings() {
    let names = ["eventsCapacity", "customEventsURI", "startWaitMillis"];
    let events = EventsConfig::new().capacity(7);
    assert_eq!(
        reported(names, |builder| builder.events(events)),
        [json!(7), json!(true), json!(null)]
    );
}
