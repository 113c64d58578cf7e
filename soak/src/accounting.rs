//! [`Ledger`]: what became of the events of one client.
//!
//! A [`Ledger`] sees each payload when the client hands it to its transport, and the outcome of
//! each attempt as the client sees it. The service reports which payloads it has accepted. In the
//! end each evaluation is in one payload, and each payload was accepted or is reported as dropped.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::Value;
use vexil::transport::{Body, HttpTransport, RequestOptions, TransportError};

use crate::environment::{ITEMS, Item};

const PAYLOAD_ID: &str = "x-launchdarkly-payload-id";
const EVENTS: &str = "/bulk";

/// Longer than two attempts of a delivery take.
const SETTLED_AFTER: Duration = Duration::from_secs(30);

/// Numbers of evaluations, for each flag, and of custom events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) evaluations: [u64; ITEMS],
    pub(crate) custom: u64,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            evaluations: [0; ITEMS],
            custom: 0,
        }
    }
}

impl Counts {
    /// Counts the evaluations in summaries, and custom events.
    pub(crate) fn of(events: &[Value]) -> Self {
        let mut counts = Self::default();
        for event in events {
            match event.get("kind").and_then(Value::as_str) {
                Some("custom") => counts.custom += 1,
                Some("summary") => counts.add_summary(event),
                _ => {}
            }
        }
        counts
    }

    pub(crate) fn total(&self) -> u64 {
        self.evaluations.iter().sum()
    }

    fn add_summary(&mut self, summary: &Value) {
        let features = summary.get("features").and_then(Value::as_object);
        for (key, feature) in features.into_iter().flatten() {
            let counters = feature.get("counters").and_then(Value::as_array);
            let counters = counters.into_iter().flatten();
            let count: u64 = counters
                .filter_map(|counter| counter.get("count")?.as_u64())
                .sum();
            let slot = Item::of_flag(key).map(Item::number);
            if let Some(slot) = slot.and_then(|number| self.evaluations.get_mut(number)) {
                *slot += count;
            }
        }
    }

    fn add(&mut self, other: &Self) {
        for (sum, count) in self.evaluations.iter_mut().zip(other.evaluations) {
            *sum += count;
        }
        self.custom += other.custom;
    }
}

/// The payloads that the service has accepted and that no ledger has claimed.
#[derive(Debug, Default)]
pub(crate) struct Accepted(Mutex<HashMap<String, Counts>>);

impl Accepted {
    pub(crate) fn insert(&self, id: &str, events: &[Value]) {
        self.lock().insert(id.to_owned(), Counts::of(events));
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    fn take(&self, id: &str) -> Option<Counts> {
        self.lock().remove(id)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Counts>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The payloads of one client.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<Books>);

#[derive(Debug, Default)]
struct Books {
    open: HashMap<String, Sent>,
    totals: Totals,
}

/// A payload that the client has handed to its transport.
#[derive(Debug)]
struct Sent {
    counts: Counts,
    /// Whether an attempt was answered with success.
    succeeded: bool,
    last: Instant,
}

/// Sums over the payloads whose outcome is final.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// Counts in all payloads.
    pub(crate) sent: Counts,
    /// Counts in accepted payloads, as the service received them.
    pub(crate) delivered: Counts,
    /// Counts in payloads that were not accepted and that the client knows to have failed.
    pub(crate) dropped: Counts,
    /// Payloads without a successful attempt, as the client sees it.
    pub(crate) failed_payloads: u64,
    /// Payloads that were answered with success but are not among the accepted ones.
    pub(crate) lost_payloads: u64,
}

/// What a client reports and what it was asked to do, to compare the ledger with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Made {
    pub(crate) counts: Counts,
    /// `EventStats::dropped_payloads`.
    pub(crate) dropped_payloads: u64,
    /// `EventStats::dropped_events`.
    pub(crate) dropped_events: u64,
}

impl Ledger {
    pub(crate) fn begin(&self, id: &str, body: &[u8]) {
        // Outside the lock: a payload may be large.
        let events: Vec<Value> = serde_json::from_slice(body).unwrap_or_default();
        let counts = Counts::of(&events);
        let now = Instant::now();
        let mut books = self.lock();
        let sent = books.open.entry(id.to_owned()).or_insert(Sent {
            counts,
            succeeded: false,
            last: now,
        });
        sent.last = now;
    }

    pub(crate) fn succeed(&self, id: &str) {
        if let Some(sent) = self.lock().open.get_mut(id) {
            sent.succeeded = true;
        }
    }

    /// Settles the payloads whose last attempt began long ago; with `all`, every payload.
    pub(crate) fn settle(&self, accepted: &Accepted, all: bool) {
        let mut books = self.lock();
        let Books { open, totals } = &mut *books;
        open.retain(|id, sent| {
            let is_settled = all || sent.last.elapsed() > SETTLED_AFTER;
            if is_settled {
                totals.add(sent, accepted.take(id));
            }
            !is_settled
        });
    }

