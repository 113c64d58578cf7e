//! [`Outage`]: what a log says while there is no data.
//!
//! A fault that is retried is nobody's business but a debugger's. That flags have not been current
//! for a minute is worth one warning, however many faults that takes and whether or not the present
//! attempt has failed yet.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::fault::Fault;
use crate::transport::backoff::Failure;

/// So long may data be missing before it is worth a warning.
const GRACE: Duration = Duration::from_secs(60);

/// A time without data.
#[derive(Debug)]
pub(super) struct Outage {
    /// When it is worth a warning; none while data is current.
    due: Option<Instant>,
    warned: bool,
    last: Option<String>,
}

impl Outage {
    /// The time before the first data.
    pub(super) fn at_start() -> Self {
        Self {
            due: Some(Instant::now() + GRACE),
            warned: false,
            last: None,
        }
    }

    /// An attempt failed; the next begins after a while, if there is one.
    pub(super) fn failed(&mut self, fault: &Fault, delay: Option<Duration>) {
        let (error, status) = (fault.message(), fault.status());
        match (delay, fault.failure()) {
            // Whoever hears of the end says so.
            (None, _) => {}
            (Some(delay), Failure::Passing) => {
                tracing::debug!(error, status, ?delay, "flag data could not be got")
            }
            (Some(delay), _) => {
                tracing::error!(
                    error,
                    status,
                    ?delay,
                    "flag data cannot be got; the next attempt is not soon"
                );
            }
        }
        self.due.get_or_insert_with(|| Instant::now() + GRACE);
        self.last = Some(error);
    }

    /// Data is current.
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

    /// Awaits something, and warns meanwhile if it takes too long.
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
                "flag data has not been current for a minute; attempts go on"
            );
        }
        future.await
    }
}
