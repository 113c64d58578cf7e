//! Drives the service as the harness does (EVT-10). Flags come from a fake flag service.

#![cfg(test)]

mod support;

use serde_json::{Value, json};
use support::{Service, TestClient};
use vexil::transport::RetryPolicy;
use vexil_contract_tests::Options;
use vexil_testing::FakeService;
use vexil_testing::fake_service::{Answer, Endpoint};

/// A flag service with one flag of each type.
fn flags() -> FakeService {
    let flags = FakeService::start().unwrap();
    flags
        .set("bool", true)
        .set("number", 2.75)
        .set("string", "hello")
        .set("object", json!({"a": [1, null]}));
    flags
}

/// The configuration of a client that streams from `flags`.
fn streams(flags: &FakeService) -> Value {
    json!({"credential": "sdk-key", "streaming": {"baseUri": flags.url()}})
}

fn ada() -> Value {
    json!({"kind": "user", "key": "ada"})
}

#[test]
fn the_capabilities_follow_the_retry_policy() {
    let has = |status: &Value, name: &str| {
        status["capabilities"]
            .as_array()
            .unwrap()
            .contains(&json!(name))
    };

    let status = Service::start().status();
    assert_eq!(status["name"], "vexil");
    assert!(has(&status, "server-side") && has(&status, "retry-conformance-fdv1-streaming"));
    assert!(has(&status, "retry-conformance-fdv1-polling"));

    let status = Service::with(Options {
        retry_policy: RetryPolicy::LegacyStop,
        ..Options::default()
    })
    .status();
    assert!(has(&status, "server-side") && !has(&status, "retry-conformance-fdv1-streaming"));
    assert!(!has(&status, "retry-conformance-fdv1-polling"));
}

#[test]
fn flags_are_evaluated_as_the_requested_type() {
    let (service, flags) = (Service::start(), flags());
    let client = service.client(&streams(&flags));
    let found = |value: Value, index| json!({"value": value, "variationIndex": index, "reason": {"kind": "FALLTHROUGH"}});

    assert_eq!(
        client.evaluate("bool", "bool", &json!(false)),
        found(json!(true), 0)
    );
    assert_eq!(
        client.evaluate("number", "int", &json!(1)),
        found(json!(2), 0)
    );
    assert_eq!(
        client.evaluate("number", "double", &json!(1)),
        found(json!(2.75), 0)
    );
    assert_eq!(
        client.evaluate("string", "string", &json!("")),
        found(json!("hello"), 0)
    );
    assert_eq!(
        client.evaluate("object", "any", &json!(null)),
        found(json!({"a": [1, null]}), 0)
    );
    assert_eq!(
        client.evaluate("string", "bool", &json!(false)),
        json!({"value": false, "reason": {"kind": "ERROR", "errorKind": "WRONG_TYPE"}})
    );
}

// EVAL-3.2
#[test]
fn without_details_only_the_value_is_returned() {
    let (service, flags) = (Service::start(), flags());
    let client = service.client(&streams(&flags));
    let mut params = json!({"flagKey": "bool", "context": ada(), "valueType": "bool", "defaultValue": false, "detail": false});
    assert_eq!(client.ask("evaluate", &params), json!({"value": true}));
    params["detail"] = Value::Null;
    assert_eq!(client.ask("evaluate", &params), json!({"value": true}));
}

#[test]
fn users_in_the_old_form_are_accepted() {
    let (service, flags) = (Service::start(), flags());
    let client = service.client(&streams(&flags));
    let params = json!({"flagKey": "string", "context": null, "user": {"key": ""}, "valueType": "any", "detail": false});
    assert_eq!(client.ask("evaluate", &params), json!({"value": "hello"}));
}

