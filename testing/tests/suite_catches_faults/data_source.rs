//! One fault for each clause for data sources.

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::yield_now;
use tokio::time::sleep;
use vexil::async_trait;
use vexil::data_source::{
    DataSink, DataSource, DataSourceError, DataSourceErrorInfo, DataSourceErrorKind,
    DataSourceState, NotStoredError,
};
use vexil::model::{ChangeSet, DataSet, Item, Selector};
use vexil_testing::conformance::DataSourceHarness;

caught! {
    data_source:
    delivery {
        all_data_is_delivered by DropsSegments,
        data_is_delivered_as_one_set by DeliversPieces,
        an_origin_without_items_is_delivered by IgnoresEmptiness,
        items_carry_their_json_if_the_sink_keeps_it by DropsJson,
        data_that_was_not_stored_is_not_lost by IgnoresStoreErrors,
        a_running_source_does_not_end_with_an_error by EndsWithAnError,
        a_stopped_run_delivers_nothing_more by DeliversAfterItsEnd,
        a_stopped_run_releases_its_sink by KeepsItsSink,
        a_source_can_run_again by RunsOnce,
        concurrent_runs_are_independent by SharesOneSink,
    }
    changes {
        a_changed_flag_is_delivered by IgnoresChanges,
        an_added_item_is_delivered by IgnoresNewItems,
        a_deletion_is_delivered by IgnoresDeletions,
        every_later_change_is_delivered by FollowsOneChange,
        an_older_state_is_never_delivered_after_a_newer_one by DeliversTheFirstStateAgain,
        a_change_reaches_every_run by NotifiesOneRun,
        a_run_continues_after_another_one_was_stopped by EndsWithOtherRuns,
    }
    change_sets {
        a_change_is_delivered_as_a_whole by DeliversPieces,
        a_lower_version_is_delivered by IgnoresLowerVersions,
        a_deleted_item_returns_with_any_version by IgnoresNewItems,
        an_emptied_origin_removes_all_items by IgnoresEmptiness,
        every_change_set_has_a_selector by DropsSelectors,
        only_differences_are_delivered_after_an_outage by DeliversEverythingAgain,
    }
    immediate {
        available_data_is_delivered_while_the_client_starts by HesitatesAtTheStart,
    }
    outages {
        an_outage_is_reported_with_an_error by HidesErrors,
        an_outage_keeps_the_data by EmptiesDuringOutages,
        an_outage_does_not_end_the_source by EndsWithOutages,
        changes_during_an_outage_are_delivered_after_it by NeverRecovers,
        the_source_is_valid_after_an_outage_without_changes by DeliversOnlyDifferences,
        an_outage_at_the_start_is_reported_and_ends by GivesUpAtTheStart,
        a_run_stopped_during_an_outage_releases_its_sink by DeliversAfterItsEnd,
    }
    refusals {
        a_refusal_ends_the_source_with_an_error by HangsWhenRefused,
        a_refusal_at_the_start_ends_the_source_with_an_error by EndsQuietlyWhenRefused,
        a_refusal_keeps_the_data by EmptiesWhenRefused,
    }
    connections {
        a_stopped_run_closes_its_connections by KeepsConnections,
    }
}

mod without_a_fault {
    use super::{Fault, Harness};

    vexil_testing::data_source_conformance!(
        Harness::new(Fault::None),
        delivery,
        changes,
        change_sets,
        immediate,
        outages,
        refusals,
        connections
    );
}

/// A fault of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    DropsSegments,
    DeliversPieces,
    IgnoresEmptiness,
    DropsJson,
    IgnoresStoreErrors,
    EndsWithAnError,
    DeliversAfterItsEnd,
    KeepsItsSink,
    RunsOnce,
    SharesOneSink,
    IgnoresChanges,
    IgnoresNewItems,
    IgnoresDeletions,
    FollowsOneChange,
    DeliversTheFirstStateAgain,
    NotifiesOneRun,
    EndsWithOtherRuns,
    IgnoresLowerVersions,
    DropsSelectors,
    DeliversEverythingAgain,
    HesitatesAtTheStart,
    HidesErrors,
    EmptiesDuringOutages,
    EndsWithOutages,
    NeverRecovers,
    DeliversOnlyDifferences,
    GivesUpAtTheStart,
    HangsWhenRefused,
    EndsQuietlyWhenRefused,
    EmptiesWhenRefused,
    KeepsConnections,
}

/// The state of the origin.
#[derive(Clone, Debug, Default)]
struct Origin {
    data: String,
    is_away: bool,
    refuses: bool,
}

struct Harness {
    fault: Fault,
    origin: Arc<watch::Sender<Origin>>,
    connections: Arc<AtomicUsize>,
    /// The number of runs of all sources.
    runs: Arc<AtomicUsize>,
    /// Increased at the end of each run.
    ends: Arc<watch::Sender<usize>>,
}

