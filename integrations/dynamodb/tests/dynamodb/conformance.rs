//! The public conformance suites for stores.

use std::net::TcpListener;
use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use tokio::sync::OnceCell;
use vexil::async_trait;
use vexil::big_segments::BigSegmentStore;
use vexil::model::DataKind;
use vexil::store::{PersistentDataStore, StoredItem};
use vexil_dynamodb::{
    DynamoDbBigSegmentStore, DynamoDbBuilder, DynamoDbDataStore, aws_sdk_dynamodb,
};
use vexil_testing::conformance::{BigSegmentStoreHarness, PersistentStoreHarness};

use crate::support::{TestTable, local, n, s};

mod of_the_data_store {
    vexil_testing::persistent_store_conformance!(super::Harness);
}

mod of_the_big_segment_store {
    vexil_testing::big_segment_store_conformance!(super::Harness);
}

/// Prefixes in one table that all tests share.
struct Harness;

impl Harness {
    async fn table(&self) -> TestTable {
        static NAME: OnceCell<String> = OnceCell::const_new();
        let name = NAME.get_or_init(async || TestTable::new().await.name).await;
        TestTable::existing(name)
    }

    async fn remove(&self, prefix: &str) {
        let table = self.table().await;
        let names = [
            "features",
            "segments",
            "$inited",
            "big_segments_user",
            "big_segments_metadata",
        ];
        let namespaces = names.map(|name| s(format!("{prefix}:{name}")));
        for mut row in table.rows().await {
            row.retain(|name, _| ["namespace", "key"].contains(&name.as_str()));
            if namespaces.contains(&row["namespace"]) {
                table
                    .client
                    .delete_item()
                    .table_name(&table.name)
                    .set_key(Some(row))
                    .send()
                    .await
                    .unwrap();
            }
        }
    }
}

fn unreachable<S>(builder: DynamoDbBuilder<S>) -> DynamoDbBuilder<S> {
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    local(builder).endpoint(format!("http://{closed}"))
}

#[async_trait]
impl PersistentStoreHarness for Harness {
    async fn store(&self, prefix: &str) -> Arc<dyn PersistentDataStore> {
        let builder = DynamoDbDataStore::builder(self.table().await.name);
        Arc::new(local(builder).prefix(prefix).build().unwrap())
    }

    async fn unreachable(&self) -> Arc<dyn PersistentDataStore> {
        Arc::new(
            unreachable(DynamoDbDataStore::builder("flags"))
                .build()
                .unwrap(),
        )
    }

    async fn put(&self, prefix: &str, kind: DataKind, key: &str, row: &StoredItem) {
        let namespace = s(format!("{prefix}:{}", kind.namespace()));
        let text = s(String::from_utf8(row.body.to_vec()).unwrap());
        let table = self.table().await;
        match row.version {
            Some(version) => {
                table
                    .put([
                        ("namespace", namespace),
                        ("key", s(key)),
                        ("version", n(version)),
                        ("item", text),
                    ])
                    .await;
            }
            None => {
                table
                    .put([("namespace", namespace), ("key", s(key)), ("item", text)])
                    .await
            }
        }
    }

    async fn mark(&self, prefix: &str) {
        let marker = s(format!("{prefix}:$inited"));
        self.table()
            .await
            .put([("namespace", marker.clone()), ("key", marker)])
            .await;
    }

    async fn clear(&self, prefix: &str) {
        self.remove(prefix).await;
    }
}

#[async_trait]
impl BigSegmentStoreHarness for Harness {
    async fn store(&self, prefix: &str) -> Arc<dyn BigSegmentStore> {
        let builder = DynamoDbBigSegmentStore::builder(self.table().await.name);
        Arc::new(local(builder).prefix(prefix).build().unwrap())
    }

    async fn unreachable(&self) -> Arc<dyn BigSegmentStore> {
        Arc::new(
            unreachable(DynamoDbBigSegmentStore::builder("flags"))
                .build()
                .unwrap(),
        )
    }

    async fn set_membership(
        &self,
        prefix: &str,
        context_hash: &str,
        included: &[&str],
        excluded: &[&str],
    ) {
        let table = self.table().await;
        let row = [
            ("namespace", s(format!("{prefix}:big_segments_user"))),
            ("key", s(context_hash)),
        ];
        let mut put = table.client.put_item().table_name(&table.name);
        for (name, value) in row {
            put = put.item(name, value);
        }
        // DynamoDB has no empty sets.
        for (name, references) in [("included", included), ("excluded", excluded)] {
            if !references.is_empty() {
                put = put.item(
                    name,
                    AttributeValue::Ss(references.iter().copied().map(str::to_owned).collect()),
                );
            }
        }
        put.send().await.unwrap();
    }

    async fn set_synchronized(&self, prefix: &str, time: u64) {
        let metadata = s(format!("{prefix}:big_segments_metadata"));
        let table = self.table().await;
        table
            .put([
                ("namespace", metadata.clone()),
                ("key", metadata),
                ("synchronizedOn", n(time)),
            ])
            .await;
    }

    async fn clear(&self, prefix: &str) {
        self.remove(prefix).await;
    }
}
