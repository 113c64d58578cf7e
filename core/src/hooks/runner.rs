//! [`Hooks`]: runs the hooks of a client.
//!
//! Adding a hook replaces the whole list atomically, so that evaluations never wait; a series keeps
//! the list it began with. Errors and panics of a hook are contained here, and logged once for each
//! stage.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::{ArcSwap, Guard};
use smallvec::SmallVec;
use vexil_eval::{Context, ContextError, Detail, Text, Value};

#[cfg(feature = "metrics")]
use super::failures::Failures;
use super::stage::Stage;
use super::{
    EvaluationMethod, EvaluationSeriesContext, Hook, HookError, HookMetadata, SeriesData,
    TrackSeriesContext,
};

/// The hooks of a client.
#[derive(Debug, Default)]
pub(crate) struct Hooks {
    /// Whether there are hooks: the only load of an evaluation without hooks. Unset only when the
    /// client is closed.
    any: AtomicBool,
    current: ArcSwap<Installed>,
}

/// The client state that a series needs, loaded as one snapshot.
#[derive(Clone, Debug, Default)]
struct Installed {
    /// In the order of registration.
    hooks: Vec<Arc<Registered>>,
    /// The failures of the hooks. Kept when the client is closed, until they are published.
    #[cfg(feature = "metrics")]
    failures: Vec<Arc<Failures>>,
    /// The id of the flags' environment, once the data source has reported it.
    environment_id: Option<Text>,
    /// Whether the client is closed. Hooks added later are dropped.
    closed: bool,
}

impl Hooks {
    pub(crate) fn new(hooks: Vec<Arc<dyn Hook>>) -> Self {
        let hooks: Vec<_> = hooks.into_iter().map(Registered::new).collect();
        let any = AtomicBool::new(!hooks.is_empty());
        Self {
            any,
            current: ArcSwap::from_pointee(Installed {
                #[cfg(feature = "metrics")]
                failures: hooks.iter().map(|hook| hook.failures.clone()).collect(),
                hooks,
                ..Installed::default()
            }),
        }
    }

    /// Adds a hook after the others, for series that begin later.
    pub(crate) fn add(&self, hook: Arc<dyn Hook>) {
        let hook = Registered::new(hook);
        self.change(|installed| {
            if !installed.closed {
                installed.hooks.push(Arc::clone(&hook));
                #[cfg(feature = "metrics")]
                installed.failures.push(Arc::clone(&hook.failures));
            }
        });
        self.any.store(true, Ordering::Release);
    }

    /// Drops all hooks, and those that are added later: a hook that owns the client would keep it
    /// alive forever. A running series keeps its hooks until it ends.
    pub(crate) fn close(&self) {
        self.change(|installed| {
            *installed = Installed {
                closed: true,
                #[cfg(feature = "metrics")]
                failures: std::mem::take(&mut installed.failures),
                ..Installed::default()
            }
        });
        self.any.store(false, Ordering::Release);
    }

    pub(crate) fn set_environment_id(&self, id: &Text) {
        if self.current.load().environment_id.as_ref() != Some(id) {
            self.change(|installed| installed.environment_id = Some(id.clone()));
        }
    }

    /// Replaces the installed state, retrying after a concurrent change.
    fn change(&self, change: impl Fn(&mut Installed)) {
        self.current.rcu(|installed| {
            let mut changed = Installed::clone(installed);
            change(&mut changed);
            changed
        });
    }

    /// The failures of all hooks so far.
    #[cfg(feature = "metrics")]
    pub(crate) fn failures(&self) -> Vec<Arc<Failures>> {
        self.current.load().failures.clone()
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        !self.any.load(Ordering::Acquire)
    }

    /// Runs the stages before an evaluation.
    pub(crate) fn begin<'a>(&self, asked: Asked<'a>) -> Series<'a> {
        let installed = self.current.load();
        let mut data = SmallVec::new();
        let context = asked.context(&installed);
        for (index, hook) in installed.hooks.iter().enumerate() {
            let stage = || hook.hook.before_evaluation(&context, SeriesData::default());
            let returned = hook
                .run(Stage::BeforeEvaluation, asked.key, stage)
                .unwrap_or_default();
            if !returned.is_empty() {
                data.push((index, returned));
            }
        }
        Series {
            installed,
            asked,
            data,
        }
    }

    /// Runs the stages after a call of `track`.
    pub(crate) fn after_track(
        &self,
        key: &str,
        context: &Context,
        data: &Value,
        metric_value: Option<f64>,
    ) {
        let installed = self.current.load();
        let data = Some(data).filter(|data| !data.is_null());
        let environment_id = installed.environment_id.as_ref();
        let context = TrackSeriesContext {
            key,
            context,
            data,
            metric_value,
            environment_id,
        };
        for hook in &installed.hooks {
            hook.run(Stage::AfterTrack, key, || hook.hook.after_track(&context));
        }
    }
}

