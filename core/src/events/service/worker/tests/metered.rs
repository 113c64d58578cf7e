//! Tests of the metrics that are published.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};

use super::*;

/// Records counters, and their units if described.
#[derive(Debug, Default)]
struct Counters {
    counts: Mutex<BTreeMap<String, Arc<AtomicU64>>>,
    units: Mutex<BTreeMap<String, Unit>>,
}

impl Counters {
    fn counts(&self) -> BTreeMap<String, u64> {
        let counts = self.counts.lock().unwrap();
        counts
            .iter()
            .map(|(name, count)| (name.clone(), count.load(Ordering::Relaxed)))
            .collect()
    }
}

impl Recorder for Counters {
    fn describe_counter(&self, key: KeyName, unit: Option<Unit>, _: SharedString) {
        self.units
            .lock()
            .unwrap()
            .insert(key.as_str().to_owned(), unit.unwrap());
    }

    fn describe_gauge(&self, key: KeyName, _: Option<Unit>, _: SharedString) {
        panic!("{key:?} is not a counter");
    }

    fn describe_histogram(&self, key: KeyName, _: Option<Unit>, _: SharedString) {
        panic!("{key:?} is not a counter");
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let mut counts = self.counts.lock().unwrap();
        Counter::from_arc(Arc::clone(counts.entry(key.name().to_owned()).or_default()))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        panic!("{key} is not a counter");
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        panic!("{key} is not a counter");
    }
}

#[tokio::test(start_paused = true)]
async fn a_recorder_receives_the_sums_of_the_event_statistics_of_all_clients() {
    let counters = Counters::default();
    // The test's runtime is single-threaded, so the thread-local recorder sees all counters.
    let _recording = metrics::set_default_local_recorder(&counters);
    let clients = [
        Fixture::new(Mood::Answers(StatusCode::ACCEPTED)),
        Fixture::new(Mood::Answers(StatusCode::BAD_GATEWAY)),
    ];
    for _ in 0..3 {
        for client in &clients {
            client.evaluate(CAPACITY + 6);
        }
        sleep(FLUSH * 2).await;
    }
    let stats = clients.each_ref().map(Fixture::stats);
    let sum = |of: fn(&EventStats) -> u64| stats.iter().map(of).sum::<u64>();
    let expected = [
        ("vexil_event_bytes_total", sum(|stats| stats.bytes)),
        (
            "vexil_event_payloads_dropped_total",
            sum(|stats| stats.dropped_payloads),
        ),
        ("vexil_event_requests_total", sum(|stats| stats.attempts)),
        ("vexil_event_retries_total", sum(|stats| stats.retries)),
        (
            "vexil_events_delivered_total",
            sum(|stats| stats.delivered_events),
        ),
        (
            "vexil_events_dropped_total",
            sum(|stats| stats.dropped_events),
        ),
    ];
    assert!(expected.iter().all(|(_, count)| *count > 0), "{expected:?}");
    let none = [
        ("vexil_event_counts_dropped_total", 0),
        ("vexil_event_filtered_total", 0),
        ("vexil_event_kinds_dropped_total", 0),
    ];
    let expected = expected.into_iter().chain(none);
    assert_eq!(
        counters.counts(),
        expected
            .map(|(name, count)| (name.to_owned(), count))
            .collect()
    );
    let units = counters.units.lock().unwrap();
    assert!(units.keys().eq(counters.counts().keys()));
    assert_eq!(units["vexil_event_bytes_total"], Unit::Bytes);
}
