//! Events that leave the process: to the service, through the application's filter, and into files.

#![cfg(test)]
#![cfg(feature = "http")]

mod support;

use std::path::Path;

use pollster::block_on;
use serde_json::{Value as Json, json};
use support::{Fixed, SOON, ada, serving};
use vexil::config::{EventsConfig, ServiceEndpoints};
use vexil::events::Redaction;
use vexil::{Client, ClientBuilder, Context, Value};
use vexil_testing::fake_service::Endpoint;
use vexil_testing::{FakeService, TestData};

/// Nested data built level by level, as by an application that copies untrusted data.
fn levels(count: usize) -> Value {
    (0..count).fold(Value::from(1), |inner, _| Value::from([inner]))
}

fn builder(service: &FakeService) -> ClientBuilder {
    let flags = Fixed::new(&json!({"flags": {"flag": serving(1, "value")}}));
    Client::builder("sdk-key")
        .data_source(flags)
        .service_endpoints(ServiceEndpoints::relay(service.url()))
}

/// The events that the service has received.
fn received(service: &FakeService) -> Vec<Json> {
    let payloads = service.requests_to(Endpoint::Events).into_iter();
    payloads
        .flat_map(|request| request.json().unwrap().as_array().unwrap().clone())
        .collect()
}

fn kinds(events: &[Json]) -> Vec<&str> {
    events
        .iter()
        .map(|event| event["kind"].as_str().unwrap())
        .collect()
}

fn of_kind<'a>(events: &'a [Json], kind: &str) -> &'a Json {
    events
        .iter()
        .find(|event| event["kind"] == kind)
        .unwrap_or_else(|| panic!("no {kind} event"))
}

#[test]
fn attributes_data_and_defaults_of_any_depth_are_handled() {
    let service = FakeService::start().unwrap();
    let client = builder(&service)
        .events(EventsConfig::new().diagnostic_opt_out(true))
        .start()
        .unwrap();
    let context = Context::builder("ada")
        .set("deep", levels(50_000))
        .set("plan", "pro")
        .build()
        .unwrap();
    assert_eq!(client.str_variation("flag", &context, ""), "value");
    assert_eq!(
        client.json_variation("flag", &context, levels(50_000)),
        "value".into()
    );
    let _ = client.json_variation("no-such-flag", &context, levels(50_000));
    client.track_data("clicked", &context, levels(50_000));
    client.identify(&context);
    assert!(!format!("{context:?}").is_empty());
    assert_eq!(context, context.clone());
    assert!(client.blocking_flush(SOON));

    let bytes: usize = service
        .requests_to(Endpoint::Events)
        .iter()
        .map(|request| request.body().len())
        .sum();
    assert!(bytes < 10_000, "{bytes} bytes");
    // Any JSON parser can read the payload.
    let events = received(&service);
    let index = &of_kind(&events, "index")["context"];
    assert_eq!(index["plan"], "pro");
    let mut innermost = &index["deep"];
    for _ in 0..Value::MAX_DEPTH {
        innermost = &innermost[0];
    }
    assert_eq!(innermost, &Json::Null);
    for kind in ["identify", "custom", "summary"] {
        of_kind(&events, kind);
    }
    let written = serde_json::to_string(&context).unwrap();
    assert_eq!(written.parse::<Context>().unwrap(), context);
}

#[test]
fn the_filter_can_change_and_drop_events_of_every_kind() {
    let service = FakeService::start().unwrap();
    let events = EventsConfig::new()
        .private_attributes(["email"])
        .before_send(|mut event| {
            assert!(
                event
                    .members()
                    .get("context")
                    .is_none_or(|context| context.get("email").is_none())
            );
            match event.kind() {
                "identify" => None,
                "custom" => {
                    event
                        .members_mut()
                        .insert("data".to_owned(), json!("changed"));
                    Some(event)
                }
                _ => Some(event),
            }
        });
    let client = builder(&service)
        .events(events.diagnostic_opt_out(true))
        .start()
        .unwrap();
    let ada = Context::builder("ada")
        .set("email", "ada@example.com")
        .build()
        .unwrap();
    client.identify(&ada);
    let _ = client.str_variation("flag", &ada, "");
    client.track_data("clicked", &ada, "secret");
    assert!(client.blocking_flush(SOON));

    let events = received(&service);
    assert_eq!(kinds(&events), ["custom", "summary"]);
    assert_eq!(of_kind(&events, "custom")["data"], "changed");
    let stats = client.event_stats();
    assert_eq!(
        (
            stats.delivered_events,
            stats.filtered_events,
            stats.dropped_events
        ),
        (2, 1, 0)
    );
}

