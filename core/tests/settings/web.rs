//! The settings of streams, polls, events and HTTP.

use std::time::Duration;

use tokio::time::sleep;
use vexil::config::{
    DataSystem, EventsConfig, HttpConfig, PayloadPollConfig, PayloadStreamConfig, PollingConfig,
    ServiceEndpoints, StreamingConfig,
};
use vexil::transport::RequestOptions;
use vexil::{Client, ClientBuilder};
use vexil_testing::FakeService;

use crate::service::Service;
use crate::support::{SOON, ada, controlled_with};
use crate::{MOST_ROUNDS, SIZES, TIMES, WINDOW};

/// A client with one setting changed.
type Sets<T> = fn(ClientBuilder, T) -> ClientBuilder;

const OF_TIMES: &[(&str, Sets<Duration>)] = &[
    ("ClientBuilder::evaluation_timeout", |client, time| {
        client.evaluation_timeout(time)
    }),
    (
        "StreamingConfig::initial_reconnect_delay",
        |client, time| client.data_source(StreamingConfig::new().initial_reconnect_delay(time)),
    ),
    ("StreamingConfig::read_timeout", |client, time| {
        client.data_source(StreamingConfig::new().read_timeout(time))
    }),
    ("PollingConfig::poll_interval", |client, time| {
        client.data_source(PollingConfig::new().poll_interval(time))
    }),
    (
        "PayloadStreamConfig::initial_reconnect_delay",
        |client, time| {
            let stream = PayloadStreamConfig::new().initial_reconnect_delay(time);
            client.data_system(DataSystem::custom().synchronizer(stream))
        },
    ),
    ("PayloadStreamConfig::read_timeout", |client, time| {
        let stream = PayloadStreamConfig::new().read_timeout(time);
        client.data_system(DataSystem::custom().synchronizer(stream))
    }),
    ("PayloadPollConfig::poll_interval", |client, time| {
        let polls = PayloadPollConfig::new().poll_interval(time);
        client.data_system(DataSystem::custom().synchronizer(polls))
    }),
    ("DataSystem::fallback_after", |client, time| {
        client.data_system(DataSystem::new().fallback_after(time, time))
    }),
    ("DataSystem::recover_after", |client, time| {
        client.data_system(DataSystem::new().recover_after(time))
    }),
    ("EventsConfig::flush_interval", |client, time| {
        client.events(EventsConfig::new().flush_interval(time))
    }),
    (
        "EventsConfig::context_keys_flush_interval",
        |client, time| client.events(EventsConfig::new().context_keys_flush_interval(time)),
    ),
    (
        "EventsConfig::diagnostic_recording_interval",
        |client, time| client.events(EventsConfig::new().diagnostic_recording_interval(time)),
    ),
];

const OF_SIZES: &[(&str, Sets<usize>)] = &[
    ("StreamingConfig::max_event_size", |client, size| {
        client.data_source(StreamingConfig::new().max_event_size(size))
    }),
    ("PollingConfig::max_body_size", |client, size| {
        client.data_source(PollingConfig::new().max_body_size(size))
    }),
    ("PayloadStreamConfig::max_event_size", |client, size| {
        let stream = PayloadStreamConfig::new().max_event_size(size);
        client.data_system(DataSystem::custom().synchronizer(stream))
    }),
    ("PayloadPollConfig::max_body_size", |client, size| {
        let polls = PayloadPollConfig::new().max_body_size(size);
        client.data_system(DataSystem::custom().synchronizer(polls))
    }),
    ("EventsConfig::capacity", |client, size| {
        client.events(EventsConfig::new().capacity(size))
    }),
    ("EventsConfig::context_keys_capacity", |client, size| {
        client.events(EventsConfig::new().context_keys_capacity(size))
    }),
];

#[tokio::test(start_paused = true)]
async fn flags_arrive_and_events_are_delivered_at_a_bounded_rate_with_any_setting() {
    for (setting, set) in OF_TIMES {
        for time in TIMES {
            works(&format!("{setting}({time:?})"), |client| set(client, time)).await;
        }
    }
    for (setting, set) in OF_SIZES {
        for size in SIZES {
            works(&format!("{setting}({size})"), |client| set(client, size)).await;
        }
    }
}

