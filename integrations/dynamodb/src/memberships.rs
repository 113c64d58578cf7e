//! All memberships of a store, for programs that copy them.

use aws_sdk_dynamodb::types::AttributeValue;
use vexil::big_segments::{MembershipPage, StoreError, StoredMembership};

use crate::batch::{self, Batches};
use crate::big_segments::{
    CONTEXTS, DynamoDbBigSegmentStore, EXCLUDED, INCLUDED, METADATA, SYNCHRONIZED_ON,
};
use crate::error::is_throttled;
use crate::row::{self, KEY, NAMESPACE, Row};

/// How many rows one page has at most.
const PAGE: i32 = 1000;

impl DynamoDbBigSegmentStore {
    /// Reads all memberships, page by page, for programs that copy them. The first page has no
    /// cursor. Needs the permission `dynamodb:Query`.
    ///
    /// ```
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
    /// assert!(store.memberships(None).await.is_err_and(|error| error.is_temporary()));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns an error if the table cannot be reached or refuses access.
    pub async fn memberships(&self, cursor: Option<&str>) -> Result<MembershipPage, StoreError> {
        let table = self.table();
        let namespace = AttributeValue::S(table.namespace(CONTEXTS));
        table
            .within(table.timeouts().bulk, |mut backoff| async move {
                let query = table.client().await?.query().table_name(table.name());
                let start = cursor.map(|hash| {
                    let hash = AttributeValue::S(hash.to_owned());
                    Row::from([
                        (NAMESPACE.to_owned(), namespace.clone()),
                        (KEY.to_owned(), hash),
                    ])
                });
                let query = query
                    .consistent_read(true)
                    .limit(PAGE)
                    .key_condition_expression("#namespace = :namespace")
                    .expression_attribute_names("#namespace", NAMESPACE)
                    .expression_attribute_values(":namespace", namespace)
                    .set_exclusive_start_key(start);
                let page = loop {
                    match query.clone().send().await {
                        Ok(page) => break page,
                        Err(error) if is_throttled(&error) && backoff.wait().await => {}
                        Err(error) => return Err(table.error(&error)),
                    }
                };
                let mut last = page.last_evaluated_key.unwrap_or_default();
                let rows = page.items.into_iter().flatten();
                let memberships = rows.filter_map(membership).collect();
                Ok(MembershipPage::new(memberships, row::take_key(&mut last)))
            })
            .await
    }

    /// Replaces the memberships of these contexts, each on its own. A context without any is
    /// removed. Needs the permission `dynamodb:BatchWriteItem`.
    ///
    /// # Errors
    /// Returns an error if the table cannot be reached or refuses access.
    pub async fn write_memberships(
        &self,
        memberships: &[StoredMembership],
    ) -> Result<(), StoreError> {
        let table = self.table();
        let namespace = table.namespace(CONTEXTS);
        let requests = memberships.iter().map(|membership| {
            if membership.included.is_empty() && membership.excluded.is_empty() {
                return batch::delete(&namespace, membership.context_hash.clone());
            }
            let hash = AttributeValue::S(membership.context_hash.clone());
            let mut row = Row::from([
                (NAMESPACE.to_owned(), AttributeValue::S(namespace.clone())),
                (KEY.to_owned(), hash),
            ]);
            for (name, members) in [
                (INCLUDED, &membership.included),
                (EXCLUDED, &membership.excluded),
            ] {
                // DynamoDB has no empty sets.
                if !members.is_empty() {
                    row.insert(name.to_owned(), AttributeValue::Ss(members.clone()));
                }
            }
            batch::put(row)
        });
        let requests = requests.collect();
        table
            .within(table.timeouts().bulk, |backoff| async move {
                Batches::new(table, backoff).await?.write(requests).await
            })
            .await
    }

    /// Writes when the memberships were last synchronized, in milliseconds since 1970. To be called
    /// after all memberships were written. Other attributes of the row stay. Needs the permission
    /// `dynamodb:UpdateItem`.
    ///
    /// # Errors
    /// Returns an error if the table cannot be reached or refuses access.
    pub async fn write_last_synchronized(&self, milliseconds: u64) -> Result<(), StoreError> {
        let table = self.table();
        let metadata = AttributeValue::S(table.namespace(METADATA));
        table
            .within(table.timeouts().bulk, |backoff| async move {
                let turn = table.exclusive_turn().await;
                let update = table.client().await?.update_item().table_name(table.name());
                let update = update
                    .key(NAMESPACE, metadata.clone())
                    .key(KEY, metadata)
                    .update_expression("SET #time = :time")
                    .expression_attribute_names("#time", SYNCHRONIZED_ON)
                    .expression_attribute_values(
                        ":time",
                        AttributeValue::N(milliseconds.to_string()),
                    );
                turn.send(backoff.limit, update.send())
                    .await?
                    .map(drop)
                    .map_err(|error| table.error(&error))
            })
            .await
    }
}

fn membership(mut row: Row) -> Option<StoredMembership> {
    let mut membership = StoredMembership::new(row::take_key(&mut row)?);
    let mut set = |name| match row.remove(name) {
        Some(AttributeValue::Ss(members)) => members,
        _ => Vec::new(),
    };
    membership.included = set(INCLUDED);
    membership.excluded = set(EXCLUDED);
    Some(membership)
}