#[test]
fn contexts_are_validated_by_the_sdk() {
    let (service, flags) = (Service::start(), flags());
    let client = service.client(&streams(&flags));
    let context = json!({"kind": "kind", "key": "a"});
    let params = json!({"flagKey": "bool", "context": context, "valueType": "bool", "defaultValue": false, "detail": true});
    assert_eq!(
        client.ask("evaluate", &params)["reason"]["errorKind"],
        "USER_NOT_SPECIFIED"
    );
    let state = client.ask("evaluateAll", &json!({"context": context}));
    assert_eq!(
        state,
        json!({"state": {"$flagsState": {}, "$valid": false}})
    );
}

#[test]
fn all_flags_are_evaluated_with_the_requested_options() {
    let (service, flags) = (Service::start(), FakeService::start().unwrap());
    let flag = json!({"key": "f", "on": true, "variations": ["v"], "fallthrough": {"variation": 0}, "version": 3});
    flags.use_preconfigured_flag(flag).unwrap();
    let client = service.client(&streams(&flags));

    let state = client.ask(
        "evaluateAll",
        &json!({"context": ada(), "withReasons": true}),
    );
    assert_eq!(state["state"]["f"], "v");
    assert_eq!(
        state["state"]["$flagsState"]["f"],
        json!({"variation": 0, "version": 3, "reason": {"kind": "FALLTHROUGH"}})
    );

    let state = client.ask(
        "evaluateAll",
        &json!({"context": ada(), "detailsOnlyForTrackedFlags": true}),
    );
    assert_eq!(state["state"]["$flagsState"]["f"], json!({"variation": 0}));

    let state = client.ask(
        "evaluateAll",
        &json!({"context": ada(), "clientSideOnly": true, "withReasons": null}),
    );
    assert_eq!(state["state"], json!({"$flagsState": {}, "$valid": true}));
}

// EVAL-1.13
#[test]
fn contexts_are_hashed_with_the_sdk_key() {
    let (service, flags) = (Service::start(), flags());
    let mut config = streams(&flags);
    config["credential"] = json!("secret");
    let client = service.client(&config);
    let hash = client.ask(
        "secureModeHash",
        &json!({"context": {"kind": "user", "key": "Message"}}),
    );
    assert_eq!(
        hash,
        json!({"result": "aa747c502a898200f9e4fa21bac68136f886a0e27aec70ba06daf2e2a5cb5597"})
    );
}

