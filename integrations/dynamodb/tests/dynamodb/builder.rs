//! Settings: invalid values are rejected, and secrets are not shown.

use std::error::Error;

use vexil_dynamodb::{DynamoDbBigSegmentStore, DynamoDbDataStore};

#[test]
fn invalid_settings_are_reported_when_the_store_is_built() {
    let error = DynamoDbDataStore::builder("").build().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the DynamoDB data store cannot be configured"
    );
    assert_eq!(error.source().unwrap().to_string(), "the table has no name");
    let error = DynamoDbBigSegmentStore::builder("flags")
        .endpoint("localhost:8000")
        .build()
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the DynamoDB big-segment store cannot be configured"
    );
    assert_eq!(
        error.source().unwrap().to_string(),
        "the endpoint must begin with https:// or http://"
    );
    for endpoint in [
        "http://",
        "https://:8000",
        "http://local host",
        "https://user:hidden@localhost",
    ] {
        let error = DynamoDbDataStore::builder("flags")
            .endpoint(endpoint)
            .build()
            .unwrap_err();
        let cause = error.source().unwrap();
        assert_eq!(
            cause.to_string(),
            "the endpoint must name a host, without user and password",
            "{endpoint}"
        );
        assert!(!format!("{error:?}").contains("hidden"), "{error:?}");
    }
    DynamoDbDataStore::builder("flags")
        .endpoint(" http://localhost:8000\n")
        .build()
        .unwrap();
}

#[test]
fn secrets_are_not_shown() {
    let builder = DynamoDbDataStore::builder("flags")
        .prefix("shop")
        .region("eu-central-1")
        .endpoint("http://localhost:8000/?token=hidden1")
        .credentials("hidden2", "hidden3");
    for shown in [
        format!("{builder:?}"),
        format!("{:?}", builder.build().unwrap()),
    ] {
        assert!(!shown.contains("hidden"), "{shown}");
        assert!(
            shown.contains("flags") && shown.contains("shop") && shown.contains("eu-central-1"),
            "{shown}"
        );
    }
}

// STO-F1: no request before the first call, so a client can be built while the database is down
#[test]
fn a_store_is_built_without_a_runtime_or_a_network() {
    let store = DynamoDbDataStore::builder("flags")
        .endpoint("https://dynamodb.invalid")
        .build()
        .unwrap();
    drop(store);
}
