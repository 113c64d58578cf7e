//! Plants secrets in all that the harness configures and commands, and searches for them in the
//! output of the service at its most verbose level, while the flag service and the database fail.

#![cfg(test)]

mod support;

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use support::Service;
use vexil_testing::FakeService;
use vexil_testing::fake_service::{Answer, Endpoint};

/// Longer than any step takes, even on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(120);

/// The part that all secrets share, and that occurs nowhere else.
const PLANTED: &str = "pl4nted";

fn secret(name: &str) -> String {
    format!("{name}-{PLANTED}")
}

/// Runs the service in a process of its own, and returns what it prints until it has ended.
fn output_of(drive: impl FnOnce(&Service)) -> String {
    let mut process = Command::new(env!("CARGO_BIN_EXE_vexil-contract-tests"))
        .arg("0")
        .env("VEXIL_CONTRACT_LOG", "trace")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = process.stdout.take().unwrap();
    let stderr = BufReader::new(process.stderr.take().unwrap());
    let printed = thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).unwrap();
        text
    });
    let (address, listening) = mpsc::channel();
    let logged = thread::spawn(move || {
        let mut lines = Vec::new();
        for line in stderr.lines() {
            let line = line.unwrap();
            if line.contains("listening") {
                let after = line.split("address=").nth(1).unwrap();
                let url = format!("http://{}", after.split(' ').next().unwrap());
                address.send(url).unwrap();
            }
            lines.push(line);
        }
        lines.join("\n")
    });
    let service = Service::elsewhere(listening.recv_timeout(TIMEOUT).unwrap());
    drive(&service);
    assert_eq!(service.delete("/").status, 204);
    assert!(process.wait().unwrap().success());
    printed.join().unwrap() + &logged.join().unwrap()
}

/// Configurations of clients, each with secrets in other places. `url` is that of a flag service
/// that fails.
fn configurations(url: &str) -> [Value; 4] {
    let host = url.trim_start_matches("http://");
    let streaming = json!({"baseUri": url, "initialRetryDelayMs": 1});
    let events = json!({"baseUri": url, "enableDiagnostics": true,
        "globalPrivateAttributes": [secret("private")]});
    let redis = json!({"store": {"type": "redis", "prefix": "p",
        "dsn": format!("redis://{}:{}@127.0.0.1:1", secret("user"), secret("redis"))},
        "cache": {"mode": "off"}});
    [
        json!({"streaming": streaming, "events": events}),
        json!({"polling": {"baseUri": format!("{url}/?token={}", secret("query"))},
            "proxy": {"httpProxy": format!("http://{}:{}@{host}", secret("user"), secret("proxy"))}}),
        json!({"streaming": streaming, "persistentDataStore": redis}),
        json!({"dataSystem": {"synchronizers": [{"streaming": streaming}]}, "events": events}),
    ]
    .map(|mut configuration| {
        configuration["credential"] = secret("sdk-key").into();
        configuration["initCanFail"] = true.into();
        configuration["startWaitTimeMs"] = 100.into();
        configuration
    })
}

/// Gives all kinds of commands.
fn command(service: &Service, configuration: &Value) {
    let client = service.client(configuration);
    let context = json!({"kind": "user", "key": secret("key"), "email": secret("email"),
        "_meta": {"privateAttributes": ["email"]}});
    for (command, params) in [
        (
            "evaluate",
            json!({"flagKey": "flag", "context": context, "valueType": "string",
                "defaultValue": secret("default"), "detail": true}),
        ),
        ("evaluateAll", json!({"context": context})),
        ("identifyEvent", json!({"context": context})),
        (
            "customEvent",
            json!({"eventKey": "event", "context": context, "data": secret("data")}),
        ),
        ("secureModeHash", json!({"context": context})),
        (
            "contextConvert",
            json!({"input": format!("{{\"key\": [\"{}\"]}}", secret("input"))}),
        ),
        ("flushEvents", Value::Null),
        // What cannot be read is refused.
        (
            "evaluate",
            json!({"valueType": secret("type"), "context": [secret("context")]}),
        ),
        ("evaluate", secret("evaluate").into()),
    ] {
        let _ = client.send(command, &params);
    }
    client.close();
}

#[test]
fn no_secret_is_printed_at_any_level_while_everything_fails() {
    let quoted = secret("answer");
    let output = output_of(|service| {
        for answer in [
            Answer::usual(),
            Answer::status(503).body(quoted.as_str()),
            Answer::status(401).body(quoted.as_str()),
            Answer::json(format!("{{\"flags\": \"{quoted}\"}}")),
            Answer::hang_up(),
        ] {
            let flags = FakeService::start().unwrap();
            flags.set("flag", secret("value"));
            for endpoint in [
                Endpoint::Stream,
                Endpoint::Poll,
                Endpoint::PayloadStream,
                Endpoint::Events,
            ] {
                flags.always(endpoint, answer.clone());
            }
            for configuration in configurations(&flags.url()) {
                command(service, &configuration);
            }
        }
        for body in [
            json!({"configuration": secret("configuration")}),
            json!({"configuration": {"credential": [secret("sdk-key")]}}),
            json!({"configuration": {"credential": secret("sdk-key"), "streaming": secret("stream")}}),
            json!({"configuration": {"credential": format!("{}\n", secret("sdk-key"))}}),
            json!({"configuration": {"credential": "k", "persistentDataStore": {
                "store": {"type": "redis", "dsn": format!("{}://host", secret("dsn"))},
                "cache": {"mode": "off"}}}}),
        ] {
            let answer = service.post("/", &body.to_string());
            assert!(answer.status >= 400, "{body}");
        }
    });
    assert!(output.contains("creating a client") && output.contains("request refused"));
    assert!(
        output.contains("TRACE") || output.contains("DEBUG"),
        "{output}"
    );
    let shown: Vec<_> = output
        .lines()
        .filter(|line| line.contains(PLANTED))
        .collect();
    assert_eq!(shown, [""; 0]);
}