// EVAL-1.14
#[test]
fn contexts_are_built_converted_and_compared() {
    let (service, flags) = (Service::start(), flags());
    let client = service.client(&streams(&flags));

    let whole = json!({"single": {"kind": "org", "key": "o", "name": "n", "anonymous": true, "private": ["a"],
        "custom": {"a": 1, "b": null}}});
    assert_eq!(
        output(&client, "contextBuild", &whole),
        json!({"kind": "org", "key": "o", "name": "n", "anonymous": true, "a": 1, "_meta": {"privateAttributes": ["a"]}})
    );
    let multi =
        json!({"multi": [{"kind": "org", "key": "o"}, {"kind": null, "key": "u", "custom": null}]});
    assert_eq!(
        output(&client, "contextBuild", &multi),
        json!({"kind": "multi", "org": {"key": "o"}, "user": {"key": "u"}})
    );
    assert!(error(&client, "contextBuild", &json!({"single": {"key": ""}})).contains("key"));

    assert_eq!(
        output(
            &client,
            "contextConvert",
            &json!({"input": r#"{"key": "a", "custom": {"b": 1}}"#})
        ),
        json!({"kind": "user", "key": "a", "b": 1})
    );
    assert!(error(&client, "contextConvert", &json!({"input": "{"})).contains("JSON"));

    let one = json!({"single": {"kind": "user", "key": "a", "attributes": [{"name": "x", "value": 1}],
        "privateAttributes": [{"value": "/a/b", "literal": true}]}});
    let same = json!({"single": {"kind": "user", "key": "a", "attributes": [{"name": "x", "value": 1}],
        "privateAttributes": [{"value": "/~1a~1b", "literal": false}]}});
    let other = json!({"multi": [{"kind": "user", "key": "a"}, {"kind": "org", "key": "a"}]});
    let compare = |one: &Value, two: &Value| {
        client.ask(
            "contextComparison",
            &json!({"context1": one, "context2": two}),
        )
    };
    assert_eq!(compare(&one, &same), json!({"equals": true}));
    assert_eq!(compare(&one, &other), json!({"equals": false}));
}

#[track_caller]
fn output(client: &TestClient<'_>, command: &str, params: &Value) -> Value {
    let answer = client.ask(command, params);
    assert_eq!(answer.get("error"), None);
    serde_json::from_str(answer["output"].as_str().unwrap()).unwrap()
}

#[track_caller]
fn error(client: &TestClient<'_>, command: &str, params: &Value) -> String {
    let answer = client.ask(command, params);
    assert_eq!(answer.get("output"), None);
    answer["error"].as_str().unwrap().to_owned()
}

#[test]
fn events_are_sent_when_configured() {
    let (service, flags) = (Service::start(), flags());
    let mut config = streams(&flags);
    config["events"] = json!({"baseUri": flags.url(), "globalPrivateAttributes": ["a"], "flushIntervalMs": 3_600_000});
    let client = service.client(&config);
    let accepted = |command: &str, params: Value| {
        let answer = client.send(command, &params);
        assert_eq!((answer.status, answer.body.as_str()), (202, ""));
    };
    accepted(
        "identifyEvent",
        json!({"context": {"kind": "user", "key": "ada", "a": 1}}),
    );
    accepted(
        "customEvent",
        json!({"eventKey": "bought", "context": ada(), "data": {"n": 1}, "metricValue": 2.5}),
    );
    accepted(
        "customEvent",
        json!({"eventKey": "seen", "context": ada(), "data": null, "omitNullData": true}),
    );
    accepted(
        "customEvent",
        json!({"eventKey": "kept", "context": ada(), "data": [], "omitNullData": true}),
    );
    accepted("flushEvents", Value::Null);

    let payload = flags.next_payload().wait().unwrap();
    let of_kind = |kind: &str| {
        payload
            .events()
            .iter()
            .find(|event| event["kind"] == kind)
            .cloned()
            .unwrap()
    };
    assert_eq!(
        of_kind("identify")["context"]["_meta"]["redactedAttributes"],
        json!(["a"])
    );
    let custom: Vec<_> = payload
        .events()
        .iter()
        .filter(|event| event["kind"] == "custom")
        .collect();
    let sent = custom
        .iter()
        .map(|event| (&event["key"], event.get("data"), event.get("metricValue")));
    assert_eq!(
        sent.collect::<Vec<_>>(),
        [
            (&json!("bought"), Some(&json!({"n": 1})), Some(&json!(2.5))),
            (&json!("seen"), None, None),
            (&json!("kept"), Some(&json!([])), None),
        ]
    );
}

// EVT-10.2
#[test]
fn no_events_are_sent_unless_configured() {
    let (service, flags) = (Service::start(), flags());
    let mut config = streams(&flags);
    config["serviceEndpoints"] = json!({"events": flags.url()});
    let client = service.client(&config);
    assert_eq!(
        client
            .send("identifyEvent", &json!({"context": ada()}))
            .status,
        202
    );
    assert_eq!(client.send("flushEvents", &Value::Null).status, 202);
    // Closing delivers any remaining events.
    assert_eq!(client.close().status, 204);
    assert!(flags.payloads().is_empty());
}

#[test]
fn invalid_requests_are_refused_with_a_message() {
    let (service, flags) = (Service::start(), flags());
    service.post("/", "{").is_refused_with("EOF");
    service.post("/", "{}").is_refused_with("configuration");
    service.create(&json!({})).is_refused_with("credential");
    service
        .create(&json!({"credential": "k", "startWaitTimeMs": -1}))
        .is_refused_with("negative");
    service
        .create(&json!({"credential": "k", "tls": {"customCAFile": "no/such/file"}}))
        .is_refused_with("HTTP");
    service
        .create(&json!({"credential": "k", "proxy": {"httpProxy": "::"}}))
        .is_refused_with("HTTP");
    service
        .create(&json!({"credential": "k", "dataSystem": {"synchronizers": 7}}))
        .is_refused_with("expected a sequence");
    service
        .create(&json!({"credential": "k", "bigSegments": {}}))
        .is_refused_with("callbackUri");
    let database = |kind: &str, mode: &str| json!({"credential": "k", "persistentDataStore": {"store": {"type": kind, "dsn": "redis://127.0.0.1"}, "cache": {"mode": mode}}});
    service
        .create(&database("consul", "off"))
        .is_refused_with("consul");
    service
        .create(&database("redis", "sometimes"))
        .is_refused_with("sometimes");
    service
        .create(&database("redis", "ttl"))
        .is_refused_with("ttl");

    let client = service.client(&streams(&flags));
    service.post(&client.path, "").is_refused_with("EOF");
    client
        .send("restart", &json!({}))
        .is_refused_with("restart");
    for command in [
        "registerFlagChangeListener",
        "registerFlagValueChangeListener",
    ] {
        client
            .send(command, &json!({}))
            .is_refused_with("listenerId");
    }
    let params = json!({"key": "f", "context": ada(), "defaultStage": "half-way"});
    client
        .send("migrationVariation", &params)
        .is_refused_with("half-way");
    client
        .send("customEvent", &json!({"context": ada()}))
        .is_refused_with("eventKey");
    client
        .send("identifyEvent", &json!({}))
        .is_refused_with("context");
    client
        .send("evaluate", &Value::Null)
        .is_refused_with("parameters");
    client
        .send("evaluate", &json!({"flagKey": "f", "valueType": "date"}))
        .is_refused_with("date");
    client
        .send("evaluateAll", &json!({}))
        .is_refused_with("context");
    client
        .send("secureModeHash", &json!({"context": {"kind": "user"}}))
        .is_refused_with("key");
    client
        .send("contextBuild", &json!({}))
        .is_refused_with("single");
    let invalid = json!({"single": {"kind": "a b", "key": "c"}});
    let pair = json!({"context1": invalid, "context2": invalid});
    client
        .send("contextComparison", &pair)
        .is_refused_with("kind");
    let params = json!({"flagKey": "f", "context": ada(), "valueType": "int", "defaultValue": "1"});
    client.send("evaluate", &params).is_refused_with("Int");
}

#[test]
fn a_client_that_is_not_ready_is_used_only_if_initialization_can_fail() {
    let (service, flags) = (Service::start(), flags());
    flags.always(Endpoint::Stream, Answer::status(503));
    let mut config = streams(&flags);
    config["startWaitTimeMs"] = json!(1);
    service.create(&config).is_error_with(500, "no data");
    config["initCanFail"] = json!(true);
    let client = service.client(&config);
    assert_eq!(
        client.evaluate("bool", "bool", &json!(false)),
        json!({"value": false, "reason": {"kind": "ERROR", "errorKind": "CLIENT_NOT_READY"}})
    );
}

// SRC-4.5
#[test]
fn an_unlimited_start_wait_does_not_overflow() {
    let (service, flags) = (Service::start(), flags());
    for wait in [30_000_000_000_u64, u64::MAX] {
        let mut config = streams(&flags);
        config["startWaitTimeMs"] = json!(wait);
        let client = service.client(&config);
        assert_eq!(
            client.evaluate("bool", "bool", &json!(false))["value"],
            true
        );
    }
}

// EVT-10.1
#[test]
fn null_counts_as_missing_and_unknown_members_are_ignored() {
    let (service, flags) = (Service::start(), flags());
    let client = service.client(&json!({
        "credential": "sdk-key", "startWaitTimeMs": null, "initCanFail": null, "tls": null, "proxy": {"httpProxy": null},
        "polling": null, "events": null, "bigSegments": null, "hooks": null, "persistentDataStore": null,
        "tags": {"applicationId": null, "applicationVersion": null}, "wrapper": null, "news": {"a": 1},
        "serviceEndpoints": {"streaming": flags.url(), "polling": null},
        "streaming": {"baseUri": null, "initialRetryDelayMs": null, "filter": null},
    }));
    assert_eq!(
        client.evaluate("bool", "bool", &json!(false))["value"],
        true
    );
}

#[test]
fn requests_are_made_as_configured() {
    let (service, flags) = (Service::start(), flags());
    service.client(&json!({
        "credential": "sdk-key", "wrapper": {"name": "w", "version": "1"},
        "tags": {"applicationId": "a", "applicationVersion": "v"},
        "serviceEndpoints": {"polling": "http://not.valid.test"},
        "polling": {"baseUri": format!("{}/base/", flags.url()), "pollIntervalMs": 60_000, "filter": "f"},
    }));
    let poll = flags.next_request(Endpoint::Poll).wait().unwrap();
    assert_eq!(
        (poll.path(), poll.query()),
        ("/base/sdk/latest-all", Some("filter=f"))
    );
    assert_eq!(poll.header("authorization"), Some("sdk-key"));
    assert_eq!(poll.header("x-launchdarkly-wrapper"), Some("w/1"));
    assert_eq!(
        poll.header("x-launchdarkly-tags"),
        Some("application-id/a application-version/v")
    );
    assert!(poll.header("x-launchdarkly-instance-id").is_some());
    assert!(flags.requests_to(Endpoint::Stream).is_empty());
}

#[test]
fn certificates_are_verified_as_configured() {
    let (service, flags) = (
        Service::start(),
        FakeService::builder().tls().start().unwrap(),
    );
    flags.set("bool", true);
    let client = |tls: Value| {
        let mut config = streams(&flags);
        config["tls"] = tls;
        service.client(&config)
    };
    // The harness does not set `initCanFail` for such a client.
    let mut config = streams(&flags);
    config["tls"] = json!({"skipVerifyPeer": false, "customCAFile": ""});
    config["startWaitTimeMs"] = json!(1);
    let untrusting = service.client(&config);
    flags
        .until("a client that does not trust", || {
            flags.failed_handshakes() == 1
        })
        .wait()
        .unwrap();
    client(json!({"skipVerifyPeer": true}));
    client(json!({"customCAFile": flags.ca_pem_path()}));
    flags.wait_for_streams(2).wait().unwrap();
    assert_eq!(
        untrusting.evaluate("bool", "bool", &json!(false))["reason"]["errorKind"],
        "CLIENT_NOT_READY"
    );
}

#[test]
fn requests_go_through_the_proxy() {
    let (service, proxy) = (Service::start(), flags());
    let client = service.client(&json!({
        "credential": "sdk-key", "proxy": {"httpProxy": proxy.url()}, "streaming": {"baseUri": "http://not.valid.test"},
    }));
    assert_eq!(
        client.evaluate("bool", "bool", &json!(false))["value"],
        true
    );
}

#[test]
fn clients_are_independent_and_are_closed_when_deleted() {
    let (service, one, two) = (Service::start(), flags(), flags());
    two.set("string", "world");
    let (first, second) = (
        service.client(&streams(&one)),
        service.client(&streams(&two)),
    );
    assert_eq!(
        first.evaluate("string", "string", &json!(""))["value"],
        "hello"
    );
    assert_eq!(
        second.evaluate("string", "string", &json!(""))["value"],
        "world"
    );

    assert_eq!(first.close().status, 204);
    one.wait_for_streams(0).wait().unwrap();
    assert_eq!(first.close().status, 404);
    assert_eq!(first.send("flushEvents", &Value::Null).status, 404);
    assert_eq!(
        second.evaluate("string", "string", &json!(""))["value"],
        "world"
    );
}

#[test]
fn the_service_closes_all_clients_when_stopped() {
    let (service, flags) = (Service::start(), flags());
    service.client(&streams(&flags));
    service.client(&streams(&flags));
    flags.wait_for_streams(2).wait().unwrap();
    service.stop();
    flags.wait_for_streams(0).wait().unwrap();
}
