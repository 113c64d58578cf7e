//! [`Board`]: the values of all metrics.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};

/// Shows counters and gauges by name and labels, such as `items{kind="flag"}`.
#[derive(Debug, Default)]
pub(crate) struct Board {
    counters: Mutex<BTreeMap<String, Arc<AtomicU64>>>,
    /// Floats, as bits.
    gauges: Mutex<BTreeMap<String, Arc<AtomicU64>>>,
    described: Mutex<BTreeMap<String, (&'static str, Unit, String)>>,
}

impl Board {
    /// The value of a metric, if it was registered.
    pub(crate) fn value(&self, metric: &str) -> Option<f64> {
        if let Some(count) = self.counters.lock().unwrap().get(metric) {
            let count = u32::try_from(count.load(Ordering::Relaxed)).unwrap();
            return Some(count.into());
        }
        let gauges = self.gauges.lock().unwrap();
        Some(f64::from_bits(gauges.get(metric)?.load(Ordering::Relaxed)))
    }

    /// The metrics of this name that are not zero, by their labels.
    pub(crate) fn nonzero(&self, name: &str) -> BTreeMap<String, f64> {
        let metrics: BTreeSet<_> = self.registered();
        let labels = metrics.iter().filter_map(|metric| {
            let labels = metric.strip_prefix(name)?.strip_prefix('{')?;
            let value = self.value(metric).filter(|value| *value != 0.0)?;
            Some((labels.strip_suffix('}')?.to_owned(), value))
        });
        labels.collect()
    }

    /// All metrics, with their labels.
    pub(crate) fn registered(&self) -> BTreeSet<String> {
        let (counters, gauges) = (self.counters.lock().unwrap(), self.gauges.lock().unwrap());
        counters.keys().chain(gauges.keys()).cloned().collect()
    }

    /// The type, unit and description of each name.
    pub(crate) fn described(&self) -> BTreeMap<String, (&'static str, Unit, String)> {
        self.described.lock().unwrap().clone()
    }

    fn describe(
        &self,
        metric_type: &'static str,
        name: &KeyName,
        unit: Option<Unit>,
        description: &SharedString,
    ) {
        let unit = unit.expect("every metric has a unit");
        let description = (metric_type, unit, description.to_string());
        let mut described = self.described.lock().unwrap();
        described.insert(name.as_str().to_owned(), description);
    }
}

fn shown(key: &Key) -> String {
    let labels: Vec<_> = key
        .labels()
        .map(|label| format!("{}=\"{}\"", label.key(), label.value()))
        .collect();
    if labels.is_empty() {
        key.name().to_owned()
    } else {
        format!("{}{{{}}}", key.name(), labels.join(","))
    }
}

impl Recorder for Board {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, description: SharedString) {
        self.describe("counter", &name, unit, &description);
    }

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, description: SharedString) {
        self.describe("gauge", &name, unit, &description);
    }

    fn describe_histogram(&self, name: KeyName, _: Option<Unit>, _: SharedString) {
        panic!("{name:?} is a histogram");
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let mut counters = self.counters.lock().unwrap();
        Counter::from_arc(Arc::clone(counters.entry(shown(key)).or_default()))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        let mut gauges = self.gauges.lock().unwrap();
        Gauge::from_arc(Arc::clone(gauges.entry(shown(key)).or_default()))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        panic!("{key} is a histogram");
    }
}

/// Panics whenever it is used.
#[derive(Debug)]
pub(crate) struct Faulty;

impl Recorder for Faulty {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {
        panic!("this recorder always panics");
    }

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {
        panic!("this recorder always panics");
    }

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {
        panic!("this recorder always panics");
    }

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        panic!("this recorder always panics");
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        panic!("this recorder always panics");
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        panic!("this recorder always panics");
    }
}
