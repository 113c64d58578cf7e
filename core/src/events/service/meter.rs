//! [`EventMeter`]: publishes event statistics to the metrics recorder that the application has
//! installed.
//!
//! The numbers are those of [`EventStats`], summed over the clients of the same name. They are
//! published after each delivery and at each flush, never during an evaluation.

use std::sync::{Arc, Mutex, PoisonError};

use metrics::{Unit, counter, describe_counter};

use super::delivery::DeliveryStats;
use super::processor::{Records, stats};
use crate::events::EventStats;
use crate::meter::Meter;

const DELIVERED: &str = "vexil_events_delivered_total";
const DROPPED: &str = "vexil_events_dropped_total";
const COUNTS_DROPPED: &str = "vexil_event_counts_dropped_total";
const KINDS_DROPPED: &str = "vexil_event_kinds_dropped_total";
const FILTERED: &str = "vexil_event_filtered_total";
const PAYLOADS_DROPPED: &str = "vexil_event_payloads_dropped_total";
const REQUESTS: &str = "vexil_event_requests_total";
const RETRIES: &str = "vexil_event_retries_total";
const BYTES: &str = "vexil_event_bytes_total";

#[derive(Debug)]
pub(super) struct EventMeter {
    /// Has the labels of the client.
    meter: Meter,
    records: Arc<Records>,
    delivered: Arc<DeliveryStats>,
    /// The statistics published so far. Held while the current ones are read, so that nothing is
    /// published twice, and released before publishing, because the recorder is application code.
    published: Mutex<EventStats>,
}

impl EventMeter {
    pub(super) fn new(meter: Meter, records: Arc<Records>, delivered: Arc<DeliveryStats>) -> Self {
        describe_counter!(
            DELIVERED,
            Unit::Count,
            "Events that the service has accepted."
        );
        describe_counter!(
            DROPPED,
            Unit::Count,
            "Full events that were dropped because the buffer was full."
        );
        describe_counter!(
            COUNTS_DROPPED,
            Unit::Count,
            "Evaluations of unknown flags that no summary counts."
        );
        describe_counter!(
            KINDS_DROPPED,
            Unit::Count,
            "Evaluations whose context kinds are missing in a summary."
        );
        describe_counter!(
            FILTERED,
            Unit::Count,
            "Events that the application's filter dropped."
        );
        describe_counter!(
            PAYLOADS_DROPPED,
            Unit::Count,
            "Deliveries of events that were given up."
        );
        describe_counter!(REQUESTS, Unit::Count, "Requests that carried events.");
        describe_counter!(
            RETRIES,
            Unit::Count,
            "Requests that repeated an earlier one."
        );
        describe_counter!(BYTES, Unit::Bytes, "Bytes of events that were sent.");
        Self {
            meter,
            records,
            delivered,
            published: Mutex::default(),
        }
    }

    /// Publishes the increments since the last call.
    pub(super) fn publish(&self) {
        let (stats, last) = {
            let mut published = self
                .published
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let stats = stats(&self.records, &self.delivered);
            (stats, std::mem::replace(&mut *published, stats))
        };
        for (name, now, before) in [
            (DELIVERED, stats.delivered_events, last.delivered_events),
            (DROPPED, stats.dropped_events, last.dropped_events),
            (COUNTS_DROPPED, stats.dropped_counts, last.dropped_counts),
            (KINDS_DROPPED, stats.dropped_kinds, last.dropped_kinds),
            (FILTERED, stats.filtered_events, last.filtered_events),
            (
                PAYLOADS_DROPPED,
                stats.dropped_payloads,
                last.dropped_payloads,
            ),
            (REQUESTS, stats.attempts, last.attempts),
            (RETRIES, stats.retries, last.retries),
            (BYTES, stats.bytes, last.bytes),
        ] {
            let labels = self.meter.numbers().labels();
            counter!(name, labels.iter()).increment(now.saturating_sub(before));
        }
    }
}
