//! [`Hook`]: application code that runs before and after each evaluation, and after each call of
//! `track`.
//!
//! A hook sees the arguments and the result of an evaluation and can change neither: it is intended
//! for traces, metrics and logs. It passes its own data from the first stage of an evaluation to
//! the second as [`SeriesData`].
//!
//! **Contract.** Stages run synchronously on the calling thread, and on many threads concurrently,
//! so they must be fast. Before an evaluation hooks run in the order of registration, after it in
//! reverse, and after `track` in order. Each call of an evaluation method is one series, regardless
//! of prerequisites; all-flags state and flag-change listeners run no hooks. A hook that is added
//! during a series takes part from the next one on. A stage may use the client, but an evaluation
//! in it starts another series with the same hooks. Closing the client drops its hooks. **Errors**
//! and **panics** are caught and logged once for each stage of each hook. The other hooks still
//! run, and the result is unchanged. A stage that fails leaves its hook without series data.
//! **Cancellation**: if the future of an evaluation is dropped, the stages after the evaluation do
//! not run, and the series data is dropped.
//!
//! The macro `hook_conformance!` of `vexil-testing` tests a hook against this contract.
//!
//! ```
//! use std::time::Instant;
//! use vexil::eval::Detail;
//! use vexil::hooks::{EvaluationSeriesContext, Hook, HookError, HookMetadata, SeriesData};
//! use vexil::{Client, Value};
//!
//! /// Prints how long each evaluation takes.
//! #[derive(Debug)]
//! struct Timing;
//!
//! impl Hook for Timing {
//!     fn metadata(&self) -> HookMetadata {
//!         HookMetadata::new("timing")
//!     }
//!     fn before_evaluation(&self, _: &EvaluationSeriesContext<'_>, data: SeriesData) -> Result<SeriesData, HookError> {
//!         Ok(data.with("start", Instant::now()))
//!     }
//!     fn after_evaluation(
//!         &self, series: &EvaluationSeriesContext<'_>, data: SeriesData, detail: &Detail<Value>,
//!     ) -> Result<SeriesData, HookError> {
//!         let start: &Instant = data.get("start").ok_or("the evaluation has no start")?;
//!         println!("{} is {} after {:?}", series.flag_key, detail.value, start.elapsed());
//!         Ok(data)
//!     }
//! }
//!
//! let client = Client::builder("sdk-key").offline(true).hook(Timing).start()?;
//! # assert!(client.bool_variation("flag", &vexil::Context::new("ada")?, true));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod data;
#[cfg(feature = "metrics")]
mod failures;
mod runner;
mod stage;

use std::error::Error;
use std::fmt;
use std::sync::Arc;

pub use data::SeriesData;
pub(crate) use runner::{Asked, Hooks, Series};
use vexil_eval::{Context, ContextError, Detail, Text, Value};

