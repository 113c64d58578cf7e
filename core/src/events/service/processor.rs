//! [`DefaultEventProcessor`]: counts evaluations, buffers full events, and leaves delivery to its
//! [worker](super::worker).

use std::borrow::Cow;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};
use vexil_eval::Context;
use vexil_eval::model::Flag;

use super::buffer::Buffer;
use super::delivery::DeliveryStats;
use super::diagnostic::Diagnostics;
use super::payload::{EvaluatedFlag, FullEvent, Payload, now};
use super::seen_contexts::SeenContexts;
use super::summary::Summaries;
use crate::events::{
    CustomEvent, EvaluationEvent, Event, EventProcessor, EventStats, MigrationOpEvent, is_sampled,
};
use crate::runtime::Task;
use crate::sync::atomic::{AtomicBool, AtomicU64};
use crate::sync::{Mutex, MutexGuard};

/// State shared by the recording threads and the worker that delivers.
#[derive(Debug)]
pub(crate) struct Records {
    omit_anonymous: bool,
    summaries: Summaries,
    known: SeenContexts,
    buffer: Buffer,
    /// Latest time reported by the service, in milliseconds since 1970; 0 before the first report.
    server_time: AtomicU64,
    /// Number of events taken and being delivered. Held while events are taken or counted, so that
    /// none of them is missed.
    in_flight: Mutex<u64>,
    /// Whether recording has stopped: the processor is closed or has failed, or the service rejects
    /// events.
    ended: AtomicBool,
    /// Whether the worker ended before the processor was closed.
    failed: AtomicBool,
    /// Whether events are lost: the worker has failed, or the service rejects them.
    loses: AtomicBool,
    /// Number of events lost for that reason.
    undeliverable: AtomicU64,
}

impl Records {
    pub(crate) fn new(capacity: usize, context_keys_capacity: usize, omit_anonymous: bool) -> Self {
        Self {
            omit_anonymous,
            summaries: Summaries::default(),
            known: SeenContexts::new(context_keys_capacity),
            buffer: Buffer::new(capacity),
            server_time: AtomicU64::new(0),
            in_flight: Mutex::default(),
            ended: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            loses: AtomicBool::new(false),
            undeliverable: AtomicU64::new(0),
        }
    }

    pub(super) fn record(&self, event: &Event<'_>) {
        if self.ended.load(Ordering::Acquire) {
            if self.loses.load(Ordering::Relaxed) {
                self.undeliverable.fetch_add(1, Ordering::Relaxed);
            }
            return;
        }
        match event {
            Event::Evaluation(event) => self.evaluation(event),
            Event::Identify(context) => self.identify(context),
            Event::Custom(event) => self.custom(event),
            Event::MigrationOp(op) => self.migration_op(op),
        }
    }

    fn evaluation(&self, event: &EvaluationEvent<'_>) {
        let known = self.is_known(event.context);
        if event
            .flag
            .is_none_or(|(flag, _)| !flag.exclude_from_summaries())
        {
            self.summaries.count(event, known, now);
        } else if known {
            self.summaries.deduplicated();
        }
        let Some((flag, _)) = event.flag else { return };
        let experiment = event.is_experiment();
        let full = |kind: fn(Box<EvaluatedFlag>) -> FullEvent| {
            if !flag.is_override() && is_sampled(flag.sampling_ratio()) {
                self.buffer
                    .push(|| kind(Box::new(full_record(event, flag, experiment))));
            }
        };
        if flag.track_events() || experiment {
            full(FullEvent::Feature);
        }
        if self.is_debugged(flag) {
            full(FullEvent::Debug);
        }
    }

    fn identify(&self, context: &Context) {
        if let Some(context) = self.reportable(context) {
            self.known
                .seen(context.key_hash(), || self.buffer.has_room());
            self.buffer.push(|| FullEvent::Identify {
                date: now(),
                context: context.into_owned(),
            });
        }
    }

