//! Each SDK writes the streamed data, and the other one reads it.

use serde_json::{Value as Json, json};
use vexil::Client;
use vexil::config::ServiceEndpoints;
use vexil::model::DataKind::{self, Flag, Segment};
use vexil_testing::FakeService;
use vexil_testing::fake_service::{Answer, Endpoint};

use crate::data::{self, COMPLETE_FLAGS, FEW, FLAGS, MINIMAL, STAFF};
use crate::database::{RUNTIME, TIMEOUT, until};
use crate::reading::Evaluations;
use crate::{Database, peer};

// STO-1.2: the received bytes are stored; STO-1.1: with a marker
pub(crate) fn rust_writes_what_the_service_sent_byte_for_byte(database: &dyn Database) {
    by_rust(database);
    for (key, text) in COMPLETE_FLAGS {
        assert_eq!(database.text(Flag, key).as_deref(), Some(text));
    }
    assert_eq!(database.text(Segment, "staff").as_deref(), Some(STAFF));
    assert!(database.has_marker());
}

// STO-1.2: PHP requires certain properties. If an item lacks them, they are added and nothing else
// is changed
pub(crate) fn rust_adds_what_other_readers_need_and_nothing_else(database: &dyn Database) {
    const OF_A_FLAG: &[&str] = &[
        "key",
        "version",
        "on",
        "prerequisites",
        "salt",
        "targets",
        "rules",
        "fallthrough",
        "offVariation",
        "variations",
        "deleted",
    ];
    const OF_A_SEGMENT: &[&str] = &[
        "key", "version", "included", "excluded", "salt", "rules", "deleted",
    ];
    by_rust(database);
    for key in FLAGS.into_iter().filter(|key| *key != "never-there") {
        let flag = json(database, Flag, key);
        OF_A_FLAG
            .iter()
            .for_each(|name| assert!(flag.get(name).is_some(), "{key} has no {name}: {flag}"));
    }
    for key in ["staff", "few", "old"] {
        let segment = json(database, Segment, key);
        OF_A_SEGMENT.iter().for_each(|name| {
            assert!(
                segment.get(name).is_some(),
                "{key} has no {name}: {segment}"
            )
        });
    }
    for (kind, key, sent) in [(Flag, "minimal", MINIMAL), (Segment, "few", FEW)] {
        let text = database.text(kind, key).unwrap();
        assert!(
            text.starts_with(sent.trim_end_matches('}').trim_end()),
            "{text}"
        );
    }
}

// STO-11.1: single flags and all flags, with this SDK as the writer
pub(crate) fn python_reads_what_rust_wrote_as_rust_does(database: &dyn Database) {
    by_rust(database);
    assert_results(database);
}

// STO-11.1: single flags and all flags, with this SDK as the reader. Python keeps unknown
// properties when it writes
pub(crate) fn rust_reads_what_python_wrote_as_python_does(database: &dyn Database) {
    by_python(database);
    assert!(database.has_marker());
    assert_eq!(
        json(database, Flag, "peculiar"),
        serde_json::from_str::<Json>(data::PECULIAR).unwrap()
    );
    assert_results(database);
}

// STO-1.3 and STO-1.5: a full data set removes all earlier data, including tombstones
pub(crate) fn each_sdk_replaces_all_data_of_the_other(database: &dyn Database) {
    let leave_more = || {
        database.put(
            Flag,
            "left-over",
            99,
            r#"{"key":"left-over","version":99,"deleted":true}"#,
        );
        database.put(
            Flag,
            "switch",
            99,
            &data::SWITCH.replace("\"version\":2", "\"version\":99"),
        );
        database.put(Segment, "left-over", 1, FEW);
    };
    let assert_replaced = || {
        assert_eq!(database.text(Flag, "left-over"), None);
        assert_eq!(database.text(Segment, "left-over"), None);
        assert_eq!(json(database, Flag, "switch")["version"], 2);
    };
    by_python(database);
    leave_more();
    by_rust(database);
    assert_replaced();
    leave_more();
    by_python(database);
    assert_replaced();
    assert_results(database);
}

/// Checks the evaluations of the streamed data, which are the same for every writer and reader.
#[track_caller]
fn assert_results(database: &dyn Database) {
    let results = Evaluations::about(&FLAGS).results(database);
    assert_eq!(results.0["initialized"], true);
    let [ada, bob, carol] = [0, 1, 2];
    assert_eq!(
        *results.value(ada, "peculiar"),
        json!({"b": 100.0, "a": [1.5, null]})
    );
    assert_eq!(
        *results.reason(bob, "peculiar"),
        json!({"kind": "TARGET_MATCH"})
    );
    assert_eq!(*results.value(ada, "ruled"), "member");
    assert_eq!(*results.value(bob, "ruled"), "member");
    assert_eq!(*results.value(carol, "ruled"), "abroad");
    assert_eq!(*results.value(carol, "changed"), "after");
    assert_eq!(*results.value(ada, data::ODD_KEY), "off");
    assert_eq!(*results.value(bob, "minimal"), "yes");
    results.assert_gone("gone");
    results.assert_gone("never-there");
    for state in results.0["states"].as_array().unwrap() {
        assert_eq!(state["$valid"], true);
        // All flags that were sent, except for the deleted one.
        assert_eq!(
            state["$flagsState"].as_object().unwrap().len(),
            FLAGS.len() - 2
        );
    }
}

/// Makes the Rust SDK write the streamed data.
pub(crate) fn by_rust(database: &dyn Database) {
    let service = service();
    let client = Client::builder("sdk-key")
        .service_endpoints(ServiceEndpoints::relay(service.url()))
        .data_store(database.flags())
        .without_events()
        .start()
        .unwrap();
    wait_until_written(database);
    RUNTIME.block_on(client.close(TIMEOUT));
}

/// Makes the Python SDK write the streamed data.
pub(crate) fn by_python(database: &dyn Database) {
    let service = service();
    let writer = peer::Writer::start(database, &service.url());
    wait_until_written(database);
    writer.end();
}

fn service() -> FakeService {
    let service = FakeService::start().unwrap();
    let stream = data::events()
        .into_iter()
        .fold(Answer::stream(), |stream, (name, data)| {
            stream.event(name, &data)
        });
    service.always(Endpoint::Stream, stream);
    service
}

fn wait_until_written(database: &dyn Database) {
    let is = |kind, key, version| {
        database
            .text(kind, key)
            .is_some_and(|text| parsed(&text)["version"] == version)
    };
    // Earlier data is removed first. The last deletion is written last, unless everything is
    // written at once.
    until("the streamed data is written", || {
        database.has_marker() && !is(Flag, "left-over", 99) && is(Segment, "old", 4)
    });
}

fn json(database: &dyn Database, kind: DataKind, key: &str) -> Json {
    parsed(
        &database
            .text(kind, key)
            .unwrap_or_else(|| panic!("{key} is missing")),
    )
}

pub(crate) fn parsed(text: &str) -> Json {
    serde_json::from_str(text).unwrap()
}
