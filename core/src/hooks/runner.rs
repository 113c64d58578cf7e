//! [`Hooks`] runs them: in order, each by itself, and for nothing where there are none.
//!
//! The list is replaced whole when a hook is added, so nobody waits for anybody: a series keeps the list that it began
//! with. Whatever a hook does wrong ends here, in one line of the log for each of its stages.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use smallvec::SmallVec;

use super::{EvaluationSeriesContext, Hook, HookError, HookMetadata, SeriesData, TrackSeriesContext};
use crate::eval::Detail;
use crate::text::Text;
use crate::value::Value;

/// The hooks of a client.
#[derive(Debug, Default)]
pub(crate) struct Hooks {
    /// Whether there are any: all that an evaluation without hooks looks at. Never unset.
    any: AtomicBool,
    /// In the order in which they were registered.
    list: ArcSwap<List>,
}

type List = Vec<Arc<Registered>>;

impl Hooks {
    pub(crate) fn new(hooks: Vec<Arc<dyn Hook>>) -> Self {
        let list: List = hooks.into_iter().map(Registered::new).collect();
        Self { any: AtomicBool::new(!list.is_empty()), list: ArcSwap::from_pointee(list) }
    }

    /// Adds a hook behind the others, for series that begin later.
    pub(crate) fn add(&self, hook: Arc<dyn Hook>) {
        let hook = Registered::new(hook);
        self.list.rcu(|list| list.iter().chain([&hook]).cloned().collect::<List>());
        self.any.store(true, Ordering::Release);
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        !self.any.load(Ordering::Acquire)
    }

    /// Runs the stages before an evaluation.
    pub(crate) fn begin<'a>(&self, context: EvaluationSeriesContext<'a>) -> Series<'a> {
        let hooks = self.list.load_full();
        let before = |hook: &Arc<Registered>| {
            let stage = || hook.hook.before_evaluation(&context, SeriesData::default());
            hook.run(Stage::BeforeEvaluation, context.flag_key, stage).unwrap_or_default()
        };
        let data = hooks.iter().map(before).collect();
        Series { hooks, context, data }
    }

    /// Runs the stages after the application has told of something.
    pub(crate) fn after_track(&self, context: &TrackSeriesContext<'_>) {
        for hook in &*self.list.load_full() {
            hook.run(Stage::AfterTrack, context.key, || hook.hook.after_track(context));
        }
    }
}

/// One evaluation whose first stages have run.
#[derive(Debug)]
pub(crate) struct Series<'a> {
    /// Those who took part in the first stages.
    hooks: Arc<List>,
    context: EvaluationSeriesContext<'a>,
    /// Of each hook, in their order.
    data: SmallVec<[SeriesData; 4]>,
}

impl Series<'_> {
    /// Runs the stages after the evaluation.
    pub(crate) fn end(self, detail: &Detail<Value>) {
        let Self { hooks, context, data } = self;
        for (hook, data) in hooks.iter().zip(data).rev() {
            // What the last stage returns is dropped by the hook's own rules too, hence in here.
            let stage = || hook.hook.after_evaluation(&context, data, detail).map(drop);
            hook.run(Stage::AfterEvaluation, context.flag_key, stage);
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    BeforeEvaluation,
    AfterEvaluation,
    AfterTrack,
}

/// A hook, and what it has done wrong.
#[derive(Debug)]
struct Registered {
    hook: Arc<dyn Hook>,
    name: Text,
    /// Whether it was logged that a stage fails.
    before_failed: AtomicBool,
    after_failed: AtomicBool,
    track_failed: AtomicBool,
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
        Arc::new(Self { hook, name, before_failed, after_failed, track_failed })
    }

    /// Runs a stage; none if it fails. `key` is the flag's or the event's, for the log.
    fn run<T>(&self, stage: Stage, key: &str, run: impl FnOnce() -> Result<T, HookError>) -> Option<T> {
        // The error's text is the hook's code too.
        let run = || run().map_err(|error| error.to_string());
        match catch_unwind(AssertUnwindSafe(run)) {
            Ok(Ok(result)) => Some(result),
            Ok(Err(error)) => self.failed(stage, key, &error),
            Err(_panic) => self.failed(stage, key, "it panicked"),
        }
    }

    #[cold]
    fn failed<T>(&self, stage: Stage, key: &str, error: &str) -> Option<T> {
        let (stage, logged) = match stage {
            Stage::BeforeEvaluation => ("beforeEvaluation", &self.before_failed),
            Stage::AfterEvaluation => ("afterEvaluation", &self.after_failed),
            Stage::AfterTrack => ("afterTrack", &self.track_failed),
        };
        if !logged.swap(true, Ordering::Relaxed) {
            tracing::error!(hook = %self.name, stage, key, error, "a hook failed; the next failures are not logged");
        }
        None
    }
}
