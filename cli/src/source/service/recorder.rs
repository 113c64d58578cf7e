//! [`Recording`]: a data source of the SDK whose data is passed on with the text of each item, as it
//! came from the service.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc::UnboundedSender;
use vexil::Text;
use vexil::config::{ClientContext, ConfigError, Configure};
use vexil::data_source::{
    DataSink, DataSource, DataSourceError, DataSourceErrorInfo, DataSourceState, FallbackDirective,
    NotStoredError,
};
use vexil::model::{
    ChangeSet, ChangeSetKind, DataKind, DataSet, Entry, Item, ItemData, Selector, Upserted,
};

use crate::snapshot::{Snapshot, StoredText};

/// What a data source has delivered.
#[derive(Debug)]
pub(crate) enum Recorded {
    Whole(Snapshot),
    Item {
        kind: DataKind,
        key: Text,
        item: StoredText,
    },
    /// The data is current.
    Current,
    Failed {
        info: DataSourceErrorInfo,
        /// Whether the source does not try again.
        is_final: bool,
    },
    /// The service orders the classic protocol, and the source has ended.
    FellBack,
}

/// A data source, and the receiver of its data.
#[derive(Debug)]
pub(super) struct Recording {
    source: Arc<dyn Configure<dyn DataSource>>,
    recorder: Arc<Recorder>,
}

impl Recording {
    pub(super) fn new(
        source: Arc<dyn Configure<dyn DataSource>>,
        shown: String,
        sender: UnboundedSender<Recorded>,
    ) -> Self {
        let recorder = Arc::new(Recorder {
            shown,
            sender,
            held: Mutex::default(),
        });
        Self { source, recorder }
    }
}

impl Configure<dyn DataSource> for Recording {
    fn configure(
        self: Arc<Self>,
        context: &ClientContext,
    ) -> Result<Arc<dyn DataSource>, ConfigError> {
        Ok(Arc::new(RecordedSource {
            source: Arc::clone(&self.source).configure(context)?,
            recorder: Arc::clone(&self.recorder),
        }))
    }
}

#[derive(Debug)]
struct RecordedSource {
    source: Arc<dyn DataSource>,
    recorder: Arc<Recorder>,
}

#[vexil::async_trait]
impl DataSource for RecordedSource {
    /// The sink of the client receives nothing: its flags are not used.
    async fn run(&self, _: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
        let recorder = Arc::clone(&self.recorder);
        let ended = self.source.run(recorder).await;
        if let Err(error) = &ended {
            let info = DataSourceErrorInfo::new(error.kind, error.source.to_string());
            self.recorder.failed(info, true);
        }
        // The client would log an error, which this program reports itself.
        Ok(())
    }

    fn reports_events(&self) -> bool {
        false
    }

    fn is_persistent(&self) -> bool {
        false
    }
}

/// Receives the data of a source.
struct Recorder {
    shown: String,
    sender: UnboundedSender<Recorded>,
    held: Mutex<Held>,
}

/// What decides about later data. Held for a few instructions.
#[derive(Default)]
struct Held {
    selector: Option<Selector>,
    versions: HashMap<(DataKind, Text), u64>,
}

impl Recorder {
    fn send(&self, recorded: Recorded) {
        // Without a receiver the connection is about to be closed.
        let _ = self.sender.send(recorded);
    }

    fn failed(&self, info: DataSourceErrorInfo, is_final: bool) {
        tracing::info!(
            source = self.shown,
            status = info.status_code,
            error = info.message,
            "an attempt has failed"
        );
        self.send(Recorded::Failed { info, is_final });
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn replace(&self, data: DataSet) {
        let mut snapshot = Snapshot::default();
        let mut versions = HashMap::new();
        for entry in &data.flags {
            versions.insert((DataKind::Flag, entry.key().clone()), entry.version());
            snapshot.flags.insert(entry.key().clone(), stored(entry));
        }
        for entry in &data.segments {
            versions.insert((DataKind::Segment, entry.key().clone()), entry.version());
            snapshot.segments.insert(entry.key().clone(), stored(entry));
        }
        self.held().versions = versions;
        self.send(Recorded::Whole(snapshot));
    }

    fn put(&self, item: &Item) {
        let (kind, key) = (item.kind(), item.key().clone());
        self.held()
            .versions
            .insert((kind, key.clone()), item.version());
        let item = match item {
            Item::Flag(entry) => stored(entry),
            Item::Segment(entry) => stored(entry),
        };
        self.send(Recorded::Item { kind, key, item });
    }
}

fn stored<T: ItemData>(entry: &Entry<T>) -> StoredText {
    StoredText {
        json: entry.json().unwrap_or_default(),
        version: entry.version(),
        deleted: entry.present().is_none(),
    }
}

#[vexil::async_trait]
impl DataSink for Recorder {
    async fn init(&self, data: DataSet) -> Result<(), NotStoredError> {
        self.apply(ChangeSet::full(data)).await
    }

    async fn upsert(&self, item: Item) -> Result<Upserted, NotStoredError> {
        let known = self
            .held()
            .versions
            .get(&(item.kind(), item.key().clone()))
            .copied();
        if known.is_some_and(|known| item.version() <= known) {
            return Ok(Upserted::Stale);
        }
        self.put(&item);
        Ok(Upserted::Written)
    }

    async fn apply(&self, changes: ChangeSet) -> Result<(), NotStoredError> {
        match changes.kind {
            ChangeSetKind::Full(data) => self.replace(data),
            ChangeSetKind::Delta(items) => {
                for item in &items {
                    self.put(item);
                }
                self.send(Recorded::Current);
            }
        }
        self.held().selector = changes.selector;
        Ok(())
    }

    fn selector(&self) -> Option<Selector> {
        self.held().selector.clone()
    }

    fn keeps_json(&self) -> bool {
        true
    }

    fn fall_back(&self, _: FallbackDirective) -> bool {
        self.send(Recorded::FellBack);
        true
    }

    fn connection_attempt(&self, _: SystemTime, took: Duration, failed: bool) {
        tracing::debug!(
            source = self.shown,
            ?took,
            failed,
            "an attempt to connect has ended"
        );
    }

    fn update_status(&self, state: DataSourceState, error: Option<DataSourceErrorInfo>) {
        match (state, error) {
            (DataSourceState::Valid, _) => self.send(Recorded::Current),
            (state, Some(info)) => self.failed(info, state == DataSourceState::Off),
            (_, None) => {}
        }
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder")
            .field("source", &self.shown)
            .finish_non_exhaustive()
    }
}
