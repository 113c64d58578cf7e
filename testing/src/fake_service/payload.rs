//! [`Payload`] and [`SummaryCounts`]: the content of analytics events.

use std::sync::Arc;

use serde_json::Value;

use super::request::Request;

/// Analytics events that were posted together and accepted.
#[derive(Clone, Debug)]
pub struct Payload {
    request: Request,
    events: Arc<[Value]>,
}

impl Payload {
    /// Returns `None` if the request body is not a list.
    pub(super) fn of(request: &Request) -> Option<Self> {
        match request.json()? {
            Value::Array(events) => Some(Self {
                request: request.clone(),
                events: events.into(),
            }),
            _ => None,
        }
    }

    /// Returns the `X-LaunchDarkly-Payload-ID`. A payload that is sent again has the same id and is
    /// counted once.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.request.header("x-launchdarkly-payload-id")
    }

    /// Returns the events in order.
    #[must_use]
    pub fn events(&self) -> &[Value] {
        &self.events
    }

    /// Returns the request of the payload.
    #[must_use]
    pub fn request(&self) -> &Request {
        &self.request
    }
}

/// The evaluation counts in the summaries of all payloads together.
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
    pub(super) fn of<'a>(events: impl Iterator<Item = &'a Value>) -> Self {
        let mut counts = Self::default();
        for summary in
            events.filter(|event| event.get("kind").is_some_and(|kind| kind == "summary"))
        {
            let features = summary
                .get("features")
                .and_then(Value::as_object)
                .into_iter()
                .flatten();
            for (flag, feature) in features {
                let counters = feature
                    .get("counters")
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten();
                counters.for_each(|counter| counts.add(flag, counter));
            }
        }
        counts
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
            Some(row) => row.count += count,
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