impl Harness {
    fn new(fault: Fault) -> Self {
        Self {
            fault,
            origin: Arc::default(),
            connections: Arc::default(),
            runs: Arc::default(),
            ends: Arc::default(),
        }
    }
}

#[async_trait]
impl DataSourceHarness for Harness {
    async fn publish(&self, data: &str) {
        self.origin
            .send_modify(|origin| data.clone_into(&mut origin.data));
    }

    async fn source(&self) -> Arc<dyn DataSource> {
        Arc::new(Faulty {
            fault: self.fault,
            origin: Arc::clone(&self.origin),
            connections: Arc::clone(&self.connections),
            runs: Arc::clone(&self.runs),
            ends: Arc::clone(&self.ends),
            change_sets: AtomicUsize::default(),
            sink: Mutex::default(),
        })
    }

    async fn interrupt(&self) {
        self.origin.send_modify(|origin| origin.is_away = true);
    }

    async fn restore(&self) {
        self.origin.send_modify(|origin| origin.is_away = false);
    }

    async fn refuse(&self) {
        self.origin.send_modify(|origin| origin.refuses = true);
    }

    fn open_connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    fn timeout(&self) -> Duration {
        if self.fault == Fault::None {
            Duration::from_secs(20)
        } else {
            Duration::from_millis(500)
        }
    }
}

#[derive(Debug)]
struct Faulty {
    fault: Fault,
    origin: Arc<watch::Sender<Origin>>,
    connections: Arc<AtomicUsize>,
    runs: Arc<AtomicUsize>,
    ends: Arc<watch::Sender<usize>>,
    /// The number of change sets so far.
    change_sets: AtomicUsize,
    /// The sink of the first run, if the fault keeps it.
    sink: Mutex<Option<Arc<dyn DataSink>>>,
}

/// Counts a run's connection, and its end.
struct Connection(Arc<AtomicUsize>, Arc<watch::Sender<usize>>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
        self.1.send_modify(|ends| *ends += 1);
    }
}

/// A run in progress.
#[derive(Default)]
struct Progress {
    /// The last data delivered.
    delivered: Option<String>,
    /// The number of states of the origin that were followed.
    followed: usize,
    was_away: bool,
}

impl Faulty {
    fn parse(&self, text: &str) -> DataSet {
        let mut data = DataSet::from_json(text.as_bytes()).unwrap();
        match self.fault {
            Fault::DropsSegments => data.segments.clear(),
            Fault::DropsJson => data = data.without_json(),
            _ => {}
        }
        data
    }

    /// Delivers this text, again if it was not stored.
    async fn deliver(
        &self,
        progress: &mut Progress,
        text: &str,
        sink: &dyn DataSink,
    ) -> Result<(), DataSourceError> {
        let data = self.parse(text);
        if self.fault == Fault::IgnoresEmptiness && data.flags.is_empty() {
            return Ok(());
        }
        if self.fault == Fault::DeliversOnlyDifferences
            && progress.delivered.as_deref() == Some(text)
        {
            return Ok(());
        }
        let before = progress.delivered.replace(text.to_owned());
        loop {
            let stored = self
                .deliver_once(before.as_deref(), data.clone(), sink)
                .await;
            if stored.is_ok() || self.fault == Fault::IgnoresStoreErrors {
                return Ok(());
            }
            sleep(Duration::from_millis(1)).await;
        }
    }

    async fn deliver_once(
        &self,
        before: Option<&str>,
        data: DataSet,
        sink: &dyn DataSink,
    ) -> Result<(), NotStoredError> {
        let flags = data.flags.iter().cloned().map(Item::Flag);
        let items: Vec<_> = flags
            .chain(data.segments.iter().cloned().map(Item::Segment))
            .collect();
        let before = before.map(|text| self.parse(text));
        match (self.fault, before) {
            (Fault::DeliversPieces, None) => {
                sink.init(DataSet::default()).await?;
            }
            (Fault::IgnoresDeletions | Fault::IgnoresLowerVersions, Some(_))
            | (Fault::DeliversPieces, _) => {}
            (Fault::IgnoresNewItems, Some(before)) => {
                let mut data = data;
                data.flags
                    .retain(|flag| before.flags.iter().any(|known| known.key() == flag.key()));
                return sink.init(data).await;
            }
            (Fault::DeliversEverythingAgain, _) | (_, None) => {
                return self.apply(ChangeSet::full(data), sink).await;
            }
            (_, Some(before)) => {
                let known = before.flags.iter().cloned().map(Item::Flag);
                let known = known.chain(before.segments.iter().cloned().map(Item::Segment));
                let is_gone = |item: &Item| {
                    let mut items = items.iter();
                    items.all(|other| (other.kind(), other.key()) != (item.kind(), item.key()))
                };
                let deleted = known
                    .filter(is_gone)
                    .map(|item| Item::deleted(item.kind(), item.key().clone(), item.version() + 1));
                let changes: Vec<_> = deleted.collect();
                let changes = ChangeSet::delta([items, changes].concat());
                return self.apply(changes, sink).await;
            }
        }
        for item in items {
            sink.upsert(item).await?;
        }
        Ok(())
    }

