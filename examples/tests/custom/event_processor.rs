use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use vexil::async_trait;
use vexil::events::{Event, EventProcessor};
use vexil_testing::conformance::{DeliveredEvents, EventProcessorHarness};

/// Where events go: a queue, a table, a log. Here it is a list that the test sees.
type Destination = Arc<Mutex<DeliveredEvents>>;

/// One recorded event, without the attributes of its context.
#[derive(Debug)]
enum Record {
    Evaluated(String, Option<u64>),
    Tracked(String, serde_json::Value),
    Identified(String),
}

#[derive(Debug)]
struct Processor {
    /// `None` once the processor is closed.
    records: Mutex<Option<Vec<Record>>>,
    destination: Destination,
}

impl Processor {
    fn new(destination: Destination) -> Self {
        Self {
            records: Mutex::new(Some(Vec::new())),
            destination,
        }
    }

    /// Delivers what was recorded. A real processor does this in the background, in batches, and
    /// drops what it cannot deliver.
    fn deliver(&self, close: bool) {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = match close {
            true => records.take().unwrap_or_default(),
            false => records.as_mut().map(mem::take).unwrap_or_default(),
        };
        let mut destination = self
            .destination
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for record in taken {
            let delivered = mem::take(&mut *destination);
            *destination = match record {
                Record::Evaluated(flag, version) => delivered.evaluations(flag, version, 1),
                Record::Tracked(key, data) => delivered.custom(key, data),
                Record::Identified(key) => delivered.identify(key),
            };
        }
    }
}

#[async_trait]
impl EventProcessor for Processor {
    /// Runs on the evaluating thread: it only pushes to a list.
    fn record(&self, event: &Event<'_>) {
        let record = match event {
            Event::Evaluation(event) => {
                let version = event.flag.map(|(flag, _)| flag.version());
                Record::Evaluated(event.key.to_owned(), version)
            }
            Event::Custom(event) => {
                let data = serde_json::to_value(event.data).unwrap_or_default();
                Record::Tracked(event.key.to_owned(), data)
            }
            Event::Identify(context) => Record::Identified(context.key().to_string()),
            _ => return,
        };
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(records) = &mut *records {
            records.push(record);
        }
    }

    fn flush(&self) {
        self.deliver(false);
    }

    async fn flush_and_wait(&self) {
        self.deliver(false);
    }

    async fn close(&self) {
        self.deliver(true);
    }

    fn pending(&self) -> u64 {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let count = records.as_ref().map_or(0, Vec::len);
        u64::try_from(count).unwrap_or(u64::MAX)
    }
}

#[derive(Default)]
struct Harness(Destination);

#[async_trait]
impl EventProcessorHarness for Harness {
    async fn processor(&self) -> Arc<dyn EventProcessor> {
        Arc::new(Processor::new(Arc::clone(&self.0)))
    }

    fn delivered(&self) -> DeliveredEvents {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

vexil_testing::event_processor_conformance!(Harness::default());
