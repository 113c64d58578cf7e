//! One fault for each clause for persistent stores.

use std::sync::{Arc, Mutex};

use vexil::async_trait;
use vexil::model::DataKind;
use vexil::store::{PersistentDataStore, StoredItem};
use vexil_testing::conformance::{Meanwhile, PersistentStoreHarness};
use vexil_testing::{MemoryDatabase, MemoryPersistentStore};

use super::faulty_store::{Fault, Faulty, Optimistic};

caught! {
    persistent_store:
    reads {
        an_empty_store_returns_nothing_and_no_error by EmptinessIsAnError,
        a_row_is_returned_byte_for_byte by SpellsTextAnew,
        all_rows_are_returned_once_each by GivesARowTwice,
        all_of_many_large_rows_are_returned by StopsAfterAPage,
        kinds_are_separate by MixesKinds,
        prefixes_are_isolated by ReadsOtherPrefixes,
        a_row_is_found_by_its_key_whatever_its_text_contains by TakesKeysFromTheText,
        odd_keys_are_read_unchanged by IgnoresCase,
        an_unreadable_row_hides_no_other by UnreadableRowSpoilsAll,
        tombstone_a_of_version_and_deleted_is_returned by HidesKeyless,
        tombstone_b_with_the_key_is_returned by HidesTombstones,
        tombstone_c_of_a_whole_object_is_returned by TakesWholeObjectsForLive,
        tombstone_d_of_three_properties_is_returned by HidesKeyDeleted,
        tombstone_e_of_null_is_returned by HidesNull,
        only_the_marker_makes_a_store_initialized by RowsCountAsMarker,
        a_snapshot_has_all_rows_and_the_marker by SnapshotForgetsTheMarker,
        a_probe_succeeds_with_the_marker_and_without by ProbeWantsTheMarker,
        writes_of_other_processes_are_read_immediately by Caches,
        an_unreachable_database_is_an_error_and_never_absence by TroubleIsAbsence,
        a_dropped_read_leaves_the_store_usable by AnswersGoToTheNextCall,
    }
    writes {
        init_writes_all_items_and_the_marker by InitForgetsTheMarker,
        init_writes_more_items_than_fit_into_one_request by InitWritesOneRequest,
        init_removes_items_that_are_not_in_the_data by InitRemovesNothing,
        init_removes_tombstones by InitKeepsTombstones,
        init_ignores_versions by InitLooksAtVersions,
        init_with_empty_collections_leaves_only_the_marker by InitOfNothingDoesNothing,
        init_keeps_a_kind_that_is_not_in_the_data by InitRemovesAllKinds,
        a_second_init_replaces_the_first by InitsOnce,
        written_text_is_kept_byte_for_byte by WritesTextAnew,
        odd_keys_are_written_unchanged by WritesIgnoreCase,
        writes_stay_within_their_prefix by InitRemovesOtherPrefixes,
        a_second_store_reads_the_data_of_the_first by KeepsItAll,
        upsert_writes_a_missing_item by UpsertOnlyReplaces,
        upsert_of_a_newer_version_replaces by VersionsAreText,
        upsert_of_an_older_version_changes_nothing by UpsertIgnoresVersions,
        upsert_of_an_equal_version_changes_nothing by EqualIsNewer,
        upsert_touches_nothing_else by UpsertWritesBothKinds,
        upsert_does_not_set_the_marker by UpsertSetsTheMarker,
        upsert_replaces_a_row_without_a_readable_version by UnknownIsNewest,
        upsert_respects_the_version_of_a_row_of_another_writer by RespectsOnlyItself,
        deletion_of_a_newer_version_leaves_a_tombstone by DeletesForGood,
        deletion_of_an_older_version_changes_nothing by DeletionIgnoresVersions,
        deletion_of_an_equal_version_changes_nothing by EqualDeletionIsNewer,
        deletion_of_a_missing_item_leaves_a_tombstone by DeletesOnlyWhatIsThere,
        an_older_upsert_does_not_restore_a_deleted_item by TombstonesHaveNoVersion,
        a_newer_upsert_restores_a_deleted_item by TombstonesAreForEver,
        of_concurrent_writers_the_newest_version_wins by LooksAndThenWrites,
        writes_to_an_unreachable_database_fail by TroubleIsSuccess,
        a_dropped_write_leaves_the_store_usable by DroppedWritesBlock,
        a_dropped_init_is_not_written_after_a_later_one by DroppedInitsComeLate,
    }
    read_only {
        init_is_refused_and_changes_nothing by WritesAllTheSame,
        upsert_is_refused_and_changes_nothing by WritesAllTheSame,
    }
    pushes {
        a_change_by_another_process_is_notified by NeverTells,
        a_second_change_is_notified_after_the_first_was_read by TellsOnce,
    }
    racing {
        an_upsert_overtaken_by_a_newer_one_changes_nothing by LooksAndThenWrites,
        an_upsert_overtaken_by_an_older_one_replaces_it by GivesUpWhenOvertaken,
    }
}

mod without_a_fault {
    use super::{Fault, Harness};

    vexil_testing::persistent_store_conformance!(
        Harness::new(Fault::None),
        reads,
        writes,
        pushes,
        racing
    );
}

/// A new database for each test, in which other writers store only the text.
struct Harness {
    fault: Fault,
    database: MemoryDatabase,
}

impl Harness {
    fn new(fault: Fault) -> Self {
        Self {
            fault,
            database: MemoryDatabase::new(),
        }
    }
}

#[async_trait]
impl PersistentStoreHarness for Harness {
    async fn store(&self, prefix: &str) -> Arc<dyn PersistentDataStore> {
        let database = if self.fault == Fault::KeepsItAll {
            MemoryDatabase::new()
        } else {
            self.database.clone()
        };
        Arc::new(Faulty::new(self.fault, &database, prefix))
    }

    async fn unreachable(&self) -> Arc<dyn PersistentDataStore> {
        let store = MemoryPersistentStore::new();
        if !matches!(
            self.fault,
            Fault::TroubleIsAbsence | Fault::TroubleIsSuccess
        ) {
            store.calls().fault_all(vexil_testing::StoreFault::Fail);
        }
        Arc::new(store)
    }

    async fn put(&self, prefix: &str, kind: DataKind, key: &str, row: &StoredItem) {
        self.database
            .put(prefix, kind, key, StoredItem::new(row.body.clone()));
    }

    async fn mark(&self, prefix: &str) {
        self.database.set_initialized(prefix, true);
    }

    async fn clear(&self, prefix: &str) {
        self.database.clear(prefix);
    }

    async fn racing(&self, prefix: &str, meanwhile: Meanwhile) -> Arc<dyn PersistentDataStore> {
        let store = Faulty::new(self.fault, &self.database, prefix);
        Arc::new(Optimistic {
            store,
            meanwhile: Mutex::new(Some(Arc::new(meanwhile))),
        })
    }
}
