//! What is logged, how often, and what is never logged.

#![cfg(test)]

#[path = "support/log.rs"]
mod log;
#[cfg(feature = "http")]
#[path = "support/nowhere.rs"]
mod nowhere;
mod support;

use std::hint::black_box;
use std::sync::Arc;
use std::thread;

use log::Log;
use pollster::block_on;
use serde_json::{Value as Json, json};
use support::{
    End, Ending, Failing, Fetch, Lazy, SOON, ada, controlled, controlled_with, serving, with,
};
use vexil::client::FlagsStateOptions;
use vexil::data_source::{DataSink, DataSource, DataSourceError, DataSourceState};
use vexil::model::{DataKind, DataSet, Item};
use vexil::{Client, Context, Value, async_trait};

/// The lines that are logged on this thread while `act` runs.
fn logged(act: impl FnOnce()) -> Vec<String> {
    let log = Log::default();
    tracing::subscriber::with_default(log.subscriber(), act);
    log.lines()
}

/// Checks that there is one line, of this level and with all these words.
#[track_caller]
fn one_line(lines: &[String], level: &str, words: &[&str]) {
    let [line] = lines else {
        panic!("not one line but {}: {lines:#?}", lines.len())
    };
    assert!(line.contains(&format!(" {level} vexil::")), "{line}");
    for word in words {
        assert!(line.contains(word), "{word} is missing in {line}");
    }
}

/// The log lines of many evaluations of `flag` by plain methods, and of as many by methods with
/// detail.
fn evaluated(flag: &Json) -> [Vec<String>; 2] {
    [false, true].map(|detail| {
        let client = support::client(&json!({"flags": {"the-flag": flag}}));
        logged(|| {
            for _ in 0..1000 {
                if detail {
                    assert!(client.bool_variation_detail("the-flag", &ada(), true).value);
                } else {
                    assert!(client.bool_variation("the-flag", &ada(), true));
                }
            }
        })
    })
}

#[test]
fn a_malformed_flag_is_logged_once_with_its_key_by_methods_without_detail() {
    let [plain, _] = evaluated(&json!({"on": true, "version": 1}));
    one_line(&plain, "ERROR", &["the-flag", "malformed"]);
}

#[test]
fn a_malformed_flag_is_logged_once_with_its_key_by_methods_with_detail() {
    let [_, detailed] = evaluated(&json!({"on": true, "version": 1}));
    one_line(&detailed, "ERROR", &["the-flag", "malformed"]);
}

#[test]
fn a_value_of_the_wrong_type_is_logged_once_with_the_flags_key() {
    for lines in evaluated(&serving(1, "text")) {
        one_line(&lines, "ERROR", &["the-flag", "type"]);
    }
}

#[test]
fn a_type_mismatch_is_logged_with_both_types_and_again_after_a_change() {
    let (client, controls) = controlled();
    let ada = ada();
    for version in 1..=3 {
        controls.init(&json!({"flags": {"the-flag": serving(version, "text")}}));
        let lines = logged(|| {
            (0..100).for_each(|_| assert!(client.bool_variation("the-flag", &ada, true)))
        });
        one_line(
            &lines,
            "ERROR",
            &["the-flag", "a boolean", "a string", &version.to_string()],
        );
    }
    controls.init(&json!({"flags": {"the-flag": serving(4, json!({"rps": "many"}))}}));
    let lines = logged(|| {
        for _ in 0..100 {
            drop(client.json_as(
                "the-flag",
                &ada,
                std::collections::BTreeMap::<String, u32>::new(),
            ));
        }
    });
    one_line(
        &lines,
        "ERROR",
        &[
            "the-flag",
            "BTreeMap",
            "an object",
            "invalid type: string",
            "u32",
        ],
    );
}

#[test]
fn a_malformed_flag_is_logged_again_after_it_changed() {
    let (client, controls) = controlled();
    for version in 1..=3 {
        controls.init(&json!({"flags": {"the-flag": {"on": true, "version": version}}}));
        let lines = logged(|| {
            (0..100).for_each(|_| assert!(client.bool_variation("the-flag", &ada(), true)))
        });
        one_line(&lines, "ERROR", &["the-flag", "malformed"]);
    }
}

