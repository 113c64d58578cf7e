//! `vexil mirror` into DynamoDB.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::support::{Folder, until};
use serde_json::{Value, json};
use vexil_cli::Exit;
use vexil_testing::servers::dynamodb_url;

const REGION: &str = "eu-central-1";

/// A table that no other test uses.
struct Table(String);

impl Table {
    fn new() -> Self {
        static TABLES: AtomicU32 = AtomicU32::new(0);
        let number = TABLES.fetch_add(1, Ordering::Relaxed);
        let name = format!("mirror-{}-{number}", std::process::id());
        let keys = [("namespace", "HASH"), ("key", "RANGE")];
        let attributes = keys.map(|(name, _)| json!({"AttributeName": name, "AttributeType": "S"}));
        let schema = keys.map(|(name, role)| json!({"AttributeName": name, "KeyType": role}));
        let table = json!({"TableName": name, "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": attributes, "KeySchema": schema});
        request("CreateTable", &table);
        Self(name)
    }

    fn url(&self) -> String {
        let endpoint = dynamodb_url().unwrap();
        format!(
            "dynamodb://{}?prefix=shop&region={REGION}&endpoint={endpoint}",
            self.0
        )
    }

    /// The keys of all rows, as `namespace/key`.
    fn keys(&self) -> Vec<String> {
        let answer = request(
            "Scan",
            &json!({"TableName": self.0, "ConsistentRead": true,
            "ProjectionExpression": "#n, #k", "ExpressionAttributeNames": {"#n": "namespace", "#k": "key"}}),
        );
        assert!(
            answer.get("LastEvaluatedKey").is_none(),
            "more rows than one answer holds"
        );
        let rows = answer["Items"].as_array().unwrap().iter();
        let text = |value: &Value| value["S"].as_str().unwrap().to_owned();
        let mut keys: Vec<_> = rows
            .map(|row| format!("{}/{}", text(&row["namespace"]), text(&row["key"])))
            .collect();
        keys.sort();
        keys
    }
}

/// Sends a request, which DynamoDB Local accepts whatever its signature is.
fn request(operation: &str, body: &Value) -> Value {
    let url = dynamodb_url().unwrap();
    let host = url.trim_start_matches("http://");
    let body = body.to_string();
    let request = format!(
        "POST / HTTP/1.0\r\nhost: {host}\r\nx-amz-target: DynamoDB_20120810.{operation}\r\n\
         content-type: application/x-amz-json-1.0\r\ncontent-length: {}\r\nauthorization: AWS4-HMAC-SHA256 \
         Credential=local/20260101/{REGION}/dynamodb/aws4_request, SignedHeaders=host, Signature=0\r\n\r\n{body}",
        body.len()
    );
    let mut connection = TcpStream::connect(host).unwrap();
    connection.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(" 200 "), "{answer}");
    serde_json::from_str(body).unwrap()
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

#[test]
fn the_members_of_big_segments_are_copied() {
    let (one, other) = (Table::new(), Table::new());
    let folder = folder(&[(
        "flags.json",
        r#"{"segments": {"vip": {"version": 1, "unbounded": true, "generation": 2}}}"#,
    )]);
    assert_eq!(
        folder.vexil(&["mirror", "flags.json", &one.url()]).exit,
        Exit::Done
    );
    let put = |table: &Table, hash: &str, lists: Value| {
        let mut item = json!({"namespace": {"S": "shop:big_segments_user"}, "key": {"S": hash}});
        item.as_object_mut()
            .unwrap()
            .extend(lists.as_object().unwrap().clone());
        request("PutItem", &json!({"TableName": table.0, "Item": item}));
    };
    put(
        &one,
        "both=",
        json!({"included": {"SS": ["vip.g2"]}, "excluded": {"SS": ["a.g1", "b.g1"]}}),
    );
    put(&one, "none=", json!({}));
    put(&other, "gone=", json!({"included": {"SS": ["vip.g2"]}}));
    let metadata = |table: &Table, item: Value| {
        let mut row = json!({"namespace": {"S": "shop:big_segments_metadata"}, "key": {"S": "shop:big_segments_metadata"}});
        row.as_object_mut()
            .unwrap()
            .extend(item.as_object().unwrap().clone());
        request("PutItem", &json!({"TableName": table.0, "Item": row}));
    };
    metadata(
        &one,
        json!({"synchronizedOn": {"N": "1764000000000"}, "lastVersion": {"S": "1"}}),
    );
    metadata(&other, json!({"lastVersion": {"S": "2"}}));
    let ran = folder.vexil(&["mirror", &one.url(), &other.url(), "--big-segments"]);
    assert_eq!(ran.exit, Exit::Done, "{}", ran.stderr);
    assert!(
        ran.stdout
            .contains("copied the big segments of 2 contexts; removed 1\n"),
        "{}",
        ran.stdout
    );
    let keys = other.keys();
    let contexts: Vec<_> = keys.iter().filter(|key| key.contains("_user")).collect();
    assert_eq!(contexts, ["shop:big_segments_user/both="]);
    let key = json!({"namespace": {"S": "shop:big_segments_metadata"}, "key": {"S": "shop:big_segments_metadata"}});
    let row = request("GetItem", &json!({"TableName": other.0, "Key": key}));
    assert_eq!(row["Item"]["synchronizedOn"]["N"], "1764000000000");
    assert_eq!(row["Item"]["lastVersion"]["S"], "2");
}
