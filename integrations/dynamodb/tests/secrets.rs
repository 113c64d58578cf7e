//! Plants credentials in the settings of the stores, and searches for them in all errors, debug
//! output and logs, of the SDK and of the libraries it uses.
//!
//! A separate test binary, because it captures the log of the whole process, of all threads and all
//! levels.

#![cfg(test)]

#[path = "../../../core/tests/support/log.rs"]
mod log;
#[path = "../../../core/tests/support/planted.rs"]
mod planted;

use std::time::Duration;

use aws_sdk_dynamodb::Client as Aws;
use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Credentials, Region};
use planted::{
    found_in, found_in_error, hides, hides_in_error, log, logged, nothing_was_logged, secret,
};
use serde_json::json;
use vexil::big_segments::BigSegmentStore;
use vexil::config::{BigSegmentsConfig, PersistentStoreConfig};
use vexil::store::{PersistentDataStore, StoreError};
use vexil::{Client, Context};
use vexil_dynamodb::{
    DynamoDbBigSegmentStore, DynamoDbBuilder, DynamoDbDataStore, aws_sdk_dynamodb,
};
use vexil_testing::fake_service::{Answer, Endpoint};
use vexil_testing::{FakeService, TestData};

/// Upper limit for every wait.
const SOON: Duration = Duration::from_secs(120);

/// How a store gets its credentials.
#[derive(Clone, Copy)]
enum From {
    Builder,
    /// A client of the application, with a session token.
    Client,
}

fn with_credentials<S>(builder: DynamoDbBuilder<S>, url: &str, from: From) -> DynamoDbBuilder<S> {
    match from {
        From::Builder => builder
            .endpoint(url)
            .region("eu-central-1")
            .credentials("id", secret("access-key")),
        From::Client => {
            let token = Some(secret("session-token"));
            let credentials = Credentials::new("id", secret("access-key"), token, None, "test");
            let http = aws_smithy_http_client::Builder::new().build_http();
            let config = Config::builder()
                .behavior_version(BehaviorVersion::v2026_01_12())
                .http_client(http)
                .endpoint_url(url)
                .region(Region::new("eu-central-1"))
                .credentials_provider(credentials);
            builder.client(Aws::from_conf(config.build()))
        }
    }
}

/// Uses stores of this server, which refuses or fails, in every kind of client.
fn use_it(url: &str, from: From) {
    let data = || with_credentials(DynamoDbDataStore::builder("flags"), url, from);
    let members = || with_credentials(DynamoDbBigSegmentStore::builder("flags"), url, from);
    hides(&data());
    hides(&members());
    for daemon in [true, false] {
        let client = Client::builder(secret("sdk-key"))
            .big_segments(BigSegmentsConfig::new(members()))
            .without_events();
        let client = if daemon {
            client.daemon_mode(data())
        } else {
            let flags = TestData::new().with("flag", secret("value"));
            let store = PersistentStoreConfig::new(data());
            client.data_source(flags).data_store(store)
        };
        hides(&client);
        let client = client.start().unwrap();
        if let Err(error) = client.blocking_wait_until_ready(Duration::from_millis(100)) {
            hides_in_error(&error);
        }
        let context = Context::new(secret("context")).unwrap();
        drop(client.variation_detail("flag", &context, "default"));
        hides(&client.data_store_status().status());
        hides(&client.big_segment_store_status().blocking_status(SOON));
        client.blocking_close(SOON);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let store = data().build().unwrap();
        hides(&store);
        for error in [
            store.is_initialized().await.unwrap_err(),
            members()
                .build()
                .unwrap()
                .membership("x")
                .await
                .unwrap_err(),
        ] {
            hides_in_error(&error);
        }
    });
}

#[test]
fn credentials_are_not_shown_when_access_is_refused_or_the_database_fails() {
    log();
    let service = FakeService::start().unwrap();
    let refusal = |code: &str| {
        let body =
            json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": "no"});
        Answer::status(400)
            .content_type("application/x-amz-json-1.0")
            .body(body.to_string())
    };
    for answer in [
        refusal("AccessDeniedException"),
        // The AWS SDK logs answers at the level TRACE: they are data of the table, not secrets.
        Answer::status(503).body("an answer"),
        Answer::hang_up(),
    ] {
        service.always(Endpoint::Other, answer);
        for from in [From::Builder, From::Client] {
            use_it(&service.url(), from);
        }
    }
    let requests = service.requests();
    let signed = |name: &str| {
        requests
            .iter()
            .any(|request| request.header(name).is_some())
    };
    assert!(signed("authorization") && signed("x-amz-security-token"));
    for from in [From::Builder, From::Client] {
        use_it("http://127.0.0.1:1", from);
    }
    nothing_was_logged();
}

#[test]
fn these_tests_find_a_secret() {
    log();
    tracing::trace!("{}", "a secret");
    assert_eq!(logged("a secret").len(), 1);
    assert!(found_in(&Some(secret("debug"))).is_some());
    let error = StoreError::unavailable(std::io::Error::other(secret("cause")));
    assert!(found_in_error(&error).is_some());
}
