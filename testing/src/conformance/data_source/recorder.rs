//! [`Recorder`]: a data sink that stores what it receives and can be observed.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use vexil::async_trait;
use vexil::data_source::{DataSink, DataSourceErrorInfo, DataSourceState, NotStoredError};
use vexil::model::{ChangeSet, ChangeSetKind, DataSet, Item, Selector, Upserted};
use vexil::store::{DataStore, MemoryStore, StoreError};

use crate::conformance::must::Must;

#[derive(Debug, Default)]
pub(super) struct Recorder {
    store: MemoryStore,
    keeps_json: bool,
    /// Locked for a single read or change, never across an await.
    seen: Mutex<Seen>,
}

/// What a source has done so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// How many writes are still to be rejected.
    pub(super) rejections: usize,
    /// The number of calls of any method.
    pub(super) calls: usize,
    /// The numbers of items in the data sets received, in order.
    pub(super) sets: Vec<usize>,
    /// The state as a client would show it. `None` until it is set.
    pub(super) state: Option<DataSourceState>,
    /// The errors reported.
    pub(super) errors: Vec<DataSourceErrorInfo>,
    /// The keys of live items that arrived without JSON.
    pub(super) without_json: Vec<String>,
    /// The values that the flag `a` has had, in order.
    pub(super) history: Vec<u64>,
    /// Whether flags of two states were ever there at the same time.
    pub(super) has_mixed: bool,
    /// The selector of the last change set.
    pub(super) selector: Option<Selector>,
}

impl Recorder {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Requires JSON.
    pub(super) fn that_keeps_json() -> Self {
        Self {
            keeps_json: true,
            ..Self::default()
        }
    }

    /// Rejects the first write.
    pub(super) fn that_rejects_once() -> Self {
        let recorder = Self::default();
        recorder.lock().rejections = 1;
        recorder
    }

    pub(super) fn seen(&self) -> Seen {
        self.lock().clone()
    }

    pub(super) fn is_initialized(&self) -> bool {
        self.store.is_initialized()
    }

    /// Returns the values of all flags by key.
    pub(super) fn flags(&self) -> BTreeMap<String, u64> {
        let mut values = BTreeMap::new();
        self.store.read(&mut |snapshot| {
            values.extend(snapshot.flags().map(|flag| {
                let value = flag.variations().first().and_then(|value| value.as_f64());
                (flag.key().to_string(), value.unwrap_or_default() as u64)
            }));
        });
        values
    }

    /// Returns the keys of all segments, sorted.
    pub(super) fn segments(&self) -> Vec<String> {
        let mut keys = Vec::new();
        self.store.read(&mut |snapshot| {
            keys.extend(snapshot.segments().map(|segment| segment.key().to_string()));
        });
        keys.sort_unstable();
        keys
    }

    /// Whether the flags with these keys and no others have this value, and the segments with these
    /// keys and no others exist.
    pub(super) fn has(&self, state: u64, flags: &[&str], segments: &[&str]) -> bool {
        let flags = flags.iter().map(|key| ((*key).to_owned(), state));
        self.is_initialized()
            && self.flags() == flags.collect::<BTreeMap<_, _>>()
            && self.segments() == segments
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a write of these items; fails if it is rejected.
    fn write(&self, items: impl Iterator<Item = Item>) -> Result<(), NotStoredError> {
        let mut seen = self.lock();
        seen.calls += 1;
        if let Some(left) = seen.rejections.checked_sub(1) {
            seen.rejections = left;
            return Err(NotStoredError::new(StoreError::Timeout));
        }
        let incomplete = items.filter(|item| !item.is_deleted() && item.json().is_none());
        seen.without_json
            .extend(incomplete.map(|item| item.key().to_string()));
        Ok(())
    }

    fn written(&self, set: Option<usize>) {
        let flags = self.flags();
        let value = flags.get("a").copied();
        let mut seen = self.lock();
        seen.has_mixed |= flags
            .values()
            .any(|other| Some(other) != flags.values().next());
        seen.sets.extend(set);
        if value.is_some() && seen.history.last() != value.as_ref() {
            seen.history.extend(value);
        }
        if set.is_some() || self.is_initialized() {
            seen.state = Some(DataSourceState::Valid);
        }
    }
}

#[async_trait]
impl DataSink for Recorder {
    async fn init(&self, data: DataSet) -> Result<(), NotStoredError> {
        self.apply(ChangeSet::full(data)).await
    }

    async fn upsert(&self, item: Item) -> Result<Upserted, NotStoredError> {
        self.write(std::iter::once(item.clone()))?;
        let upserted = self.store.upsert(item).await.must("upsert in memory");
        self.written(None);
        Ok(upserted)
    }

    async fn apply(&self, changes: ChangeSet) -> Result<(), NotStoredError> {
        let (set, items) = match &changes.kind {
            ChangeSetKind::Full(data) => {
                let flags = data.flags.iter().cloned().map(Item::Flag);
                let segments = data.segments.iter().cloned().map(Item::Segment);
                let items: Vec<_> = flags.chain(segments).collect();
                (Some(items.len()), items)
            }
            ChangeSetKind::Delta(items) => (None, items.clone()),
        };
        self.write(items.into_iter())?;
        let selector = changes.selector.clone();
        self.store.apply(changes).await.must("apply in memory");
        self.lock().selector = selector;
        self.written(set);
        Ok(())
    }

    fn selector(&self) -> Option<Selector> {
        self.lock().selector.clone()
    }

    fn keeps_json(&self) -> bool {
        self.keeps_json
    }

    fn update_status(&self, state: DataSourceState, error: Option<DataSourceErrorInfo>) {
        let mut seen = self.lock();
        seen.calls += 1;
        seen.state = Some(state);
        seen.errors.extend(error);
    }
}
