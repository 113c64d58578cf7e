//! [`EventProcessor`]: who hears of evaluations, and of what the application tells.
//!
//! A processor gets borrowed records: most evaluations only add one to a counter, so nothing is
//! cloned for those that do not keep anything.
//!
//! **Contract.** `record` is called on the thread of the evaluation, often and by many threads at
//! once: it must not block and should not allocate. `flush` asks for delivery and returns at once;
//! `flush_and_wait` ends when all that was recorded before is delivered or dropped. `close` does
//! the same and then lets go of everything; it is called once, and `record` may still be called
//! afterwards, to no effect. **Errors** are the processor's own affair: it counts what it drops.
//! **Cancellation**: a dropped future delivers nothing twice. **Panics** are contained.
//!
//! Contexts hold personal data. A processor that writes them somewhere leaves out what is private
//! with
//! [`Redaction::redact`]; their [`Serialize`](serde::Serialize) form has everything.
//!
//! ```
//! use std::sync::atomic::{AtomicU64, Ordering};
//! use vexil::events::{Event, EventProcessor};
//!
//! /// Counts evaluations.
//! #[derive(Debug, Default)]
//! struct Counting(AtomicU64);
//!
//! #[vexil::async_trait]
//! impl EventProcessor for Counting {
//!     fn record(&self, event: &Event<'_>) {
//!         if let Event::Evaluation(_) = event {
//!             self.0.fetch_add(1, Ordering::Relaxed);
//!         }
//!     }
//!     fn flush(&self) {}
//!     async fn flush_and_wait(&self) {}
//!     async fn close(&self) {}
//! }
//! ```

#[cfg(feature = "http")]
mod budget;
#[cfg(feature = "http")]
mod buffer;
mod contained;
#[cfg(feature = "http")]
mod delivery;
#[cfg(feature = "http")]
mod destination;
#[cfg(feature = "http")]
mod diagnostic;
#[cfg(feature = "http")]
mod file;
#[cfg(feature = "http")]
mod filter;
#[cfg(feature = "http")]
mod json;
#[cfg(feature = "metrics")]
mod meter;
mod migration_op;
#[cfg(feature = "http")]
mod payload;
#[cfg(feature = "http")]
mod per_thread;
#[cfg(feature = "http")]
mod processor;
mod redaction;
mod sampling;
#[cfg(feature = "http")]
mod seen_contexts;
#[cfg(feature = "http")]
mod summary;
#[cfg(feature = "http")]
mod worker;

use std::fmt;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
pub(crate) use contained::Contained;
#[cfg(feature = "http")]
pub use filter::OutputEvent;
pub use migration_op::MigrationOp;
pub use redaction::{RedactedContext, Redaction};
pub(crate) use sampling::is_sampled;
use vexil_eval::model::Flag;
use vexil_eval::{
    BigSegmentsStatus, Context, EvalErrorKind, Reason, ReasonKind, Text, Value, Verdict,
};

#[cfg(feature = "http")]
pub(crate) use self::{
    delivery::Delivery,
    destination::Destination,
    diagnostic::{DiagnosticConfiguration, Diagnostics},
    file::EventFile,
    filter::Filter,
    json::{EventWriter, Format},
    processor::Records,
    worker::{Intervals, Worker},
};

/// Who hears of evaluations. See the [module documentation](self) for the contract.
#[async_trait]
pub trait EventProcessor: fmt::Debug + Send + Sync + 'static {
    /// Takes note of an event.
    fn record(&self, event: &Event<'_>);

    /// Asks for delivery, and returns at once.
    fn flush(&self);

    /// Ends when all that was recorded before is delivered or dropped.
    async fn flush_and_wait(&self);

    /// Does what [`flush_and_wait`](Self::flush_and_wait) does, and returns whether events can
    /// still be delivered. A processor whose own background work has ended returns `false`, and so
    /// does [`Client::flush_and_wait`] then.
    ///
    /// [`Client::flush_and_wait`]: crate::Client::flush_and_wait
    async fn flush_and_confirm(&self) -> bool {
        self.flush_and_wait().await;
        true
    }

    /// Delivers what there is and lets go of everything.
    async fn close(&self);

    /// The data source has tried to connect; for processors that report about the SDK itself.
    fn connection_attempt(&self, began: SystemTime, took: Duration, failed: bool) {
        let _ = (began, took, failed);
    }

    /// How many events were recorded and not delivered yet, where evaluations that are only counted
    /// are one event each. When a client is dropped before they are delivered, or closed without
    /// delivering them, this number is logged. Default: 0, for a processor that delivers nothing.
    fn pending(&self) -> u64 {
        0
    }

    /// What has become of events so far. A processor that delivers nothing leaves this alone.
    fn stats(&self) -> EventStats {
        EventStats::default()
    }
}