#[test]
fn many_unknown_flags_are_not_all_logged_and_do_not_hide_a_malformed_flag() {
    let client = support::client(&json!({"flags": {"the-flag": {"on": true, "version": 1}}}));
    let ada = ada();
    let lines = logged(|| {
        for n in 0..20_000 {
            let _ = client.bool_variation(&format!("{}{n}", "x".repeat(1_000)), &ada, false);
        }
    });
    assert!(lines.len() <= 10_010, "{}", lines.len());
    assert!(
        lines.iter().all(|line| line.len() < 500),
        "a long key is truncated"
    );
    assert!(
        lines
            .iter()
            .any(|line| line.contains(" WARN ") && line.contains("further ones are not logged"))
    );
    let lines = logged(|| drop(client.bool_variation_detail("the-flag", &ada, true)));
    one_line(&lines, "ERROR", &["the-flag", "malformed"]);
}

#[test]
fn a_value_that_does_not_fit_a_custom_type_is_logged_once() {
    let client = support::client(&json!({"flags": {"the-flag": serving(1, "text")}}));
    let lines =
        logged(|| (0..1000).for_each(|_| drop(client.json_as("the-flag", &ada(), vec![0_u8]))));
    one_line(&lines, "ERROR", &["the-flag", "type"]);
}

#[test]
fn an_unknown_flag_is_logged_once_with_its_key() {
    for lines in evaluated(&json!({"version": 1, "deleted": true})) {
        one_line(&lines, "INFO", &["the-flag", "unknown"]);
    }
}

#[test]
fn a_flag_that_is_off_or_has_a_failed_prerequisite_is_not_logged() {
    for more in [
        json!({"on": false}),
        json!({"prerequisites": [{"key": "none", "variation": 0}]}),
    ] {
        assert_eq!(
            evaluated(&with(serving(1, false), &more)),
            [Vec::<String>::new(), Vec::new()]
        );
    }
}

#[test]
fn a_successful_evaluation_logs_nothing() {
    assert_eq!(
        evaluated(&serving(1, true)),
        [Vec::<String>::new(), Vec::new()]
    );
}

#[test]
fn evaluations_without_data_are_logged_once() {
    let (client, _source) = controlled();
    let lines = logged(|| {
        (0..1000).for_each(|_| assert!(client.bool_variation("the-flag", &ada(), true)));
        assert!(
            !client
                .all_flags_state(&ada(), FlagsStateOptions::default())
                .is_valid()
        );
    });
    one_line(&lines, "WARN", &["before the client has data"]);
}

#[test]
fn evaluations_for_invalid_contexts_are_logged_once() {
    let client = support::client(&json!({}));
    let lines = logged(|| {
        (0..1000).for_each(|_| assert!(client.bool_variation("flag", &Context::new(""), true)))
    });
    one_line(&lines, "WARN", &["invalid context", "key must not be"]);
}

#[test]
fn evaluations_with_data_of_an_earlier_process_are_logged_once() {
    let store = Lazy::new(Fetch::AtOnce, &json!({"flags": {"flag": serving(1, true)}}));
    let (client, _source) = controlled_with(Client::builder("sdk-key").data_store(store));
    let lines =
        logged(|| (0..1000).for_each(|_| assert!(client.bool_variation("flag", &ada(), false))));
    one_line(&lines, "WARN", &["out of date"]);
}

#[test]
fn a_store_that_cannot_be_read_is_logged_with_its_cause_once_per_flag() {
    let store = Lazy::new(Fetch::Fails, &json!({}));
    let (client, source) = controlled_with(Client::builder("sdk-key").data_store(store));
    source.init(&json!({}));
    let lines =
        logged(|| (0..1000).for_each(|_| assert!(client.bool_variation("the-flag", &ada(), true))));
    one_line(
        &lines,
        "ERROR",
        &["the-flag", "unavailable", "the cellar is flooded"],
    );
}

