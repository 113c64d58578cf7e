//! `vexil mirror` into DynamoDB.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use support::{Folder, until};
use vexil_cli::Exit;
use vexil_dynamodb::aws_sdk_dynamodb::Client;
use vexil_dynamodb::aws_sdk_dynamodb::config::{BehaviorVersion, Config, Credentials, Region};
use vexil_dynamodb::aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use vexil_testing::servers::dynamodb_url;

/// A table that no other test uses.
struct Table {
    name: String,
    client: Client,
    runtime: tokio::runtime::Runtime,
}

impl Table {
    fn new() -> Self {
        static TABLES: AtomicU32 = AtomicU32::new(0);
        let number = TABLES.fetch_add(1, Ordering::Relaxed);
        let name = format!("cli-{}-{number}", std::process::id());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let config = Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("eu-central-1"))
            .endpoint_url(dynamodb_url().unwrap())
            .credentials_provider(Credentials::new("local", "local", None, None, "test"));
        let client = Client::from_conf(config.build());
        let mut create = client
            .create_table()
            .table_name(&name)
            .billing_mode(BillingMode::PayPerRequest);
        for (name, role) in [("namespace", KeyType::Hash), ("key", KeyType::Range)] {
            let attribute = AttributeDefinition::builder().attribute_name(name);
            let attribute = attribute.attribute_type(ScalarAttributeType::S);
            let key = KeySchemaElement::builder()
                .attribute_name(name)
                .key_type(role);
            create = create
                .attribute_definitions(attribute.build().unwrap())
                .key_schema(key.build().unwrap());
        }
        runtime.block_on(create.send()).unwrap();
        Self {
            name,
            client,
            runtime,
        }
    }

    fn url(&self) -> String {
        let endpoint = dynamodb_url().unwrap();
        format!(
            "dynamodb://{}?prefix=shop&region=eu-central-1&endpoint={endpoint}",
            self.name
        )
    }

    /// The keys of all rows, as `namespace/key`.
    fn keys(&self) -> Vec<String> {
        let rows = self
            .client
            .scan()
            .table_name(&self.name)
            .consistent_read(true);
        let rows = rows.into_paginator().items().send();
        let rows: Vec<_> = self
            .runtime
            .block_on(rows.collect::<Result<_, _>>())
            .unwrap();
        let text = |value: &vexil_dynamodb::aws_sdk_dynamodb::types::AttributeValue| {
            value.as_s().unwrap().clone()
        };
        let mut keys: Vec<_> = rows
            .iter()
            .map(|row| format!("{}/{}", text(&row["namespace"]), text(&row["key"])))
            .collect();
        keys.sort();
        keys
    }
}

fn folder(files: &[(&str, &str)]) -> Folder {
    let mut folder = Folder::with(files);
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        folder.variables.insert(name.to_owned(), "local".to_owned());
    }
    folder
}

fn flags(count: usize) -> Value {
    let flags =
        (0..count).map(|number| (format!("f{number:03}"), json!({"version": 1, "on": true})));
    json!({"flags": flags.collect::<serde_json::Map<_, _>>(), "segments": {"staff": {"version": 1}}})
}

fn is_copied(folder: &Folder, from: &str, table: &Table) -> bool {
    folder.vexil(&["diff", from, &table.url()]).exit == Exit::Done
}

#[test]
fn a_table_contains_what_the_source_contains() {
    let table = Table::new();
    let folder = folder(&[("flags.json", &flags(30).to_string())]);
    let ran = folder.vexil(&["mirror", "flags.json", &table.url()]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (Exit::Done, ""));
    assert!(
        ran.stdout.starts_with("mirrored 30 flags, 1 segment"),
        "{}",
        ran.stdout
    );
    assert!(is_copied(&folder, "flags.json", &table));
    folder.write("flags.json", &flags(29).to_string());
    let ran = folder.vexil(&["mirror", "flags.json", &table.url(), "--yes", "--json"]);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        document["flags"],
        json!({"written": 29, "removed": 1, "skipped": []})
    );
    assert!(is_copied(&folder, "flags.json", &table));
    let keys = table.keys();
    assert_eq!(keys.len(), 31);
    assert_eq!(keys[0], "shop:$inited/shop:$inited");
}

