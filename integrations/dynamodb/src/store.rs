//! [`DynamoDbDataStore`]: flags and segments, one row each.

use std::collections::{HashMap, HashSet};
use std::ptr;
use std::time::Duration;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use vexil::Text;
use vexil::model::DataKind;
use vexil::store::{
    Collection, PersistentDataStore, StoreError, StoredDataSet, StoredItem, WriteOutcome,
};

use crate::backoff::Backoff;
use crate::batch::{self, Batches};
use crate::config::DynamoDbBuilder;
use crate::error::is_throttled;
use crate::row::{self, KEY, NAMESPACE, Row, VERSION};
use crate::table::Table;

/// Both keys of the row that marks a complete data set.
const MARKER: &str = "$inited";
/// Timeout of writing everything.
const INIT_TIMEOUT: Duration = Duration::from_secs(60);
/// Refresh interval. Reads are billed by size, and there are no change notifications.
const REFRESH_INTERVAL: Duration = Duration::from_secs(30);
/// Replaces a row that does not exist, has no numeric version, or has a lower version.
const IS_NEWER: &str = "NOT attribute_type(#version, :number) OR #version < :version";

/// Stores flags and segments in a DynamoDB table. See the [crate documentation](crate).
///
/// ```
/// use vexil::model::DataKind;
/// use vexil::store::PersistentDataStore;
/// use vexil_dynamodb::DynamoDbDataStore;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // Nothing listens there: a failed read is an error, and not an absent item.
/// let store = DynamoDbDataStore::builder("feature-flags")
///     .endpoint("http://127.0.0.1:1")
///     .region("local")
///     .credentials("local", "local")
///     .build()?;
/// let item = store.get(DataKind::Flag, "new-checkout").await;
/// assert!(item.is_err_and(|error| error.is_temporary()));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct DynamoDbDataStore {
    table: Table,
}

impl DynamoDbDataStore {
    /// Returns a builder of a store for this table, given by its name or its ARN. The table must
    /// exist.
    ///
    /// ```
    /// use vexil_dynamodb::DynamoDbDataStore;
    ///
    /// let arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/feature-flags";
    /// for table in ["feature-flags", arn] {
    ///     assert!(DynamoDbDataStore::builder(table).build().is_ok());
    /// }
    /// ```
    pub fn builder(table: impl Into<String>) -> DynamoDbBuilder<Self> {
        DynamoDbBuilder::new(table.into())
    }

    pub(crate) fn new(table: Table) -> Self {
        Self { table }
    }

    pub(crate) fn table(&self) -> &Table {
        &self.table
    }
}

#[vexil::async_trait]
impl PersistentDataStore for DynamoDbDataStore {
    async fn get(&self, kind: DataKind, key: &str) -> Result<Option<StoredItem>, StoreError> {
        // DynamoDB rejects a request for an empty key, and has no such row.
        if key.is_empty() {
            return Ok(None);
        }
        self.table
            .within(self.table.timeouts().read, |_| self.item(kind, key))
            .await
    }

    async fn get_all(&self, kind: DataKind) -> Result<Vec<(Text, StoredItem)>, StoreError> {
        self.table
            .within(self.table.timeouts().bulk, |backoff| {
                self.items(kind, true, backoff)
            })
            .await
    }

    async fn is_initialized(&self) -> Result<bool, StoreError> {
        self.table
            .within(self.table.timeouts().read, |_| self.marker(true))
            .await
    }

    async fn init(&self, data: &[Collection]) -> Result<(), StoreError> {
        self.table
            .within(INIT_TIMEOUT, |backoff| self.replace(data, backoff))
            .await
    }

    async fn upsert(
        &self,
        kind: DataKind,
        key: &str,
        item: &StoredItem,
    ) -> Result<WriteOutcome, StoreError> {
        let row = row::write(kind, &self.namespace(kind), &key.into(), item)?;
        self.table
            .within(self.table.timeouts().bulk, |backoff| {
                self.put_if_newer(kind, key, row, backoff)
            })
            .await
    }

    /// Uses eventually consistent reads, at half the price.
    async fn snapshot(&self) -> Result<StoredDataSet, StoreError> {
        self.table
            .within(self.table.timeouts().bulk, |backoff| {
                self.everything(backoff)
            })
            .await
    }

    async fn probe(&self) -> Result<(), StoreError> {
        self.table
            .within(self.table.timeouts().probe, |_| self.marker(true))
            .await
            .map(drop)
    }

    fn describe(&self) -> &'static str {
        "DynamoDB"
    }

    fn refresh_interval(&self) -> Duration {
        REFRESH_INTERVAL
    }
}

impl DynamoDbDataStore {
    fn namespace(&self, kind: DataKind) -> String {
        self.table.namespace(kind.namespace())
    }

    async fn marker(&self, consistent: bool) -> Result<bool, StoreError> {
        let marker = self.table.namespace(MARKER);
        Ok(self
            .table
            .row(marker.clone(), marker, consistent)
            .await?
            .is_some())
    }

    async fn item(&self, kind: DataKind, key: &str) -> Result<Option<StoredItem>, StoreError> {
        Ok(self
            .table
            .row(self.namespace(kind), key.to_owned(), true)
            .await?
            .map(row::read))
    }

    async fn items(
        &self,
        kind: DataKind,
        consistent: bool,
        backoff: Backoff,
    ) -> Result<Vec<(Text, StoredItem)>, StoreError> {
        let mut items = Vec::new();
        self.rows(kind, consistent, backoff, |key, row| {
            items.push((key.into(), row::read(row)))
        })
        .await?;
        Ok(items)
    }