    fn custom(&self, event: &CustomEvent<'_>) {
        if self.is_known(event.context) {
            self.summaries.deduplicated();
        }
        self.buffer.push(|| FullEvent::Custom {
            date: now(),
            key: event.key.into(),
            context: event.context.clone(),
            data: event.data.clone(),
            metric: event.metric,
        });
    }

    /// No index event is needed: the context was introduced when the flag was evaluated.
    fn migration_op(&self, op: &MigrationOpEvent) {
        if is_sampled(op.sampling_ratio) {
            self.buffer.push(|| FullEvent::MigrationOp {
                date: now(),
                op: Box::new(op.clone()),
            });
        }
    }

    /// Returns whether the service knows the context. If it does not, queues an index event.
    fn is_known(&self, context: &Context) -> bool {
        let Some(context) = self.reportable(context) else {
            return false;
        };
        let known = self
            .known
            .seen(context.key_hash(), || self.buffer.has_room());
        if !known {
            self.buffer.push(|| FullEvent::Index {
                date: now(),
                context: context.into_owned(),
            });
        }
        known
    }

    /// Returns the context as reported to the service, or `None` if it must not be.
    fn reportable<'c>(&self, context: &'c Context) -> Option<Cow<'c, Context>> {
        if self.omit_anonymous {
            context.without_anonymous().map(Cow::Owned)
        } else {
            Some(Cow::Borrowed(context))
        }
    }

    /// Returns whether the flag's debugging is active: neither the local clock nor the service's
    /// has passed its end.
    fn is_debugged(&self, flag: &Flag) -> bool {
        let until = flag.debug_events_until();
        until.is_some_and(|until| until > now() && until > self.server_time.load(Ordering::Relaxed))
    }

    /// Takes everything to deliver, and the number of events for known contexts. The events count
    /// as in flight until the guard is dropped.
    pub(super) fn take(self: &Arc<Self>) -> (Payload, u64, InFlight) {
        let mut in_flight = self.in_flight();
        let (payload, deduplicated) = self.take_all();
        let count = to_u64(payload.len());
        *in_flight += count;
        (
            payload,
            deduplicated,
            InFlight {
                records: Arc::clone(self),
                count,
            },
        )
    }

    fn take_all(&self) -> (Payload, u64) {
        let events = self.buffer.take();
        let (summary, deduplicated) = self.summaries.take(now);
        (Payload { events, summary }, deduplicated)
    }

    pub(super) fn forget_contexts(&self) {
        self.known.clear();
    }

    pub(super) fn dropped(&self) -> u64 {
        self.buffer.dropped() + self.undeliverable.load(Ordering::Relaxed)
    }

    /// Called when the worker has ended too early: no event is delivered any more.
    pub(super) fn fail(&self) {
        self.failed.store(true, Ordering::Relaxed);
        self.lose();
    }

    /// Drops and counts all pending events and those recorded later.
    pub(super) fn lose(&self) {
        self.loses.store(true, Ordering::Relaxed);
        self.stop();
        let (payload, _) = self.take_all();
        self.undeliverable
            .fetch_add(to_u64(payload.len()), Ordering::Relaxed);
    }

    fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    pub(super) fn set_server_time(&self, time: u64) {
        self.server_time.store(time, Ordering::Relaxed);
    }

    fn in_flight(&self) -> MutexGuard<'_, u64> {
        self.in_flight
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the number of events not delivered yet.
    pub(super) fn pending(&self) -> u64 {
        let in_flight = self.in_flight();
        to_u64(self.buffer.len())
            .saturating_add(self.summaries.total())
            .saturating_add(*in_flight)
    }

    /// Stops recording.
    fn stop(&self) {
        // Released, so that a thread that sees the end also sees whether later events are lost.
        self.ended.store(true, Ordering::Release);
    }
}

