//! [`WriteOrder`]: the order of requests that write.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::RwLock;
use tokio::time::timeout;
use vexil::store::StoreError;

/// The order of requests that write.
///
/// A request that was sent cannot be cancelled. DynamoDB may process it after its call was dropped,
/// and after the requests of a later call, which use other connections. Every request that writes
/// therefore holds a [`Turn`] until it has a response.
#[derive(Debug, Default)]
pub(crate) struct WriteOrder(Arc<RwLock<()>>);

impl WriteOrder {
    /// Waits until no request is in flight. For writes that replace rows regardless of their version.
    pub(crate) async fn exclusive(&self) -> Turn {
        Turn(Arc::new(Arc::clone(&self.0).write_owned().await))
    }

    /// Waits until no request with an exclusive turn is in flight. For writes between which versions
    /// decide.
    pub(crate) async fn shared(&self) -> Turn {
        Turn(Arc::new(Arc::clone(&self.0).read_owned().await))
    }
}

/// The right to write, which lasts as long as there is a clone of it.
#[derive(Clone, Debug)]
pub(crate) struct Turn(#[expect(dead_code, reason = "only held")] Arc<dyn Any + Send + Sync>);

impl Turn {
    /// Sends a request in a task of its own, which keeps the turn until there is a response, even if
    /// this call is dropped. A request that has no response after `limit` is given up.
    pub(crate) async fn send<T: Send + 'static>(
        &self,
        limit: Duration,
        request: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let turn = self.clone();
        let response = tokio::spawn(async move {
            let response = timeout(limit, request).await;
            drop(turn);
            response
        });
        response
            .await
            .map_err(StoreError::unavailable)?
            .map_err(|_| StoreError::Timeout)
    }
}
