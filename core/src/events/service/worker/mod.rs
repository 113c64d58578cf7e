//! [`Worker`]: delivers recorded events, at intervals and on demand.
//!
//! Large payloads are serialized on the blocking pool, where payloads are compressed too; sending is
//! async. Several deliveries may run at once. If all slots are taken, events stay buffered until the
//! next flush, so waiting loses nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::delivery::{Delivered, DeliveryStats};
use super::destination::Destination;
use super::diagnostic::Diagnostics;
use super::json::{EventWriter, SerializedPayload};
#[cfg(feature = "metrics")]
use super::meter::EventMeter;
use super::payload::Payload;
use super::processor::{Command, DefaultEventProcessor, Records};
use crate::meter::Meter;
use crate::runtime::{Runtime, catch_panic};

/// Maximum number of concurrent deliveries.
const DELIVERIES: u32 = 5;

/// Capacity of the command channel.
const COMMANDS: usize = 64;

/// Intervals of the worker's periodic tasks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Intervals {
    pub(crate) flush: Duration,
    pub(crate) forget_contexts: Duration,
    /// `None` if no diagnostics are sent.
    pub(crate) diagnostics: Option<Duration>,
}

pub(crate) struct Worker {
    records: Arc<Records>,
    writer: Arc<EventWriter>,
    destination: Arc<Destination>,
    diagnostics: Arc<Diagnostics>,
    runtime: Runtime,
    slots: Arc<Semaphore>,
    /// Number of deliveries that panicked.
    panicked: Arc<AtomicU64>,
    #[cfg(feature = "metrics")]
    meter: Arc<EventMeter>,
}

impl Worker {
    /// Starts a worker. It ends when the processor is closed or dropped.
    pub(crate) fn start(
        runtime: Runtime,
        records: Arc<Records>,
        writer: EventWriter,
        destination: impl Into<Destination>,
        diagnostics: Diagnostics,
        intervals: Intervals,
        meter: &Meter,
    ) -> DefaultEventProcessor {
        #[cfg(not(feature = "metrics"))]
        let _ = meter;
        let (commands, receiver) = mpsc::channel(COMMANDS);
        let destination = destination.into();
        let delivered = Arc::clone(destination.stats());
        let diagnostics = Arc::new(diagnostics);
        let worker = Self {
            records: Arc::clone(&records),
            writer: Arc::new(writer),
            destination: Arc::new(destination),
            diagnostics: Arc::clone(&diagnostics),
            runtime: runtime.clone(),
            slots: Arc::new(Semaphore::new(delivery_slots())),
            panicked: Arc::default(),
            #[cfg(feature = "metrics")]
            meter: Arc::new(EventMeter::new(
                meter.clone(),
                Arc::clone(&records),
                Arc::clone(&delivered),
            )),
        };
        let died = {
            let records = Arc::clone(&records);
            #[cfg(feature = "metrics")]
            let meter = Arc::clone(&worker.meter);
            move |_| {
                records.fail();
                #[cfg(feature = "metrics")]
                meter.publish();
            }
        };
        let task = runtime.spawn_watched("event delivery", worker.run(receiver, intervals), died);
        DefaultEventProcessor::new(records, delivered, diagnostics, commands, task)
    }

    async fn run(self, mut commands: mpsc::Receiver<Command>, intervals: Intervals) {
        let every = |period: Duration| {
            let mut ticks = interval_at(Instant::now() + period, period);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        };
        let (mut flush, mut forget) = (every(intervals.flush), every(intervals.forget_contexts));
        let mut report = every(intervals.diagnostics.unwrap_or(Duration::from_secs(86_400)));
        if intervals.diagnostics.is_some() {
            self.diagnose(self.diagnostics.init());
        }
        loop {
            tokio::select! {
                command = commands.recv() => match command {
                    Some(Command::Flush) => self.flush(),
                    Some(Command::FlushAndWait(done)) => {
                        let before = self.panicked.load(Ordering::Relaxed);
                        self.flush_and_wait().await;
                        // Fails if the caller has stopped waiting.
                        let _ = done.send(self.panicked.load(Ordering::Relaxed) == before);
                    }
                    Some(Command::Close(done)) => {
                        self.flush_and_wait().await;
                        let _ = done.send(());
                        return;
                    }
                    None => return,
                },
                _ = flush.tick() => self.flush(),
                _ = forget.tick() => self.records.forget_contexts(),
                _ = report.tick(), if intervals.diagnostics.is_some() => {
                    self.diagnose(self.diagnostics.statistics(self.records.dropped()));
                }
            }
        }
    }

