//! Leases: rows that one process at a time holds.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use vexil::store::StoreError;

use crate::row::{KEY, NAMESPACE};
use crate::store::DynamoDbDataStore;

const OWNER: &str = "owner";
/// When the lease ends, in milliseconds since 1970.
const EXPIRES: &str = "expires";

impl DynamoDbDataStore {
    /// Takes or renews a lease for programs of which only one at a time should write to the table.
    /// Returns whether this owner has it now.
    ///
    /// The lease is a row of its own, whose two keys are the prefix and the name, and ends by itself
    /// after `lifetime` unless its owner renews it, according to the clocks of the programs. It does
    /// not prevent writes: programs must ask for it. `owner` identifies the program, for example by
    /// a random text. Needs the permission `dynamodb:PutItem`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil_dynamodb::DynamoDbDataStore;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // Nothing listens there.
    /// let store = DynamoDbDataStore::builder("feature-flags")
    ///     .endpoint("http://127.0.0.1:1")
    ///     .region("local")
    ///     .credentials("local", "local")
    ///     .build()?;
    /// let held = store.hold_lease("copy", "process 17", Duration::from_secs(15)).await;
    /// assert!(held.is_err_and(|error| error.is_temporary()));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns an error if the table cannot be reached or refuses the request.
    pub async fn hold_lease(
        &self,
        name: &str,
        owner: &str,
        lifetime: Duration,
    ) -> Result<bool, StoreError> {
        let table = self.table();
        let key = AttributeValue::S(table.namespace(name));
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let milliseconds = |time: Duration| AttributeValue::N(time.as_millis().to_string());
        table
            .within(table.timeouts().bulk, |_| async move {
                let put = table.client().await?.put_item().table_name(table.name());
                let put = put
                    .item(NAMESPACE, key.clone())
                    .item(KEY, key)
                    .item(OWNER, AttributeValue::S(owner.to_owned()))
                    .item(EXPIRES, milliseconds(now.saturating_add(lifetime)))
                    .condition_expression(
                        "attribute_not_exists(#key) OR #owner = :owner OR #expires < :now",
                    )
                    .expression_attribute_names("#key", KEY)
                    .expression_attribute_names("#owner", OWNER)
                    .expression_attribute_names("#expires", EXPIRES)
                    .expression_attribute_values(":owner", AttributeValue::S(owner.to_owned()))
                    .expression_attribute_values(":now", milliseconds(now));
                match put.send().await {
                    Ok(_) => Ok(true),
                    Err(error) => match error.as_service_error() {
                        Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(false),
                        _ => Err(table.error(&error)),
                    },
                }
            })
            .await
    }

    /// Ends a lease before its time, if this owner has it. Needs the permission
    /// `dynamodb:DeleteItem`; without it the lease ends by itself.
    ///
    /// # Errors
    /// Returns an error if the table cannot be reached or refuses the request.
    pub async fn release_lease(&self, name: &str, owner: &str) -> Result<(), StoreError> {
        let table = self.table();
        let key = AttributeValue::S(table.namespace(name));
        table
            .within(table.timeouts().bulk, |_| async move {
                let delete = table.client().await?.delete_item().table_name(table.name());
                let delete = delete
                    .key(NAMESPACE, key.clone())
                    .key(KEY, key)
                    .condition_expression("#owner = :owner")
                    .expression_attribute_names("#owner", OWNER)
                    .expression_attribute_values(":owner", AttributeValue::S(owner.to_owned()));
                match delete.send().await {
                    Ok(_) => Ok(()),
                    Err(error) => match error.as_service_error() {
                        Some(DeleteItemError::ConditionalCheckFailedException(_)) => Ok(()),
                        _ => Err(table.error(&error)),
                    },
                }
            })
            .await
    }
}
