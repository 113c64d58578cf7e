//! Clauses for data sources, by group.
//! [`data_source_conformance!`](crate::data_source_conformance) turns them into tests.
//!
//! | group | applies to |
//! | --- | --- |
//! | [`delivery`] | every source |
//! | [`changes`] | sources that follow the changes of their origin |
//! | [`change_sets`] | sources that deliver [change sets](vexil::data_source::DataSink::apply) with a selector, with a harness that interrupts the origin |
//! | [`immediate`] | sources whose data is available when a client starts, such as files |
//! | [`outages`] | sources whose origin can be unavailable, with a harness that interrupts it |
//! | [`refusals`] | sources that can be refused for good, with a harness that refuses them |
//! | [`connections`] | sources with connections, with a harness that counts them |

pub mod change_sets;
pub mod changes;
pub mod connections;
pub mod delivery;
mod environment;
mod harness;
pub mod immediate;
pub mod outages;
mod recorder;
pub mod refusals;
mod run;

pub use self::harness::DataSourceHarness;

/// Generates a test for each clause of the contract of
/// [`DataSource`](vexil::data_source::DataSource).
///
/// The argument is an expression that creates a
/// [`DataSourceHarness`](crate::conformance::DataSourceHarness); each test evaluates it separately.
/// By default, the groups `delivery` and `changes` are tested; other
/// [groups](crate::conformance::data_source) can be listed after it.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use vexil::async_trait;
/// use vexil::data_source::{DataSink, DataSource, DataSourceError};
/// use vexil::model::DataSet;
/// use vexil_testing::conformance::DataSourceHarness;
///
/// /// Delivers a text once.
/// #[derive(Debug)]
/// struct Constant(String);
///
/// #[async_trait]
/// impl DataSource for Constant {
///     async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
///         let data = DataSet::from_json(self.0.as_bytes()).map_err(DataSourceError::invalid_data)?;
///         sink.init(data).await.map_err(DataSourceError::store)
///     }
/// }
///
/// #[derive(Default)]
/// struct Harness(Mutex<String>);
///
/// #[async_trait]
/// impl DataSourceHarness for Harness {
///     async fn publish(&self, data: &str) {
///         *self.0.lock().unwrap() = data.to_owned();
///     }
///     async fn source(&self) -> Arc<dyn DataSource> {
///         Arc::new(Constant(self.0.lock().unwrap().clone()))
///     }
/// }
///
/// vexil_testing::data_source_conformance!(Harness::default(), delivery, immediate);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! data_source_conformance {
    ($harness:expr $(,)?) => {
        $crate::data_source_conformance!($harness, delivery, changes);
    };
    ($harness:expr, $($group:ident),+ $(,)?) => {
        $($crate::data_source_conformance! { @group $group tests ($harness) })+
    };
    (@group delivery $then:ident $rest:tt) => {
        $crate::data_source_conformance! { @$then $rest delivery [
            all_data_is_delivered
            data_is_delivered_as_one_set
            an_origin_without_items_is_delivered
            items_carry_their_json_if_the_sink_keeps_it
            data_that_was_not_stored_is_not_lost
            a_running_source_does_not_end_with_an_error
            a_stopped_run_delivers_nothing_more
            a_stopped_run_releases_its_sink
            a_source_can_run_again
            concurrent_runs_are_independent
        ] }
    };
    (@group changes $then:ident $rest:tt) => {
        $crate::data_source_conformance! { @$then $rest changes [
            a_changed_flag_is_delivered
            an_added_item_is_delivered
            a_deletion_is_delivered
            every_later_change_is_delivered
            an_older_state_is_never_delivered_after_a_newer_one
            a_change_reaches_every_run
            a_run_continues_after_another_one_was_stopped
        ] }
    };
    (@group change_sets $then:ident $rest:tt) => {
        $crate::data_source_conformance! { @$then $rest change_sets [
            a_change_is_delivered_as_a_whole
            a_lower_version_is_delivered
            a_deleted_item_returns_with_any_version
            an_emptied_origin_removes_all_items
            every_change_set_has_a_selector
            only_differences_are_delivered_after_an_outage
        ] }
    };
    (@group immediate $then:ident $rest:tt) => {
        $crate::data_source_conformance! { @$then $rest immediate [
            available_data_is_delivered_while_the_client_starts
        ] }
    };
    (@group outages $then:ident $rest:tt) => {
        $crate::data_source_conformance! { @$then $rest outages [
            an_outage_is_reported_with_an_error
            an_outage_keeps_the_data
            an_outage_does_not_end_the_source
            changes_during_an_outage_are_delivered_after_it
            the_source_is_valid_after_an_outage_without_changes
            an_outage_at_the_start_is_reported_and_ends
            a_run_stopped_during_an_outage_releases_its_sink
        ] }
    };
    (@group refusals $then:ident $rest:tt) => {
        $crate::data_source_conformance! { @$then $rest refusals [
            a_refusal_ends_the_source_with_an_error
            a_refusal_at_the_start_ends_the_source_with_an_error
            a_refusal_keeps_the_data
        ] }
    };
    (@group connections $then:ident $rest:tt) => {
        $crate::data_source_conformance! { @$then $rest connections [
            a_stopped_run_closes_its_connections
        ] }
    };
    (@tests ($harness:expr) $group:ident [$($clause:ident)+]) => {
        $(
            #[test]
            fn $clause() {
                $crate::conformance::hold(
                    || $harness,
                    |harness| ::std::boxed::Box::pin($crate::conformance::data_source::$group::$clause(harness)),
                );
            }
        )+
    };
    (@names () $group:ident [$($clause:ident)+]) => {
        &[$(::core::stringify!($clause)),+]
    };
}

/// The names of the clauses of each group, as listed in the macro.
pub const GROUPS: [(&str, &[&str]); 7] = [
    (
        "delivery",
        data_source_conformance! { @group delivery names () },
    ),
    (
        "changes",
        data_source_conformance! { @group changes names () },
    ),
    (
        "change_sets",
        data_source_conformance! { @group change_sets names () },
    ),
    (
        "immediate",
        data_source_conformance! { @group immediate names () },
    ),
    (
        "outages",
        data_source_conformance! { @group outages names () },
    ),
    (
        "refusals",
        data_source_conformance! { @group refusals names () },
    ),
    (
        "connections",
        data_source_conformance! { @group connections names () },
    ),
];
