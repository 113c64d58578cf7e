//! [`EventProcessor`]: receives evaluations and the events that the application records.
//!
//! Records are passed by reference: most evaluations only increment a counter, so nothing is cloned
//! unless the processor keeps it.
//!
//! **Contract.** `record` is called on the evaluating thread, often and concurrently: it must not
//! block and should not allocate. `flush` requests a delivery and returns at once; `flush_and_wait`
//! completes when everything recorded before is delivered or dropped. `close` does the same and
//! then releases all resources; it is called once, and `record` may still be called afterwards,
//! without effect. **Errors** are handled by the processor, which counts the events it drops.
//! **Cancellation**: a dropped future delivers nothing twice. **Panics** are contained.
//!
//! The macro `event_processor_conformance!` of `vexil-testing` tests a processor against this
//! contract.
//!
//! Contexts hold personal data. A processor that writes them anywhere must leave out private
//! attributes with [`Redaction::redact`]; their [`Serialize`](serde::Serialize) form contains
//! everything.
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
//!
//! let counting = std::sync::Arc::new(Counting::default());
//! let client = vexil::Client::builder("sdk-key")
//!     .data_source(vexil_testing::TestData::new().with("banner", "hello"))
//!     .events(counting.clone())
//!     .start()?;
//! client.str_variation("banner", &vexil::Context::new("ada")?, "");
//! assert_eq!(counting.0.load(Ordering::Relaxed), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod contained;
mod migration_op;
mod redaction;
mod sampling;
#[cfg(feature = "http")]
mod service;

use std::fmt;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
pub(crate) use contained::Contained;
pub use migration_op::MigrationOpEvent;
pub use redaction::{RedactedContext, Redaction};
pub(crate) use sampling::is_sampled;
#[cfg(feature = "http")]
pub use service::OutputEvent;
use vexil_eval::model::Flag;
use vexil_eval::{
    BigSegmentsStatus, Context, EvalErrorKind, Reason, ReasonKind, Text, Value, Verdict,
};

#[cfg(feature = "http")]
pub(crate) use self::service::{
    Delivery, Destination, DiagnosticConfiguration, Diagnostics, EventFile, EventWriter, Filter,
    Format, Intervals, Records, Worker,
};

