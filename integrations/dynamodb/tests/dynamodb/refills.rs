//! A client in daemon mode while its table is emptied and refilled, row by row.

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::{DeleteRequest, WriteRequest};
use vexil::config::PersistentStoreConfig;
use vexil::{Client, Context};
use vexil_dynamodb::{DynamoDbDataStore, aws_sdk_dynamodb};

use crate::support::{Row, TIMEOUT, TestTable, item_row, local, marker_row};

const FLAGS: usize = 30;
/// The largest batch that DynamoDB accepts.
const ROWS_PER_BATCH: usize = 25;

/// A flag that returns its version to members of a segment.
fn flag(number: usize, version: u64) -> Row {
    let flag = format!(
        r#"{{"key":"flag-{number}","version":{version},"on":true,"variations":[{version},-1],"fallthrough":{{"variation":1}},
        "rules":[{{"id":"r","variation":0,"clauses":[{{"attribute":"","op":"segmentMatch","values":["segment"]}}]}}]}}"#
    );
    item_row("features", &format!("flag-{number}"), version, &flag)
}

/// All rows of a complete data set.
fn complete(version: u64) -> Vec<Row> {
    let segment = format!(r#"{{"key":"segment","version":{version},"included":["ada"]}}"#);
    let segment = item_row("segments", "segment", version, &segment);
    (0..FLAGS)
        .map(|number| flag(number, version))
        .chain([segment, marker_row("$inited")])
        .collect()
}

async fn put(table: &TestTable, row: Row) {
    table
        .client
        .put_item()
        .table_name(&table.name)
        .set_item(Some(row))
        .send()
        .await
        .unwrap();
}

/// Deletes all rows in as few requests as possible, so that a slow machine does not spread the
/// deletion over more time than a small loss is given.
async fn empty(table: &TestTable) {
    let delete = |row: &Row| {
        let key = |name: &str| row[name].clone();
        let delete = DeleteRequest::builder()
            .key("namespace", key("namespace"))
            .key("key", key("key"));
        let delete = delete.build().unwrap();
        WriteRequest::builder().delete_request(delete).build()
    };
    for rows in table.rows().await.chunks(ROWS_PER_BATCH) {
        let deletes = rows.iter().map(delete).collect();
        let batch = table.client.batch_write_item();
        let result = batch.request_items(&table.name, deletes).send().await;
        let unprocessed = result.unwrap().unprocessed_items.unwrap_or_default();
        assert!(unprocessed.is_empty());
    }
}

/// The lowest value of all flags: their version, -1 if the segment is missing, or 0 if a flag
/// returns its default.
fn least(client: &Client) -> i64 {
    let ada = Context::new("ada").unwrap();
    let values = (0..FLAGS).map(|number| client.int_variation(&format!("flag-{number}"), &ada, 0));
    values.min().unwrap()
}

/// Evaluates all flags until the condition holds or the time is over. Returns whether it held.
async fn holds_without_defaults(
    client: &Client,
    what: &str,
    time: Duration,
    holds: impl Fn() -> bool,
) -> bool {
    let start = Instant::now();
    while start.elapsed() < time {
        assert!(least(client) > 0, "{what}: after {:?}", start.elapsed());
        if holds() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    false
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refilling_a_table_row_by_row_removes_no_flag() {
    let table = TestTable::new().await;
    for row in complete(1) {
        put(&table, row).await;
    }
    let store = PersistentStoreConfig::new(local(DynamoDbDataStore::builder(&table.name)));
    let store = store.refresh_interval(Duration::from_millis(50));
    let client = Client::builder("sdk-key")
        .daemon_mode(store)
        .without_events()
        .start()
        .unwrap();
    client.wait_until_ready(TIMEOUT).await.unwrap();
    let status = || client.data_store_status().status();

    // The table is not emptied atomically, and afterwards only one patch is written to it.
    empty(&table).await;
    put(&table, flag(0, 2)).await;
    // The client notices with its next read, and keeps the flags for longer than the confirmation
    // of a suspicious loss takes.
    let is_stale = || status().stale;
    assert!(holds_without_defaults(&client, "one patch", TIMEOUT, is_stale).await);
    let is_current = || !status().stale;
    assert!(
        !holds_without_defaults(&client, "one patch", Duration::from_secs(4), is_current).await
    );

    for (version, order) in [
        (3, "marker last"),
        (4, "marker first"),
        (5, "segments first"),
    ] {
        empty(&table).await;
        let mut rows = complete(version);
        match order {
            "marker first" => rows.rotate_right(1),
            "segments first" => rows.rotate_right(2),
            _ => {}
        }
        for row in rows {
            assert!(least(&client) > 0, "{order}");
            put(&table, row).await;
        }
        let complete = || least(&client) == i64::try_from(version).unwrap() && !status().stale;
        assert!(
            holds_without_defaults(&client, order, TIMEOUT, complete).await,
            "{order}: {:?}",
            status()
        );
    }
}
