//! [`Hooked`]: a client with the hook under test.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Barrier, Mutex, PoisonError};
use std::thread;

use vexil::eval::Detail;
use vexil::hooks::{
    EvaluationSeriesContext, Hook, HookError, HookMetadata, SeriesData, TrackSeriesContext,
};
use vexil::{Client, Context, Value};

use super::HookHarness;
use crate::TestData;

/// The flags whose series are special.
pub(super) const NESTED: &str = "nested";
pub(super) const MEETING: &str = "meeting";
pub(super) const ABANDONED: &str = "abandoned";
pub(super) const EMPTIED: &str = "emptied";

/// How many series of [`MEETING`] take place at the same time.
pub(super) const THREADS: usize = 2;

/// A client with the hook under test. The hook is called through a [`Relay`], which records its
/// errors and panics.
pub(super) struct Hooked {
    pub(super) client: Client,
    pub(super) ada: Context,
    relay: Arc<Relay>,
}

impl Hooked {
    #[expect(clippy::expect_used, reason = "the settings and the context are valid")]
    pub(super) fn new(harness: &dyn HookHarness) -> Self {
        let relay = Arc::new(Relay {
            hook: harness.hook(),
            failures: Mutex::default(),
            meeting: Barrier::new(THREADS),
            client: Mutex::default(),
        });
        let flags = TestData::new()
            .with("a", "value of a")
            .with("b", "value of b")
            .with("flag", true)
            .with("number", 1.5)
            .with("null", Value::Null)
            .with("list", vec![Value::from(1), Value::from("two")])
            .with(NESTED, "outer")
            .with(MEETING, "met")
            .with(ABANDONED, true)
            .with(EMPTIED, true);
        let client = Client::builder("sdk-key")
            .data_source(flags)
            .hook(Arc::clone(&relay))
            .start()
            .expect("a client of test data");
        *relay.client() = Some(client.clone());
        let ada = Context::new("ada").expect("a valid context");
        Self { client, ada, relay }
    }

    /// Evaluates a flag, with its key as the default.
    pub(super) fn evaluate(&self, key: &str) -> Value {
        self.client.variation(key, &self.ada, Value::from(key))
    }

    /// Evaluates [`MEETING`] on several threads, so that each series starts before one ends.
    pub(super) fn meet(&self) {
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| self.evaluate(MEETING));
            }
        });
    }

    /// Asserts that no stage has failed or panicked.
    #[track_caller]
    pub(super) fn has_no_failures(&self) {
        let failures = self.relay.failures();
        assert!(failures.is_empty(), "stages failed: {failures:?}");
    }

    /// Asserts that no stage has panicked.
    #[track_caller]
    pub(super) fn has_no_panics(&self) {
        let mut failures = self.relay.failures();
        failures.retain(|failure| failure.ends_with(PANICKED));
        assert!(failures.is_empty(), "stages panicked: {failures:?}");
    }
}

impl Drop for Hooked {
    fn drop(&mut self) {
        // Otherwise the client and its hook would own one another.
        let client = self.relay.client().take();
        drop(client);
    }
}

const PANICKED: &str = "panicked";

/// Calls the hook under test, with series that are nested, concurrent or incomplete.
#[derive(Debug)]
struct Relay {
    hook: Arc<dyn Hook>,
    /// Locked for a single change.
    failures: Mutex<Vec<String>>,
    /// Where the series of [`MEETING`] wait for one another.
    meeting: Barrier,
    /// For nested evaluations.
    client: Mutex<Option<Client>>,
}

impl Relay {
    fn client(&self) -> std::sync::MutexGuard<'_, Option<Client>> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failures(&self) -> Vec<String> {
        let failures = self.failures.lock();
        failures.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Runs a stage. Returns `None` if it fails.
    fn run<T>(
        &self,
        what: &str,
        stage: impl FnOnce(&dyn Hook) -> Result<T, HookError>,
    ) -> Option<T> {
        let failure = match catch_unwind(AssertUnwindSafe(|| stage(&*self.hook))) {
            Ok(Ok(value)) => return Some(value),
            Ok(Err(error)) => format!("{what}: {error}"),
            Err(_) => format!("{what} {PANICKED}"),
        };
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.push(failure);
        None
    }
}

impl Hook for Relay {
    fn metadata(&self) -> HookMetadata {
        self.hook.metadata()
    }

    fn before_evaluation(
        &self,
        series: &EvaluationSeriesContext<'_>,
        data: SeriesData,
    ) -> Result<SeriesData, HookError> {
        let what = format!("before_evaluation of {}", series.flag_key);
        let data = self.run(&what, |hook| hook.before_evaluation(series, data));
        match series.flag_key {
            NESTED => {
                let client = self.client().clone();
                if let (Some(client), Ok(context)) = (client, series.context) {
                    client.variation("a", context, Value::Null);
                }
            }
            MEETING => drop(self.meeting.wait()),
            _ => {}
        }
        Ok(data.unwrap_or_default())
    }

    fn after_evaluation(
        &self,
        series: &EvaluationSeriesContext<'_>,
        data: SeriesData,
        detail: &Detail<Value>,
    ) -> Result<SeriesData, HookError> {
        if series.flag_key == ABANDONED {
            // As if the future of the evaluation had been dropped.
            return Ok(SeriesData::default());
        }
        let data = if series.flag_key == EMPTIED {
            // As if the first stage had failed.
            SeriesData::default()
        } else {
            data
        };
        let what = format!("after_evaluation of {}", series.flag_key);
        self.run(&what, |hook| hook.after_evaluation(series, data, detail));
        Ok(SeriesData::default())
    }

    fn after_track(&self, series: &TrackSeriesContext<'_>) -> Result<(), HookError> {
        let what = format!("after_track of {}", series.key);
        self.run(&what, |hook| hook.after_track(series));
        Ok(())
    }
}