#[test]
fn events_are_written_to_a_file_of_any_size() {
    let setting = "EventFileConfig::max_bytes";
    for size in [0, 1, u64::MAX] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        let events = EventsConfig::new().to_file(&path).max_bytes(size);
        let (client, _source) = controlled_with(Client::builder("sdk-key").events(events));
        client.track("bought", &ada());
        assert!(client.blocking_close(SOON), "{setting}({size})");
        let files = folder
            .path()
            .read_dir()
            .unwrap()
            .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
        assert!(
            files.collect::<String>().contains("bought"),
            "{setting}({size})"
        );
    }
}

async fn works(what: &str, set: impl FnOnce(ClientBuilder) -> ClientBuilder) {
    let service = Service::new();
    let client = set(service.client()).start().unwrap();
    client
        .wait_until_ready(SOON)
        .await
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(client.bool_variation("flag", &ada(), false), "{what}");
    assert!(client.flush_and_wait(SOON).await, "{what}");
    assert_eq!(service.events("summary"), 1, "{what}");

    let before = service.requests();
    // There is always something to deliver.
    for _ in 0..WINDOW.as_millis() / 50 {
        let _ = client.bool_variation("flag", &ada(), false);
        sleep(Duration::from_millis(50)).await;
    }
    let requests = service.requests() - before;
    assert!(
        requests <= MOST_ROUNDS,
        "{what}: {requests} requests in {WINDOW:?}"
    );

    client.track("the last event", &ada());
    assert!(client.flush_and_wait(SOON).await, "{what}");
    let stats = client.event_stats();
    assert_eq!(stats.dropped_payloads, 0, "{what}");
    let has_room = what != "EventsConfig::capacity(0)";
    assert_eq!(
        (service.events("custom"), stats.dropped_events == 0),
        (usize::from(has_room), has_room),
        "{what}"
    );
    assert!(client.bool_variation("flag", &ada(), false), "{what}");
    client.close(SOON).await;
}

type SetsLimit = fn(HttpConfig, Duration) -> HttpConfig;

const OF_HTTP: &[(&str, SetsLimit)] = &[
    ("HttpConfig::connect_timeout", HttpConfig::connect_timeout),
    ("HttpConfig::read_timeout", HttpConfig::read_timeout),
];

#[test]
fn connections_work_with_any_limit() {
    for (setting, set) in OF_HTTP {
        for time in TIMES {
            let service = FakeService::start().unwrap();
            service.set("flag", true);
            let client = Client::builder("sdk-key")
                .service_endpoints(ServiceEndpoints::relay(service.url()))
                .data_source(
                    StreamingConfig::new().initial_reconnect_delay(Duration::from_millis(1)),
                )
                .http(set(HttpConfig::new(), time))
                .start()
                .unwrap();
            let ready = client.blocking_wait_until_ready(SOON);
            ready.unwrap_or_else(|error| panic!("{setting}({time:?}): {error}"));
            assert!(client.bool_variation("flag", &ada(), false));
            assert!(client.blocking_flush(SOON), "{setting}({time:?})");
            // The shortest limit suffices only on an idle machine.
            if time != TIMES[1] {
                assert!(
                    client.event_stats().delivered_events > 0,
                    "{setting}({time:?})"
                );
            }
        }
    }
}

#[test]
fn a_transport_that_is_used_directly_accepts_any_limit() {
    let _setting = "RequestOptions::new";
    let service = FakeService::start().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let transport = HttpConfig::new().build().unwrap();
    for time in TIMES {
        let request = http::Request::get(format!("{}/sdk/latest-all", service.url()));
        let request = request
            .header("authorization", "sdk-key")
            .body(bytes::Bytes::new())
            .unwrap();
        let answer = runtime.block_on(transport.send(request, RequestOptions::new(time)));
        assert!(answer.is_ok() || time != Duration::MAX, "{answer:?}");
    }
}