/// Receives evaluations and other events. See the [module documentation](self) for the contract.
#[async_trait]
pub trait EventProcessor: fmt::Debug + Send + Sync + 'static {
    /// Records an event.
    fn record(&self, event: &Event<'_>);

    /// Requests a delivery and returns at once.
    fn flush(&self);

    /// Completes when everything recorded before is delivered or dropped.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU64, Ordering};
    /// use vexil::events::{Event, EventProcessor};
    /// use vexil::{Client, Context};
    ///
    /// /// Writes counts to a log that is flushed by a thread of its own.
    /// #[derive(Debug, Default)]
    /// struct Log {
    ///     pending: AtomicU64,
    ///     written: AtomicU64,
    /// }
    ///
    /// #[vexil::async_trait]
    /// impl EventProcessor for Log {
    ///     fn record(&self, _: &Event<'_>) {
    ///         self.pending.fetch_add(1, Ordering::Relaxed);
    ///     }
    ///     fn flush(&self) {
    ///         let pending = self.pending.swap(0, Ordering::Relaxed);
    ///         self.written.fetch_add(pending, Ordering::Relaxed);
    ///     }
    ///     async fn flush_and_wait(&self) {
    ///         self.flush();
    ///     }
    ///     fn pending(&self) -> u64 {
    ///         self.pending.load(Ordering::Relaxed)
    ///     }
    ///     async fn close(&self) {
    ///         self.flush();
    ///     }
    /// }
    ///
    /// # pollster::block_on(async {
    /// let log = std::sync::Arc::new(Log::default());
    /// let client = Client::builder("sdk-key")
    ///     .data_source(vexil_testing::TestData::new())
    ///     .events(log.clone())
    ///     .start()?;
    /// client.track("signed-up", &Context::new("ada")?);
    /// assert_eq!(log.pending(), 1);
    /// assert!(client.flush_and_wait(std::time::Duration::from_secs(30)).await);
    /// assert_eq!((log.pending(), log.written.load(Ordering::Relaxed)), (0, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    async fn flush_and_wait(&self);

    /// Like [`flush_and_wait`](Self::flush_and_wait), but returns whether events can still be
    /// delivered. A processor whose background work has ended returns `false`;
    /// [`Client::flush_and_wait`] then returns `false` too.
    ///
    /// [`Client::flush_and_wait`]: crate::Client::flush_and_wait
    ///
    /// ```
    /// use vexil::events::{Event, EventProcessor};
    /// use vexil::{Client, Context};
    ///
    /// /// A processor whose connection is gone.
    /// #[derive(Debug)]
    /// struct Broken;
    ///
    /// #[vexil::async_trait]
    /// impl EventProcessor for Broken {
    ///     fn record(&self, _: &Event<'_>) {}
    ///     fn flush(&self) {}
    ///     async fn flush_and_wait(&self) {}
    ///     async fn flush_and_confirm(&self) -> bool {
    ///         false
    ///     }
    ///     async fn close(&self) {}
    /// }
    ///
    /// let flags = vexil_testing::TestData::new();
    /// let client = Client::builder("sdk-key").data_source(flags).events(Broken).start()?;
    /// client.track("signed-up", &Context::new("ada")?);
    /// assert!(!client.blocking_flush(std::time::Duration::from_secs(30)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    async fn flush_and_confirm(&self) -> bool {
        self.flush_and_wait().await;
        true
    }

    /// Delivers all pending events and releases all resources.
    async fn close(&self);

    /// Called after each connection attempt of the data source, for processors that send
    /// diagnostics about the SDK. The default does nothing.
    fn connection_attempt(&self, began: SystemTime, took: Duration, failed: bool) {
        let _ = (began, took, failed);
    }

    /// Returns the number of recorded events that are not delivered yet, where evaluations that are
    /// only counted are one event each. The number is logged if a client is dropped before they are
    /// delivered, or closed without delivering them. The default returns 0, for a processor that
    /// delivers nothing.
    fn pending(&self) -> u64 {
        0
    }

    /// Returns the event statistics so far. The default returns zeros, for a processor that
    /// delivers nothing.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU64, Ordering};
    /// use vexil::events::{Event, EventProcessor, EventStats};
    /// use vexil::{Client, Context};
    ///
    /// /// Drops everything, and counts it.
    /// #[derive(Debug, Default)]
    /// struct Dropping(AtomicU64);
    ///
    /// #[vexil::async_trait]
    /// impl EventProcessor for Dropping {
    ///     fn record(&self, _: &Event<'_>) {
    ///         self.0.fetch_add(1, Ordering::Relaxed);
    ///     }
    ///     fn flush(&self) {}
    ///     async fn flush_and_wait(&self) {}
    ///     fn stats(&self) -> EventStats {
    ///         let mut stats = EventStats::default();
    ///         stats.dropped_events = self.0.load(Ordering::Relaxed);
    ///         stats
    ///     }
    ///     async fn close(&self) {}
    /// }
    ///
    /// let flags = vexil_testing::TestData::new();
    /// let client = Client::builder("sdk-key").data_source(flags).events(Dropping::default()).start()?;
    /// client.track("signed-up", &Context::new("ada")?);
    /// assert_eq!(client.event_stats().dropped_events, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn stats(&self) -> EventStats {
        EventStats::default()
    }
}