#[test]
fn an_item_that_is_too_large_is_named_and_the_others_are_written() {
    let table = Table::new();
    let mut data = flags(3);
    let folder = folder(&[("flags.json", &data.to_string())]);
    let ran = folder.vexil(&["mirror", "flags.json", &table.url()]);
    assert_eq!(ran.exit, Exit::Done, "{}", ran.stderr);
    data["flags"]["f001"] = json!({"version": 2, "salt": "x".repeat(410_000)});
    data["flags"]["f002"] = json!({"version": 2});
    folder.write("flags.json", &data.to_string());
    let ran = folder.vexil(&["mirror", "flags.json", &table.url(), "--json"]);
    assert_eq!(ran.exit, Exit::Incomplete, "{}", ran.stderr);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        document["flags"],
        json!({"written": 2, "removed": 0, "skipped": ["f001"]})
    );
    assert!(
        ran.stderr.contains("\"f001\" is too large"),
        "{}",
        ran.stderr
    );
    // The old one stays.
    let old = folder.vexil(&["show", &table.url(), "f001", "--raw"]);
    assert!(old.stdout.contains("\"version\":1"), "{}", old.stdout);
    let new = folder.vexil(&["show", &table.url(), "f002", "--raw"]);
    assert!(new.stdout.contains("\"version\":2"), "{}", new.stdout);
}

#[test]
fn an_interrupted_copy_says_what_the_table_contains() {
    let table = Table::new();
    let folder = Arc::new(folder(&[("flags.json", &flags(500).to_string())]));
    let (url, mut interrupted) = (table.url(), 0);
    for rows in [1, 100, 300] {
        let copy = folder.begin(&["mirror", "flags.json", &url, "--yes", "--allow-empty"]);
        until("some rows", || table.keys().len() > rows);
        let ran = copy.interrupt();
        let has_marker = table.keys().iter().any(|key| key.contains("$inited"));
        if ran.exit == Exit::Done {
            // The machine was faster than the signal.
            assert!(has_marker);
            continue;
        }
        interrupted += 1;
        assert_eq!(ran.exit, Exit::Interrupted);
        assert!(ran.stderr.contains("interrupted: "), "{}", ran.stderr);
        assert!(
            ran.stderr.contains("run the command again"),
            "{}",
            ran.stderr
        );
        if !has_marker {
            assert!(
                ran.stderr.contains("the marker is not set"),
                "{}",
                ran.stderr
            );
        }
    }
    assert!(interrupted > 0, "no copy was interrupted");
    let again = folder.vexil(&["mirror", "flags.json", &table.url(), "--yes"]);
    assert_eq!(again.exit, Exit::Done, "{}", again.stderr);
    assert!(is_copied(&folder, "flags.json", &table));
}

#[test]
fn a_copy_waits_for_the_lock_of_another_one() {
    let table = Table::new();
    let folder = Arc::new(folder(&[("flags.json", &flags(3).to_string())]));
    let url = table.url();
    let holder = folder.begin(&["mirror", "flags.json", &url, "--lock", "--follow"]);
    until("the first copy", || {
        is_copied(&folder, "flags.json", &table)
    });
    let second = folder.begin(&["mirror", "flags.json", &url, "--lock"]);
    until("the wait", || {
        second.written.stderr.text().contains("has the lock")
    });
    holder.interrupt();
    let ran = second.wait();
    assert_eq!(ran.exit, Exit::Done, "{}", ran.stderr);
    assert!(!table.keys().iter().any(|key| key.contains("lock")));
}
