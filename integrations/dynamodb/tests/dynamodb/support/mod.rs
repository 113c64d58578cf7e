//! Each test's own table in a real DynamoDB, and fault injection between it and the store.

mod tap;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Credentials, Region, SharedHttpClient};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType,
};
use serde_json::{Value, json};
pub(crate) use tap::{Call, Reply, Tap};
use vexil::Text;
use vexil::model::DataKind;
use vexil::store::{Collection, StoredItem};
use vexil_dynamodb::{DynamoDbBuilder, aws_sdk_dynamodb};
use vexil_testing::FaultProxy;
use vexil_testing::servers::dynamodb_url;

/// Longer than any operation takes, even on a busy machine.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(120);

/// A row in DynamoDB's notation: `{"version": {"N": "1"}}`.
pub(crate) type Row = HashMap<String, AttributeValue>;

/// A table that no other test uses.
#[derive(Debug)]
pub(crate) struct TestTable {
    pub(crate) name: String,
    pub(crate) client: Client,
}

impl TestTable {
    pub(crate) async fn new() -> Self {
        Self::with_keys("namespace", "key").await
    }

    /// A table that exists already, created on any runtime.
    pub(crate) fn existing(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            client: client_over(http()),
        }
    }

    /// A table with other key names.
    pub(crate) async fn with_keys(partition: &str, sort: &str) -> Self {
        static TABLES: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "test-{}-{}",
            std::process::id(),
            TABLES.fetch_add(1, Ordering::Relaxed)
        );
        let table = Self::existing(&name);
        let mut create = table
            .client
            .create_table()
            .table_name(&name)
            .billing_mode(BillingMode::PayPerRequest);
        for (name, role) in [(partition, KeyType::Hash), (sort, KeyType::Range)] {
            let attribute = AttributeDefinition::builder()
                .attribute_name(name)
                .attribute_type(ScalarAttributeType::S);
            let key = KeySchemaElement::builder()
                .attribute_name(name)
                .key_type(role);
            create = create
                .attribute_definitions(attribute.build().unwrap())
                .key_schema(key.build().unwrap());
        }
        create.send().await.unwrap();
        table
    }

    /// All rows of the table, sorted by their keys.
    pub(crate) async fn rows(&self) -> Vec<Row> {
        let rows = self
            .client
            .scan()
            .table_name(&self.name)
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut rows: Vec<Row> = rows.collect::<Result<_, _>>().await.unwrap();
        rows.sort_by_key(|row| {
            (
                format!("{:?}", row["namespace"]),
                format!("{:?}", row["key"]),
            )
        });
        rows
    }

    /// Writes a row unchanged.
    pub(crate) async fn put<const N: usize>(&self, row: [(&str, AttributeValue); N]) {
        let row = row
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        self.client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(row))
            .send()
            .await
            .unwrap();
    }
}

/// A store over this table, through the default client of the crate.
pub(crate) fn local<S>(builder: DynamoDbBuilder<S>) -> DynamoDbBuilder<S> {
    let builder = builder
        .endpoint(dynamodb_url().unwrap())
        .region("eu-central-1")
        .credentials("local", "local");
    with_long_timeouts(builder)
}

/// A store over this table, through a tap.
pub(crate) fn through<S>(tap: &Tap, builder: DynamoDbBuilder<S>) -> DynamoDbBuilder<S> {
    with_long_timeouts(builder.client(tap.client()))
}

/// Sets timeouts long enough for a busy machine, for tests of anything else.
fn with_long_timeouts<S>(builder: DynamoDbBuilder<S>) -> DynamoDbBuilder<S> {
    builder
        .read_timeout(TIMEOUT)
        .probe_timeout(TIMEOUT)
        .bulk_timeout(TIMEOUT)
}

/// Like [`local`], with a proxy in front of the database.
pub(crate) fn behind<S>(builder: DynamoDbBuilder<S>) -> (FaultProxy, DynamoDbBuilder<S>) {
    let proxy = FaultProxy::start(dynamodb_url().unwrap().trim_start_matches("http://")).unwrap();
    let url = format!("http://{}", proxy.address());
    (proxy, local(builder).endpoint(url))
}

/// A client over this connection, without retries.
pub(crate) fn client_over(http: SharedHttpClient) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .http_client(http)
        .endpoint_url(dynamodb_url().unwrap())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "test"))
        .retry_config(RetryConfig::disabled());
    Client::from_conf(config.build())
}

/// A real connection, without TLS.
fn http() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().build_http()
}

pub(crate) fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(crate) fn n(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// The row of an item, as all LaunchDarkly SDKs write it.
pub(crate) fn item_row(namespace: &str, key: &str, version: u64, item: &str) -> Row {
    [
        ("namespace", s(namespace)),
        ("key", s(key)),
        ("version", n(version)),
        ("item", s(item)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

pub(crate) fn marker_row(marker: &str) -> Row {
    [("namespace", s(marker)), ("key", s(marker))]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
}

/// An item as the SDK writes it.
pub(crate) fn item(version: u64, body: &str) -> StoredItem {
    StoredItem::new(body.to_owned())
        .with_version(version)
        .with_deleted(false)
}

/// Segments and flags, in the order in which the SDK passes them.
pub(crate) fn data(
    segments: Vec<(&str, StoredItem)>,
    flags: Vec<(&str, StoredItem)>,
) -> Vec<Collection> {
    [(DataKind::Segment, segments), (DataKind::Flag, flags)]
        .map(|(kind, items)| {
            let items = items.into_iter().map(|(key, item)| (Text::from(key), item));
            Collection::new(kind, items.collect())
        })
        .into()
}

/// This number of items, all of version 1, with keys in order.
pub(crate) fn many(count: usize, body: &str) -> Vec<(String, StoredItem)> {
    (0..count)
        .map(|number| (format!("item-{number:05}"), item(1, body)))
        .collect()
}

/// An error reply of DynamoDB.
pub(crate) fn refusal(code: &str) -> Reply {
    Reply::Answer(
        400,
        json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": "no"}),
    )
}

/// The keys of a call's puts or deletes, in order.
pub(crate) fn written(call: &Call, what: &str) -> Vec<String> {
    let requests = call.body["RequestItems"]
        .as_object()
        .into_iter()
        .flat_map(serde_json::Map::values);
    let keys = requests
        .flat_map(|requests| requests.as_array().unwrap())
        .filter_map(|request| match what {
            "put" => request.pointer("/PutRequest/Item/key/S"),
            _ => request.pointer("/DeleteRequest/Key/key/S"),
        });
    keys.map(|key| key.as_str().unwrap().to_owned()).collect()
}

/// A reply to a batch that leaves all of it unprocessed.
pub(crate) fn unprocessed(call: &Call) -> Value {
    json!({"UnprocessedItems": call.body["RequestItems"]})
}
