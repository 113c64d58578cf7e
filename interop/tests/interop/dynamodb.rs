//! One environment in a DynamoDB table.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use serde_json::{Value as Json, json};
use vexil::config::{BigSegmentsConfig, PersistentStoreConfig};
use vexil::model::DataKind;
use vexil::store::PersistentDataStore;
use vexil_dynamodb::aws_sdk_dynamodb::Client;
use vexil_dynamodb::aws_sdk_dynamodb::config::{BehaviorVersion, Config, Credentials, Region};
use vexil_dynamodb::aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType,
};
use vexil_dynamodb::{DynamoDbBigSegmentStore, DynamoDbBuilder, DynamoDbDataStore};
use vexil_testing::servers::dynamodb_url;

use crate::Database;
use crate::database::{RUNTIME, prefix};

/// Shared by all tests of this process, and by no other process.
static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(dynamodb_url().unwrap())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "test"));
    let table = Table {
        name: format!("interop-{}", std::process::id()),
        client: Client::from_conf(config.build()),
    };
    RUNTIME.block_on(create(&table));
    table
});

struct Table {
    name: String,
    client: Client,
}

async fn create(table: &Table) {
    let mut create = table
        .client
        .create_table()
        .table_name(&table.name)
        .billing_mode(BillingMode::PayPerRequest);
    for (name, role) in [("namespace", KeyType::Hash), ("key", KeyType::Range)] {
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
}

pub(crate) struct DynamoDbEnvironment {
    prefix: String,
}

impl DynamoDbEnvironment {
    pub(crate) fn new() -> Self {
        LazyLock::force(&TABLE);
        Self { prefix: prefix() }
    }

    fn builder<S>(&self, builder: DynamoDbBuilder<S>) -> DynamoDbBuilder<S> {
        builder
            .endpoint(dynamodb_url().unwrap())
            .region("eu-central-1")
            .credentials("local", "local")
            .prefix(&self.prefix)
    }

    fn keys(&self, namespace: &str, key: &str) -> HashMap<String, AttributeValue> {
        [
            ("namespace", s(format!("{}:{namespace}", self.prefix))),
            ("key", s(key)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    fn put_row(
        &self,
        namespace: &str,
        key: &str,
        attributes: impl IntoIterator<Item = (&'static str, AttributeValue)>,
    ) {
        let mut row = self.keys(namespace, key);
        row.extend(
            attributes
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value)),
        );
        RUNTIME
            .block_on(
                TABLE
                    .client
                    .put_item()
                    .table_name(&TABLE.name)
                    .set_item(Some(row))
                    .send(),
            )
            .unwrap();
    }

    fn row(&self, namespace: &str, key: &str) -> Option<HashMap<String, AttributeValue>> {
        let keys = Some(self.keys(namespace, key));
        let row = TABLE
            .client
            .get_item()
            .table_name(&TABLE.name)
            .set_key(keys)
            .consistent_read(true);
        RUNTIME.block_on(row.send()).unwrap().item
    }

    /// Returns the sort key of a row that is alone in its namespace: the namespace again.
    fn alone(&self, namespace: &str) -> String {
        format!("{}:{namespace}", self.prefix)
    }
}

impl Database for DynamoDbEnvironment {
    fn store(&self) -> Arc<dyn PersistentDataStore> {
        Arc::new(
            self.builder(DynamoDbDataStore::builder(&TABLE.name))
                .build()
                .unwrap(),
        )
    }

    fn flags(&self) -> PersistentStoreConfig {
        self.builder(DynamoDbDataStore::builder(&TABLE.name)).into()
    }

    fn big_segments(&self) -> BigSegmentsConfig {
        self.builder(DynamoDbBigSegmentStore::builder(&TABLE.name))
            .into()
    }

    fn for_peer(&self) -> Json {
        json!({"table": TABLE.name, "endpoint": dynamodb_url().unwrap(), "prefix": self.prefix})
    }

    fn for_command_line(&self) -> String {
        let (table, endpoint, prefix) = (&TABLE.name, dynamodb_url().unwrap(), &self.prefix);
        format!("dynamodb://{table}?prefix={prefix}&region=eu-central-1&endpoint={endpoint}")
    }

    fn put(&self, kind: DataKind, key: &str, version: u64, text: &str) {
        let version = AttributeValue::N(version.to_string());
        self.put_row(
            kind.namespace(),
            key,
            [("version", version), ("item", s(text))],
        );
    }

    fn text(&self, kind: DataKind, key: &str) -> Option<String> {
        let row = self.row(kind.namespace(), key)?;
        Some(row["item"].as_s().unwrap().clone())
    }

    fn mark(&self) {
        self.put_row("$inited", &self.alone("$inited"), []);
    }

    fn has_marker(&self) -> bool {
        self.row("$inited", &self.alone("$inited")).is_some()
    }

    fn put_membership(&self, context_hash: &str, included: &[&str], excluded: &[&str]) {
        let sets = [("included", included), ("excluded", excluded)]
            .into_iter()
            .filter(|(_, set)| !set.is_empty());
        let strings = |set: &[&str]| {
            AttributeValue::Ss(set.iter().map(|&segment| segment.to_owned()).collect())
        };
        self.put_row(
            "big_segments_user",
            context_hash,
            sets.map(|(name, set)| (name, strings(set))),
        );
    }

    fn put_synchronized(&self, time: u64) {
        let time = AttributeValue::N(time.to_string());
        self.put_row(
            "big_segments_metadata",
            &self.alone("big_segments_metadata"),
            [("synchronizedOn", time)],
        );
    }
}

fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}
