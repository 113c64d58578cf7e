//! Files as flag overrides (FDV2-9.4).

#![cfg(test)]

#[allow(dead_code, reason = "each test binary uses a part of it")]
mod support;

use serde_json::{Value as Json, json};
use support::{Files, TIMEOUT, changes, value};
use vexil::{Client, Context};
use vexil_file_data::{FileData, FileDataBuilder};
use vexil_testing::{EventRecorder, RecordedEvent, TestData};

fn start(overrides: FileDataBuilder, data: &TestData) -> (Client, EventRecorder) {
    let events = EventRecorder::new();
    let client = Client::builder("sdk-key")
        .data_source(data.clone())
        .flag_overrides(overrides)
        .events(events.clone())
        .start()
        .unwrap();
    (client, events)
}

// FDV2-9.4
#[test]
fn overrides_have_the_version_in_the_file_and_plain_values_are_flags_that_are_off() {
    let files = Files::new();
    let file = files.write(
        "f.yaml",
        "
        flags:
          whole: { version: 300, on: true, variations: [a], fallthrough: { variation: 0 } }
          without: { on: true, variations: [b], fallthrough: { variation: 0 } }
        flagValues: { plain: c }
        ",
    );
    let (client, events) = start(FileData::path(file), &TestData::new());
    let evaluated = |key: &str| {
        let detail =
            client.json_variation_detail(key, &Context::new("ada").unwrap(), "default".into());
        let [RecordedEvent::Evaluation(event)] = &events.take()[..] else {
            panic!("one evaluation is recorded");
        };
        let version = event.version;
        (
            serde_json::to_value(&detail.reason).unwrap(),
            version,
            detail.value,
        )
    };
    let reason = |kind: &str| -> Json { json!({"kind": kind, "isOverride": true}) };
    assert_eq!(
        evaluated("whole"),
        (reason("FALLTHROUGH"), Some(300), "a".into())
    );
    assert_eq!(
        evaluated("without"),
        (reason("FALLTHROUGH"), Some(1), "b".into())
    );
    assert_eq!(evaluated("plain"), (reason("OFF"), Some(1), "c".into()));
}

// FDV2-9.4
#[test]
fn a_reload_takes_effect_whatever_the_versions() {
    let files = Files::new();
    let data = TestData::new().with("a", "data");
    // Both files have the same versions, as is usual for overrides.
    let over = |value: &str| {
        format!("flags: {{ a: {{ version: 7, variations: [{value}], offVariation: 0 }} }}")
    };
    for force_polling in [false, true] {
        let file = files.write("f.yaml", over("first"));
        let overrides = FileData::path(file)
            .watch(true)
            .force_polling(force_polling);
        let (client, _) = start(overrides, &data);
        assert_eq!(value(&client, "a"), "first".into());

        let changes = changes(&client);
        files.replace("f.yaml", &over("second"));
        assert_eq!(changes.recv_timeout(TIMEOUT).unwrap(), "a");
        assert_eq!(value(&client, "a"), "second".into());
        files.replace("f.yaml", "{}");
        assert_eq!(changes.recv_timeout(TIMEOUT).unwrap(), "a");
        assert_eq!(value(&client, "a"), "data".into());
    }
}

// FDV2-9.4
#[test]
fn a_file_that_is_missing_or_malformed_at_the_start_overrides_nothing_until_it_is_valid() {
    let files = Files::new();
    let data = TestData::new().with("a", "data");
    for before in [None, Some("flags: {")] {
        let file = files.path("f.yaml");
        drop(std::fs::remove_file(&file));
        if let Some(text) = before {
            files.write("f.yaml", text);
        }
        let (client, _) = start(FileData::path(file).watch(true), &data);
        client.blocking_wait_until_ready(TIMEOUT).unwrap();
        assert_eq!(value(&client, "a"), "data".into());
        let changes = changes(&client);
        files.replace("f.yaml", "flagValues: { a: override }");
        assert_eq!(changes.recv_timeout(TIMEOUT).unwrap(), "a");
        assert_eq!(value(&client, "a"), "override".into());
    }
}
