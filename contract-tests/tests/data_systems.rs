//! Data systems and listeners, which version 3 of the harness configures.

#![cfg(test)]

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::{Callbacks, Service};
use vexil_testing::FakeService;
use vexil_testing::fake_service::Endpoint;

const TIMEOUT: Duration = Duration::from_secs(60);

fn flags() -> FakeService {
    let flags = FakeService::start().unwrap();
    flags.set("flag", "old");
    flags
}

fn ada() -> Value {
    json!({"kind": "user", "key": "ada"})
}

#[test]
fn a_data_system_uses_its_sources() {
    let (service, flags) = (Service::start(), flags());
    let source = json!({"baseUri": flags.url(), "initialRetryDelayMs": 1, "pollIntervalMs": 30000});
    let (streaming, polling) = (json!({"streaming": source}), json!({"polling": source}));
    for (system, used) in [
        (
            json!({"initializers": [polling], "synchronizers": [streaming]}),
            vec![Endpoint::PayloadPoll, Endpoint::PayloadStream],
        ),
        (
            json!({"synchronizers": [polling]}),
            vec![Endpoint::PayloadPoll],
        ),
        (
            json!({"useDefaultDataSystem": true}),
            vec![Endpoint::PayloadPoll, Endpoint::PayloadStream],
        ),
    ] {
        let before = flags.requests().len();
        let client = service.client(&json!({
            "credential": "sdk-key", "dataSystem": system,
            "serviceEndpoints": {"streaming": flags.url(), "polling": flags.url()},
        }));
        let evaluated = client.evaluate("flag", "string", &json!(""));
        assert_eq!(evaluated["value"], "old");
        let are_used = || {
            let requests = flags.requests();
            let mut endpoints = requests[before..].iter().map(|request| request.endpoint());
            used.iter()
                .all(|used| endpoints.any(|endpoint| endpoint == *used))
        };
        let waiting = flags.until("the sources are used, in this order", are_used);
        waiting.within(TIMEOUT).wait().unwrap();
        client.close();
    }
}

#[test]
fn listeners_report_changes_until_they_are_removed() {
    let (service, flags, callbacks) = (Service::start(), flags(), Callbacks::start());
    let client = service.client(&json!({
        "credential": "sdk-key",
        "dataSystem": {"synchronizers": [{"streaming": {"baseUri": flags.url()}}]},
    }));
    client.send(
        "registerFlagChangeListener",
        &json!({"listenerId": "1", "callbackUri": callbacks.at("/changes")}),
    );
    client.send(
        "registerFlagValueChangeListener",
        &json!({"listenerId": "2", "flagKey": "flag", "context": ada(), "defaultValue": "none",
            "callbackUri": callbacks.at("/values")}),
    );
    let notified = |count: usize| {
        let mut posts = callbacks.take_json_of(count);
        posts.sort_by(|(one, _), (other, _)| one.cmp(other));
        posts
    };
    let of_value = |old: &str, new: &str| {
        let body = json!({"listenerId": "2", "flagKey": "flag", "oldValue": old, "newValue": new});
        ("/values".to_owned(), body)
    };
    let change = json!({"listenerId": "1", "flagKey": "flag"});
    flags.set("flag", "new");
    let expected = [("/changes".to_owned(), change), of_value("old", "new")];
    assert_eq!(notified(2), expected);

    client.send("unregisterListener", &json!({"listenerId": "1"}));
    client.send("unregisterListener", &json!({"listenerId": "unknown"}));
    flags.set("flag", "newer");
    assert_eq!(notified(1), [of_value("new", "newer")]);
}
