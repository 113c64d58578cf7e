//! [`Contained`]: wraps an event processor and contains its panics.
//!
//! A processor may be application code, and is called on the threads of evaluations and of the data
//! source. Its first panic is logged, a record lost by a panic counts as dropped, and a flush that
//! panicked has not delivered.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;

use super::{Event, EventProcessor, EventStats};
use crate::runtime::catch_panic;

pub(crate) struct Contained {
    processor: Arc<dyn EventProcessor>,
    /// Whether a panic has been logged.
    logged: AtomicBool,
    /// Number of records lost by a panic.
    lost: AtomicU64,
}

impl Contained {
    pub(crate) fn new(processor: Arc<dyn EventProcessor>) -> Self {
        Self {
            processor,
            logged: AtomicBool::new(false),
            lost: AtomicU64::new(0),
        }
    }

    #[inline]
    fn run<T>(&self, method: &'static str, call: impl FnOnce() -> T) -> Option<T> {
        let result = catch_unwind(AssertUnwindSafe(call)).ok();
        if result.is_none() {
            self.panicked(method);
        }
        result
    }

    #[cold]
    fn panicked(&self, method: &'static str) {
        if !self.logged.swap(true, Ordering::Relaxed) {
            tracing::error!(
                method,
                "the event processor panicked; further panics are not logged, lost events are counted"
            );
        }
    }
}

#[async_trait]
#[deny(
    clippy::missing_trait_methods,
    reason = "a wrapper must forward every method"
)]
impl EventProcessor for Contained {
    #[inline]
    fn record(&self, event: &Event<'_>) {
        if self
            .run("record", || self.processor.record(event))
            .is_none()
        {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn flush(&self) {
        self.run("flush", || self.processor.flush());
    }

    async fn flush_and_wait(&self) {
        self.flush_and_confirm().await;
    }

    async fn flush_and_confirm(&self) -> bool {
        // In an async block, because the call may panic before it returns a future.
        let confirmed = catch_panic(async { self.processor.flush_and_confirm().await }).await;
        if confirmed.is_none() {
            self.panicked("flush_and_wait");
        }
        confirmed.unwrap_or(false)
    }

    async fn close(&self) {
        // The client contains and reports a panic itself when it is closed.
        self.processor.close().await;
    }

    fn connection_attempt(&self, began: SystemTime, took: Duration, failed: bool) {
        self.run("connection_attempt", || {
            self.processor.connection_attempt(began, took, failed)
        });
    }

    fn pending(&self) -> u64 {
        self.run("pending", || self.processor.pending())
            .unwrap_or_default()
    }

    fn stats(&self) -> EventStats {
        let mut stats = self
            .run("stats", || self.processor.stats())
            .unwrap_or_default();
        stats.dropped_events = stats
            .dropped_events
            .saturating_add(self.lost.load(Ordering::Relaxed));
        stats
    }
}

impl fmt::Debug for Contained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.processor.fmt(f)
    }
}
