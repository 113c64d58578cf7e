//! [`Clients`]: the attached clients, and their notification.
//!
//! A client of test data that is not ready has nothing yet, and receives all flags later.
//!
//! A new client first receives all flags, which may take time. A concurrent change waits until that
//! is done: delivered earlier, it would be overwritten by the older flags that arrive after it.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use vexil::data_source::{
    DataSink, DataSourceErrorInfo, DataSourceErrorKind, DataSourceState, NotStoredError,
};
use vexil::model::{DataSet, Item};

use crate::wait::wait;

/// A state of the data source, with its error.
pub(crate) type Status = (DataSourceState, Option<DataSourceErrorInfo>);

#[derive(Debug, Default)]
pub(crate) struct Clients(Vec<Arc<Attached>>);

impl Clients {
    pub(crate) fn attach(&mut self, sink: Arc<dyn DataSink>, stage: Stage) -> Arc<Attached> {
        let client = Arc::new(Attached {
            sink,
            stage: Mutex::new(stage),
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
    /// Notified when a stage ends.
    left: Condvar,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The test data is not ready, so the client has no flags and is not notified of changes.
    Waiting,
    /// The client is receiving the flags that were current when it attached.
    Starting,
    /// The client has those flags and is notified of changes.
    Started,
    /// The client has stopped its data source, or the source has failed for good.
    Ended,
}

impl Attached {
    pub(crate) fn enter(&self, stage: Stage) {
        *self.lock() = stage;
        self.left.notify_all();
    }

    /// Enters the stage `to` if the client is in the stage `from`. Returns whether it was.
    pub(crate) fn leave(&self, from: Stage, to: Stage) -> bool {
        let mut stage = self.lock();
        let leaves = *stage == from;
        if leaves {
            *stage = to;
            self.left.notify_all();
        }
        leaves
    }

    /// Delivers the initial flags. The client is in the stage [`Stage::Starting`].
    pub(crate) async fn start(&self, data: DataSet) -> Result<(), NotStoredError> {
        self.sink.init(data).await?;
        self.enter(Stage::Started);
        Ok(())
    }

    /// Delivers the initial flags to a client that has waited for them.
    pub(crate) fn start_late(&self, data: DataSet) {
        if let Err(error) = wait(Box::pin(self.start(data))) {
            self.enter(Stage::Ended);
            let error =
                DataSourceErrorInfo::new(DataSourceErrorKind::StoreError, error.source.to_string());
            self.tell_status((DataSourceState::Off, Some(error)));
        }
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

    pub(crate) fn tell_status(&self, (state, error): Status) {
        self.sink.update_status(state, error);
    }

    fn lock(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
