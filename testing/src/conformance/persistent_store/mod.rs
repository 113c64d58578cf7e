//! Clauses for persistent stores, by group.
//! [`persistent_store_conformance!`](crate::persistent_store_conformance) turns them into tests.
//!
//! | group | applies to |
//! | --- | --- |
//! | [`reads`] | every store |
//! | [`writes`] | stores that write |
//! | [`read_only`] | read-only stores |
//! | [`pushes`] | stores with [`changes`](vexil::store::PersistentDataStore::changes) |
//! | [`racing`] | stores that read before they write, with a harness that can write in between |

pub mod pushes;
pub mod racing;
pub mod read_only;
pub mod reads;
mod rows;
pub mod writes;

/// Generates a test for each clause of the contract of
/// [`PersistentDataStore`](vexil::store::PersistentDataStore).
///
/// The argument is an expression that creates a
/// [`PersistentStoreHarness`](crate::conformance::PersistentStoreHarness); each test evaluates it
/// separately. By default, the groups `reads` and `writes` are tested; other
/// [groups](crate::conformance::persistent_store) can be listed after it:
///
/// ```
/// # use std::sync::Arc;
/// # use vexil::{async_trait, model::DataKind, store::{PersistentDataStore, StoredItem}};
/// # struct Harness;
/// # #[async_trait]
/// # impl vexil_testing::conformance::PersistentStoreHarness for Harness {
/// #     async fn store(&self, _: &str) -> Arc<dyn PersistentDataStore> { unimplemented!() }
/// #     async fn unreachable(&self) -> Arc<dyn PersistentDataStore> { unimplemented!() }
/// #     async fn put(&self, _: &str, _: DataKind, _: &str, _: &StoredItem) {}
/// #     async fn mark(&self, _: &str) {}
/// #     async fn clear(&self, _: &str) {}
/// # }
/// mod that_writes {
///     vexil_testing::persistent_store_conformance!(super::Harness);
/// }
/// mod that_writes_and_notifies_of_changes {
///     vexil_testing::persistent_store_conformance!(super::Harness, reads, writes, pushes);
/// }
/// mod that_reads {
///     vexil_testing::persistent_store_conformance!(super::Harness, reads, read_only);
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! persistent_store_conformance {
    ($harness:expr $(,)?) => {
        $crate::persistent_store_conformance!($harness, reads, writes);
    };
    ($harness:expr, $($group:ident),+ $(,)?) => {
        $($crate::persistent_store_conformance! { @group $group tests ($harness) })+
    };
    (@group reads $then:ident $rest:tt) => {
        $crate::persistent_store_conformance! { @$then $rest reads [
            an_empty_store_returns_nothing_and_no_error
            a_row_is_returned_byte_for_byte
            all_rows_are_returned_once_each
            all_of_many_large_rows_are_returned
            kinds_are_separate
            prefixes_are_isolated
            a_row_is_found_by_its_key_whatever_its_text_contains
            odd_keys_are_read_unchanged
            an_unreadable_row_hides_no_other
            tombstone_a_of_version_and_deleted_is_returned
            tombstone_b_with_the_key_is_returned
            tombstone_c_of_a_whole_object_is_returned
            tombstone_d_of_three_properties_is_returned
            tombstone_e_of_null_is_returned
            only_the_marker_makes_a_store_initialized
            a_snapshot_has_all_rows_and_the_marker
            a_probe_succeeds_with_the_marker_and_without
            writes_of_other_processes_are_read_immediately
            an_unreachable_database_is_an_error_and_never_absence
            a_dropped_read_leaves_the_store_usable
        ] }
    };
    (@group writes $then:ident $rest:tt) => {
        $crate::persistent_store_conformance! { @$then $rest writes [
            init_writes_all_items_and_the_marker
            init_writes_more_items_than_fit_into_one_request
            init_removes_items_that_are_not_in_the_data
            init_removes_tombstones
            init_ignores_versions
            init_with_empty_collections_leaves_only_the_marker
            init_keeps_a_kind_that_is_not_in_the_data
            a_second_init_replaces_the_first
            written_text_is_kept_byte_for_byte
            odd_keys_are_written_unchanged
            writes_stay_within_their_prefix
            a_second_store_reads_the_data_of_the_first
            upsert_writes_a_missing_item
            upsert_of_a_newer_version_replaces
            upsert_of_an_older_version_changes_nothing
            upsert_of_an_equal_version_changes_nothing
            upsert_touches_nothing_else
            upsert_does_not_set_the_marker
            upsert_replaces_a_row_without_a_readable_version
            upsert_respects_the_version_of_a_row_of_another_writer
            deletion_of_a_newer_version_leaves_a_tombstone
            deletion_of_an_older_version_changes_nothing
            deletion_of_an_equal_version_changes_nothing
            deletion_of_a_missing_item_leaves_a_tombstone
            an_older_upsert_does_not_restore_a_deleted_item
            a_newer_upsert_restores_a_deleted_item
            of_concurrent_writers_the_newest_version_wins
            writes_to_an_unreachable_database_fail
            a_dropped_write_leaves_the_store_usable
            a_dropped_init_is_not_written_after_a_later_one
        ] }
    };
    (@group read_only $then:ident $rest:tt) => {
        $crate::persistent_store_conformance! { @$then $rest read_only [
            init_is_refused_and_changes_nothing
            upsert_is_refused_and_changes_nothing
        ] }
    };
    (@group pushes $then:ident $rest:tt) => {
        $crate::persistent_store_conformance! { @$then $rest pushes [
            a_change_by_another_process_is_notified
            a_second_change_is_notified_after_the_first_was_read
        ] }
    };
    (@group racing $then:ident $rest:tt) => {
        $crate::persistent_store_conformance! { @$then $rest racing [
            an_upsert_overtaken_by_a_newer_one_changes_nothing
            an_upsert_overtaken_by_an_older_one_replaces_it
        ] }
    };
    (@tests ($harness:expr) $group:ident [$($clause:ident)+]) => {
        $(
            #[test]
            fn $clause() {
                $crate::conformance::hold(
                    || $harness,
                    |harness| ::std::boxed::Box::pin($crate::conformance::persistent_store::$group::$clause(harness)),
                );
            }
        )+
    };
    (@names () $group:ident [$($clause:ident)+]) => {
        &[$(::core::stringify!($clause)),+]
    };
}

/// The names of the clauses of each group, as listed in the macro.
pub const GROUPS: [(&str, &[&str]); 5] = [
    (
        "reads",
        persistent_store_conformance! { @group reads names () },
    ),
    (
        "writes",
        persistent_store_conformance! { @group writes names () },
    ),
    (
        "read_only",
        persistent_store_conformance! { @group read_only names () },
    ),
    (
        "pushes",
        persistent_store_conformance! { @group pushes names () },
    ),
    (
        "racing",
        persistent_store_conformance! { @group racing names () },
    ),
];
