//! [`Watchdog`]: notices a background task that ends before its work is done.
//!
//! A task ends that way if it panics, or if the runtime it runs on is shut down. Either is an error
//! of the program that would otherwise be silent: flags stay as they are and events are lost.
//! Stopping a task on purpose is no such end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// How a task ended that should have gone on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Death {
    /// It panicked.
    Panicked,
    /// The runtime was shut down, and the task with it.
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

/// Lives in a task, and is dropped with it.
pub(crate) struct Watchdog<F: FnOnce(Death)> {
    /// What is done about an unexpected end; none once the work is done.
    died: Option<F>,
    /// Names the task in the log.
    task: &'static str,
    /// Set by the task's owner before it stops the task.
    stopped: Arc<AtomicBool>,
    /// Whether it was logged that the runtime is gone. Shared by all tasks of a client.
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

    /// The work is done.
    pub(crate) fn done(mut self) {
        self.died = None;
    }
}

impl<F: FnOnce(Death)> Drop for Watchdog<F> {
    fn drop(&mut self) {
        let Some(died) = self.died.take() else { return };
        if thread::panicking() {
            tracing::error!(
                task = self.task,
                "a background task of the client panicked and has ended"
            );
            died(Death::Panicked);
        } else if !self.stopped.load(Ordering::Acquire) {
            if !self.reported.swap(true, Ordering::AcqRel) {
                tracing::error!(
                    "the runtime of the client is gone: flags stay as they are and events are lost"
                );
            }
            died(Death::RuntimeGone);
        }
    }
}
