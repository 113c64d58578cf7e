//! One fault for each clause for hooks.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use vexil::Value;
use vexil::eval::Detail;
use vexil::hooks::{
    EvaluationMethod, EvaluationSeriesContext, Hook, HookError, HookMetadata, SeriesData,
    TrackSeriesContext,
};
use vexil_testing::conformance::HookHarness;

caught! {
    hook:
    stages {
        metadata_has_a_name_and_does_not_change by CountsInItsName,
        every_evaluation_method_is_accepted by KnowsOneMethod,
        every_outcome_is_accepted by ExpectsAString,
        an_invalid_context_is_accepted by UnwrapsTheContext,
        tracked_events_are_accepted by UnwrapsTrackedData,
        nested_series_are_accepted by AllowsOneSeries,
        concurrent_series_are_accepted by AllowsOneSeries,
        a_series_without_its_second_stage_affects_no_other by AllowsOneSeries,
        a_series_without_data_does_not_panic by UnwrapsItsData,
        a_hook_is_dropped_with_its_client by KeepsItself,
    }
    observation {
        an_evaluation_is_seen_with_its_result by SeesTheDefault,
        each_evaluation_is_seen_once by SeesBothStages,
        an_unknown_flag_is_seen_with_the_default by IgnoresUnknownFlags,
        nested_series_are_seen_separately by SharesItsData,
        concurrent_series_are_seen_separately by SharesItsData,
    }
}

mod without_a_fault {
    use super::{Fault, Harness};

    vexil_testing::hook_conformance!(Harness::new(Fault::None), stages, observation);
}

/// A fault of a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    CountsInItsName,
    KnowsOneMethod,
    ExpectsAString,
    UnwrapsTheContext,
    UnwrapsTrackedData,
    AllowsOneSeries,
    UnwrapsItsData,
    KeepsItself,
    SeesTheDefault,
    SeesBothStages,
    IgnoresUnknownFlags,
    SharesItsData,
}

type Seen = Arc<Mutex<Vec<(String, Value)>>>;

struct Harness {
    fault: Fault,
    seen: Seen,
    /// Handles that the fault keeps.
    kept: Mutex<Vec<Arc<Faulty>>>,
}

impl Harness {
    fn new(fault: Fault) -> Self {
        Self {
            fault,
            seen: Arc::default(),
            kept: Mutex::default(),
        }
    }
}

impl HookHarness for Harness {
    fn hook(&self) -> Arc<dyn Hook> {
        let hook = Arc::new(Faulty {
            fault: self.fault,
            seen: Arc::clone(&self.seen),
            calls: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            last: Mutex::default(),
        });
        if self.fault == Fault::KeepsItself {
            self.kept.lock().unwrap().push(Arc::clone(&hook));
        }
        hook
    }

    fn observed(&self) -> Vec<(String, Value)> {
        self.seen.lock().unwrap().clone()
    }

    fn timeout(&self) -> Duration {
        if self.fault == Fault::None {
            Duration::from_secs(20)
        } else {
            Duration::from_millis(500)
        }
    }
}

/// Passes the key of the flag from the first stage to the second.
#[derive(Debug)]
struct Faulty {
    fault: Fault,
    seen: Seen,
    calls: AtomicUsize,
    /// The number of series that have not ended.
    open: AtomicUsize,
    /// The key of the last series, if the fault keeps it in the hook.
    last: Mutex<Option<String>>,
}

impl Hook for Faulty {
    fn metadata(&self) -> HookMetadata {
        let calls = self.calls.fetch_add(1, Ordering::SeqCst);
        HookMetadata::new(if self.fault == Fault::CountsInItsName {
            format!("faulty {calls}")
        } else {
            "faulty".to_owned()
        })
    }

    fn before_evaluation(
        &self,
        series: &EvaluationSeriesContext<'_>,
        data: SeriesData,
    ) -> Result<SeriesData, HookError> {
        let open = self.open.fetch_add(1, Ordering::SeqCst);
        let key = series.flag_key.to_owned();
        match self.fault {
            Fault::KnowsOneMethod if series.method != EvaluationMethod::Variation => {
                return Err("unknown method".into());
            }
            Fault::UnwrapsTheContext => drop(series.context.unwrap().clone()),
            Fault::AllowsOneSeries if open > 0 => return Err("another series is open".into()),
            Fault::SeesBothStages => self
                .seen
                .lock()
                .unwrap()
                .push((key.clone(), series.default_value())),
            Fault::SharesItsData => *self.last.lock().unwrap() = Some(key.clone()),
            _ => {}
        }
        Ok(data.with("key", key))
    }

    fn after_evaluation(
        &self,
        series: &EvaluationSeriesContext<'_>,
        mut data: SeriesData,
        detail: &Detail<Value>,
    ) -> Result<SeriesData, HookError> {
        self.open.fetch_sub(1, Ordering::SeqCst);
        let key = match self.fault {
            Fault::SharesItsData => self.last.lock().unwrap().take(),
            _ => data.remove::<String>("key"),
        };
        let key = if self.fault == Fault::UnwrapsItsData {
            key.unwrap()
        } else {
            key.ok_or("there is no key")?
        };
        let value = match self.fault {
            Fault::ExpectsAString => detail.value.as_str().ok_or("not a string")?.into(),
            Fault::SeesTheDefault => series.default_value(),
            Fault::IgnoresUnknownFlags if detail.variation_index.is_none() => return Ok(data),
            _ => detail.value.clone(),
        };
        self.seen.lock().unwrap().push((key, value));
        Ok(data)
    }

    fn after_track(&self, series: &TrackSeriesContext<'_>) -> Result<(), HookError> {
        if self.fault == Fault::UnwrapsTrackedData {
            drop(series.data.unwrap().clone());
        }
        Ok(())
    }
}