#[test]
fn an_event_on_which_the_filter_panics_is_dropped_and_the_others_are_sent() {
    let service = FakeService::start().unwrap();
    let events = EventsConfig::new().before_send(|event| match event.kind() {
        "custom" => panic!("no custom events"),
        _ => Some(event),
    });
    let client = builder(&service)
        .events(events.diagnostic_opt_out(true))
        .start()
        .unwrap();
    for _ in 0..3 {
        client.track("clicked", &ada());
    }
    assert!(client.blocking_flush(SOON));
    assert_eq!(kinds(&received(&service)), ["index"]);
    assert_eq!(client.event_stats().filtered_events, 3);
}

#[test]
fn nothing_is_sent_if_the_filter_drops_everything() {
    let service = FakeService::start().unwrap();
    let events = EventsConfig::new().before_send(|_| None);
    let client = builder(&service)
        .events(events.diagnostic_opt_out(true))
        .start()
        .unwrap();
    client.track("clicked", &ada());
    assert!(client.blocking_flush(SOON));
    assert_eq!(received(&service), Vec::<Json>::new());
    let stats = client.event_stats();
    assert_eq!(
        (
            stats.filtered_events,
            stats.attempts,
            stats.delivered_events
        ),
        (2, 0, 0)
    );
}

fn to_file(path: &Path) -> Client {
    let flags = Fixed::new(&json!({"flags": {"flag": serving(1, "value")}}));
    let events = EventsConfig::new()
        .private_attributes(["email"])
        .to_file(path);
    Client::builder("sdk-key")
        .data_source(flags)
        .events(events)
        .start()
        .unwrap()
}

fn lines(path: &Path) -> Vec<Json> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn events_are_in_the_file_after_flush_and_close_without_private_attributes() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.jsonl");
    let client = to_file(&path);
    let ada = Context::builder("ada")
        .set("email", "ada@example.com")
        .build()
        .unwrap();
    client.track("clicked", &ada);
    assert!(client.blocking_flush(SOON));
    assert_eq!(kinds(&lines(&path)), ["index", "custom"]);
    assert_eq!(
        lines(&path)[0]["context"]["_meta"]["redactedAttributes"],
        json!(["email"])
    );

    let _ = client.str_variation("flag", &ada, "");
    block_on(client.close(SOON));
    let events = lines(&path);
    assert_eq!(kinds(&events), ["index", "custom", "summary"]);
    assert_eq!(events[2]["features"]["flag"]["counters"][0]["count"], 1);
    let stats = client.event_stats();
    assert_eq!((stats.delivered_events, stats.dropped_payloads), (3, 0));
}

#[test]
fn several_clients_append_to_one_file_without_mixing_lines() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.jsonl");
    let clients: Vec<_> = (0..3).map(|_| to_file(&path)).collect();
    std::thread::scope(|scope| {
        for client in &clients {
            scope.spawn(|| {
                for _ in 0..100 {
                    client.track("clicked", &ada());
                }
                assert!(client.blocking_flush(SOON));
            });
        }
    });
    assert_eq!(lines(&path).len(), 303);
}

#[test]
fn a_file_that_cannot_be_opened_is_an_error_at_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory
        .path()
        .join("no-such-directory")
        .join("events.jsonl");
    let started = Client::builder("sdk-key")
        .data_source(Fixed::new(&json!({})))
        .events(EventsConfig::new().to_file(path));
    assert!(started.start().is_err());
}

#[test]
fn events_that_cannot_be_written_are_counted_and_a_flush_ends() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("inner").join("events.jsonl");
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    let client = to_file(&path);
    std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
    client.track("clicked", &ada());
    assert!(client.blocking_flush(SOON));
    assert_eq!(client.event_stats().dropped_payloads, 1);

    std::fs::create_dir(path.parent().unwrap()).unwrap();
    client.track("clicked", &ada());
    assert!(client.blocking_flush(SOON));
    assert_eq!(
        kinds(&lines(&path)),
        ["custom"],
        "later events are written again"
    );
}

