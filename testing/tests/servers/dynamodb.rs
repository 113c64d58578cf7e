//! DynamoDB Local.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use vexil_testing::servers::{DynamoDbLocal, dynamodb_url};

use crate::is_closed;

#[test]
fn a_killed_server_is_empty_after_a_restart_on_its_port() {
    let server = DynamoDbLocal::start().unwrap();
    assert_eq!(server.url(), format!("http://127.0.0.1:{}", server.port()));
    assert_eq!(tables(&server), r#"{"TableNames":[]}"#);
    let table = r#"{"TableName":"flags","BillingMode":"PAY_PER_REQUEST",
        "KeySchema":[{"AttributeName":"k","KeyType":"HASH"}],
        "AttributeDefinitions":[{"AttributeName":"k","AttributeType":"S"}]}"#;
    let created = call(&server, "CreateTable", table);
    assert!(created.starts_with(r#"{"TableDescription":"#), "{created}");
    assert_eq!(tables(&server), r#"{"TableNames":["flags"]}"#);
    server.kill();
    assert!(is_closed(([127, 0, 0, 1], server.port()).into()));
    server.restart().unwrap();
    assert_eq!(tables(&server), r#"{"TableNames":[]}"#);
}

#[test]
fn a_paused_server_is_silent() {
    let server = DynamoDbLocal::start().unwrap();
    server.pause().unwrap();
    let mut client = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    client.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    client
        .set_read_timeout(Some(Duration::from_millis(50)))
        .unwrap();
    assert!(client.read(&mut [0]).is_err());
    server.resume().unwrap();
    client
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    assert_eq!(client.read(&mut [0]).unwrap(), 1);
}

#[test]
fn tests_of_a_process_share_a_server() {
    assert_eq!(dynamodb_url().unwrap(), dynamodb_url().unwrap());
}

fn tables(server: &DynamoDbLocal) -> String {
    call(server, "ListTables", "{}")
}

/// Calls an action with a dummy signature: DynamoDB Local requires a signature but does not verify
/// it.
fn call(server: &DynamoDbLocal, action: &str, body: &str) -> String {
    // Error statuses are returned as text, so that failing tests show them.
    let agent = ureq::Agent::from(
        ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build(),
    );
    let answer = agent
        .post(server.url())
        .header("x-amz-target", format!("DynamoDB_20120810.{action}"))
        .header("content-type", "application/x-amz-json-1.0")
        .header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=dummy/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
        )
        .send(body);
    answer.unwrap().body_mut().read_to_string().unwrap()
}
