//! [`Watchdog`]: detects a background task that ends before its work is done.
//!
//! A task ends early if it panics, or if its runtime is shut down. Either is a bug in the program
//! that would otherwise be silent: flags would no longer be updated, and events would be lost.
//! Stopping a task on purpose is not reported.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::drop_log;

/// How a task ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Death {
    /// The task panicked.
    Panicked,
    /// The task's runtime was shut down.
    RuntimeGone,
}

impl Death {
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::Panicked => "it panicked",
            Self::RuntimeGone => "the runtime of the client is gone",
        }
    }
}

/// A guard that is owned by a task and dropped with it.
pub(crate) struct Watchdog<F: FnOnce(Death)> {
    /// Called on an early end; `None` once the work is done.
    died: Option<F>,
    /// The task's name in the log.
    task: &'static str,
    /// Set by the task's owner before it stops the task.
    stopped: Arc<AtomicBool>,
    /// Whether the shutdown of the runtime has been logged. Shared by all tasks of a client.
    reported: Arc<AtomicBool>,
}

impl<F: FnOnce(Death)> Watchdog<F> {
    pub(crate) fn new(
        task: &'static str,
        stopped: Arc<AtomicBool>,
        reported: Arc<AtomicBool>,
        died: F,
    ) -> Self {
        Self {
            died: Some(died),
            task,
            stopped,
            reported,
        }
    }

    /// Marks the work as done.
    pub(crate) fn done(mut self) {
        self.died = None;
    }
}

impl<F: FnOnce(Death)> Drop for Watchdog<F> {
    fn drop(&mut self) {
        let Some(died) = self.died.take() else { return };
        if thread::panicking() {
            drop_log::attempt(|| {
                tracing::error!(
                    task = self.task,
                    "a background task of the client panicked and has ended"
                );
            });
            died(Death::Panicked);
        } else if !self.stopped.load(Ordering::Acquire) {
            if !self.reported.swap(true, Ordering::AcqRel) {
                drop_log::attempt(|| {
                    tracing::error!(
                        "the runtime of the client is gone; flags are no longer updated and events are lost"
                    );
                });
            }
            died(Death::RuntimeGone);
        }
    }
}
