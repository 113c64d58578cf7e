//! [`SummaryCounts`]: the evaluation counts in analytics events.

use serde_json::Value;

/// The evaluation counts in summary events.
///
/// ```
/// use serde_json::json;
/// use vexil_service::SummaryCounts;
///
/// let summary = json!({"kind": "summary", "features": {"banner": {"default": "", "counters": [
///     {"variation": 0, "version": 7, "value": "hello", "count": 3},
///     {"unknown": true, "value": "", "count": 1},
/// ]}}});
/// let counts = SummaryCounts::of([&summary, &json!({"kind": "identify"})]);
/// assert_eq!((counts.total(), counts.variation("banner", 0)), (4, 3));
/// assert_eq!(counts.rows()[0].value, "hello");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SummaryCounts(Vec<SummaryCount>);

/// The count for one flag, variation and version.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SummaryCount {
    /// The flag's key.
    pub flag: String,
    /// The index of the variation, or `None` if the caller's default was returned.
    pub variation: Option<i64>,
    /// The flag's version, or `None` if the flag is unknown.
    pub version: Option<u64>,
    /// The value in the first summary that counted it.
    pub value: Value,
    /// The number of evaluations.
    pub count: u64,
}

impl SummaryCounts {
    /// Returns the counts in the summaries among these events.
    #[must_use]
    pub fn of<'a>(events: impl IntoIterator<Item = &'a Value>) -> Self {
        let mut counts = Self::default();
        events.into_iter().for_each(|event| counts.count(event));
        counts
    }

    /// Adds the counts of an event if it is a summary.
    pub fn count(&mut self, event: &Value) {
        if event.get("kind").is_none_or(|kind| kind != "summary") {
            return;
        }
        let features = event.get("features").and_then(Value::as_object);
        for (flag, feature) in features.into_iter().flatten() {
            let counters = feature.get("counters").and_then(Value::as_array);
            for counter in counters.into_iter().flatten() {
                self.add(flag, counter);
            }
        }
    }

    /// Returns the number of evaluations of all flags.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.sum(|_| true)
    }

    /// Returns the number of evaluations of a flag.
    #[must_use]
    pub fn flag(&self, key: &str) -> u64 {
        self.sum(|row| row.flag == key)
    }

    /// Returns the number of evaluations of a flag that returned this variation.
    #[must_use]
    pub fn variation(&self, key: &str, variation: i64) -> u64 {
        self.sum(|row| row.flag == key && row.variation == Some(variation))
    }

    /// Returns the number of evaluations of a flag that returned the caller's default.
    #[must_use]
    pub fn default_value(&self, key: &str) -> u64 {
        self.sum(|row| row.flag == key && row.variation.is_none())
    }

    /// Returns each combination of flag, variation and version, in order of arrival.
    #[must_use]
    pub fn rows(&self) -> &[SummaryCount] {
        &self.0
    }

    fn sum(&self, wanted: impl Fn(&SummaryCount) -> bool) -> u64 {
        self.0
            .iter()
            .filter(|row| wanted(row))
            .map(|row| row.count)
            .sum()
    }

    fn add(&mut self, flag: &str, counter: &Value) {
        let variation = counter.get("variation").and_then(Value::as_i64);
        let version = counter.get("version").and_then(Value::as_u64);
        let count = counter.get("count").and_then(Value::as_u64).unwrap_or(0);
        let same = |row: &&mut SummaryCount| {
            row.flag == flag && row.variation == variation && row.version == version
        };
        match self.0.iter_mut().find(same) {
            Some(row) => row.count = row.count.saturating_add(count),
            None => {
                let value = counter.get("value").cloned().unwrap_or_default();
                self.0.push(SummaryCount {
                    flag: flag.to_owned(),
                    variation,
                    version,
                    value,
                    count,
                });
            }
        }
    }
}
