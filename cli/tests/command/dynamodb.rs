//! Sources in DynamoDB.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::support::Folder;
use vexil::model::DataKind;
use vexil::store::{Collection, PersistentDataStore, StoredItem};
use vexil_cli::Exit;
use vexil_dynamodb::DynamoDbDataStore;
use vexil_testing::servers::dynamodb_url;

const FLAG: &str = r#"{ "key": "theme","version": 8, "x": 1.50 }"#;
const REGION: &str = "eu-central-1";

/// Creates a table, with a request that DynamoDB Local accepts whatever its signature is.
fn create(url: &str, table: &str) {
    let host = url.trim_start_matches("http://");
    let attribute = |name: &str| format!(r#"{{"AttributeName":"{name}","AttributeType":"S"}}"#);
    let key =
        |name: &str, role: &str| format!(r#"{{"AttributeName":"{name}","KeyType":"{role}"}}"#);
    let body = format!(
        r#"{{"TableName":"{table}","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{},{}],"KeySchema":[{},{}]}}"#,
        attribute("namespace"),
        attribute("key"),
        key("namespace", "HASH"),
        key("key", "RANGE"),
    );
    let request = format!(
        "POST / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\nx-amz-target: DynamoDB_20120810.CreateTable\r\n\
         content-type: application/x-amz-json-1.0\r\ncontent-length: {}\r\nauthorization: AWS4-HMAC-SHA256 \
         Credential=local/20260101/{REGION}/dynamodb/aws4_request, SignedHeaders=host, Signature=0\r\n\r\n{body}",
        body.len()
    );
    let mut connection = TcpStream::connect(host).unwrap();
    connection.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

fn folder() -> Folder {
    let mut folder = Folder::new();
    for (name, value) in [
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_REGION", REGION),
    ] {
        folder.variables.insert(name.to_owned(), value.to_owned());
    }
    folder
}

#[test]
fn a_table_is_read_with_the_version_beside_the_text() {
    let endpoint = dynamodb_url().unwrap();
    let table = format!("cli-{}", std::process::id());
    create(&endpoint, &table);
    let source = |prefix: &str| format!("dynamodb://{table}?endpoint={endpoint}&prefix={prefix}");
    let folder = folder();
    let ran = folder.vexil(&["list", &source("shop")]);
    assert_eq!(ran.exit, Exit::Unreadable, "{ran:?}");
    let expected = format!(
        "error: {}: nothing is stored under the prefix \"shop\"\nhelp: is it the right database? ?prefix=NAME selects \
         another prefix\n",
        source("shop")
    );
    assert_eq!(ran.stderr, expected);

    let store = DynamoDbDataStore::builder(&table)
        .prefix("shop")
        .endpoint(&endpoint)
        .region(REGION)
        .credentials("local", "local")
        .build()
        .unwrap();
    let item = StoredItem::new(FLAG).with_version(9).with_deleted(false);
    let flags = Collection::new(DataKind::Flag, vec![("theme".into(), item)]);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(store.init(&[flags])).unwrap();
    let ran = folder.vexil(&["show", &source("shop"), "theme", "--raw"]);
    let shown = (ran.exit, ran.stdout.as_str(), ran.stderr.as_str());
    assert_eq!(shown, (Exit::Done, FLAG, ""));
    let ran = folder.vexil(&["list", &source("shop"), "--json"]);
    assert!(ran.stdout.contains(r#""version":9"#), "{ran:?}");
}

#[test]
fn a_missing_table_and_a_missing_server_are_explained() {
    let endpoint = dynamodb_url().unwrap();
    let folder = folder();
    let source = format!("dynamodb://none?endpoint={endpoint}");
    let ran = folder.vexil(&["list", &source]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (Exit::Unreachable, ""));
    let begin = format!("error: {source} cannot be used: there is no table \"none\"");
    assert!(ran.stderr.starts_with(&begin), "{ran:?}");
    let ran = Folder::new().vexil(&["list", &format!("{source}&timeout=2s&region={REGION}")]);
    assert_eq!(ran.exit, Exit::Unreachable, "{ran:?}");
    assert!(ran.stderr.contains("set AWS_ACCESS_KEY_ID"), "{ran:?}");
    let source = "dynamodb://none?endpoint=http://127.0.0.1:1&timeout=1s";
    let ran = folder.vexil(&["list", source]);
    assert_eq!(ran.exit, Exit::Unreachable, "{ran:?}");
    assert!(ran.stderr.contains(source), "{ran:?}");
    assert!(ran.stderr.contains("\nhelp: "), "{ran:?}");
}