    /// Starts a delivery, if a slot is free.
    fn flush(&self) {
        #[cfg(feature = "metrics")]
        self.meter.publish();
        if let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() {
            self.deliver(slot);
        }
    }

    /// Delivers all pending events, and waits for this delivery and all that are in flight.
    async fn flush_and_wait(&self) {
        // The semaphore is never closed, so a slot always becomes free.
        if let Ok(slot) = Arc::clone(&self.slots).acquire_owned().await {
            self.deliver(slot);
        }
        drop(self.slots.acquire_many(DELIVERIES).await);
    }

    fn deliver(&self, slot: OwnedSemaphorePermit) {
        let (payload, deduplicated, in_flight) = self.records.take();
        self.diagnostics.add_deduplicated(deduplicated);
        if payload.is_empty() {
            return;
        }
        self.diagnostics
            .set_events_in_last_batch(payload.events.len());
        let count = payload.len();
        let (records, writer, destination) = (
            Arc::clone(&self.records),
            Arc::clone(&self.writer),
            Arc::clone(&self.destination),
        );
        let runtime = self.runtime.clone();
        #[cfg(feature = "metrics")]
        let meter = Arc::clone(&self.meter);
        let unaccounted = Unaccounted {
            stats: Arc::clone(destination.stats()),
            panicked: Arc::clone(&self.panicked),
            is_counted: false,
        };
        self.runtime.spawn_detached(async move {
            let (_slot, _in_flight) = (slot, in_flight);
            let serialized = match write(&runtime, writer, payload).await {
                Some(Ok(serialized)) => serialized,
                Some(Err(error)) => {
                    return tracing::error!(%error, count, "cannot serialize events, payload lost");
                }
                None => return tracing::error!(count, "cannot serialize events, payload lost"),
            };
            destination
                .stats()
                .filtered
                .fetch_add(serialized.filtered, Ordering::Relaxed);
            let delivered = match serialized.count {
                // The filter dropped all events.
                0 => Some(Delivered::Ok { server_time: None }),
                // The transport may be application code.
                count => catch_panic(destination.deliver(count, serialized.body)).await,
            };
            let Some(delivered) = delivered else {
                return tracing::error!(
                    count,
                    "the transport panicked while sending events, payload lost"
                );
            };
            unaccounted.counted();
            match delivered {
                Delivered::Ok {
                    server_time: Some(time),
                } => records.set_server_time(time),
                Delivered::Refused => records.lose(),
                Delivered::Ok { server_time: None } | Delivered::Dropped => {}
            }
            #[cfg(feature = "metrics")]
            meter.publish();
        });
    }

    fn diagnose(&self, body: Vec<u8>) {
        let destination = Arc::clone(&self.destination);
        self.runtime
            .spawn_detached(async move { destination.diagnose(body).await });
    }
}

/// Serializes a payload: a small one at once, so that a process whose clients report little needs no
/// further thread. Returns `None` if that panics, or the runtime is gone.
async fn write(
    runtime: &Runtime,
    writer: Arc<EventWriter>,
    payload: Payload,
) -> Option<serde_json::Result<SerializedPayload>> {
    if payload.is_small() && !writer.filters() {
        return catch_panic(async { writer.write(&payload) }).await;
    }
    let write = move || writer.write(&payload);
    runtime.spawn_blocking(write).finish().await
}

/// A payload whose outcome is not counted yet. If dropped before that, by a panic or with the
/// runtime, it counts as lost.
struct Unaccounted {
    stats: Arc<DeliveryStats>,
    panicked: Arc<AtomicU64>,
    is_counted: bool,
}

impl Unaccounted {
    /// Marks the outcome of the payload as counted.
    fn counted(mut self) {
        self.is_counted = true;
    }
}

impl Drop for Unaccounted {
    fn drop(&mut self) {
        if !self.is_counted {
            self.stats.dropped.fetch_add(1, Ordering::Relaxed);
            self.panicked.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[expect(
    clippy::as_conversions,
    reason = "the constant fits every integer type"
)]
fn delivery_slots() -> usize {
    DELIVERIES as usize
}

#[cfg(test)]
mod tests;
