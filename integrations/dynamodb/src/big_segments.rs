//! [`DynamoDbBigSegmentStore`]: a row for each context, and one that says when they were last in step.

use aws_sdk_dynamodb::types::AttributeValue;
use vexil::big_segments::{BigSegmentStore, StoreError};
use vexil::eval::Membership;

use crate::config::DynamoDbBuilder;
use crate::error::RequestError;
use crate::row::Row;
use crate::table::Table;

/// The partition of the contexts; the sort key is the hash of a context's key.
const CONTEXTS: &str = "big_segments_user";
const INCLUDED: &str = "included";
const EXCLUDED: &str = "excluded";
/// Both keys of the row that says when the others were last in step with the service.
const METADATA: &str = "big_segments_metadata";
const SYNCHRONIZED_ON: &str = "synchronizedOn";

/// Big segments in a DynamoDB table, as a Relay Proxy fills it. See the [crate's
/// documentation](crate).
#[derive(Debug)]
pub struct DynamoDbBigSegmentStore {
    table: Table,
}

impl DynamoDbBigSegmentStore {
    /// A store over this table, given by its name or its ARN. It may be the one that flags are in.
    pub fn builder(table: impl Into<String>) -> DynamoDbBuilder<Self> {
        DynamoDbBuilder::new(table.into())
    }

    pub(crate) fn new(table: Table) -> Self {
        Self { table }
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
            .within(self.table.limits().read, |_| row)
            .await?
            .and_then(|row| membership(&row)))
    }

    async fn last_synchronized(&self) -> Result<Option<u64>, StoreError> {
        let metadata = self.table.namespace(METADATA);
        let row = self.table.row(metadata.clone(), metadata, true);
        match self.table.within(self.table.limits().read, |_| row).await? {
            Some(row) => synchronized_on(&row),
            None => Ok(None),
        }
    }
}

/// None if the row names no segment: it stays when the last one is taken from it.
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

/// None if the row does not say: then they never were in step.
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
