//! Clients with stores: big segments whose members the harness provides, and flags in a database
//! (STO-8).

#![cfg(test)]

mod support;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use support::{Callbacks, Service, TestClient};
use vexil_contract_tests::Options;
use vexil_testing::FakeService;
use vexil_testing::servers::RedisServer;

fn ada() -> Value {
    json!({"kind": "user", "key": "ada"})
}

/// Longer than any step takes, even on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Waits until a flag has a value.
fn until(client: &TestClient<'_>, flag: &str, value: &str) {
    let begun = Instant::now();
    while client.evaluate(flag, "string", &json!("default"))["value"] != value {
        assert!(begun.elapsed() < TIMEOUT, "{flag} never became {value}");
    }
}

/// Starts a client that writes a flag to a database, and one in daemon mode that reads it.
fn write_and_read<'a>(
    service: &'a Service,
    flags: &FakeService,
    database: &Value,
) -> [TestClient<'a>; 2] {
    flags.set("flag", "written");
    let writer = service.client(
        &json!({"credential": "sdk-key", "streaming": {"baseUri": flags.url()},
        "persistentDataStore": database}),
    );
    until(&writer, "flag", "written");
    let reader = service.client(&json!({"credential": "sdk-key", "persistentDataStore": database}));
    until(&reader, "flag", "written");
    [writer, reader]
}

// STO-8.4
#[test]
fn memberships_and_their_age_are_requested_from_the_harness() {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_millis();
    let callbacks = Callbacks::answering(&[
        (
            "/segments/getMetadata",
            json!({"lastUpToDate": u64::try_from(now).unwrap()}),
        ),
        (
            "/segments/getMembership",
            json!({"values": {"big.g2": true}}),
        ),
    ]);
    let flags = FakeService::start().unwrap();
    let segment = json!({"key": "big", "version": 1, "unbounded": true, "generation": 2});
    let flag = json!({"key": "flag", "version": 1, "on": true, "variations": ["in", "out"], "fallthrough": {"variation": 1},
        "rules": [{"variation": 0, "clauses": [{"op": "segmentMatch", "values": ["big"]}]}]});
    flags.use_preconfigured_segment(segment).unwrap();
    flags.use_preconfigured_flag(flag).unwrap();
    let service = Service::start();
    let client = service.client(&json!({"credential": "sdk-key", "streaming": {"baseUri": flags.url()},
        "bigSegments": {"callbackUri": callbacks.at("/segments"), "userCacheSize": 10, "userCacheTimeMs": 60000,
            "statusPollIntervalMs": 60000, "staleAfterMs": 60000}}));
    assert_eq!(
        client.ask("getBigSegmentStoreStatus", &Value::Null),
        json!({"available": true, "stale": false})
    );
    for _ in 0..3 {
        let answer = client.evaluate("flag", "string", &json!("default"));
        assert_eq!(
            (&answer["value"], &answer["reason"]["bigSegmentsStatus"]),
            (&json!("in"), &json!("HEALTHY"))
        );
    }
    client.close();
    // The context is identified by the hash of its key.
    let membership =
        json!({"contextHash": "/e5DDUC9V97qwYbNl5ADPQ8G+QmogG585ucXq3x9UCk="}).to_string();
    let posts = callbacks.take();
    let expected = [
        ("/segments/getMetadata", ""),
        ("/segments/getMembership", membership.as_str()),
        ("/segments/", ""),
    ];
    assert_eq!(
        posts,
        expected.map(|(path, body)| (path.to_owned(), body.to_owned()))
    );
}

#[test]
fn without_a_big_segment_store_none_is_available() {
    let (service, flags) = (Service::start(), FakeService::start().unwrap());
    let client =
        service.client(&json!({"credential": "sdk-key", "streaming": {"baseUri": flags.url()}}));
    assert_eq!(
        client.ask("getBigSegmentStoreStatus", &Value::Null),
        json!({"available": false, "stale": false})
    );
}

// STO-8.1 and STO-8.2: without a source, daemon mode; with a source, its data is written
#[test]
fn flags_are_read_from_a_database_and_written_to_it() {
    let redis = RedisServer::start().unwrap();
    let service = Service::start();
    for (number, cache) in [
        json!({"mode": "off"}),
        json!({"mode": "ttl", "ttl": 1}),
        json!({"mode": "infinite"}),
    ]
    .into_iter()
    .enumerate()
    {
        let prefix = format!("p{number}");
        let database = json!({"store": {"type": "redis", "dsn": redis.url(), "prefix": prefix}, "cache": cache});
        write_and_read(&service, &FakeService::start().unwrap(), &database);
    }
}

#[test]
fn in_the_default_store_mode_flags_outlive_the_database() {
    let redis = RedisServer::start().unwrap();
    let service = Service::with(Options {
        default_store_mode: true,
        ..Options::default()
    });
    let database =
        json!({"store": {"type": "redis", "dsn": redis.url()}, "cache": {"mode": "off"}});
    let flags = FakeService::start().unwrap();
    let clients = write_and_read(&service, &flags, &database);
    redis.kill();
    for client in clients {
        assert_eq!(
            client.evaluate("flag", "string", &json!("default"))["value"],
            "written"
        );
    }
}

/// A client can be created while its database is down.
#[test]
fn a_client_is_created_while_its_database_is_down() {
    let service = Service::start();
    for (kind, dsn) in [
        ("redis", "redis://127.0.0.1:1"),
        ("dynamodb", "http://127.0.0.1:1"),
    ] {
        let client = service.client(&json!({"credential": "sdk-key", "startWaitTimeMs": 1, "initCanFail": true,
            "persistentDataStore": {"store": {"type": kind, "dsn": dsn}, "cache": {"mode": "off"}}}));
        let answer = client.evaluate("flag", "string", &json!("default"));
        assert_eq!(
            (&answer["value"], &answer["reason"]["errorKind"]),
            (&json!("default"), &json!("EXCEPTION")),
            "{kind}"
        );
        assert_eq!(
            client
                .send(
                    "evaluate",
                    &json!({"flagKey": "f", "context": ada(), "valueType": "any"})
                )
                .status,
            200
        );
    }
}