    /// Delivers a change set with a selector of its own.
    async fn apply(&self, changes: ChangeSet, sink: &dyn DataSink) -> Result<(), NotStoredError> {
        let number = self.change_sets.fetch_add(1, Ordering::SeqCst);
        let selector =
            Selector::new(number.to_string()).filter(|_| self.fault != Fault::DropsSelectors);
        sink.apply(changes.with_selector(selector)).await
    }

    /// Handles one state of the origin. Returns whether the run continues.
    async fn follow(
        &self,
        progress: &mut Progress,
        origin: &Origin,
        sink: &dyn DataSink,
    ) -> Result<bool, DataSourceError> {
        if origin.refuses {
            match self.fault {
                Fault::HangsWhenRefused => pending().await,
                Fault::EndsQuietlyWhenRefused => return Ok(false),
                Fault::EmptiesWhenRefused => {
                    let _ = sink.init(DataSet::default()).await;
                }
                _ => {}
            }
            return Err(DataSourceError::new(
                DataSourceErrorKind::ErrorResponse,
                "the origin refuses the source",
            ));
        }
        if origin.is_away {
            if self.fault == Fault::EmptiesDuringOutages {
                let _ = sink.init(DataSet::default()).await;
            }
            progress.was_away = true;
            let error =
                DataSourceErrorInfo::new(DataSourceErrorKind::NetworkError, "the origin is away");
            let error = Some(error).filter(|_| self.fault != Fault::HidesErrors);
            sink.update_status(DataSourceState::Interrupted, error);
            let gives_up = self.fault == Fault::EndsWithOutages
                || self.fault == Fault::GivesUpAtTheStart && progress.delivered.is_none();
            if gives_up {
                return Err(DataSourceError::new(
                    DataSourceErrorKind::NetworkError,
                    "the origin is away",
                ));
            }
            return Ok(true);
        }
        if progress.was_away && self.fault == Fault::NeverRecovers {
            return Ok(true);
        }
        let stops = match self.fault {
            Fault::IgnoresChanges => progress.followed >= 1,
            Fault::FollowsOneChange => progress.followed >= 2,
            _ => false,
        };
        progress.followed += 1;
        if stops {
            return Ok(true);
        }
        let first = progress.delivered.clone();
        self.deliver(progress, &origin.data, sink).await?;
        if self.fault == Fault::DeliversTheFirstStateAgain
            && let Some(first) = first
        {
            self.deliver(progress, &first, sink).await?;
            self.deliver(progress, &origin.data, sink).await?;
        }
        Ok(true)
    }
}

#[async_trait]
impl DataSource for Faulty {
    async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
        let run = self.runs.fetch_add(1, Ordering::SeqCst);
        self.connections.fetch_add(1, Ordering::SeqCst);
        let connection = Connection(Arc::clone(&self.connections), Arc::clone(&self.ends));
        let _connection = if self.fault == Fault::KeepsConnections {
            std::mem::forget(connection);
            None
        } else {
            Some(connection)
        };
        let mut ends = self.ends.subscribe();
        let mut changes = self.origin.subscribe();
        let sink = match self.fault {
            Fault::SharesOneSink => {
                let mut shared = self.sink.lock().unwrap();
                Arc::clone(shared.get_or_insert(sink))
            }
            Fault::KeepsItsSink => {
                // A leaked handle, as of a thread that never ends.
                std::mem::forget(Arc::clone(&sink));
                sink
            }
            Fault::DeliversAfterItsEnd => {
                let (mut changes, to) = (changes.clone(), Arc::clone(&sink));
                tokio::spawn(async move {
                    while changes.changed().await.is_ok() {
                        let text = changes.borrow_and_update().data.clone();
                        let data = DataSet::from_json(text.as_bytes()).unwrap();
                        // An error means that the write was rejected.
                        let _ = to.init(data).await;
                    }
                });
                sink
            }
            _ => sink,
        };
        if self.fault == Fault::RunsOnce && run > 0 {
            pending::<()>().await;
        }
        if self.fault == Fault::HesitatesAtTheStart {
            yield_now().await;
        }
        let mut progress = Progress::default();
        loop {
            let origin = changes.borrow_and_update().clone();
            if !self.follow(&mut progress, &origin, &*sink).await? {
                return Ok(());
            }
            if self.fault == Fault::EndsWithAnError {
                return Err(DataSourceError::invalid_data("the source ends"));
            }
            tokio::select! {
                biased;
                _ = ends.changed(), if self.fault == Fault::EndsWithOtherRuns => return Ok(()),
                changed = changes.changed() => if changed.is_err() { return Ok(()) },
            }
            if self.fault == Fault::NotifiesOneRun && run > 0 {
                pending::<()>().await;
            }
        }
    }
}
