//! Clauses for data stores, by group.
//! [`data_store_conformance!`](crate::data_store_conformance) turns them into tests.
//!
//! | group | applies to |
//! | --- | --- |
//! | [`contents`] | every store |
//! | [`concurrency`] | every store |
//! | [`change_sets`] | stores that implement [`apply`](vexil::store::DataStore::apply), as one that a data system updates must |
//! | [`concurrent_writes`] | stores that other writers than a client write to |
//! | [`failures`] | stores whose writes or fetches can fail, with a harness that makes them fail |
//! | [`json`] | stores that [keep JSON](vexil::store::DataStore::keeps_json) |

pub mod change_sets;
pub mod concurrency;
pub mod concurrent_writes;
pub mod contents;
pub mod failures;
mod harness;
mod items;
pub mod json;

pub use self::harness::DataStoreHarness;

/// Generates a test for each clause of the contract of [`DataStore`](vexil::store::DataStore).
///
/// The argument is an expression that creates a
/// [`DataStoreHarness`](crate::conformance::DataStoreHarness); each test evaluates it separately.
/// By default, the groups `contents` and `concurrency` are tested; other
/// [groups](crate::conformance::data_store) can be listed after it.
///
/// ```
/// use std::sync::Arc;
/// use vexil::async_trait;
/// use vexil::store::{DataStore, MemoryStore};
/// use vexil_testing::conformance::DataStoreHarness;
///
/// struct Harness;
///
/// #[async_trait]
/// impl DataStoreHarness for Harness {
///     async fn store(&self) -> Arc<dyn DataStore> {
///         Arc::new(MemoryStore::new())
///     }
/// }
///
/// vexil_testing::data_store_conformance!(Harness);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! data_store_conformance {
    ($harness:expr $(,)?) => {
        $crate::data_store_conformance!($harness, contents, concurrency);
    };
    ($harness:expr, $($group:ident),+ $(,)?) => {
        $($crate::data_store_conformance! { @group $group tests ($harness) })+
    };
    (@group contents $then:ident $rest:tt) => {
        $crate::data_store_conformance! { @$then $rest contents [
            an_empty_store_has_no_items_and_is_not_initialized
            a_read_calls_its_reader_exactly_once
            init_makes_the_store_initialized_even_without_items
            init_stores_all_items
            init_replaces_everything
            init_ignores_versions
            upsert_inserts_a_missing_item
            upsert_before_init_is_stored_and_does_not_initialize
            upsert_of_a_newer_version_replaces
            upsert_of_an_older_version_changes_nothing
            upsert_of_an_equal_version_changes_nothing
            upsert_touches_nothing_else
            a_tombstone_hides_its_item
            a_tombstone_of_an_older_version_changes_nothing
            a_tombstone_of_a_missing_item_is_kept
            an_older_upsert_does_not_restore_a_deleted_item
            a_newer_upsert_restores_a_deleted_item
            kinds_are_separate
            odd_keys_are_found_unchanged
            a_complete_snapshot_knows_every_key
            single_fetches_agree_with_snapshots
            a_fetch_of_everything_agrees_with_snapshots
            a_closed_store_can_still_be_read
            a_closed_store_is_dropped_with_its_last_handle
        ] }
    };
    (@group concurrency $then:ident $rest:tt) => {
        $crate::data_store_conformance! { @$then $rest concurrency [
            a_write_is_visible_once_it_has_returned
            a_lent_snapshot_does_not_change
            a_kept_snapshot_does_not_change
            a_kept_snapshot_is_current_when_it_is_taken
            readers_never_see_a_mix_of_two_data_sets
            a_dropped_init_is_never_partial
            a_dropped_write_leaves_the_store_usable
        ] }
    };
    (@group change_sets $then:ident $rest:tt) => {
        $crate::data_store_conformance! { @$then $rest change_sets [
            a_full_change_set_replaces_everything
            an_empty_full_change_set_removes_all_items
            a_delta_replaces_items_whatever_their_versions
            a_delta_deletes_items_whatever_their_versions
            a_tombstone_of_a_delta_keeps_its_version
            a_delta_touches_nothing_else
            readers_never_see_a_part_of_a_change_set
            a_dropped_change_set_is_never_partial
        ] }
    };
    (@group concurrent_writes $then:ident $rest:tt) => {
        $crate::data_store_conformance! { @$then $rest concurrent_writes [
            of_concurrent_upserts_the_newest_version_wins
            concurrent_upserts_of_different_items_are_all_kept
        ] }
    };
    (@group failures $then:ident $rest:tt) => {
        $crate::data_store_conformance! { @$then $rest failures [
            a_failed_write_is_an_error
            a_failed_fetch_is_an_error_and_never_absence
        ] }
    };
    (@group json $then:ident $rest:tt) => {
        $crate::data_store_conformance! { @$then $rest json [
            items_must_carry_their_json
            the_json_of_init_is_written_with_every_property
            the_json_of_an_upsert_is_written_with_every_property
        ] }
    };
    (@tests ($harness:expr) $group:ident [$($clause:ident)+]) => {
        $(
            #[test]
            fn $clause() {
                $crate::conformance::hold(
                    || $harness,
                    |harness| ::std::boxed::Box::pin($crate::conformance::data_store::$group::$clause(harness)),
                );
            }
        )+
    };
    (@names () $group:ident [$($clause:ident)+]) => {
        &[$(::core::stringify!($clause)),+]
    };
}

/// The names of the clauses of each group, as listed in the macro.
pub const GROUPS: [(&str, &[&str]); 6] = [
    (
        "contents",
        data_store_conformance! { @group contents names () },
    ),
    (
        "concurrency",
        data_store_conformance! { @group concurrency names () },
    ),
    (
        "change_sets",
        data_store_conformance! { @group change_sets names () },
    ),
    (
        "concurrent_writes",
        data_store_conformance! { @group concurrent_writes names () },
    ),
    (
        "failures",
        data_store_conformance! { @group failures names () },
    ),
    ("json", data_store_conformance! { @group json names () }),
];