/// What has become of events so far.
///
/// With the feature `metrics`, the recorder of the `metrics` crate that the application has
/// installed hears the same of all clients together, within an interval between deliveries, as
/// counters: `vexil_events_delivered_total`, `vexil_events_dropped_total`,
/// `vexil_event_counts_dropped_total`, `vexil_event_kinds_dropped_total`,
/// `vexil_event_filtered_total`, `vexil_event_payloads_dropped_total`,
/// `vexil_event_requests_total`, `vexil_event_retries_total` and `vexil_event_bytes_total`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventStats {
    /// Events that the service has accepted; the counts of evaluations of one delivery are one
    /// event.
    pub delivered_events: u64,
    /// Full events that were dropped because the buffer was full, in which counts of evaluations
    /// take no place; and all that was recorded and could not be delivered because the processor
    /// panicked or its runtime is gone.
    pub dropped_events: u64,
    /// Evaluations of unknown flags that no summary counts, because the keys of unknown flags had
    /// used up the 4 MiB that they may take between two deliveries. Evaluations of known flags are
    /// always counted.
    pub dropped_counts: u64,
    /// Evaluations whose context kinds are missing in a summary, because the flag was evaluated for
    /// more than 100 kinds, or all kinds together took more than 1 MiB, between two deliveries. The
    /// evaluations themselves are counted.
    pub dropped_kinds: u64,
    /// Events that the filter [`before_send`](crate::config::EventsConfig::before_send) dropped, or
    /// could not see to its end because it panicked.
    pub filtered_events: u64,
    /// Deliveries that were given up: the service could not be reached twice, or refused them, or
    /// the transport panicked; or the file could not be written.
    pub dropped_payloads: u64,
    /// Requests that were sent.
    pub attempts: u64,
    /// Requests that repeated an earlier one.
    pub retries: u64,
    /// Bytes that were sent, as they went over the wire.
    pub bytes: u64,
}

/// Something that has happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A flag was evaluated, by the application or as the prerequisite of another one.
    Evaluation(EvaluationEvent<'a>),
    /// The application introduces a context.
    Identify(&'a Context),
    /// The application tells of something.
    Custom(CustomEvent<'a>),
    /// The application has read or written something that is being migrated.
    MigrationOp(&'a MigrationOp),
}

/// A flag was evaluated.
#[non_exhaustive]
pub struct EvaluationEvent<'a> {
    /// The flag's key.
    pub key: &'a str,
    /// For whom.
    pub context: &'a Context,
    /// The flag and its verdict; none if there is no such flag, or no data at all.
    pub flag: Option<(&'a Flag, &'a Verdict<'a>)>,
    /// The variation that was given; none if the default was.
    pub variation: Option<(usize, &'a Value)>,
    /// The error that the caller got, if one.
    pub error: Option<EvalErrorKind>,
    /// How far the answers about big segments can be trusted; none if none were needed.
    pub big_segments_status: Option<BigSegmentsStatus>,
    /// Whether the caller asked for the reason.
    pub with_reason: bool,
    /// The flag that depends on this one, if that is why it was evaluated.
    pub prerequisite_of: Option<&'a Text>,
    /// Makes the caller's default; see [`EvaluationEvent::default_value`].
    pub(crate) default: Option<&'a dyn Fn() -> Value>,
}

impl EvaluationEvent<'_> {
    /// The caller's default; none if the flag was evaluated as a prerequisite.
    #[must_use]
    pub fn default_value(&self) -> Option<Value> {
        self.default.map(|make| make())
    }

    /// What the caller got: the variation's value or the default.
    #[must_use]
    pub fn value(&self) -> Value {
        match self.variation {
            Some((_, value)) => value.clone(),
            None => self.default_value().unwrap_or_default(),
        }
    }

    /// Whether the flag reports this evaluation in full, with its reason, on account of an
    /// experiment.
    #[must_use]
    pub fn is_experiment(&self) -> bool {
        self.flag
            .is_some_and(|(flag, verdict)| verdict.is_experiment(flag))
    }

    /// Why the caller got what it got.
    #[must_use]
    pub fn reason(&self) -> Reason {
        let kind = match (self.error, self.flag) {
            (Some(error), _) => ReasonKind::Error(error),
            (None, Some((_, verdict))) => verdict.to_kind(),
            (None, None) => ReasonKind::Error(EvalErrorKind::FlagNotFound),
        };
        Reason::new(kind, self.big_segments_status)
    }
}

impl fmt::Debug for EvaluationEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EvaluationEvent")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// The application tells of something.
#[derive(Debug)]
#[non_exhaustive]
pub struct CustomEvent<'a> {
    /// What it is called.
    pub key: &'a str,
    /// By whom or for whom it happened.
    pub context: &'a Context,
    /// Whatever the application says of it; null if nothing.
    pub data: &'a Value,
    /// A number for an experiment to add up or average.
    pub metric: Option<f64>,
}