/// Statistics about events and their delivery.
///
/// With the feature `metrics`, the recorder of the `metrics` crate that the application has
/// installed receives the sums over all clients as counters, updated at least once per flush
/// interval: `vexil_events_delivered_total`, `vexil_events_dropped_total`,
/// `vexil_event_counts_dropped_total`, `vexil_event_kinds_dropped_total`,
/// `vexil_event_filtered_total`, `vexil_event_payloads_dropped_total`,
/// `vexil_event_requests_total`, `vexil_event_retries_total` and `vexil_event_bytes_total`.
///
/// ```
/// use std::time::Duration;
/// use vexil::config::{EventsConfig, ServiceEndpoints};
/// use vexil::{Client, Context};
/// use vexil_testing::fake_service::{Answer, Endpoint};
/// use vexil_testing::{FakeService, TestData};
///
/// let service = FakeService::start()?;
/// let client = Client::builder("sdk-key")
///     .service_endpoints(ServiceEndpoints::relay(service.url()))
///     .data_source(TestData::new())
///     .events(EventsConfig::new())
///     .start()?;
/// let ada = Context::new("ada")?;
/// client.track("clicked", &ada);
/// assert!(client.blocking_flush(Duration::from_secs(30)));
/// // An index event for the context, and the custom event.
/// assert_eq!(client.event_stats().delivered_events, 2);
///
/// service.answer(Endpoint::Events, Answer::status(413));
/// client.track("clicked", &ada);
/// assert!(client.blocking_flush(Duration::from_secs(30)));
/// assert_eq!(client.event_stats().dropped_payloads, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventStats {
    /// Events that the service accepted. The summary of one delivery is one event.
    pub delivered_events: u64,
    /// Full events dropped because the buffer was full (summaries take no space in it), and
    /// everything recorded but undeliverable because the service rejects events, the processor
    /// panicked or its runtime is gone.
    pub dropped_events: u64,
    /// Evaluations of unknown flags that no summary counts, because the keys of unknown flags
    /// exceeded 4 MiB between two deliveries. Evaluations of known flags are always counted.
    pub dropped_counts: u64,
    /// Evaluations whose context kinds are missing from a summary, because the flag was evaluated
    /// for more than 100 kinds, or all kinds together exceeded 1 MiB, between two deliveries. The
    /// evaluations themselves are counted.
    pub dropped_kinds: u64,
    /// Events dropped by the filter [`before_send`](crate::config::EventsConfig::before_send), or
    /// because the filter panicked.
    pub filtered_events: u64,
    /// Deliveries given up: both attempts failed, the service rejected them, the transport
    /// panicked, or the file could not be written.
    pub dropped_payloads: u64,
    /// Requests sent.
    pub attempts: u64,
    /// Requests that were retries.
    pub retries: u64,
    /// Bytes sent, as they went over the wire.
    pub bytes: u64,
}