/// Counts events as in flight until it is dropped.
pub(super) struct InFlight {
    records: Arc<Records>,
    count: u64,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        *self.records.in_flight() -= self.count;
    }
}

fn to_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn full_record(event: &EvaluationEvent<'_>, flag: &Flag, experiment: bool) -> EvaluatedFlag {
    EvaluatedFlag {
        date: now(),
        key: flag.key().clone(),
        context: event.context.clone(),
        version: Some(flag.version()),
        variation: event.variation.map(|(index, _)| index),
        value: event.value(),
        default: event.default_value(),
        reason: (event.with_reason || experiment).then(|| event.reason()),
        prerequisite_of: event.prerequisite_of.cloned(),
        sampling_ratio: flag.sampling_ratio(),
    }
}

/// A command to the worker.
#[derive(Debug)]
pub(super) enum Command {
    /// Deliver, if a delivery slot is free.
    Flush,
    /// Deliver, and reply when done: whether no delivery panicked meanwhile.
    FlushAndWait(oneshot::Sender<bool>),
    /// Deliver, reply when done, and end.
    Close(oneshot::Sender<()>),
}

/// Sends events to the service: summaries of evaluations, and full events where flags or the
/// application request them.
#[derive(Debug)]
pub(crate) struct DefaultEventProcessor {
    records: Arc<Records>,
    delivered: Arc<DeliveryStats>,
    diagnostics: Arc<Diagnostics>,
    /// Channel to the worker. Bounded: if it is full, a flush is already pending.
    commands: mpsc::Sender<Command>,
    /// Stops the worker if the processor is dropped without being closed.
    _worker: Task<()>,
}

impl DefaultEventProcessor {
    pub(super) fn new(
        records: Arc<Records>,
        delivered: Arc<DeliveryStats>,
        diagnostics: Arc<Diagnostics>,
        commands: mpsc::Sender<Command>,
        worker: Task<()>,
    ) -> Self {
        Self {
            records,
            delivered,
            diagnostics,
            commands,
            _worker: worker,
        }
    }

    /// Sends a command and waits for the reply. Returns `None` if the worker has ended.
    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (done, finished) = oneshot::channel();
        self.commands.send(command(done)).await.ok()?;
        finished.await.ok()
    }
}

#[async_trait]
impl EventProcessor for DefaultEventProcessor {
    fn record(&self, event: &Event<'_>) {
        self.records.record(event);
    }

    fn flush(&self) {
        let _ = self.commands.try_send(Command::Flush);
    }

    async fn flush_and_wait(&self) {
        self.ask(Command::FlushAndWait).await;
    }

    async fn flush_and_confirm(&self) -> bool {
        // A closed processor has delivered everything.
        self.ask(Command::FlushAndWait)
            .await
            .unwrap_or_else(|| !self.records.has_failed())
    }

    async fn close(&self) {
        self.ask(Command::Close).await;
        // Remaining events were recorded too late, or the worker has ended: they still count as
        // pending.
        self.records.stop();
    }

    fn pending(&self) -> u64 {
        self.records.pending()
    }

    fn connection_attempt(&self, began: SystemTime, took: Duration, failed: bool) {
        self.diagnostics.stream_init(began, took, failed);
    }

    fn stats(&self) -> EventStats {
        stats(&self.records, &self.delivered)
    }
}

/// Returns the event statistics so far.
pub(super) fn stats(records: &Records, delivered: &DeliveryStats) -> EventStats {
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let dropped = records.summaries.dropped();
    EventStats {
        delivered_events: read(&delivered.events),
        dropped_events: records.dropped(),
        dropped_counts: dropped.counts,
        dropped_kinds: dropped.kinds,
        filtered_events: read(&delivered.filtered),
        dropped_payloads: read(&delivered.dropped),
        attempts: read(&delivered.attempts),
        retries: read(&delivered.retries),
        bytes: read(&delivered.bytes),
    }
}
