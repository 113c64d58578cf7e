//! [`blocking`]: file access from async code.

use std::panic::resume_unwind;

use tokio::task::{JoinError, spawn_blocking};

/// Runs blocking file access without blocking the runtime's other tasks.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match spawn_blocking(work)
        .await
        .map_err(JoinError::try_into_panic)
    {
        Ok(done) => done,
        Err(Ok(panic)) => resume_unwind(panic),
        // The runtime is shutting down and will drop this task as well.
        Err(Err(_cancelled)) => std::future::pending().await,
    }
}
