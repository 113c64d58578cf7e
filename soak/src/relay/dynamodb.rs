//! [`DynamoDbRelay`]: a DynamoDB Local with the environment.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_smithy_http_client::Builder;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use tokio::runtime::Runtime;
use vexil_dynamodb::aws_sdk_dynamodb::Client;
use vexil_dynamodb::aws_sdk_dynamodb::config::{BehaviorVersion, Config, Credentials, Region};
use vexil_dynamodb::aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType,
};
use vexil_testing::servers::DynamoDbLocal;

use super::{Failure, MEMBERS, PREFIX, member};
use crate::environment::{Environment, Item, VIP_REFERENCE};

pub(crate) const TABLE: &str = "soak";
pub(crate) const REGION: &str = "eu-central-1";

#[derive(Debug)]
pub(crate) struct DynamoDbRelay {
    pub(crate) server: DynamoDbLocal,
    client: Client,
    runtime: Runtime,
}

type Attribute<'a> = (&'a str, AttributeValue);

impl DynamoDbRelay {
    pub(super) fn start() -> Result<Self, Failure> {
        let server = DynamoDbLocal::start()?;
        let config = Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .http_client(Builder::new().build_http())
            .endpoint_url(server.url())
            .region(Region::new(REGION))
            .credentials_provider(Credentials::new("local", "local", None, None, "soak"))
            .build();
        let relay = Self {
            server,
            client: Client::from_conf(config),
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?,
        };
        relay.create_table()?;
        Ok(relay)
    }

    /// Writes everything.
    pub(super) fn complete(&self, environment: &Environment) -> Result<(), Failure> {
        for item in Item::all() {
            self.put(environment, item)?;
        }
        for number in 0..MEMBERS {
            let hash = STANDARD.encode(Sha256::digest(member(number)));
            let included = AttributeValue::Ss(vec![VIP_REFERENCE.to_owned()]);
            self.put_row("big_segments_user", &hash, [("included", included)])?;
        }
        let metadata = format!("{PREFIX}:big_segments_metadata");
        let time = AttributeValue::N(now());
        self.put_row(
            "big_segments_metadata",
            &metadata,
            [("synchronizedOn", time)],
        )?;
        self.put_row("$inited", &format!("{PREFIX}:$inited"), [])
    }

    /// Writes the current version of an item.
    pub(super) fn put(&self, environment: &Environment, item: Item) -> Result<(), Failure> {
        let version = environment.version(item);
        let attributes = [
            ("version", AttributeValue::N(version.to_string())),
            ("item", AttributeValue::S(item.json(version).to_string())),
        ];
        self.put_row(item.collection(), &item.key(), attributes)
    }

    /// The stored items under a prefix, by key.
    pub(crate) fn stored(&self, prefix: &str) -> Result<Vec<(String, String)>, Failure> {
        let query = self
            .client
            .query()
            .table_name(TABLE)
            .consistent_read(true)
            .key_condition_expression("namespace = :namespace")
            .expression_attribute_values(
                ":namespace",
                AttributeValue::S(format!("{prefix}:features")),
            );
        let rows = self.runtime.block_on(query.send())?;
        let text = |value: Option<&AttributeValue>| {
            let text = value.and_then(|value| value.as_s().ok());
            text.cloned().unwrap_or_default()
        };
        let rows = rows.items().iter();
        Ok(rows
            .map(|row| (text(row.get("key")), text(row.get("item"))))
            .collect())
    }

    fn put_row<const N: usize>(
        &self,
        namespace: &str,
        key: &str,
        attributes: [Attribute<'_>; N],
    ) -> Result<(), Failure> {
        let mut put = self
            .client
            .put_item()
            .table_name(TABLE)
            .item(
                "namespace",
                AttributeValue::S(format!("{PREFIX}:{namespace}")),
            )
            .item("key", AttributeValue::S(key.to_owned()));
        for (name, value) in attributes {
            put = put.item(name, value);
        }
        self.runtime.block_on(put.send())?;
        Ok(())
    }

    fn create_table(&self) -> Result<(), Failure> {
        let mut create = self
            .client
            .create_table()
            .table_name(TABLE)
            .billing_mode(BillingMode::PayPerRequest);
        for (name, role) in [("namespace", KeyType::Hash), ("key", KeyType::Range)] {
            let attribute = AttributeDefinition::builder()
                .attribute_name(name)
                .attribute_type(ScalarAttributeType::S);
            let key = KeySchemaElement::builder()
                .attribute_name(name)
                .key_type(role);
            create = create
                .attribute_definitions(attribute.build()?)
                .key_schema(key.build()?);
        }
        self.runtime.block_on(create.send())?;
        Ok(())
    }
}

/// The current time in milliseconds, as text.
pub(super) fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_millis().to_string()
}
