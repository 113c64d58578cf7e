//! Our own client against the server, in both protocols, streaming and polling.

use std::time::Duration;

use serde_json::{Value, json};
use vexil::config::{
    DataSystem, EventsConfig, PayloadPollConfig, PayloadStreamConfig, PollingConfig,
    ServiceEndpoints,
};
use vexil::{Client, ClientBuilder, Context};

use super::serving::{Serving, folder};
use crate::support::{TIMEOUT, until};

const OFTEN: Duration = Duration::from_millis(20);

fn builder(server: &Serving) -> ClientBuilder {
    Client::builder("any-key").service_endpoints(ServiceEndpoints::relay(server.url()))
}

/// A client of each kind.
fn clients(server: &Serving) -> Vec<(&'static str, Client)> {
    let polls = PollingConfig::new()
        .poll_interval(OFTEN)
        .without_shortest_interval();
    let payloads = PayloadPollConfig::new()
        .poll_interval(OFTEN)
        .without_shortest_interval();
    let streams = DataSystem::custom().synchronizer(PayloadStreamConfig::new());
    let builders = [
        ("stream", builder(server)),
        ("polls", builder(server).data_source(polls)),
        (
            "data system",
            builder(server).data_system(DataSystem::new()),
        ),
        ("payload stream", builder(server).data_system(streams)),
        (
            "payload polls",
            builder(server).data_system(DataSystem::custom().synchronizer(payloads)),
        ),
    ];
    let started = builders.map(|(name, builder)| {
        let client = builder.without_events().start().unwrap();
        client.blocking_wait_until_ready(TIMEOUT).unwrap();
        (name, client)
    });
    started.into()
}

fn value(client: &Client, key: &str) -> Value {
    let ada = Context::new("ada").unwrap();
    let value = client.json_variation(key, &ada, vexil::Value::Null);
    serde_json::to_value(value).unwrap()
}

#[test]
fn every_kind_of_client_has_the_values_and_reasons_of_the_command_eval() {
    let folder = folder();
    let server = Serving::start(&folder, &["flags.json"]);
    let clients = clients(&server);
    for text in [
        r#"{"kind":"user","key":"ada"}"#,
        r#"{"kind":"user","key":"bob"}"#,
        r#"{"kind":"multi","user":{"key":"ada"},"org":{"key":"a/b?é"}}"#,
        r#"{"kind":"org","key":"ada"}"#,
    ] {
        let ran = folder.vexil(&["eval", "flags.json", "--context", text, "--json"]);
        let expected: Value = serde_json::from_str(&ran.stdout).unwrap();
        let context: Context = text.parse().unwrap();
        for (name, client) in &clients {
            for (key, expected) in expected["flags"].as_object().unwrap() {
                let detail = client.json_variation_detail(key, &context, vexil::Value::Null);
                let found = json!({
                    "value": detail.value,
                    "variation": detail.variation_index,
                    "reason": detail.reason,
                });
                for member in ["value", "variation", "reason"] {
                    assert_eq!(found[member], expected[member], "{name} {text} {key}");
                }
            }
        }
    }
}

#[test]
fn an_override_arrives_at_every_kind_of_client_and_goes_away() {
    let server = Serving::flags();
    let clients = clients(&server);
    let arrives = |key: &str, expected: Value| {
        for (name, client) in &clients {
            until(&format!("{key} = {expected} ({name})"), || {
                value(client, key) == expected
            });
        }
    };
    arrives("theme", json!("dark"));
    // Back and forth, because clients ignore versions that do not rise.
    for _ in 0..3 {
        server.set("theme", json!({"value": {"blue": 1}}));
        arrives("theme", json!({"blue": 1}));
        server.set("theme", json!({"on": false}));
        arrives("theme", json!("light"));
        arrives("limit", json!(10));
        server.api("DELETE", "/env/default/overrides", &Value::Null);
        arrives("theme", json!("dark"));
        arrives("limit", json!(20));
        server.api(
            "PUT",
            "/env/default/overrides/flags/theme",
            &json!({"missing": true}),
        );
        arrives("theme", Value::Null);
        let staff = json!({"exclude": ["ada"]});
        server.api(
            "PUT",
            "/env/default/overrides",
            &json!({"segments": {"staff": staff}}),
        );
        arrives("theme", json!("light"));
        server.api("DELETE", "/env/default/overrides", &Value::Null);
        arrives("theme", json!("dark"));
    }
    assert_eq!(
        server.api("POST", "/env/default/resend", &json!({})).status,
        200
    );
    server.set("theme", json!({"value": "after"}));
    arrives("theme", json!("after"));
}

#[test]
fn clients_continue_with_a_server_that_starts_again() {
    let folder = folder();
    let server = Serving::start(&folder, &["flags.json"]);
    let clients = clients(&server);
    server.set("theme", json!({"value": "before"}));
    for (name, client) in &clients {
        until(name, || value(client, "theme") == "before");
    }
    let listen = format!("127.0.0.1:{}", server.port);
    server.stop();
    // Without the override, so with a lower version; and at another revision.
    let running = folder.begin(&["serve", "flags.json", "--listen", &listen]);
    for (name, client) in &clients {
        until(name, || value(client, "theme") == "dark");
    }
    running.interrupt();
}

#[test]
fn evaluations_of_a_client_are_counted() {
    let server = Serving::flags();
    let client = builder(&server)
        .events(EventsConfig::new())
        .start()
        .unwrap();
    client.blocking_wait_until_ready(TIMEOUT).unwrap();
    for _ in 0..10 {
        value(&client, "theme");
    }
    assert!(client.blocking_flush(TIMEOUT));
    let counts = server
        .api("GET", "/env/default/events/counts", &Value::Null)
        .json();
    let rows = counts["rows"].as_array().unwrap();
    let row = rows.iter().find(|row| row["flag"] == "theme").unwrap();
    assert_eq!(
        (&row["count"], &row["variation"], &row["version"]),
        (&json!(10), &json!(1), &json!(8))
    );
    let sdks = server.api("GET", "/env/default/sdks", &Value::Null).json();
    let sdk = &sdks["sdks"][0];
    assert_eq!(
        (&sdk["class"], &sdk["protocol"]),
        (&json!("server"), &json!("fdv1")),
        "{sdks}"
    );
    client.blocking_close(TIMEOUT);
}