fn rule(clause: &Json) -> Json {
    json!([{"variation": 0, "clauses": [clause]}])
}

/// Defects of flags and segments, with the words that the log contains.
fn defects() -> [(Json, [&'static str; 2]); 5] {
    [
        (
            json!({"attribute": "a", "op": "no-such-op", "values": [1]}),
            ["unknown operator", "no-such-op"],
        ),
        (
            json!({"attribute": "a", "op": "matches", "values": ["good", "bad**"]}),
            ["regular expression", "at byte 4"],
        ),
        (
            json!({"attribute": "a", "op": "matches", "values": ["\\pL", "\\pL{1000}"]}),
            ["too large", "at byte 3"],
        ),
        (
            json!({"attribute": "//", "contextKind": "user", "op": "in", "values": [1]}),
            ["attribute reference", "//"],
        ),
        (
            json!({"attribute": "a", "op": "before", "values": ["some day"]}),
            ["a value is not of the type", "rule 0"],
        ),
    ]
}

// EVAL-2.1
#[test]
fn a_defect_is_logged_once_when_its_item_arrives_and_names_the_item() {
    for (clause, [what, which]) in defects() {
        let flag = with(serving(1, true), &json!({"rules": rule(&clause)}));
        let (client, source) = controlled();
        let words = ["the-item", what, which, "rule 0"];
        let lines =
            logged(|| source.init(&json!({"flags": {"the-item": flag, "another": serving(1, 1)}})));
        one_line(&lines, "WARN", &words);
        one_line(
            &logged(|| drop(source.upsert(item(DataKind::Flag, &flag, 2)))),
            "WARN",
            &words,
        );
        let segment = json!({"rules": rule(&clause)});
        let lines = logged(|| drop(source.upsert(item(DataKind::Segment, &segment, 2))));
        one_line(&lines, "WARN", &words);
        one_line(
            &logged(|| source.init(&json!({"segments": {"the-item": segment}}))),
            "WARN",
            &words,
        );
        assert!(logged(|| drop(client.bool_variation_detail("another", &ada(), true))).len() <= 1);
    }
}

#[test]
fn a_defect_is_not_logged_again_when_the_same_version_arrives_again() {
    for (clause, _) in defects() {
        let flag = with(serving(1, true), &json!({"rules": rule(&clause)}));
        let (_client, source) = controlled();
        let data =
            json!({"flags": {"the-item": flag}, "segments": {"another": {"rules": rule(&clause)}}});
        assert_eq!(logged(|| source.init(&data)).len(), 2);
        assert_eq!(logged(|| source.init(&data)), Vec::<String>::new());
        assert_eq!(
            logged(|| drop(source.upsert(item(DataKind::Flag, &flag, 1)))),
            Vec::<String>::new()
        );
    }
}

fn item(kind: DataKind, json: &Json, version: u64) -> Item {
    let json = with(json.clone(), &json!({"version": version})).to_string();
    Item::from_json(kind, "the-item", json.as_bytes()).unwrap()
}

#[test]
fn an_evaluation_of_an_item_with_a_defect_does_not_log_it_again() {
    for (clause, _) in defects()
        .into_iter()
        .filter(|(clause, _)| clause["attribute"] == "a")
    {
        let flag = with(serving(1, true), &json!({"rules": rule(&clause)}));
        let client = support::client(&json!({"flags": {"the-item": flag}}));
        let lines = logged(|| {
            (0..100).for_each(|_| assert!(client.bool_variation("the-item", &ada(), false)))
        });
        assert!(lines.is_empty(), "{lines:#?}");
    }
}

// An application that sets one base URL usually means all that its client uses
#[cfg(feature = "http")]
#[test]
fn a_base_url_that_is_used_and_was_not_set_is_a_warning_if_another_one_was() {
    use vexil::ClientBuilder;
    use vexil::config::{DataSystem, HttpConfig, PollingConfig, ServiceEndpoints};
    use vexil_testing::MemoryPersistentStore;

    const URL: &str = "http://127.0.0.1:1/?token=hidden";
    let set = |parts: &[&str]| {
        let set = |endpoints: ServiceEndpoints, part: &&str| match *part {
            "streaming" => endpoints.with_streaming(URL),
            "polling" => endpoints.with_polling(URL),
            _ => endpoints.with_events(URL),
        };
        parts.iter().fold(ServiceEndpoints::new(), set)
    };
    let stream = |builder: ClientBuilder| builder;
    let silent = |builder: ClientBuilder| builder.without_events();
    let poll = |builder: ClientBuilder| builder.data_source(PollingConfig::new());
    let system = |builder: ClientBuilder| builder.data_system(DataSystem::new());
    let own = |builder: ClientBuilder| {
        let (end, late) = (End::Done, false);
        let data = Some(DataSet::default());
        builder.data_source(Ending { end, late, data })
    };
    let daemon = |builder: ClientBuilder| {
        builder
            .daemon_mode(MemoryPersistentStore::new())
            .without_events()
    };
    type Change = fn(ClientBuilder) -> ClientBuilder;
    let cases: [(&[&str], Change, Option<&str>); 11] = [
        (&[], stream, None),
        (&["streaming"], stream, Some("events")),
        (&["streaming"], silent, None),
        (&["streaming", "events"], stream, None),
        (&["events"], stream, Some("streaming")),
        (&["events"], poll, Some("polling")),
        // A source of the application's own uses none of them.
        (&["events"], own, None),
        (&["events"], daemon, None),
        (&["streaming", "polling"], silent, None),
        (&["streaming", "polling", "events"], system, None),
        (&["streaming", "events"], system, Some("polling")),
    ];
    for (parts, change, forgotten) in cases {
        let lines = logged(|| {
            let builder = Client::builder("sdk-key")
                .http(HttpConfig::new().transport(nowhere::Nowhere))
                .service_endpoints(set(parts));
            drop(change(builder).start().unwrap());
        });
        let lines: Vec<_> = lines
            .into_iter()
            .filter(|line| line.contains("a base URL"))
            .collect();
        match forgotten {
            None => assert_eq!(lines, [""; 0], "{parts:?}"),
            Some(part) => one_line(
                &lines,
                "WARN",
                &[
                    &format!("default=\"{part}: https://"),
                    "http://127.0.0.1:1/?…",
                ],
            ),
        }
    }
}

// SRC-5.1: logged once per outage, not per update
#[test]
fn a_store_that_fails_is_logged_once_per_outage() {
    let store = Arc::new(Failing::default());
    let (_client, source) =
        controlled_with(Client::builder("sdk-key").data_store(Arc::clone(&store)));
    source.init(&json!({}));
    let outage = || {
        store.set(true);
        let lines = logged(|| (0..3).for_each(|_| drop(source.try_init(&json!({})).unwrap_err())));
        store.set(false);
        source.init(&json!({}));
        lines
    };
    for _ in 0..2 {
        one_line(&outage(), "WARN", &["the attic is locked"]);
    }
}

// SRC-5.1
#[test]
fn a_store_that_fails_before_the_first_data_is_logged_once() {
    let store = Arc::new(Failing::default());
    store.set(true);
    let (_client, source) = controlled_with(Client::builder("sdk-key").data_store(store));
    let lines = logged(|| (0..3).for_each(|_| drop(source.try_init(&json!({})).unwrap_err())));
    one_line(&lines, "WARN", &["the attic is locked"]);
}

// SRC-5.1
#[test]
fn a_store_that_fails_while_the_source_is_interrupted_is_logged() {
    let store = Arc::new(Failing::default());
    let (_client, source) =
        controlled_with(Client::builder("sdk-key").data_store(Arc::clone(&store)));
    source.init(&json!({}));
    source.network_error(DataSourceState::Interrupted, "the cable is cut");
    store.set(true);
    let lines = logged(|| (0..3).for_each(|_| drop(source.try_init(&json!({})).unwrap_err())));
    one_line(&lines, "WARN", &["the attic is locked"]);
}

#[test]
fn a_source_that_has_stopped_is_logged_with_its_cause() {
    let source = Ending {
        end: End::Error,
        late: false,
        data: None,
    };
    let lines = logged(|| {
        drop(
            Client::builder("sdk-key")
                .data_source(source)
                .start()
                .unwrap(),
        )
    });
    one_line(
        &lines,
        "ERROR",
        &["the data source has ended", "the key was refused"],
    );
}

/// A JSON array of deeply nested arrays.
fn deep() -> String {
    format!("{}{}", "[".repeat(10_000), "]".repeat(10_000))
}

/// Delivers data that it parses from JSON.
#[derive(Clone, Debug)]
struct FromText(String);

#[async_trait]
impl DataSource for FromText {
    fn reports_events(&self) -> bool {
        false
    }

    async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
        let data = DataSet::from_json(self.0.as_bytes()).map_err(DataSourceError::invalid_data)?;
        sink.init(data).await.map_err(DataSourceError::store)
    }
}

#[test]
fn an_item_that_is_nested_too_deeply_is_an_error_that_names_it() {
    for (section, kind) in [("flags", DataKind::Flag), ("segments", DataKind::Segment)] {
        let property = if kind == DataKind::Flag {
            "variations"
        } else {
            "rules"
        };
        let item = format!("{{\"version\": 1, \"{property}\": {}}}", deep());
        let set =
            format!("{{\"{section}\": {{\"good\": {{\"version\": 1}}, \"deep-item\": {item}}}}}");
        let error = DataSet::from_json(set.as_bytes()).unwrap_err();
        assert_eq!(error.item, Some((kind, "deep-item".into())));
        assert_eq!(
            error.to_string(),
            format!("{kind} \"deep-item\" cannot be read")
        );
        let error = Item::from_json(kind, "deep-item", item.as_bytes()).unwrap_err();
        assert_eq!(error.item, Some((kind, "deep-item".into())));
        let lines = logged(|| {
            let client = Client::builder("sdk-key")
                .data_source(FromText(set.clone()))
                .start()
                .unwrap();
            let status = client.data_source_status().status();
            assert!(status.error.unwrap().message.contains("deep-item"));
        });
        one_line(&lines, "ERROR", &["deep-item"]);
    }
}

#[test]
fn deep_nesting_in_unknown_fields_is_not_an_error() {
    let set = format!(
        "{{\"more\": {0}, \"flags\": {{\"flag\": {{\"version\": 1, \"more\": {0}}}}}}}",
        deep()
    );
    assert_eq!(DataSet::from_json(set.as_bytes()).unwrap().flags.len(), 1);
}

const SECRETS: [&str; 6] = [
    "SDK-KEY",
    "CONTEXT-KEY",
    "CONTEXT-NAME",
    "ATTRIBUTE",
    "ORG-KEY",
    "PRIVATE",
];

fn secret_context() -> Context {
    let user = Context::builder("CONTEXT-KEY")
        .name("CONTEXT-NAME")
        .set("email", "ATTRIBUTE")
        .set("list", ["ATTRIBUTE"])
        .set("object", Value::from(json!({"inner": "ATTRIBUTE"})))
        .set("secret", "PRIVATE")
        .private(["secret"])
        .build()
        .unwrap();
    Context::multi([user, Context::with_kind("ORG-KEY", "org").unwrap()]).unwrap()
}

/// Evaluates all kinds of flags by all variation methods, and causes every other log line.
fn log_everything(client: &Client) {
    let context = secret_context();
    for key in [
        "good",
        "rules",
        "malformed",
        "text",
        "segment",
        "big",
        "no-such-flag",
    ] {
        black_box(client.bool_variation(key, &context, false));
        black_box(client.bool_variation_detail(key, &context, false));
        black_box(client.int_variation(key, &context, 0));
        black_box(client.json_as(key, &context, 0_u8));
        black_box(block_on(client.variation_async(key, &context, "")));
        black_box(client.bool_variation(
            key,
            &Context::multi([context.clone(), context.clone()]),
            false,
        ));
        black_box(client.bool_variation(
            key,
            &Context::with_kind("CONTEXT-KEY", "ATTRIBUTE!"),
            false,
        ));
        black_box(client.bool_variation(
            key,
            &r#"{"kind": "user", "key": "CONTEXT-KEY", "name": 3"#.parse::<Context>(),
            false,
        ));
    }
    black_box(
        client
            .all_flags_state(&context, FlagsStateOptions::default().with_reasons(true))
            .to_json(),
    );
    black_box(client.secure_mode_hash(&context));
    let id = client
        .flag_tracker()
        .add_flag_value_change_listener("good", &context, |_| panic!("on purpose"));
    client.flag_tracker().remove_listener(id);
}

fn busy_data(version: u64) -> Json {
    let clause = json!({"attribute": "email", "op": "matches", "values": ["***bad", "^A"]});
    let for_segment = |segment: &str| json!({"rules": support::rule_for_segment(segment, false)});
    json!({
        "flags": {
            "good": serving(version, true),
            "rules": with(serving(version, true), &json!({"rules": rule(&clause)})),
            "malformed": {"on": true, "version": version},
            "text": serving(version, "text"),
            "segment": with(serving(version, true), &for_segment("listed")),
            "big": with(serving(version, true), &for_segment("big")),
        },
        "segments": {
            "listed": {"version": version, "rules": rule(&clause)},
            "big": {"version": version, "unbounded": true, "generation": 1},
        },
    })
}

#[test]
fn neither_the_sdk_key_nor_data_of_a_context_is_ever_logged() {
    let log = Log::default();
    // The log of all threads. Other tests in this file have separate subscribers.
    tracing::subscriber::set_global_default(log.subscriber()).unwrap();
    let builder = || Client::builder("SDK-KEY");
    let store = Arc::new(Failing::default());
    let (client, source) = controlled_with(builder().data_store(Arc::clone(&store)));
    log_everything(&client);
    let (panicked, has_panicked) = std::sync::mpsc::channel();
    client.flag_tracker().add_flag_value_change_listener(
        "good",
        &secret_context(),
        move |change| {
            panicked.send(change.new_value.clone()).unwrap();
            panic!("on purpose");
        },
    );
    for version in 1..=3 {
        source.init(&busy_data(version));
        thread::scope(|scope| (0..3).for_each(|_| drop(scope.spawn(|| log_everything(&client)))));
        source.network_error(DataSourceState::Interrupted, "the cable is cut");
    }
    has_panicked.recv_timeout(SOON).unwrap();
    store.set(true);
    source.try_init(&busy_data(4)).unwrap_err();
    for fetch in [Fetch::Fails, Fetch::AtOnce] {
        let (client, _source) =
            controlled_with(builder().data_store(Lazy::new(fetch, &busy_data(1))));
        log_everything(&client);
    }
    log_everything(&builder().offline(true).start().unwrap());
    for end in [End::Error, End::Panic] {
        let data = Some(support::data_set(&busy_data(1)));
        let client = builder()
            .data_source(Ending {
                end,
                late: true,
                data,
            })
            .start()
            .unwrap();
        assert!(
            client
                .data_source_status()
                .blocking_wait_for(DataSourceState::Off, SOON)
        );
        log_everything(&client);
    }
    block_on(client.close(SOON));
    let lines = log.lines();
    assert!(lines.len() > 10, "the scenario logs too little: {lines:#?}");
    for line in lines {
        assert!(
            !SECRETS.iter().any(|secret| line.contains(secret)),
            "{line}"
        );
    }
}

#[test]
fn the_log_of_these_tests_would_contain_a_secret() {
    let lines = logged(|| tracing::info!(key = "CONTEXT-KEY", "seen"));
    assert!(lines[0].contains("CONTEXT-KEY"));
    assert_eq!(lines.len(), 1);
}
