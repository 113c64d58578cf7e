//! The test doubles pass every clause that applies to them.

#![cfg(test)]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value};
use vexil::big_segments::BigSegmentStore;
use vexil::data_source::DataSource;
use vexil::events::EventProcessor;
use vexil::hooks::Hook;
use vexil::model::DataKind;
use vexil::store::{PersistentDataStore, StoredItem};
use vexil::{async_trait, eval::Membership};
use vexil_testing::conformance::{
    BigSegmentStoreHarness, DataSourceHarness, DeliveredEvents, EventProcessorHarness, HookHarness,
    PersistentStoreHarness,
};
use vexil_testing::{
    EventRecorder, HookRecorder, MemoryBigSegmentStore, MemoryDatabase, MemoryPersistentStore,
    RecordedEvent, RecordedStage, StoreFault, TestData,
};

/// A new database for each test.
#[derive(Default)]
struct Memory {
    database: MemoryDatabase,
    reads_only: bool,
}

#[async_trait]
impl PersistentStoreHarness for Memory {
    async fn store(&self, prefix: &str) -> Arc<dyn PersistentDataStore> {
        let store = MemoryPersistentStore::attached(&self.database, prefix).with_push();
        Arc::new(if self.reads_only {
            store.read_only()
        } else {
            store
        })
    }

    async fn unreachable(&self) -> Arc<dyn PersistentDataStore> {
        let store = MemoryPersistentStore::new();
        store.calls().fault_all(StoreFault::Fail);
        Arc::new(store)
    }

    async fn put(&self, prefix: &str, kind: DataKind, key: &str, row: &StoredItem) {
        self.database.put(prefix, kind, key, row.clone());
    }

    async fn mark(&self, prefix: &str) {
        self.database.set_initialized(prefix, true);
    }

    async fn clear(&self, prefix: &str) {
        self.database.clear(prefix);
    }
}

#[async_trait]
impl BigSegmentStoreHarness for Memory {
    async fn store(&self, prefix: &str) -> Arc<dyn BigSegmentStore> {
        Arc::new(MemoryBigSegmentStore::attached(&self.database, prefix))
    }

    async fn unreachable(&self) -> Arc<dyn BigSegmentStore> {
        let store = MemoryBigSegmentStore::new();
        store.calls().fault_all(StoreFault::TimeOut);
        Arc::new(store)
    }

    async fn set_membership(&self, prefix: &str, hash: &str, included: &[&str], excluded: &[&str]) {
        let membership = Membership::new(included.iter().copied(), excluded.iter().copied());
        self.database
            .set_membership_of_hash(prefix, hash, membership);
    }

    async fn set_synchronized(&self, prefix: &str, time: u64) {
        self.database.set_synchronized(prefix, Some(time));
    }

    async fn clear(&self, prefix: &str) {
        self.database.clear(prefix);
    }
}

mod persistent_store {
    use super::Memory;

    vexil_testing::persistent_store_conformance!(Memory::default(), reads, writes, pushes);
}

mod read_only_store {
    use super::Memory;

    vexil_testing::persistent_store_conformance!(
        Memory {
            reads_only: true,
            ..Memory::default()
        },
        reads,
        read_only
    );
}

mod big_segment_store {
    use super::Memory;

    vexil_testing::big_segment_store_conformance!(Memory::default());
}

mod test_data {
    use super::Flags;

    vexil_testing::data_source_conformance!(Flags::default(), delivery, changes, immediate);
}

/// Test data as the origin and the source.
#[derive(Default)]
struct Flags {
    data: TestData,
    /// The keys of all flags and segments published so far.
    published: Mutex<[BTreeSet<String>; 2]>,
}

#[async_trait]
impl DataSourceHarness for Flags {
    async fn publish(&self, data: &str) {
        let data: Map<String, Value> = serde_json::from_str(data).unwrap();
        let [flags, segments] =
            ["flags", "segments"].map(|kind| data[kind].as_object().unwrap().clone());
        let mut published = self.published.lock().unwrap();
        for key in &published[0] {
            if !flags.contains_key(key) {
                self.data.delete(key.as_str());
            }
        }
        for key in &published[1] {
            if !segments.contains_key(key) {
                self.data.delete_segment(key.as_str());
            }
        }
        published[0].extend(flags.keys().cloned());
        published[1].extend(segments.keys().cloned());
        for flag in flags.into_values() {
            self.data.use_preconfigured_flag(flag).unwrap();
        }
        for segment in segments.into_values() {
            self.data.use_preconfigured_segment(segment).unwrap();
        }
    }

    async fn source(&self) -> Arc<dyn DataSource> {
        Arc::new(self.data.clone())
    }
}

mod event_recorder {
    use super::Recorder;

    // A recorder is shared between clients, so one that is closed does not stop it.
    vexil_testing::event_processor_conformance!(Recorder::default(), recording, flushing);
}

/// A recorder as the processor, and what it has recorded as the delivered events.
#[derive(Default)]
struct Recorder(EventRecorder);

#[async_trait]
impl EventProcessorHarness for Recorder {
    async fn processor(&self) -> Arc<dyn EventProcessor> {
        Arc::new(self.0.clone())
    }

    fn delivered(&self) -> DeliveredEvents {
        let events = self.0.events().into_iter();
        events.fold(DeliveredEvents::new(), |delivered, event| match event {
            RecordedEvent::Evaluation(event) => {
                delivered.evaluations(event.key.as_str(), event.version, 1)
            }
            RecordedEvent::Identify(context) => delivered.identify(context.key()),
            RecordedEvent::Custom(event) => {
                let data = serde_json::to_value(event.data).unwrap();
                delivered.custom(event.key.as_str(), data)
            }
            _ => delivered,
        })
    }
}

mod hook_recorder {
    use super::Stages;

    vexil_testing::hook_conformance!(Stages::default(), stages, observation);
}

struct Stages(HookRecorder);

impl Default for Stages {
    fn default() -> Self {
        Self(HookRecorder::new("recorder"))
    }
}

impl HookHarness for Stages {
    fn hook(&self) -> Arc<dyn Hook> {
        Arc::new(self.0.clone())
    }

    fn observed(&self) -> Vec<(String, vexil::Value)> {
        let stages = self.0.stages().into_iter();
        let evaluations = stages.filter_map(|stage| match stage {
            RecordedStage::AfterEvaluation(series, detail) => {
                Some((series.flag_key.to_string(), detail.value))
            }
            _ => None,
        });
        evaluations.collect()
    }
}
