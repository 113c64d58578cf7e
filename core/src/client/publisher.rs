//! [`Publishing`]: publishes the state and the counts of a client to the metrics recorder that the
//! application has installed.
//!
//! They are published at intervals and when the client is closed, never during an evaluation. Event
//! statistics are published by the event processor.

use std::sync::Arc;
use std::time::Duration;

use metrics::{
    Counter, Gauge, Label, SharedString, Unit, counter, describe_counter, describe_gauge, gauge,
};
use tokio::select;
use tokio::sync::Notify;
use tokio::time::sleep;
use vexil_eval::model::DataKind;

use super::resolve::Resolver;
use crate::hooks::Hooks;
use crate::meter::{Counts, Meter, outcomes, unix_seconds};
use crate::runtime::{Runtime, Task};
use crate::status::{BigSegmentStoreStatus, DataSourceState, DataStoreReporter};
use crate::store::Snapshot;

/// A third of the shortest usual interval at which metrics are collected.
const INTERVAL: Duration = Duration::from_secs(5);

const EVALUATIONS: &str = "vexil_evaluations_total";
const HOOK_FAILURES: &str = "vexil_hook_failures_total";
const SOURCE_STATE: &str = "vexil_data_source_state";
const SOURCE_ERRORS: &str = "vexil_data_source_errors_total";
const LAST_BYTE: &str = "vexil_data_source_last_byte_timestamp_seconds";
const LAST_UPDATE: &str = "vexil_data_source_last_update_timestamp_seconds";
const ITEMS: &str = "vexil_items";
const STORE_AVAILABLE: &str = "vexil_data_store_available";
const STORE_STALE: &str = "vexil_data_store_stale";
const LAST_REFRESH: &str = "vexil_data_store_last_refresh_timestamp_seconds";
const BIG_SEGMENTS_AVAILABLE: &str = "vexil_big_segment_store_available";
const BIG_SEGMENTS_STALE: &str = "vexil_big_segment_store_stale";

const COUNTERS: [(&str, &str); 3] = [
    (EVALUATIONS, "Evaluations, by what they returned."),
    (HOOK_FAILURES, "Stages of hooks that failed or panicked."),
    (SOURCE_ERRORS, "Errors of the data source, by kind."),
];

const GAUGES: [(&str, Unit, &str); 9] = [
    (
        SOURCE_STATE,
        Unit::Count,
        "1 for the state that the data source is in, 0 for the others.",
    ),
    (
        LAST_BYTE,
        Unit::Seconds,
        "When bytes of the service last arrived, since 1970.",
    ),
    (
        LAST_UPDATE,
        Unit::Seconds,
        "When data of the data source was last stored, since 1970.",
    ),
    (ITEMS, Unit::Count, "Flags and segments."),
    (
        STORE_AVAILABLE,
        Unit::Count,
        "1 if the last call to the data store's database succeeded, otherwise 0.",
    ),
    (
        STORE_STALE,
        Unit::Count,
        "1 if evaluations may use data that is older than it should be, otherwise 0.",
    ),
    (
        LAST_REFRESH,
        Unit::Seconds,
        "When the whole data set was last read from or written to the database, since 1970.",
    ),
    (
        BIG_SEGMENTS_AVAILABLE,
        Unit::Count,
        "1 if the last query of the big-segment store succeeded, otherwise 0.",
    ),
    (
        BIG_SEGMENTS_STALE,
        Unit::Count,
        "1 if the big-segment store was synchronized too long ago, otherwise 0.",
    ),
];

const STATES: [DataSourceState; 4] = [
    DataSourceState::Initializing,
    DataSourceState::Valid,
    DataSourceState::Interrupted,
    DataSourceState::Off,
];

/// The task that publishes the metrics of a client.
#[derive(Debug)]
pub(super) struct Publishing {
    is_closed: Arc<Notify>,
    task: Task<()>,
}

impl Publishing {
    /// Starts to publish, until the client is closed.
    pub(super) fn start(publisher: Publisher, runtime: &Runtime) -> Self {
        let is_closed = Arc::new(Notify::new());
        let running = publisher.run(Arc::clone(&is_closed));
        Self {
            is_closed,
            task: runtime.spawn_watched("publishing of metrics", running, |_death| {}),
        }
    }

    /// Publishes the last numbers of a closed client and stops.
    pub(super) async fn end(self) {
        self.is_closed.notify_one();
        self.task.finish().await;
    }
}

/// What the metrics of a client are read from.
pub(super) struct Publisher {
    meter: Meter,
    resolver: Arc<Resolver>,
    data_store_status: DataStoreReporter,
    hooks: Arc<Hooks>,
    /// The evaluations published so far.
    evaluations: Counts,
}

