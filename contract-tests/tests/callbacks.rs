//! Commands that cause calls to the harness: hooks and migrations (EVT-6.4 and EVT-10.3).

#![cfg(test)]

mod support;

use serde_json::{Value, json};
use support::{Callbacks, Service};
use vexil_testing::FakeService;

/// A client with two hooks. Flags: `flag`, and `move` in stage `live`.
fn config(flags: &FakeService, callbacks: &Callbacks) -> Value {
    let hook = |name: &str, data: Value, errors: Value| json!({"name": name, "callbackUri": callbacks.at(&format!("/{name}")), "data": data, "errors": errors});
    json!({"credential": "sdk-key", "streaming": {"baseUri": flags.url()}, "hooks": {"hooks": [
        hook("good", json!({"beforeEvaluation": {"note": [1]}, "afterEvaluation": {"more": 2}}), Value::Null),
        hook("bad", Value::Null, json!({"beforeEvaluation": "no", "afterTrack": "no", "afterEvaluation": null})),
    ]}})
}

fn flags() -> FakeService {
    let flags = FakeService::builder()
        .environment_id("env-1")
        .start()
        .unwrap();
    flags.set("flag", true).set("move", "live");
    flags
}

fn ada() -> Value {
    json!({"kind": "user", "key": "ada"})
}

// EVT-6.4
#[test]
fn hooks_report_their_stages_and_fail_at_configured_stages() {
    let (service, flags, callbacks) = (Service::start(), flags(), Callbacks::start());
    let client = service.client(&config(&flags, &callbacks));
    client.evaluate("flag", "bool", &json!(false));
    let context = json!({"flagKey": "flag", "context": ada(), "defaultValue": false, "method": "variation_detail",
        "environmentId": "env-1"});
    let detail = json!({"value": true, "variationIndex": 0, "reason": {"kind": "FALLTHROUGH"}});
    let stage = |stage: &str, data: Value| json!({"stage": stage, "evaluationSeriesContext": context, "evaluationSeriesData": data});
    let after = |data| {
        let mut after = stage("afterEvaluation", data);
        after["evaluationDetail"] = detail.clone();
        after
    };
    assert_eq!(
        callbacks.take_json(),
        [
            ("/good".to_owned(), stage("beforeEvaluation", json!({}))),
            ("/bad".to_owned(), after(json!({}))),
            ("/good".to_owned(), after(json!({"note": [1]}))),
        ]
    );

    client.send(
        "customEvent",
        &json!({"eventKey": "bought", "context": ada(), "data": {"n": 1}, "metricValue": 2.5}),
    );
    let track = json!({"key": "bought", "context": ada(), "data": {"n": 1}, "metricValue": 2.5, "environmentId": "env-1"});
    assert_eq!(
        callbacks.take_json(),
        [(
            "/good".to_owned(),
            json!({"stage": "afterTrack", "trackSeriesContext": track})
        )]
    );
}

// EVT-10.3
#[test]
fn a_migration_returns_its_stage_and_calls_the_origins_of_the_harness() {
    let (service, flags, callbacks) = (Service::start(), flags(), Callbacks::start());
    let client =
        service.client(&json!({"credential": "sdk-key", "streaming": {"baseUri": flags.url()}}));
    let stage = client.ask(
        "migrationVariation",
        &json!({"key": "move", "context": ada(), "defaultStage": "off"}),
    );
    assert_eq!(stage, json!({"result": "live"}));

    let operate = |operation: &str, new: &str, payload: Value| {
        let params = json!({"key": "move", "context": ada(), "defaultStage": "off", "readExecutionOrder": "serial",
            "operation": operation, "oldEndpoint": callbacks.at("/old"), "newEndpoint": callbacks.at(new),
            "payload": payload, "trackLatency": true, "trackErrors": true, "trackConsistency": true});
        client.ask("migrationOperation", &params)["result"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let posts = |paths: &[&str], payload: &str| {
        let expected: Vec<_> = paths
            .iter()
            .map(|path| ((*path).to_owned(), payload.to_owned()))
            .collect();
        assert_eq!(callbacks.take(), expected);
    };
    assert_eq!(operate("read", "/new", json!("who?")), "/new who?");
    posts(&["/new", "/old"], "who?");
    assert_eq!(operate("write", "/new", Value::Null), "/new ");
    posts(&["/new", "/old"], "");
    let error = operate("write", "/broken", json!("x"));
    assert!(
        error.contains("the new origin has failed") && error.contains("409"),
        "{error}"
    );
    posts(&["/broken"], "x");
}
