//! [`Environment`]: flags and segments that are served, and what their SDKs have sent.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::watch;
use vexil::big_segments::BigSegmentStore;
use vexil::model::DataKind;
use vexil_service::{ItemsError, Layers, Rules};

use super::contents::{ContentsError, Loaded, SourceState};
use super::events::Events;
use super::findings::LastFindings;
use super::groups::Groups;
use super::overrides_file::OverridesFile;
use super::sdks::Sdks;
use super::search::SearchIndex;
use super::snapshot::Snapshot;

/// An environment of the flag server.
#[derive(Debug)]
pub(crate) struct Environment {
    pub(super) name: String,
    /// The source as it is shown.
    pub(super) source: String,
    options: EnvironmentOptions,
    /// Locked while a change is applied, so that snapshots are published in order.
    layers: Mutex<Layers>,
    snapshot: watch::Sender<Arc<Snapshot>>,
    source_state: Mutex<SourceState>,
    /// The store of the source, if it has one.
    pub(super) big_segments: OnceLock<Arc<dyn BigSegmentStore>>,
    pub(super) groups: Groups,
    pub(super) events: Events,
    pub(super) sdks: Sdks,
    pub(super) search: SearchIndex,
    pub(super) last_findings: LastFindings,
    /// Counts the requests to send everything again.
    pub(super) resend: watch::Sender<u64>,
    pub(super) news: News,
}

/// The options of an environment.
#[derive(Debug)]
pub(crate) struct EnvironmentOptions {
    /// The id that is sent to SDKs.
    pub(crate) environment_id: String,
    pub(crate) overrides_file: Option<OverridesFile>,
    /// Whether the items follow the source. If not, they are those of the start, or of a refresh.
    pub(crate) is_followed: bool,
    /// Whether the source is not a file, and so may have data of users.
    pub(crate) is_production: bool,
}

/// Counts what has happened in an environment, for the page. Each change wakes its listeners.
#[derive(Debug)]
pub(super) struct News {
    pub(super) overrides: AtomicU64,
    pub(super) events: AtomicU64,
    pub(super) sdks: AtomicU64,
    pub(super) source: AtomicU64,
    wake: watch::Sender<()>,
}

impl News {
    pub(super) fn announce(&self, counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
        self.wake.send_replace(());
    }
}

impl Environment {
    pub(crate) fn new(
        name: impl Into<String>,
        source: String,
        options: EnvironmentOptions,
        wake: watch::Sender<()>,
    ) -> Self {
        let name = name.into();
        // Unknown to clients that have the state of another server.
        let payload_id = format!("{name}-{:08x}", fastrand::u32(..));
        let layers = Layers::new(payload_id);
        let snapshot = Snapshot::new(layers.items().clone(), Rules::default());
        Self {
            name,
            source,
            options,
            layers: Mutex::new(layers),
            snapshot: watch::Sender::new(Arc::new(snapshot)),
            source_state: Mutex::default(),
            big_segments: OnceLock::new(),
            groups: Groups::default(),
            events: Events::default(),
            sdks: Sdks::default(),
            search: SearchIndex::default(),
            last_findings: LastFindings::default(),
            resend: watch::Sender::new(0),
            news: News {
                overrides: AtomicU64::new(0),
                events: AtomicU64::new(0),
                sdks: AtomicU64::new(0),
                source: AtomicU64::new(0),
                wake,
            },
        }
    }

    pub(super) fn environment_id(&self) -> &str {
        &self.options.environment_id
    }

    pub(super) fn overrides_file(&self) -> Option<&OverridesFile> {
        self.options.overrides_file.as_ref()
    }

    pub(super) fn is_followed(&self) -> bool {
        self.options.is_followed
    }

    pub(super) fn is_production(&self) -> bool {
        self.options.is_production
    }

    pub(crate) fn revision(&self) -> u64 {
        self.snapshot.borrow().revision()
    }

    /// Returns the number of items of a kind.
    pub(crate) fn count(&self, kind: DataKind) -> usize {
        let snapshot = self.snapshot();
        let items = snapshot.items.of_kind(kind);
        items.filter(|(_, item)| !item.is_deleted()).count()
    }

    /// Returns the items as they are now.
    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot.borrow())
    }

    /// Returns the snapshots from now on.
    pub(super) fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshot.subscribe()
    }

    pub(super) fn layers(&self) -> MutexGuard<'_, Layers> {
        self.layers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the layers, and publishes the items if they have changed. A change whose items cannot be
    /// evaluated is undone. One that returns an error must have changed nothing.
    ///
    /// # Errors
    /// Returns the error of the change, or that of the items.
    pub(super) fn change<T, E>(
        &self,
        change: impl FnOnce(&mut Layers) -> Result<T, E>,
    ) -> Result<T, ChangeError<E>> {
        let mut layers = self.layers();
        let before = layers.clone();
        let changed = change(&mut layers).map_err(ChangeError::Refused)?;
        let known = self.snapshot();
        if layers.items().revision() > known.revision() {
            let mut rules = known.rules.clone();
            if let Err(error) = rules.update(layers.items()) {
                *layers = before;
                return Err(ChangeError::Unreadable(error.to_string()));
            }
            let snapshot = Snapshot::new(layers.items().clone(), rules);
            self.snapshot.send_replace(Arc::new(snapshot));
        }
        drop(layers);
        self.news.wake.send_replace(());
        Ok(changed)
    }

    /// Serves the contents of the source.
    pub(crate) fn load(&self, loaded: Loaded) -> Result<(), ContentsError> {
        let loaded = self.change(|layers| layers.set_base(loaded.items));
        loaded.map(drop).map_err(|error| match error {
            ChangeError::Refused(ItemsError::Item { kind, key, source }) => {
                ContentsError::item(kind, &key, &source)
            }
            ChangeError::Refused(error) => ContentsError::new(&error),
            ChangeError::Unreadable(message) => ContentsError::new(&message),
        })
    }

    pub(crate) fn source_state(&self) -> SourceState {
        let state = self.source_state.lock();
        state.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_source_state(&self, state: SourceState) {
        let known = self.source_state.lock();
        *known.unwrap_or_else(PoisonError::into_inner) = state;
        self.news.announce(&self.news.source);
    }
}

/// An error of changing an environment.
#[derive(Debug)]
pub(super) enum ChangeError<E> {
    Refused(E),
    /// An item cannot be evaluated.
    Unreadable(String),
}
