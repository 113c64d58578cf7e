//! [`DynamoDbBigSegmentStore`]: one row for each context, and one for the time of the last
//! synchronization.

use aws_sdk_dynamodb::types::AttributeValue;
use vexil::big_segments::{BigSegmentStore, StoreError};
use vexil::eval::Membership;

use crate::config::DynamoDbBuilder;
use crate::error::RequestError;
use crate::row::Row;
use crate::table::Table;

/// The partition of the context rows; the sort key is the hash of the context key.
pub(crate) const CONTEXTS: &str = "big_segments_user";
pub(crate) const INCLUDED: &str = "included";
pub(crate) const EXCLUDED: &str = "excluded";
/// Both keys of the row with the time of the last synchronization.
pub(crate) const METADATA: &str = "big_segments_metadata";
pub(crate) const SYNCHRONIZED_ON: &str = "synchronizedOn";

/// Reads big segments from a DynamoDB table that a Relay Proxy fills. See the [crate
/// documentation](crate).
///
/// ```
/// use vexil::big_segments::BigSegmentStore;
/// use vexil_dynamodb::DynamoDbBigSegmentStore;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // Nothing listens there.
/// let store = DynamoDbBigSegmentStore::builder("feature-flags")
///     .endpoint("http://127.0.0.1:1")
///     .region("local")
///     .credentials("local", "local")
///     .build()?;
/// assert!(store.last_synchronized().await.unwrap_err().is_temporary());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct DynamoDbBigSegmentStore {
    table: Table,
}

impl DynamoDbBigSegmentStore {
    /// Returns a builder of a store for this table, given by its name or its ARN. It may be the
    /// table that holds the flags.
    ///
    /// ```
    /// use vexil_dynamodb::DynamoDbBigSegmentStore;
    ///
    /// let builder = DynamoDbBigSegmentStore::builder("feature-flags");
    /// assert!(format!("{builder:?}").contains("feature-flags"));
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
impl BigSegmentStore for DynamoDbBigSegmentStore {
    async fn membership(&self, context_hash: &str) -> Result<Option<Membership>, StoreError> {
        let row = self.table.row(
            self.table.namespace(CONTEXTS),
            context_hash.to_owned(),
            true,
        );
        Ok(self
            .table
            .within(self.table.timeouts().read, |_| row)
            .await?
            .and_then(|row| membership(&row)))
    }

    async fn last_synchronized(&self) -> Result<Option<u64>, StoreError> {
        let metadata = self.table.namespace(METADATA);
        let row = self.table.row(metadata.clone(), metadata, true);
        match self
            .table
            .within(self.table.timeouts().read, |_| row)
            .await?
        {
            Some(row) => synchronized_on(&row),
            None => Ok(None),
        }
    }
}

/// Returns `None` if the row names no segment: the row stays when its last segment is removed.
fn membership(row: &Row) -> Option<Membership> {
    let references = |name| {
        row.get(name)
            .and_then(|value| value.as_ss().ok())
            .map_or(&[][..], Vec::as_slice)
    };
    let (included, excluded) = (references(INCLUDED), references(EXCLUDED));
    if included.is_empty() && excluded.is_empty() {
        return None;
    }
    Some(Membership::new(
        included.iter().map(String::as_str),
        excluded.iter().map(String::as_str),
    ))
}

/// Returns `None` if the row has no time: the segments were never synchronized.
fn synchronized_on(row: &Row) -> Result<Option<u64>, StoreError> {
    let number = match row.get(SYNCHRONIZED_ON) {
        None | Some(AttributeValue::Null(_)) => return Ok(None),
        Some(AttributeValue::N(number)) => number.parse().ok(),
        Some(_) => None,
    };
    match number {
        Some(0) => Ok(None),
        Some(time) => Ok(Some(time)),
        None => Err(StoreError::config(RequestError::SynchronizedOn)),
    }
}
