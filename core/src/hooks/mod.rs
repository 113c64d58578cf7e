//! [`Hook`]: code of the application that runs before and after each evaluation, and after each call of `track`.
//!
//! A hook sees what is asked and what is answered, and can change neither: it is for traces,
//! metrics and logs. What it wants to remember between the two stages of one evaluation it puts
//! into the series data, which only it sees.
//!
//! **Contract.** Stages run on the thread of the call, in its time, and by many threads at once:
//! they must not take long. Before an evaluation hooks run in the order in which they were
//! registered, after it in reverse, after `track` in order again. A call of a door is one series,
//! whatever else the flag depends on; all-flags state and flag-change listeners run no hooks. A
//! hook that is added while a series runs takes part from the next one on. A stage may use the
//! client, but an evaluation in it is a series too, for the same hooks. Closing the client drops
//! its hooks. **Errors** and **panics** are contained and logged once for each stage of each hook;
//! the others run, and the answer is the same. A stage that fails leaves its hook without series
//! data. **Cancellation**: an awaiting door that is dropped runs no stage after it, and drops the
//! series data.
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
mod runner;

use std::error::Error;
use std::fmt;
use std::sync::Arc;

pub use data::SeriesData;
pub(crate) use runner::{Asked, Hooks, Series};
use vexil_eval::{Context, ContextError, Detail, Text, Value};

/// Code that runs around evaluations. See the [module documentation](self) for the contract.
pub trait Hook: fmt::Debug + Send + Sync + 'static {
    /// Who the hook is, for the log. Asked once, when the hook is registered.
    fn metadata(&self) -> HookMetadata;

    /// Runs before an evaluation. `data` is empty; what is returned comes back after the
    /// evaluation.
    fn before_evaluation(
        &self,
        series: &EvaluationSeriesContext<'_>,
        data: SeriesData,
    ) -> Result<SeriesData, HookError> {
        let _ = series;
        Ok(data)
    }

    /// Runs after an evaluation, of which `detail` is the answer. It always has the reason, whether
    /// the caller asked for it or not. `data` is what the stage before the evaluation returned.
    fn after_evaluation(
        &self,
        series: &EvaluationSeriesContext<'_>,
        data: SeriesData,
        detail: &Detail<Value>,
    ) -> Result<SeriesData, HookError> {
        let _ = (series, detail);
        Ok(data)
    }

    /// Runs after the application has told of something, and the event processor has heard of it,
    /// if there is one.
    fn after_track(&self, series: &TrackSeriesContext<'_>) -> Result<(), HookError> {
        let _ = series;
        Ok(())
    }
}

/// What a stage fails with: anything that is an error, or a text.
pub type HookError = Box<dyn Error + Send + Sync>;

/// A hook that is shared between clients, or looked at from outside.
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

/// Who a hook is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HookMetadata {
    /// The name, as the log shows it.
    pub name: Text,
}

impl HookMetadata {
    /// A hook of this name.
    pub fn new(name: impl Into<Text>) -> Self {
        Self { name: name.into() }
    }
}

/// What was asked, for the stages around one evaluation.
#[non_exhaustive]
pub struct EvaluationSeriesContext<'a> {
    /// The flag's key, as it was asked for.
    pub flag_key: &'a str,
    /// For whom; or why the context is invalid, and the answer the default.
    pub context: Result<&'a Context, &'a ContextError>,
    /// By which method of the client. The typed doors are the generic ones, and the awaiting doors
    /// those that wait.
    pub method: EvaluationMethod,
    /// The environment that the flags are from, once the service has said so.
    pub environment_id: Option<&'a Text>,
    /// Makes the caller's default: most hooks do not want it.
    default: &'a (dyn Fn() -> Value + Sync),
}

impl EvaluationSeriesContext<'_> {
    /// The caller's default. Null for a default of a type that has no JSON form.
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

    /// Whether the caller asked for the reason.
    pub(crate) fn with_reason(self) -> bool {
        self == Self::VariationDetail
    }
}

impl fmt::Display for EvaluationMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What the application has told, for the stage after it.
#[derive(Debug)]
#[non_exhaustive]
pub struct TrackSeriesContext<'a> {
    /// What it is called.
    pub key: &'a str,
    /// By whom or for whom it happened.
    pub context: &'a Context,
    /// What the application says of it; none if nothing.
    pub data: Option<&'a Value>,
    /// A number for a metric.
    pub metric_value: Option<f64>,
    /// The environment that the flags are from, once the service has said so.
    pub environment_id: Option<&'a Text>,
}