/// The arguments of an evaluation.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) key: &'a str,
    pub(crate) context: Result<&'a Context, &'a ContextError>,
    pub(crate) method: EvaluationMethod,
    pub(crate) default: &'a (dyn Fn() -> Value + Sync),
}

impl<'a> Asked<'a> {
    fn context<'s>(&self, installed: &'s Installed) -> EvaluationSeriesContext<'s>
    where
        'a: 's,
    {
        EvaluationSeriesContext {
            flag_key: self.key,
            context: self.context,
            method: self.method,
            environment_id: installed.environment_id.as_ref(),
            default: self.default,
        }
    }
}

/// An evaluation in progress whose `before` stages have run.
pub(crate) struct Series<'a> {
    /// The state when the series began, so that the same hooks run after the evaluation as before
    /// it.
    installed: Guard<Arc<Installed>>,
    asked: Asked<'a>,
    /// Non-empty series data with the index of its hook, in order.
    data: SmallVec<[(usize, SeriesData); 2]>,
}

impl Series<'_> {
    /// Runs the stages after the evaluation.
    pub(crate) fn end(self, detail: &Detail<Value>) {
        let Self {
            installed,
            asked,
            mut data,
        } = self;
        let context = asked.context(&installed);
        for (index, hook) in installed.hooks.iter().enumerate().rev() {
            let own = if data.last().is_some_and(|(of, _)| *of == index) {
                data.pop()
            } else {
                None
            };
            let own = own.map(|(_, own)| own).unwrap_or_default();
            // The returned data is dropped inside the stage, because its `Drop` may panic.
            let stage = || hook.hook.after_evaluation(&context, own, detail).map(drop);
            hook.run(Stage::AfterEvaluation, asked.key, stage);
        }
    }
}

/// A hook, with its name and logged failures.
#[derive(Debug)]
struct Registered {
    hook: Arc<dyn Hook>,
    name: Text,
    /// Whether a failure of the stage has been logged.
    before_failed: AtomicBool,
    after_failed: AtomicBool,
    track_failed: AtomicBool,
    #[cfg(feature = "metrics")]
    failures: Arc<Failures>,
}

impl Registered {
    fn new(hook: Arc<dyn Hook>) -> Arc<Self> {
        let name = match catch_unwind(AssertUnwindSafe(|| hook.metadata())) {
            Ok(HookMetadata { name }) => name,
            Err(_panic) => {
                tracing::error!("a hook panicked when it was asked for its name");
                Text::from_static("unnamed hook")
            }
        };
        let [before_failed, after_failed, track_failed] = [const { AtomicBool::new(false) }; 3];
        Arc::new(Self {
            hook,
            #[cfg(feature = "metrics")]
            failures: Arc::new(Failures::new(name.clone())),
            name,
            before_failed,
            after_failed,
            track_failed,
        })
    }

    /// Runs a stage. Returns `None` if it fails. `key` is the flag's or event's key, for the log.
    fn run<T>(
        &self,
        stage: Stage,
        key: &str,
        run: impl FnOnce() -> Result<T, HookError>,
    ) -> Option<T> {
        // Formatting the error runs the hook's code too.
        let run = || run().map_err(|error| error.to_string());
        match catch_unwind(AssertUnwindSafe(run)) {
            Ok(Ok(result)) => Some(result),
            Ok(Err(error)) => self.failed(stage, key, &error),
            Err(_panic) => self.failed(stage, key, "it panicked"),
        }
    }

    #[cold]
    fn failed<T>(&self, stage: Stage, key: &str, error: &str) -> Option<T> {
        #[cfg(feature = "metrics")]
        self.failures.count(stage);
        let logged = match stage {
            Stage::BeforeEvaluation => &self.before_failed,
            Stage::AfterEvaluation => &self.after_failed,
            Stage::AfterTrack => &self.track_failed,
        };
        let stage = stage.name();
        if !logged.swap(true, Ordering::Relaxed) {
            tracing::error!(hook = %self.name, stage, key, error, "a hook failed; further failures of this stage are not logged");
        }
        None
    }
}