    pub(crate) fn totals(&self) -> Totals {
        self.lock().totals.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Totals {
    fn add(&mut self, sent: &Sent, accepted: Option<Counts>) {
        self.sent.add(&sent.counts);
        if !sent.succeeded {
            self.failed_payloads += 1;
        }
        match accepted {
            Some(counts) => self.delivered.add(&counts),
            None if sent.succeeded => self.lost_payloads += 1,
            None => self.dropped.add(&sent.counts),
        }
    }

    /// Returns the promises about events that are broken.
    pub(crate) fn broken(&self, made: &Made) -> Vec<String> {
        let mut broken = Vec::new();
        for item in Item::all() {
            let of = |counts: &Counts| {
                let count = counts.evaluations.get(item.number());
                count.copied().unwrap_or_default()
            };
            let (made, sent) = (of(&made.counts), of(&self.sent));
            let (delivered, dropped) = (of(&self.delivered), of(&self.dropped));
            if made != sent || made != delivered + dropped {
                broken.push(format!(
                    "{}: {made} evaluations made, {sent} sent, {delivered} delivered, {dropped} dropped",
                    item.key()
                ));
            }
        }
        if self.lost_payloads > 0 {
            broken.push(format!(
                "{} payloads were answered with success, but not accepted",
                self.lost_payloads
            ));
        }
        if self.failed_payloads != made.dropped_payloads {
            broken.push(format!(
                "{} payloads failed, {} reported as dropped",
                self.failed_payloads, made.dropped_payloads
            ));
        }
        let (custom, sent) = (made.counts.custom, self.sent.custom);
        // Events that found the buffer full include the index events of contexts.
        if sent > custom || custom > sent + made.dropped_events {
            broken.push(format!(
                "{custom} custom events made, {sent} sent, {} events reported as dropped",
                made.dropped_events
            ));
        }
        broken
    }
}

/// Sends requests through another transport, and enters those with events in a ledger.
pub(crate) struct Recording {
    pub(crate) inner: Arc<dyn HttpTransport>,
    pub(crate) ledger: Arc<Ledger>,
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording").finish_non_exhaustive()
    }
}

#[vexil::async_trait]
impl HttpTransport for Recording {
    async fn send(
        &self,
        request: http::Request<Bytes>,
        options: RequestOptions,
    ) -> Result<http::Response<Body>, TransportError> {
        let id = request.headers().get(PAYLOAD_ID);
        let id = id
            .and_then(|id| id.to_str().ok())
            .filter(|_| request.uri().path().ends_with(EVENTS))
            .map(str::to_owned);
        let Some(id) = id else {
            return self.inner.send(request, options).await;
        };
        self.ledger.begin(&id, request.body());
        let answer = self.inner.send(request, options).await;
        if answer
            .as_ref()
            .is_ok_and(|answer| answer.status().is_success())
        {
            self.ledger.succeed(&id);
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A payload with evaluations of one flag and with one custom event.
    fn events(evaluations: u64) -> Vec<Value> {
        let counters =
            json!([{ "count": evaluations - 1, "version": 1 }, { "count": 1, "unknown": true }]);
        vec![
            json!({ "kind": "index" }),
            json!({ "kind": "custom", "key": "soak" }),
            json!({ "kind": "summary", "features": { "flag-00": { "counters": counters } } }),
        ]
    }

    fn counts(evaluations: u64, custom: u64) -> Counts {
        let mut counts = Counts::default();
        counts.evaluations[0] = evaluations;
        counts.custom = custom;
        counts
    }

    fn made(evaluations: u64, custom: u64, dropped_payloads: u64) -> Made {
        Made {
            counts: counts(evaluations, custom),
            dropped_payloads,
            dropped_events: 0,
        }
    }

    /// Sends payloads of ten evaluations; each with whether the client sees success and whether the
    /// service accepts it.
    fn totals(payloads: &[(bool, bool)]) -> Totals {
        let (ledger, accepted) = (Ledger::default(), Accepted::default());
        for (number, (succeeds, is_accepted)) in payloads.iter().enumerate() {
            let (id, events) = (number.to_string(), events(10));
            let body = serde_json::to_vec(&events).unwrap();
            ledger.begin(&id, &body);
            // A second attempt of the same payload.
            ledger.begin(&id, &body);
            if *succeeds {
                ledger.succeed(&id);
            }
            if *is_accepted {
                accepted.insert(&id, &events);
            }
        }
        ledger.settle(&accepted, false);
        assert_eq!(ledger.totals(), Totals::default());
        ledger.settle(&accepted, true);
        assert_eq!(accepted.len(), 0);
        ledger.totals()
    }

    #[test]
    fn delivered_and_reported_payloads_keep_all_promises() {
        let totals = totals(&[(true, true), (false, false), (false, true)]);
        assert_eq!(totals.delivered, counts(20, 2));
        assert_eq!(totals.dropped, counts(10, 1));
        assert_eq!(totals.broken(&made(30, 3, 2)), Vec::<String>::new());
    }

    #[test]
    fn an_evaluation_that_no_summary_counts_is_found() {
        let totals = totals(&[(true, true)]);
        assert_eq!(totals.broken(&made(11, 1, 0)).len(), 1);
        // Nor may one be counted twice.
        assert_eq!(totals.broken(&made(9, 1, 0)).len(), 1);
    }

    #[test]
    fn a_payload_that_disappears_is_found() {
        let totals = totals(&[(true, true), (true, false)]);
        let broken = totals.broken(&made(20, 2, 0));
        assert_eq!(broken.len(), 2, "{broken:?}");
        assert!(broken[1].contains("not accepted"), "{broken:?}");
    }

    #[test]
    fn a_drop_that_is_not_reported_is_found() {
        let totals = totals(&[(true, true), (false, false)]);
        assert_eq!(totals.broken(&made(20, 2, 1)), Vec::<String>::new());
        for reported in [0, 2] {
            let broken = totals.broken(&made(20, 2, reported));
            assert!(broken[0].contains("reported as dropped"), "{broken:?}");
        }
    }

    #[test]
    fn custom_events_are_sent_or_reported() {
        let totals = totals(&[(true, true)]);
        let mut made = made(10, 3, 0);
        assert_eq!(totals.broken(&made).len(), 1);
        made.dropped_events = 2;
        assert_eq!(totals.broken(&made).len(), 0);
    }
}