    async fn everything(&self, backoff: Backoff) -> Result<StoredDataSet, StoreError> {
        let mut collections = Vec::new();
        for kind in DataKind::READ_ORDER {
            collections.push(Collection::new(
                kind,
                self.items(kind, false, backoff).await?,
            ));
        }
        Ok(StoredDataSet::new(collections, self.marker(false).await?))
    }

    /// Reads all rows of a kind, page by page.
    async fn rows(
        &self,
        kind: DataKind,
        consistent: bool,
        mut backoff: Backoff,
        mut each: impl FnMut(String, Row) + Send,
    ) -> Result<(), StoreError> {
        let query = self
            .table
            .client()
            .await?
            .query()
            .table_name(self.table.name())
            .consistent_read(consistent);
        let query = query
            .key_condition_expression("#namespace = :namespace")
            .expression_attribute_names("#namespace", NAMESPACE)
            .expression_attribute_values(":namespace", AttributeValue::S(self.namespace(kind)));
        let mut last = None;
        loop {
            let page = match query
                .clone()
                .set_exclusive_start_key(last.clone())
                .send()
                .await
            {
                Ok(page) => page,
                Err(error) if is_throttled(&error) && backoff.wait().await => continue,
                Err(error) => return Err(self.table.error(&error)),
            };
            for mut row in page.items.into_iter().flatten() {
                // A row without the sort key means that the table has other keys; reading a single
                // row then returns an error that says so.
                if let Some(key) = row::take_key(&mut row) {
                    each(key, row);
                }
            }
            match page.last_evaluated_key {
                Some(key) if !key.is_empty() => last = Some(key),
                _ => return Ok(()),
            }
        }
    }

    async fn put_if_newer(
        &self,
        kind: DataKind,
        key: &str,
        row: Row,
        mut backoff: Backoff,
    ) -> Result<WriteOutcome, StoreError> {
        let put = self
            .table
            .client()
            .await?
            .put_item()
            .table_name(self.table.name());
        let put = put
            .condition_expression(IS_NEWER)
            .expression_attribute_names("#version", VERSION)
            .set_expression_attribute_values(row.get(VERSION).map(|version| {
                HashMap::from([
                    (":number".to_owned(), AttributeValue::S("N".to_owned())),
                    (":version".to_owned(), version.clone()),
                ])
            }))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .set_item(Some(row));
        let error = loop {
            let turn = self.table.shared_turn().await;
            let sent = turn.send(backoff.limit, put.clone().send()).await?;
            drop(turn);
            match sent {
                Ok(_) => return Ok(WriteOutcome::Written),
                Err(error) if is_throttled(&error) && backoff.wait().await => {}
                Err(error) => break error,
            }
        };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(lost)) => {
                Ok(WriteOutcome::Superseded(match &lost.item {
                    Some(row) => Some(row::read(row.clone())),
                    // Servers before 2023, and some emulators, do not return the existing row.
                    None => self.item(kind, key).await?,
                }))
            }
            _ => Err(self.table.error(&error)),
        }
    }

    /// Writes the collections in order, then deletes obsolete rows in reverse order, then sets the
    /// marker. Rows that are up to date are not written: obsolete rows can only be found by a read,
    /// which costs a fraction of writing.
    async fn replace(&self, data: &[Collection], backoff: Backoff) -> Result<(), StoreError> {
        let batches = Batches::new(&self.table, backoff).await?;
        let mut too_large = None;
        let mut unused = Vec::new();
        for Collection { kind, items, .. } in data {
            // If a key occurs twice, the last item wins. DynamoDB rejects a batch that contains a
            // key twice.
            let latest: HashMap<&str, &StoredItem> = items
                .iter()
                .map(|(key, item)| (key.as_str(), item))
                .collect();
            let mut unchanged = HashSet::new();
            let mut deletes = Vec::new();
            let namespace = self.namespace(*kind);
            self.rows(*kind, true, backoff, |key, row| {
                match latest.get(key.as_str()) {
                    Some(item) if row::is_current(&row, item) => drop(unchanged.insert(key)),
                    Some(_) => {}
                    None => deletes.push(batch::delete(&namespace, key)),
                }
            })
            .await?;
            let mut puts = Vec::new();
            for (key, item) in items {
                if unchanged.contains(key.as_str())
                    || !latest
                        .get(key.as_str())
                        .is_some_and(|it| ptr::eq(*it, item))
                {
                    continue;
                }
                match row::write(*kind, &namespace, key, item) {
                    Ok(row) => puts.push(batch::put(row)),
                    Err(error) => {
                        tracing::warn!(store = "DynamoDB", %kind, key = key.as_str(), %error, "skipped an item");
                        if matches!(error, StoreError::TooLarge { .. }) {
                            too_large.get_or_insert(error);
                        }
                    }
                }
            }
            batches.write(puts).await?;
            unused.push(deletes);
        }
        for deletes in unused.into_iter().rev() {
            batches.write(deletes).await?;
        }
        batches.write(vec![batch::put(self.marker_row())]).await?;
        too_large.map_or(Ok(()), Err)
    }

    fn marker_row(&self) -> Row {
        let marker = AttributeValue::S(self.table.namespace(MARKER));
        Row::from([
            (NAMESPACE.to_owned(), marker.clone()),
            (KEY.to_owned(), marker),
        ])
    }
}
