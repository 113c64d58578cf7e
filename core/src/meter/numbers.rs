//! [`Numbers`]: the counters and times behind a [`Meter`](super::Meter).

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use metrics::Label;
use vexil_eval::EvalErrorKind;

use crate::per_thread::PerThread;
use crate::status::DataSourceErrorKind;

/// The outcomes of an evaluation: the labels `result` and `error`.
const OUTCOMES: [(&str, &str); 8] = [
    ("value", "none"),
    ("default", "none"),
    ("default", "CLIENT_NOT_READY"),
    ("default", "FLAG_NOT_FOUND"),
    ("default", "USER_NOT_SPECIFIED"),
    ("default", "MALFORMED_FLAG"),
    ("default", "WRONG_TYPE"),
    ("default", "EXCEPTION"),
];

/// A number for each outcome.
pub(crate) type Counts = [u64; OUTCOMES.len()];

/// The position of an outcome.
fn outcome(error: Option<EvalErrorKind>) -> usize {
    match error {
        None => 1,
        Some(EvalErrorKind::ClientNotReady) => 2,
        Some(EvalErrorKind::FlagNotFound) => 3,
        Some(EvalErrorKind::UserNotSpecified) => 4,
        Some(EvalErrorKind::MalformedFlag) => 5,
        Some(EvalErrorKind::WrongType) => 6,
        // `Exception`: the enum is of another crate, but has no further kinds.
        Some(_) => 7,
    }
}

/// The outcomes of evaluations: result, error and number.
pub(crate) fn outcomes(counts: Counts) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
    let labelled = OUTCOMES.into_iter().zip(counts);
    labelled.map(|((result, error), count)| (result, error, count))
}

const SOURCE_ERRORS: [DataSourceErrorKind; 5] = [
    DataSourceErrorKind::Unknown,
    DataSourceErrorKind::NetworkError,
    DataSourceErrorKind::ErrorResponse,
    DataSourceErrorKind::InvalidData,
    DataSourceErrorKind::StoreError,
];

/// The numbers of one client.
#[derive(Debug)]
pub(crate) struct Numbers {
    /// The labels of every metric.
    labels: Vec<Label>,
    /// Sharded by thread, because every evaluation counts.
    evaluations: PerThread<[AtomicU64; OUTCOMES.len()]>,
    /// In the order of `SOURCE_ERRORS`. Taken when they are published.
    source_errors: [AtomicU64; SOURCE_ERRORS.len()],
    last_byte: Time,
    last_update: Time,
}

impl Default for Numbers {
    fn default() -> Self {
        Self::new(None)
    }
}

impl Numbers {
    pub(super) fn new(name: Option<&str>) -> Self {
        let label = name.map(|name| Label::new("client", name.to_owned()));
        Self {
            labels: label.into_iter().collect(),
            evaluations: PerThread::default(),
            source_errors: Default::default(),
            last_byte: Time::default(),
            last_update: Time::default(),
        }
    }

    pub(crate) fn labels(&self) -> &[Label] {
        &self.labels
    }

    #[inline]
    pub(super) fn returned_value(&self) {
        let [value, ..] = self.evaluations.own();
        value.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn returned_default(&self, error: Option<EvalErrorKind>) {
        if let Some(count) = self.evaluations.own().get(outcome(error)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The evaluations so far, by outcome.
    pub(crate) fn evaluations(&self) -> Counts {
        let mut sums = Counts::default();
        for shard in self.evaluations.iter() {
            for (sum, count) in sums.iter_mut().zip(shard) {
                *sum += count.load(Ordering::Relaxed);
            }
        }
        sums
    }

    pub(super) fn source_failed(&self, kind: DataSourceErrorKind) {
        let at = SOURCE_ERRORS.iter().position(|known| *known == kind);
        if let Some(count) = at.and_then(|at| self.source_errors.get(at)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes the errors of the data source since the last call.
    pub(crate) fn take_source_errors(&self) -> [(DataSourceErrorKind, u64); SOURCE_ERRORS.len()] {
        let mut counts = self.source_errors.iter();
        SOURCE_ERRORS.map(|kind| {
            let count = counts.next().map(|count| count.swap(0, Ordering::Relaxed));
            (kind, count.unwrap_or(0))
        })
    }

    /// Bytes of the service have arrived.
    #[cfg(feature = "http")]
    pub(crate) fn received(&self) {
        self.last_byte.is_now();
    }

    /// When bytes of the service last arrived, in seconds since 1970.
    pub(crate) fn last_byte(&self) -> Option<f64> {
        self.last_byte.seconds()
    }

    pub(super) fn updated(&self) {
        self.last_update.is_now();
    }

    /// When data was last stored, in seconds since 1970.
    pub(crate) fn last_update(&self) -> Option<f64> {
        self.last_update.seconds()
    }
}

/// When something last happened, in milliseconds since 1970; 0 if it has not happened.
#[derive(Debug, Default)]
struct Time(AtomicU64);

impl Time {
    fn is_now(&self) {
        let now = since_1970(SystemTime::now()).as_millis();
        self.0
            .store(u64::try_from(now).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn seconds(&self) -> Option<f64> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            millis => Some(Duration::from_millis(millis).as_secs_f64()),
        }
    }
}

/// A time as metrics have it: seconds since 1970.
pub(crate) fn unix_seconds(time: SystemTime) -> f64 {
    since_1970(time).as_secs_f64()
}

/// Zero for earlier times.
fn since_1970(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}