/// An event to record.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use vexil::events::{Event, EventProcessor};
/// use vexil::{Client, Context};
/// use vexil_testing::TestData;
///
/// #[derive(Debug, Default)]
/// struct Lines(Mutex<Vec<String>>);
///
/// #[vexil::async_trait]
/// impl EventProcessor for Lines {
///     fn record(&self, event: &Event<'_>) {
///         let line = match event {
///             Event::Evaluation(evaluation) => format!("{} evaluated", evaluation.key),
///             Event::Identify(context) => format!("{} identified", context.key()),
///             Event::Custom(custom) => format!("{} tracked", custom.key),
///             _ => return,
///         };
///         self.0.lock().unwrap().push(line);
///     }
/// #     fn flush(&self) {}
/// #     async fn flush_and_wait(&self) {}
/// #     async fn close(&self) {}
///     // …
/// }
///
/// let lines = Arc::new(Lines::default());
/// let flags = TestData::new().with("banner", "hello");
/// let client = Client::builder("sdk-key").data_source(flags).events(lines.clone()).start()?;
/// let ada = Context::new("ada")?;
/// client.identify(&ada);
/// client.str_variation("banner", &ada, "");
/// client.track("clicked", &ada);
/// assert_eq!(*lines.0.lock().unwrap(), ["ada identified", "banner evaluated", "clicked tracked"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A flag was evaluated, by the application or as the prerequisite of another one.
    Evaluation(EvaluationEvent<'a>),
    /// The application identified a context.
    Identify(&'a Context),
    /// The application tracked a custom event.
    Custom(CustomEvent<'a>),
    /// The application read or wrote data under migration.
    MigrationOp(&'a MigrationOpEvent),
}

/// An evaluation of a flag.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use vexil::events::{Event, EventProcessor};
/// use vexil::{Client, Context};
/// use vexil_testing::TestData;
///
/// #[derive(Debug, Default)]
/// struct Lines(Mutex<Vec<String>>);
///
/// #[vexil::async_trait]
/// impl EventProcessor for Lines {
///     fn record(&self, event: &Event<'_>) {
///         if let Event::Evaluation(evaluation) = event {
///             let (value, reason) = (evaluation.value(), evaluation.reason());
///             self.0.lock().unwrap().push(format!("{}: {value} ({reason})", evaluation.key));
///         }
///     }
/// #     fn flush(&self) {}
/// #     async fn flush_and_wait(&self) {}
/// #     async fn close(&self) {}
///     // …
/// }
///
/// let lines = Arc::new(Lines::default());
/// let flags = TestData::new().with("banner", "hello");
/// let client = Client::builder("sdk-key").data_source(flags).events(lines.clone()).start()?;
/// let ada = Context::new("ada")?;
/// client.str_variation("banner", &ada, "");
/// client.int_variation("limit", &ada, 7);
/// assert_eq!(
///     *lines.0.lock().unwrap(),
///     [r#"banner: "hello" (no target or rule matched)"#, "limit: 7 (error: there is no such flag)"]
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[non_exhaustive]
pub struct EvaluationEvent<'a> {
    /// The flag's key.
    pub key: &'a str,
    /// The context of the evaluation.
    pub context: &'a Context,
    /// The flag and its verdict; `None` if the flag does not exist or no data is available.
    pub flag: Option<(&'a Flag, &'a Verdict<'a>)>,
    /// The variation returned; `None` if the default was returned.
    pub variation: Option<(usize, &'a Value)>,
    /// The error returned to the caller, if any.
    pub error: Option<EvalErrorKind>,
    /// Reliability of the big-segment memberships; `None` if none were needed.
    pub big_segments_status: Option<BigSegmentsStatus>,
    /// Whether the caller requested the reason.
    pub with_reason: bool,
    /// The dependent flag, if this one was evaluated as its prerequisite.
    pub prerequisite_of: Option<&'a Text>,
    /// Creates the caller's default; see [`EvaluationEvent::default_value`].
    pub(crate) default: Option<&'a dyn Fn() -> Value>,
}

impl EvaluationEvent<'_> {
    /// Returns the caller's default, or `None` if the flag was evaluated as a prerequisite.
    ///
    /// ```
    /// use std::sync::Mutex;
    /// use vexil::events::{Event, EventProcessor};
    /// use vexil::{Client, Context};
    ///
    /// /// Reports the flags that the code evaluates with a default other than the flag's value.
    /// #[derive(Debug, Default)]
    /// struct Differing(Mutex<Vec<String>>);
    ///
    /// #[vexil::async_trait]
    /// impl EventProcessor for Differing {
    ///     fn record(&self, event: &Event<'_>) {
    ///         if let Event::Evaluation(evaluation) = event
    ///             && evaluation.default_value().is_some_and(|default| default != evaluation.value())
    ///         {
    ///             self.0.lock().unwrap().push(evaluation.key.to_owned());
    ///         }
    ///     }
    ///     fn flush(&self) {}
    ///     async fn flush_and_wait(&self) {}
    ///     async fn close(&self) {}
    /// }
    ///
    /// let differing = std::sync::Arc::new(Differing::default());
    /// let flags = vexil_testing::TestData::new().with("limit", 20).with("banner", "hello");
    /// let client = Client::builder("sdk-key").data_source(flags).events(differing.clone()).start()?;
    /// let ada = Context::new("ada")?;
    /// client.int_variation("limit", &ada, 20);
    /// client.str_variation("banner", &ada, "");
    /// client.bool_variation("no-such-flag", &ada, true); // The value is the default.
    /// assert_eq!(*differing.0.lock().unwrap(), ["banner"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn default_value(&self) -> Option<Value> {
        self.default.map(|make| make())
    }

    /// Returns the value that the caller received: the variation's value or the default.
    #[must_use]
    pub fn value(&self) -> Value {
        match self.variation {
            Some((_, value)) => value.clone(),
            None => self.default_value().unwrap_or_default(),
        }
    }

    /// Returns whether this evaluation is reported in full, with its reason, because of an
    /// experiment.
    #[must_use]
    pub fn is_experiment(&self) -> bool {
        self.flag
            .is_some_and(|(flag, verdict)| verdict.is_experiment(flag))
    }

    /// Returns the reason for the value that the caller received.
    ///
    /// ```
    /// use std::sync::Mutex;
    /// use vexil::events::{Event, EventProcessor};
    /// use vexil::{Client, Context};
    ///
    /// #[derive(Debug, Default)]
    /// struct Reasons(Mutex<Vec<String>>);
    ///
    /// #[vexil::async_trait]
    /// impl EventProcessor for Reasons {
    ///     fn record(&self, event: &Event<'_>) {
    ///         if let Event::Evaluation(evaluation) = event {
    ///             let line = format!("{}: {}", evaluation.key, evaluation.reason());
    ///             self.0.lock().unwrap().push(line);
    ///         }
    ///     }
    ///     fn flush(&self) {}
    ///     async fn flush_and_wait(&self) {}
    ///     async fn close(&self) {}
    /// }
    ///
    /// let reasons = std::sync::Arc::new(Reasons::default());
    /// let flags = vexil_testing::TestData::new();
    /// flags.update(flags.flag("beta").variation_for_user("ada", true));
    /// let client = Client::builder("sdk-key").data_source(flags).events(reasons.clone()).start()?;
    /// let ada = Context::new("ada")?;
    /// client.bool_variation("beta", &ada, false);
    /// client.bool_variation("no-such-flag", &ada, false);
    /// let reasons = reasons.0.lock().unwrap().join(", ");
    /// assert_eq!(reasons, "beta: the context is targeted by its key, no-such-flag: error: there is no such flag");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn reason(&self) -> Reason {
        let kind = match (self.error, self.flag) {
            (Some(error), _) => ReasonKind::Error(error),
            (None, Some((_, verdict))) => verdict.to_kind(),
            (None, None) => ReasonKind::Error(EvalErrorKind::FlagNotFound),
        };
        let mut reason = Reason::new(kind, self.big_segments_status);
        reason.is_override = self.is_override();
        reason
    }

    /// Returns whether the flag is an [override](Flag::is_override). Its evaluations are not
    /// reported in full.
    #[must_use]
    pub fn is_override(&self) -> bool {
        self.flag.is_some_and(|(flag, _)| flag.is_override())
    }
}

impl fmt::Debug for EvaluationEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EvaluationEvent")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// The application tracked a custom event.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use vexil::events::{Event, EventProcessor};
/// use vexil::{Client, Context};
/// use vexil_testing::TestData;
///
/// #[derive(Debug, Default)]
/// struct Lines(Mutex<Vec<String>>);
///
/// #[vexil::async_trait]
/// impl EventProcessor for Lines {
///     fn record(&self, event: &Event<'_>) {
///         if let Event::Custom(custom) = event {
///             let (who, metric) = (custom.context.key(), custom.metric);
///             let line = format!("{} of {who}: {metric:?}", custom.key);
///             self.0.lock().unwrap().push(line);
///         }
///     }
/// #     fn flush(&self) {}
/// #     async fn flush_and_wait(&self) {}
/// #     async fn close(&self) {}
///     // …
/// }
///
/// let lines = Arc::new(Lines::default());
/// let flags = TestData::new().with("banner", "hello");
/// let client = Client::builder("sdk-key").data_source(flags).events(lines.clone()).start()?;
/// let ada = Context::new("ada")?;
/// client.track_metric("page-load", &ada, 0.25, vexil::Value::Null);
/// assert_eq!(*lines.0.lock().unwrap(), ["page-load of ada: Some(0.25)"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct CustomEvent<'a> {
    /// The event's name.
    pub key: &'a str,
    /// The context of the event.
    pub context: &'a Context,
    /// The application's data; null if there is none.
    pub data: &'a Value,
    /// A number for an experiment to sum or average.
    pub metric: Option<f64>,
}
