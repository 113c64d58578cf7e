//! [`Batches`]: writes many rows in batches, and retries unprocessed rows.

use std::mem;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, PutRequest, WriteRequest};
use vexil::store::StoreError;

use crate::backoff::Backoff;
use crate::error::{RequestError, is_throttled};
use crate::row::{self, KEY, NAMESPACE, Row};
use crate::table::Table;
use crate::write_order::Turn;

/// DynamoDB's limit for one batch.
const MAX_REQUESTS: usize = 25;
/// DynamoDB accepts 16 MB, counted as sent. Quotes in a text are sent as two bytes, and a batch
/// should also be sent within the timeout of a request on a slow line.
const MAX_BYTES: usize = 4_000_000;

/// Writes batches sequentially, while no other write is in progress.
///
/// Under load DynamoDB writes a part of a batch, reports success, and returns the unprocessed rows.
/// They would be lost if they were not sent again, so they are retried with a backoff until the
/// table accepts them or the deadline passes.
#[derive(Debug)]
pub(crate) struct Batches<'a> {
    table: &'a Table,
    client: Client,
    backoff: Backoff,
    turn: Turn,
}

/// Writes a row unconditionally.
pub(crate) fn put(row: Row) -> WriteRequest {
    // `build` fails only without a row.
    WriteRequest::builder()
        .set_put_request(PutRequest::builder().set_item(Some(row)).build().ok())
        .build()
}

/// Deletes a row.
pub(crate) fn delete(namespace: &str, key: String) -> WriteRequest {
    let key = Row::from([
        (
            NAMESPACE.to_owned(),
            AttributeValue::S(namespace.to_owned()),
        ),
        (KEY.to_owned(), AttributeValue::S(key)),
    ]);
    // `build` fails only without a key.
    WriteRequest::builder()
        .set_delete_request(DeleteRequest::builder().set_key(Some(key)).build().ok())
        .build()
}

impl<'a> Batches<'a> {
    /// Waits until all requests of earlier writes have a response.
    pub(crate) async fn new(table: &'a Table, backoff: Backoff) -> Result<Self, StoreError> {
        Ok(Self {
            table,
            client: table.client().await?,
            backoff,
            turn: table.exclusive_turn().await,
        })
    }

    /// Writes all requests. Batches are sent in order; within a batch the order is undefined.
    pub(crate) async fn write(&self, requests: Vec<WriteRequest>) -> Result<(), StoreError> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        for request in requests {
            let size = size(&request);
            if batch.len() == MAX_REQUESTS || bytes + size > MAX_BYTES {
                self.complete(mem::take(&mut batch)).await?;
                bytes = 0;
            }
            bytes += size;
            batch.push(request);
        }
        self.complete(batch).await
    }

    /// Sends a batch until every row is processed.
    async fn complete(&self, mut batch: Vec<WriteRequest>) -> Result<(), StoreError> {
        let mut backoff = self.backoff;
        while !batch.is_empty() {
            batch = self.send(batch).await?;
            if !batch.is_empty() && !backoff.wait().await {
                return Err(StoreError::unavailable(RequestError::Throttled {
                    left: batch.len(),
                }));
            }
        }
        Ok(())
    }

    /// Sends a batch once and returns the unprocessed requests.
    async fn send(&self, batch: Vec<WriteRequest>) -> Result<Vec<WriteRequest>, StoreError> {
        let request = self
            .client
            .batch_write_item()
            .request_items(self.table.name(), batch.clone());
        match self.turn.send(self.backoff.limit, request.send()).await? {
            Ok(reply) => Ok(reply
                .unprocessed_items
                .into_iter()
                .flatten()
                .flat_map(|(_, left)| left)
                .collect()),
            Err(error) if is_throttled(&error) => Ok(batch),
            Err(error) => Err(self.table.error(&error)),
        }
    }
}

fn size(request: &WriteRequest) -> usize {
    let put = request.put_request.as_ref().map(|put| &put.item);
    put.or(request.delete_request.as_ref().map(|delete| &delete.key))
        .map_or(0, row::size)
}
