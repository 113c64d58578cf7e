//! Clients of the table: one that writes it and one that only reads it.

use std::sync::mpsc;
use std::time::Duration;

use vexil::config::PersistentStoreConfig;
use vexil::model::DataKind;
use vexil::store::PersistentDataStore;
use vexil::{Client, Context};
use vexil_dynamodb::DynamoDbDataStore;
use vexil_testing::TestData;

use crate::support::{TIMEOUT, TestTable, behind, data, item, local, marker_row};

fn flag(version: u64, value: &str) -> String {
    format!(
        r#"{{"key":"banner","version":{version},"on":true,"fallthrough":{{"variation":0}},"variations":["{value}"]}}"#
    )
}

// STO-6 and STO-F3: daemon mode reads the table, follows its changes, and serves the last data
// while the database is down
#[tokio::test]
async fn a_daemon_client_follows_the_table_and_survives_its_loss() {
    let table = TestTable::new().await;
    let writer = local(DynamoDbDataStore::builder(&table.name))
        .prefix("p")
        .build()
        .unwrap();
    writer
        .init(&data(vec![], vec![("banner", item(1, &flag(1, "hello")))]))
        .await
        .unwrap();
    let (proxy, store) = behind(DynamoDbDataStore::builder(&table.name));
    let store =
        PersistentStoreConfig::new(store.prefix("p")).refresh_interval(Duration::from_millis(100));
    let client = Client::builder("sdk-key")
        .daemon_mode(store)
        .without_events()
        .start()
        .unwrap();
    client.wait_until_ready(TIMEOUT).await.unwrap();
    let ada = Context::new("ada").unwrap();
    assert_eq!(client.str_variation("banner", &ada, "default"), "hello");

    let (heard, changes) = mpsc::channel();
    client
        .flag_tracker()
        .add_listener(move |change| drop(heard.send(change.key.to_string())));
    writer
        .upsert(DataKind::Flag, "banner", &item(2, &flag(2, "goodbye")))
        .await
        .unwrap();
    let changed = tokio::task::spawn_blocking(move || changes.recv_timeout(TIMEOUT))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(changed, "banner");
    assert_eq!(client.str_variation("banner", &ada, "default"), "goodbye");

    proxy.refuse();
    proxy.cut();
    let status = client.data_store_status();
    assert!(
        status
            .wait_for(|status| !status.available && status.stale, TIMEOUT)
            .await
    );
    assert_eq!(client.str_variation("banner", &ada, "default"), "goodbye");
    proxy.restore().unwrap();
    assert!(
        status
            .wait_for(|status| status.available && !status.stale, TIMEOUT)
            .await
    );
}

// STO-9.3: received data is written to the table, with the marker, and later changes after it
#[tokio::test]
async fn received_data_is_written_to_the_table() {
    let table = TestTable::new().await;
    let store = PersistentStoreConfig::new(local(DynamoDbDataStore::builder(&table.name)));
    let flags = TestData::new().with("banner", "hello");
    let client = Client::builder("sdk-key")
        .data_source(flags.clone())
        .data_store(store)
        .start()
        .unwrap();
    client.wait_until_ready(TIMEOUT).await.unwrap();
    flags.set("banner", "goodbye");
    // Writes the remaining changes.
    client.close(TIMEOUT).await;
    let rows = table.rows().await;
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0], marker_row("$inited"));
    let text = rows[1]["item"].as_s().unwrap();
    assert!(text.contains("goodbye"), "{text}");
    let reader = PersistentStoreConfig::new(local(DynamoDbDataStore::builder(&table.name)));
    let reader = Client::builder("sdk-key")
        .daemon_mode(reader)
        .without_events()
        .start()
        .unwrap();
    reader.wait_until_ready(TIMEOUT).await.unwrap();
    assert_eq!(
        reader.str_variation("banner", &Context::new("ada").unwrap(), "default"),
        "goodbye"
    );
}
