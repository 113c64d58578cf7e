//! Start, end, and sources other than files.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use vexil_testing::servers::RedisServer;

use super::serving::{ADA, FLAGS, Serving, folder};
use crate::support::{Folder, until};
use vexil_cli::Exit;

#[test]
fn the_ready_line_names_the_address_and_what_is_served() {
    let server = Serving::flags();
    let expected = format!(
        "vexil serve listening on http://127.0.0.1:{} (3 flags, 1 segment, revision 1)\n",
        server.port
    );
    assert_eq!(server.ready_line(), expected);
    let ran = server.stop();
    assert_eq!(
        (ran.exit, ran.stderr.as_str()),
        (Exit::Interrupted, ""),
        "{ran:?}"
    );
    assert_eq!(ran.stdout, expected);
}

#[test]
fn both_loopback_addresses_are_served() {
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        return;
    }
    let server = Serving::flags();
    let mut stream = TcpStream::connect((Ipv6Addr::LOCALHOST, server.port)).unwrap();
    let request = format!(
        "GET /healthz HTTP/1.1\r\nHost: [::1]:{}\r\nConnection: close\r\n\r\n",
        server.port
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn a_port_that_is_taken_is_an_error_that_says_what_to_do() {
    let server = Serving::flags();
    let address = format!("127.0.0.1:{}", server.port);
    let ran = Folder::new().vexil(&["serve", "--listen", &address]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (Exit::Unreachable, ""));
    let message = format!("error: cannot listen on {address}: ");
    assert!(ran.stderr.starts_with(&message), "{ran:?}");
    assert!(
        ran.stderr
            .ends_with("help: --listen 127.0.0.1:0 chooses a free port\n"),
        "{ran:?}"
    );
}

#[test]
fn an_interrupt_ends_open_streams() {
    let server = Serving::flags();
    let values = format!("/eval/any/{ADA}");
    let mut streams = ["/all", "/sdk/stream", "/mping", &values].map(|path| {
        let mut stream = server.stream(path);
        stream.next().unwrap();
        stream
    });
    let mut changes = server.api_request("GET", "/changes", &Value::Null).stream();
    changes.expect("hello");
    let begun = Instant::now();
    let ran = server.stop();
    assert_eq!(ran.exit, Exit::Interrupted);
    // Two seconds are granted to requests; the rest is for a busy machine.
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "{:?}",
        begun.elapsed()
    );
    for stream in &mut streams {
        while stream.next().is_some() {}
    }
    while changes.next().is_some() {}
}

#[test]
fn a_client_that_does_not_read_does_not_delay_the_end() {
    let server = Serving::flags();
    let mut idle = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    idle.write_all(b"GET /all HT").unwrap();
    let _silent = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    // The server has accepted both when it answers the next one.
    assert_eq!(server.get("/healthz").status, 200);
    let begun = Instant::now();
    assert_eq!(server.stop().exit, Exit::Interrupted);
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn a_basis_of_an_earlier_server_gets_everything() {
    let targets = [
        ("/sdk/poll?x=1", "/sdk/stream?x=1"),
        (
            "/sdk/poll/eval/ADA?auth=any",
            "/sdk/stream/eval/ADA?auth=any",
        ),
    ];
    let poll = |server: &Serving, target: &str, basis: &str| {
        let target = format!("{}&basis={basis}", target.replace("ADA", ADA));
        let body = server.get(&target).json();
        body["events"].as_array().unwrap().clone()
    };
    let intent = |events: &[Value]| events[0]["data"]["payloads"][0]["intentCode"].clone();
    let first = Serving::flags();
    let bases = targets.map(|(target, _)| {
        let events = poll(&first, target, "");
        let basis = events.last().unwrap()["data"]["state"]
            .as_str()
            .unwrap()
            .to_owned();
        assert_eq!(intent(&poll(&first, target, &basis)), "none");
        basis
    });
    first.stop();
    let second = Serving::flags();
    for ((target, stream), basis) in targets.iter().zip(&bases) {
        assert_eq!(
            intent(&poll(&second, target, basis)),
            "xfer-full",
            "{target}"
        );
        let stream = format!("{}&basis={basis}", stream.replace("ADA", ADA));
        let first = second.stream(&stream).expect("server-intent");
        assert_eq!(first["payloads"][0]["intentCode"], "xfer-full", "{stream}");
    }
}

fn fill(redis: &RedisServer, version: u64, value: &str) {
    let flag = json!({"key": "theme", "version": version, "on": false, "variations": [value], "offVariation": 0});
    redis
        .command(["HSET", "launchdarkly:features", "theme", &flag.to_string()])
        .unwrap();
    redis.command(["SET", "launchdarkly:$inited", ""]).unwrap();
}

#[test]
fn a_database_is_followed_if_wanted_and_served_while_it_is_down() {
    let redis = RedisServer::start().unwrap();
    fill(&redis, 1, "first");
    let folder = Arc::new(Folder::new());
    let server = Serving::start(&folder, &[&redis.url(), "--follow", "--interval", "100ms"]);
    let state = server.state();
    assert_eq!(
        (&state["followed"], &state["production"]),
        (&json!(true), &json!(true))
    );
    let mut stream = server.stream("/all");
    stream.expect("put");
    fill(&redis, 2, "second");
    assert_eq!(stream.expect("patch")["data"]["version"], 2);
    server.set("theme", json!({"value": "ours"}));
    assert_eq!(stream.expect("patch")["data"]["version"], 3);
    redis.kill();
    until("the outage is shown", || {
        server.state()["sourceState"]["state"] == "unreachable"
    });
    assert_eq!(server.value("theme"), "ours");
    redis.restart().unwrap();
    fill(&redis, 7, "third");
    assert_eq!(stream.expect("patch")["data"]["version"], 7);
    until("the outage ends", || {
        server.state()["sourceState"]["state"] == "valid"
    });
    server.api("DELETE", "/env/default/overrides", &Value::Null);
    assert_eq!(stream.expect("patch")["data"]["variations"][0], "third");
}

#[test]
fn a_database_is_read_once_by_default() {
    let redis = RedisServer::start().unwrap();
    fill(&redis, 1, "first");
    let server = Serving::start(&Arc::new(Folder::new()), &[&redis.url()]);
    let state = server.state();
    assert_eq!(
        (&state["followed"], &state["production"]),
        (&json!(false), &json!(true))
    );
    fill(&redis, 2, "second");
    let shown = server
        .api("POST", "/env/default/refresh", &json!({"apply": false}))
        .json();
    assert_eq!(shown["changed"], 1);
    assert_eq!(server.value("theme"), "first");
    assert_eq!(
        server
            .api("POST", "/env/default/refresh", &json!({"apply": true}))
            .status,
        200
    );
    assert_eq!(server.value("theme"), "second");
    redis.kill();
    let failed = server.api("POST", "/env/default/refresh", &json!({"apply": true}));
    assert_eq!(failed.status, 502, "{}", failed.text());
    assert_eq!(server.value("theme"), "second");
}

#[test]
fn standard_input_is_served() {
    let folder = folder();
    // The input was read when the server finds the port taken.
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let serve = |input: &str| folder.vexil_with(&["serve", "-", "--listen", &address], input);
    assert_eq!(serve(FLAGS).exit, Exit::Unreachable);
    assert_eq!(serve("{").exit, Exit::Unreadable);
}
