//! [`Clients`]: the attached clients, and their notification.
//!
//! A new client first receives all flags, which may take time. A concurrent change waits until that
//! is done: delivered earlier, it would be overwritten by the older flags that arrive after it.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use vexil::data_source::{DataSink, DataSourceErrorInfo, DataSourceState};
use vexil::model::Item;

use crate::wait::wait;

#[derive(Debug, Default)]
pub(crate) struct Clients(Vec<Arc<Attached>>);

impl Clients {
    pub(crate) fn attach(&mut self, sink: Arc<dyn DataSink>) -> Arc<Attached> {
        let client = Arc::new(Attached {
            sink,
            stage: Mutex::new(Stage::Starting),
            left: Condvar::new(),
        });
        self.0.push(Arc::clone(&client));
        client
    }

    pub(crate) fn detach(&mut self, client: &Arc<Attached>) {
        self.0.retain(|other| !Arc::ptr_eq(other, client));
    }

    /// Returns the attached clients, to be notified after the state is unlocked.
    pub(crate) fn all(&self) -> Vec<Arc<Attached>> {
        self.0.clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }
}

/// A client that was attached.
#[derive(Debug)]
pub(crate) struct Attached {
    sink: Arc<dyn DataSink>,
    /// Locked for a single read or change, never while the client is called.
    stage: Mutex<Stage>,
    /// Notified when the first stage ends.
    left: Condvar,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The client is receiving the flags that were current when it attached.
    Starting,
    /// The client has those flags and is notified of changes.
    Started,
    /// The client has stopped its data source.
    Ended,
}

impl Attached {
    pub(crate) fn enter(&self, stage: Stage) {
        *self.lock() = stage;
        self.left.notify_all();
    }

    /// Notifies the client of a change, once it has its initial flags.
    pub(crate) fn tell(&self, item: Item) {
        let stage = self
            .left
            .wait_while(self.lock(), |stage| *stage == Stage::Starting);
        let stage = *stage.unwrap_or_else(PoisonError::into_inner);
        if stage == Stage::Started {
            // If the client's store fails, the client reports the error itself.
            drop(wait(self.sink.upsert(item)));
        }
    }

    pub(crate) fn tell_status(&self, state: DataSourceState, error: Option<DataSourceErrorInfo>) {
        self.sink.update_status(state, error);
    }

    fn lock(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