impl Publisher {
    pub(super) fn new(
        meter: Meter,
        resolver: Arc<Resolver>,
        data_store_status: DataStoreReporter,
        hooks: Arc<Hooks>,
    ) -> Self {
        Self {
            meter,
            resolver,
            data_store_status,
            hooks,
            evaluations: Counts::default(),
        }
    }

    async fn run(mut self, is_closed: Arc<Notify>) {
        for (name, description) in COUNTERS {
            describe_counter!(name, Unit::Count, description);
        }
        for (name, unit, description) in GAUGES {
            describe_gauge!(name, unit, description);
        }
        loop {
            self.publish_counts();
            self.publish_state();
            select! {
                () = is_closed.notified() => break,
                () = sleep(INTERVAL) => {}
            }
        }
        self.publish_counts();
        self.publish_state();
    }

    /// Publishes what has been counted since the last call.
    fn publish_counts(&mut self) {
        let numbers = self.meter.numbers();
        let now = numbers.evaluations();
        let before = std::mem::replace(&mut self.evaluations, now);
        for ((result, error, count), before) in outcomes(now).zip(before) {
            self.counter(EVALUATIONS, [("result", result), ("error", error)])
                .increment(count.saturating_sub(before));
        }
        for (kind, count) in numbers.take_source_errors() {
            self.counter(SOURCE_ERRORS, [("kind", kind.as_str())])
                .increment(count);
        }
        for hook in self.hooks.failures() {
            for (stage, count) in hook.take() {
                let name = SharedString::from(hook.hook.to_string());
                self.counter(HOOK_FAILURES, [("hook", name), ("stage", stage.into())])
                    .increment(count);
            }
        }
    }

    fn publish_state(&self) {
        let numbers = self.meter.numbers();
        let current = self.resolver.updater.status.state();
        for state in STATES {
            self.gauge(SOURCE_STATE, [("state", state.as_str())])
                .set(number(state == current));
        }
        self.time(LAST_BYTE, numbers.last_byte());
        self.time(LAST_UPDATE, numbers.last_update());
        let store = self.data_store_status.get();
        self.flag(STORE_AVAILABLE, store.available);
        self.flag(STORE_STALE, store.stale);
        self.time(LAST_REFRESH, store.last_refresh.map(unix_seconds));
        if let Some(status) = self.big_segments() {
            self.flag(BIG_SEGMENTS_AVAILABLE, status.available);
            self.flag(BIG_SEGMENTS_STALE, status.stale);
        }
        if let Some([flags, segments]) = self.items() {
            self.item_count(DataKind::Flag, flags);
            self.item_count(DataKind::Segment, segments);
        }
    }

    fn big_segments(&self) -> Option<BigSegmentStoreStatus> {
        let reader = self.resolver.big_segments.as_ref()?;
        reader.status().known()
    }

    /// The number of flags and of segments. `None` if the store does not hold all in memory.
    fn items(&self) -> Option<[usize; 2]> {
        let count = |snapshot: &dyn Snapshot| {
            let is_complete = snapshot.is_complete();
            is_complete.then(|| [snapshot.flags().count(), snapshot.segments().count()])
        };
        self.resolver.reads.read(count).flatten()
    }

    fn item_count(&self, kind: DataKind, count: usize) {
        self.gauge(ITEMS, [("kind", kind.to_string())])
            .set(u32::try_from(count).unwrap_or(u32::MAX));
    }

    fn flag(&self, name: &'static str, on: bool) {
        self.gauge(name, [] as [(&str, &str); 0]).set(number(on));
    }

    /// A time that is not known has no metric.
    fn time(&self, name: &'static str, seconds: Option<f64>) {
        if let Some(seconds) = seconds {
            self.gauge(name, [] as [(&str, &str); 0]).set(seconds);
        }
    }

    fn counter<L: Into<SharedString>, const N: usize>(
        &self,
        name: &'static str,
        labels: [(&'static str, L); N],
    ) -> Counter {
        counter!(name, self.labels(labels))
    }

    fn gauge<L: Into<SharedString>, const N: usize>(
        &self,
        name: &'static str,
        labels: [(&'static str, L); N],
    ) -> Gauge {
        gauge!(name, self.labels(labels))
    }

    /// Adds the labels of the client.
    fn labels<L: Into<SharedString>, const N: usize>(
        &self,
        labels: [(&'static str, L); N],
    ) -> Vec<Label> {
        let labels = labels.map(|(key, value)| Label::new(key, value));
        let own = self.meter.numbers().labels();
        own.iter().cloned().chain(labels).collect()
    }
}

fn number(on: bool) -> f64 {
    if on { 1.0 } else { 0.0 }
}
