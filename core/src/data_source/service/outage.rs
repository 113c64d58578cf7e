//! [`Outage`]: logs failures to fetch flag data.
//!
//! An error that is retried is logged at debug level. Flag data that has not been current for a
//! minute is worth one warning, however many errors occur, and even if the current attempt has not
//! failed yet.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::fetch_error::FetchError;
use crate::error_chain::error_chain;
use crate::http::backoff::Failure;

/// How long data may be missing or stale before a warning is logged. A data system that switches to
/// another source after a minute logs that instead (FDV2-5.4).
const GRACE: Duration = Duration::from_secs(61);

/// A period without current data.
#[derive(Debug)]
pub(super) struct Outage {
    /// When to log the warning. `None` while data is current.
    due: Option<Instant>,
    warned: bool,
    last: Option<String>,
}

impl Outage {
    /// The period before the first data.
    pub(super) fn at_start() -> Self {
        Self {
            due: Some(Instant::now() + GRACE),
            warned: false,
            last: None,
        }
    }

    /// Logs a failed attempt. `delay` is the time until the next one; `None` if there is none.
    pub(super) fn failed(&mut self, error: &FetchError, delay: Option<Duration>) {
        let (failure, status) = (error.failure(), error.status());
        let error = error_chain(error);
        match (delay, failure) {
            // The caller logs the end of the data source.
            (None, _) => {}
            (Some(delay), Failure::Transient) => {
                tracing::debug!(error, status, ?delay, "fetching flag data failed")
            }
            (Some(delay), _) => {
                tracing::error!(
                    error,
                    status,
                    ?delay,
                    "cannot fetch flag data; retrying rarely"
                );
            }
        }
        self.due.get_or_insert_with(|| Instant::now() + GRACE);
        self.last = Some(error);
    }

    /// Records that data is current.
    pub(super) fn ended(&mut self) {
        if self.warned {
            tracing::info!("flag data is current again");
        }
        *self = Self {
            due: None,
            warned: false,
            last: None,
        };
    }

    /// Awaits `future`, and logs the warning if it becomes due meanwhile.
    pub(super) async fn during<T>(&mut self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        if let Some(due) = self.due.filter(|_| !self.warned) {
            if let Ok(output) = timeout_at(due, future.as_mut()).await {
                return output;
            }
            self.warned = true;
            let error = self.last.as_deref();
            tracing::warn!(
                error,
                "flag data has not been current for a minute; still retrying"
            );
        }
        future.await
    }
}