/// Code that runs around evaluations. See the [module documentation](self) for the contract.
pub trait Hook: fmt::Debug + Send + Sync + 'static {
    /// Describes the hook, for the log. Called once, when the hook is registered.
    fn metadata(&self) -> HookMetadata;

    /// Runs before an evaluation. `data` is empty; the returned data is passed to
    /// [`after_evaluation`](Self::after_evaluation).
    ///
    /// ```
    /// use vexil::hooks::{EvaluationSeriesContext, Hook, HookError, HookMetadata, SeriesData};
    /// use vexil::{Client, Context};
    ///
    /// /// Refuses evaluations without a valid context in tests.
    /// #[derive(Debug)]
    /// struct ContextCheck;
    ///
    /// impl Hook for ContextCheck {
    ///     fn metadata(&self) -> HookMetadata {
    ///         HookMetadata::new("context check")
    ///     }
    ///     fn before_evaluation(
    ///         &self,
    ///         series: &EvaluationSeriesContext<'_>,
    ///         data: SeriesData,
    ///     ) -> Result<SeriesData, HookError> {
    ///         let context = series.context.map_err(|error| format!("{}: {error}", series.flag_key))?;
    ///         Ok(data.with("kind", context.kind().to_string()))
    ///     }
    /// }
    ///
    /// let client = Client::builder("sdk-key").offline(true).hook(ContextCheck).start()?;
    /// // The error is logged. It does not change the result.
    /// assert!(client.bool_variation("new-checkout", &Context::new(""), true));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// An error is logged once. The hook then has no series data in the second stage.
    fn before_evaluation(
        &self,
        series: &EvaluationSeriesContext<'_>,
        data: SeriesData,
    ) -> Result<SeriesData, HookError> {
        let _ = series;
        Ok(data)
    }

    /// Runs after an evaluation. `detail` is the result, which always has a reason, even if the
    /// caller did not request one. `data` is the data that
    /// [`before_evaluation`](Self::before_evaluation) returned.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU64, Ordering};
    /// use vexil::eval::{Detail, EvalErrorKind};
    /// use vexil::hooks::{EvaluationSeriesContext, Hook, HookError, HookMetadata, SeriesData};
    /// use vexil::{Client, Context, Value};
    ///
    /// /// Counts the evaluations of flags that do not exist.
    /// #[derive(Debug, Default)]
    /// struct Unknown(AtomicU64);
    ///
    /// impl Hook for Unknown {
    ///     fn metadata(&self) -> HookMetadata {
    ///         HookMetadata::new("unknown flags")
    ///     }
    ///     fn after_evaluation(
    ///         &self,
    ///         _: &EvaluationSeriesContext<'_>,
    ///         data: SeriesData,
    ///         detail: &Detail<Value>,
    ///     ) -> Result<SeriesData, HookError> {
    ///         if detail.reason.error() == Some(EvalErrorKind::FlagNotFound) {
    ///             self.0.fetch_add(1, Ordering::Relaxed);
    ///         }
    ///         Ok(data)
    ///     }
    /// }
    ///
    /// let unknown = std::sync::Arc::new(Unknown::default());
    /// let flags = vexil_testing::TestData::new().with("limit", 20);
    /// let client = Client::builder("sdk-key").data_source(flags).hook(unknown.clone()).start()?;
    /// let ada = Context::new("ada")?;
    /// client.int_variation("limit", &ada, 0);
    /// client.int_variation("limmit", &ada, 0); // A misspelt key.
    /// assert_eq!(unknown.0.load(Ordering::Relaxed), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// An error is logged once. The result of the evaluation is unchanged.
    fn after_evaluation(
        &self,
        series: &EvaluationSeriesContext<'_>,
        data: SeriesData,
        detail: &Detail<Value>,
    ) -> Result<SeriesData, HookError> {
        let _ = (series, detail);
        Ok(data)
    }

    /// Runs after a call of `track`, once the event processor, if there is one, has received the
    /// event.
    ///
    /// ```
    /// use vexil::hooks::{Hook, HookError, HookMetadata, TrackSeriesContext};
    /// use vexil::{Client, Context, Value};
    ///
    /// /// Fails, which is logged once.
    /// #[derive(Debug)]
    /// struct Failing;
    ///
    /// impl Hook for Failing {
    ///     fn metadata(&self) -> HookMetadata {
    ///         HookMetadata::new("failing")
    ///     }
    ///     fn after_track(&self, series: &TrackSeriesContext<'_>) -> Result<(), HookError> {
    ///         assert_eq!((series.key, series.metric_value), ("checkout-seconds", Some(12.5)));
    ///         Err("the collector is unavailable".into())
    ///     }
    /// }
    ///
    /// let client = Client::builder("sdk-key").offline(true).hook(Failing).start()?;
    /// client.track_metric("checkout-seconds", &Context::new("ada")?, 12.5, Value::Null);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// An error is logged once. The event was already recorded.
    fn after_track(&self, series: &TrackSeriesContext<'_>) -> Result<(), HookError> {
        let _ = series;
        Ok(())
    }
}

/// The error of a stage: any error type, or a string.
pub type HookError = Box<dyn Error + Send + Sync>;

/// A hook that is shared between clients or inspected by the application.
#[deny(clippy::missing_trait_methods)]
impl<H: Hook + ?Sized> Hook for Arc<H> {
    fn metadata(&self) -> HookMetadata {
        (**self).metadata()
    }

    fn before_evaluation(
        &self,
        series: &EvaluationSeriesContext<'_>,
        data: SeriesData,
    ) -> Result<SeriesData, HookError> {
        (**self).before_evaluation(series, data)
    }

    fn after_evaluation(
        &self,
        series: &EvaluationSeriesContext<'_>,
        data: SeriesData,
        detail: &Detail<Value>,
    ) -> Result<SeriesData, HookError> {
        (**self).after_evaluation(series, data, detail)
    }

    fn after_track(&self, series: &TrackSeriesContext<'_>) -> Result<(), HookError> {
        (**self).after_track(series)
    }
}

/// Describes a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HookMetadata {
    /// The name shown in the log.
    pub name: Text,
}

impl HookMetadata {
    /// Metadata with this name.
    pub fn new(name: impl Into<Text>) -> Self {
        Self { name: name.into() }
    }
}