#[test]
fn a_custom_processor_can_serialize_contexts_like_the_sdk() {
    let guest = Context::builder("guest")
        .kind("device")
        .anonymous(true)
        .set("os", "linux")
        .build()
        .unwrap();
    let ada = Context::builder("ada")
        .set("email", "e")
        .set("plan", "pro")
        .private(["plan"])
        .build()
        .unwrap();
    let both = Context::multi([guest, ada]).unwrap();
    let redaction = Redaction::new().private_attributes(["email"]);
    let shown = redaction.redact(&both);
    assert_eq!(
        serde_json::to_value(shown).unwrap(),
        json!({
            "kind": "multi",
            "device": {"key": "guest", "anonymous": true, "os": "linux"},
            "user": {"key": "ada", "_meta": {"redactedAttributes": ["email", "plan"]}},
        })
    );
    assert_eq!(
        serde_json::to_value(shown.without_anonymous_attributes()).unwrap()["device"],
        json!({"key": "guest", "anonymous": true, "_meta": {"redactedAttributes": ["os"]}})
    );
    let all = Redaction::new().all_attributes_private(true);
    assert_eq!(
        serde_json::to_value(all.redact(&both)).unwrap()["user"]["_meta"]["redactedAttributes"],
        json!(["email", "plan"])
    );
    let debug = format!("{shown:?}");
    assert!(!debug.contains("ada") && !debug.contains("pro"), "{debug}");
}

#[test]
fn a_flag_first_evaluated_as_a_prerequisite_has_the_default_null() {
    let service = FakeService::start().unwrap();
    let flags = json!({"flags": {
        "top": {"on": true, "version": 1, "variations": [true], "fallthrough": {"variation": 0},
            "prerequisites": [{"key": "base", "variation": 0}]},
        "base": {"on": true, "version": 1, "variations": [true], "fallthrough": {"variation": 0}},
    }});
    let builder = builder(&service).data_source(Fixed::new(&flags));
    let client = builder
        .events(EventsConfig::new().diagnostic_opt_out(true))
        .start()
        .unwrap();
    assert!(client.bool_variation("top", &ada(), false));
    assert!(client.blocking_flush(SOON));
    let events = received(&service);
    let features = &of_kind(&events, "summary")["features"];
    assert_eq!(
        (
            features["base"].get("default"),
            features["top"].get("default")
        ),
        (Some(&Json::Null), Some(&json!(false)))
    );
}

// FDV2-9.4
#[test]
fn overrides_are_counted_apart_and_send_no_full_events() {
    let service = FakeService::start().unwrap();
    let tracked = |value: &str| {
        json!({"key": "tracked", "version": 7, "variations": [value], "offVariation": 0,
            "trackEvents": true, "debugEventsUntilDate": 4_102_444_800_000_u64})
    };
    let overrides = TestData::new();
    overrides
        .use_preconfigured_flag(tracked("override"))
        .unwrap();
    let client = builder(&service)
        .data_source(Fixed::new(&json!({"flags": {"tracked": tracked("data")}})))
        .flag_overrides(overrides.clone())
        .events(EventsConfig::new().diagnostic_opt_out(true))
        .start()
        .unwrap();
    assert_eq!(client.str_variation("tracked", &ada(), ""), "override");
    assert_eq!(client.str_variation("tracked", &ada(), ""), "override");
    assert!(client.blocking_flush(SOON));
    assert_eq!(kinds(&received(&service)), ["index", "summary"]);

    assert_eq!(client.str_variation("tracked", &ada(), ""), "override");
    overrides.delete("tracked");
    assert_eq!(client.str_variation("tracked", &ada(), ""), "data");
    assert!(client.blocking_flush(SOON));
    let events = received(&service).split_off(2);
    assert_eq!(kinds(&events), ["feature", "debug", "summary"]);
    assert_eq!(events[0]["value"], "data");
    assert_eq!(
        events[2]["features"]["tracked"]["counters"],
        json!([
            {"value": "override", "variation": 0, "version": 7, "override": true, "count": 1},
            {"value": "data", "variation": 0, "version": 7, "count": 1},
        ])
    );
}
