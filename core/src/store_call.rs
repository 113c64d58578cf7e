//! [`bounded`]: how a store of others is called.

use std::future::Future;
use std::time::Duration;

use tokio::time::timeout;

use crate::runtime::catch_panic;
use crate::store_error::StoreError;

/// Calls a store: it has so much time, and if it panics, that is its failure and nobody else's.
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