/// The arguments of one evaluation, for the stages around it.
///
/// ```
/// use vexil::eval::Detail;
/// use vexil::hooks::{EvaluationSeriesContext, Hook, HookError, HookMetadata, SeriesData};
/// use vexil::{Client, Context, Value};
/// # use std::sync::{Arc, Mutex};
///
/// /// Notes the flags for which a caller received its own default.
/// #[derive(Debug, Default)]
/// struct Defaulted(Mutex<Vec<String>>);
///
/// impl Hook for Defaulted {
///     fn metadata(&self) -> HookMetadata {
///         HookMetadata::new("defaulted")
///     }
///     fn after_evaluation(
///         &self,
///         series: &EvaluationSeriesContext<'_>,
///         data: SeriesData,
///         detail: &Detail<Value>,
///     ) -> Result<SeriesData, HookError> {
///         if detail.is_default_value() {
///             let key = format!("{} = {}", series.flag_key, series.default_value());
///             self.0.lock().map_err(|_| "poisoned")?.push(key);
///         }
///         Ok(data)
///     }
/// }
///
/// let hook = Arc::new(Defaulted::default());
/// let client = Client::builder("sdk-key").offline(true).hook(Arc::clone(&hook)).start()?;
/// client.int_variation("limit", &Context::new("ada")?, 10);
/// assert_eq!(*hook.0.lock().unwrap(), ["limit = 10"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[non_exhaustive]
pub struct EvaluationSeriesContext<'a> {
    /// The requested flag key.
    pub flag_key: &'a str,
    /// The context; or the error of an invalid context, for which the default is returned.
    pub context: Result<&'a Context, &'a ContextError>,
    /// The evaluation method. Typed methods count as the generic method, and async methods as the
    /// blocking one.
    pub method: EvaluationMethod,
    /// The id of the flags' environment, once the service has sent it.
    pub environment_id: Option<&'a Text>,
    /// Creates the caller's default lazily, because most hooks do not need it.
    default: &'a (dyn Fn() -> Value + Sync),
}

impl EvaluationSeriesContext<'_> {
    /// The caller's default. Null if its type cannot be serialized as JSON.
    #[must_use]
    pub fn default_value(&self) -> Value {
        (self.default)()
    }
}

impl fmt::Debug for EvaluationSeriesContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EvaluationSeriesContext")
            .field("flag_key", &self.flag_key)
            .field("context", &self.context)
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

/// The methods that evaluate a flag.
///
/// ```
/// use vexil::hooks::EvaluationMethod;
/// use vexil::{Client, Context};
/// use vexil_testing::{HookRecorder, RecordedStage};
///
/// let hook = HookRecorder::new("recorder");
/// let client = Client::builder("sdk-key").offline(true).hook(hook.clone()).start()?;
/// client.bool_variation_detail("new-checkout", &Context::new("ada")?, false);
/// let stages = hook.take();
/// let RecordedStage::BeforeEvaluation(series) = &stages[0] else { panic!("{stages:?}") };
/// // The typed methods and the async ones count as the method of the same kind.
/// assert_eq!(series.method, EvaluationMethod::VariationDetail);
/// assert_eq!(series.method.to_string(), "variation_detail");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EvaluationMethod {
    /// [`Client::variation`](crate::Client::variation), in any type.
    Variation,
    /// [`Client::variation_detail`](crate::Client::variation_detail), in any type.
    VariationDetail,
    /// [`Client::migration_variation`](crate::Client::migration_variation).
    MigrationVariation,
}

impl EvaluationMethod {
    /// The method's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Variation => "variation",
            Self::VariationDetail => "variation_detail",
            Self::MigrationVariation => "migration_variation",
        }
    }

    /// Whether the caller requested the reason.
    pub(crate) fn with_reason(self) -> bool {
        self == Self::VariationDetail
    }
}

impl fmt::Display for EvaluationMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The arguments of one call of `track`, for the stage after it.
///
/// ```
/// use std::sync::Mutex;
/// use vexil::hooks::{Hook, HookError, HookMetadata, TrackSeriesContext};
/// use vexil::{Client, Context};
///
/// /// Sends the tracked events to another system as well.
/// #[derive(Debug, Default)]
/// struct Forward(Mutex<Vec<String>>);
///
/// impl Hook for Forward {
///     fn metadata(&self) -> HookMetadata {
///         HookMetadata::new("forward")
///     }
///     fn after_track(&self, series: &TrackSeriesContext<'_>) -> Result<(), HookError> {
///         let plan = series.data.and_then(|data| data.as_str()).ok_or("the plan is missing")?;
///         self.0.lock().unwrap().push(format!("{} {plan}", series.context.key()));
///         Ok(())
///     }
/// }
///
/// let forward = std::sync::Arc::new(Forward::default());
/// let client = Client::builder("sdk-key").offline(true).hook(forward.clone()).start()?;
/// let ada = Context::new("ada")?;
/// client.track_data("subscribed", &ada, "pro");
/// client.track("subscribed", &ada); // Fails in the hook, which is logged once.
/// assert_eq!(*forward.0.lock().unwrap(), ["ada pro"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct TrackSeriesContext<'a> {
    /// The event's key.
    pub key: &'a str,
    /// The context that the event belongs to.
    pub context: &'a Context,
    /// The event's data; `None` if the application passed none.
    pub data: Option<&'a Value>,
    /// The event's metric value.
    pub metric_value: Option<f64>,
    /// The id of the flags' environment, once the service has sent it.
    pub environment_id: Option<&'a Text>,
}
