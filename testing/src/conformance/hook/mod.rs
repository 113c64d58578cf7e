//! Clauses for hooks, by group. [`hook_conformance!`](crate::hook_conformance) turns them into
//! tests.
//!
//! A client contains the errors and panics of its hooks. These clauses detect them.
//!
//! | group | applies to |
//! | --- | --- |
//! | [`stages`] | every hook |
//! | [`observation`] | hooks with a harness that returns what they have seen |

mod harness;
pub mod observation;
mod relay;
pub mod stages;

pub use self::harness::HookHarness;

/// Generates a test for each clause of the contract of [`Hook`](vexil::hooks::Hook).
///
/// The argument is an expression that creates a [`HookHarness`](crate::conformance::HookHarness);
/// each test evaluates it separately. By default, the group `stages` is tested; other
/// [groups](crate::conformance::hook) can be listed after it.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use vexil::Value;
/// use vexil::eval::Detail;
/// use vexil::hooks::{EvaluationSeriesContext, Hook, HookError, HookMetadata, SeriesData};
/// use vexil_testing::conformance::HookHarness;
///
/// type Seen = Arc<Mutex<Vec<(String, Value)>>>;
///
/// /// Lists all evaluations.
/// #[derive(Debug)]
/// struct Listing(Seen);
///
/// impl Hook for Listing {
///     fn metadata(&self) -> HookMetadata {
///         HookMetadata::new("listing")
///     }
///     fn after_evaluation(
///         &self,
///         series: &EvaluationSeriesContext<'_>,
///         data: SeriesData,
///         detail: &Detail<Value>,
///     ) -> Result<SeriesData, HookError> {
///         let seen = (series.flag_key.to_owned(), detail.value.clone());
///         self.0.lock().unwrap().push(seen);
///         Ok(data)
///     }
/// }
///
/// #[derive(Default)]
/// struct Harness(Seen);
///
/// impl HookHarness for Harness {
///     fn hook(&self) -> Arc<dyn Hook> {
///         Arc::new(Listing(Arc::clone(&self.0)))
///     }
///     fn observed(&self) -> Vec<(String, Value)> {
///         self.0.lock().unwrap().clone()
///     }
/// }
///
/// vexil_testing::hook_conformance!(Harness::default(), stages, observation);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! hook_conformance {
    ($harness:expr $(,)?) => {
        $crate::hook_conformance!($harness, stages);
    };
    ($harness:expr, $($group:ident),+ $(,)?) => {
        $($crate::hook_conformance! { @group $group tests ($harness) })+
    };
    (@group stages $then:ident $rest:tt) => {
        $crate::hook_conformance! { @$then $rest stages [
            metadata_has_a_name_and_does_not_change
            every_evaluation_method_is_accepted
            every_outcome_is_accepted
            an_invalid_context_is_accepted
            tracked_events_are_accepted
            nested_series_are_accepted
            concurrent_series_are_accepted
            a_series_without_its_second_stage_affects_no_other
            a_series_without_data_does_not_panic
            a_hook_is_dropped_with_its_client
        ] }
    };
    (@group observation $then:ident $rest:tt) => {
        $crate::hook_conformance! { @$then $rest observation [
            an_evaluation_is_seen_with_its_result
            each_evaluation_is_seen_once
            an_unknown_flag_is_seen_with_the_default
            nested_series_are_seen_separately
            concurrent_series_are_seen_separately
        ] }
    };
    (@tests ($harness:expr) $group:ident [$($clause:ident)+]) => {
        $(
            #[test]
            fn $clause() {
                $crate::conformance::hold(
                    || $harness,
                    |harness| ::std::boxed::Box::pin($crate::conformance::hook::$group::$clause(harness)),
                );
            }
        )+
    };
    (@names () $group:ident [$($clause:ident)+]) => {
        &[$(::core::stringify!($clause)),+]
    };
}

/// The names of the clauses of each group, as listed in the macro.
pub const GROUPS: [(&str, &[&str]); 2] = [
    ("stages", hook_conformance! { @group stages names () }),
    (
        "observation",
        hook_conformance! { @group observation names () },
    ),
];
