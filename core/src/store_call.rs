//! [`bounded`]: calls the code of a store.

use std::future::Future;
use std::time::Duration;

use tokio::time::timeout;

use crate::runtime::catch_panic;
use crate::store_error::StoreError;

/// Runs a store call with a timeout; a panic becomes [`StoreError::Unavailable`].
pub(crate) async fn bounded<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    match timeout(limit, catch_panic(call)).await {
        Ok(Some(result)) => result,
        Ok(None) => Err(StoreError::unavailable("the data store panicked")),
        Err(_elapsed) => Err(StoreError::Timeout),
    }
}
