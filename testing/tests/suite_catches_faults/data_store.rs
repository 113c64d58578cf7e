//! One fault for each clause for data stores.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use vexil::async_trait;
use vexil::model::DataKind;
use vexil::store::DataStore;
use vexil_testing::conformance::DataStoreHarness;

use super::faulty_data_store::{Backend, Fault, Faulty};

caught! {
    data_store:
    contents {
        an_empty_store_has_no_items_and_is_not_initialized by AlwaysInitialized,
        a_read_calls_its_reader_exactly_once by ReadsTwice,
        init_makes_the_store_initialized_even_without_items by EmptyInitDoesNothing,
        init_stores_all_items by InitStoresOnePage,
        init_replaces_everything by InitMerges,
        init_ignores_versions by InitComparesVersions,
        upsert_inserts_a_missing_item by UpsertOnlyReplaces,
        upsert_before_init_is_stored_and_does_not_initialize by UpsertInitializes,
        upsert_of_a_newer_version_replaces by VersionsAreText,
        upsert_of_an_older_version_changes_nothing by UpsertIgnoresVersions,
        upsert_of_an_equal_version_changes_nothing by EqualIsNewer,
        upsert_touches_nothing_else by UpsertRemovesOthers,
        a_tombstone_hides_its_item by DeletionDoesNothing,
        a_tombstone_of_an_older_version_changes_nothing by DeletionIgnoresVersions,
        a_tombstone_of_a_missing_item_is_kept by DeletesOnlyExistingItems,
        an_older_upsert_does_not_restore_a_deleted_item by TombstonesHaveNoVersion,
        a_newer_upsert_restores_a_deleted_item by DeletionIsFinal,
        kinds_are_separate by KindsShareKeys,
        odd_keys_are_found_unchanged by KeysIgnoreCase,
        a_complete_snapshot_knows_every_key by ClaimsToBeComplete,
        single_fetches_agree_with_snapshots by FetchesOldItems,
        a_fetch_of_everything_agrees_with_snapshots by FetchesIncompleteSnapshots,
        a_closed_store_can_still_be_read by CloseRemovesItems,
        a_closed_store_is_dropped_with_its_last_handle by KeepsItself,
    }
    concurrency {
        a_write_is_visible_once_it_has_returned by WritesLater,
        a_lent_snapshot_does_not_change by LendsLiveData,
        a_kept_snapshot_does_not_change by KeepsLiveData,
        a_kept_snapshot_is_current_when_it_is_taken by KeepsFirstSnapshot,
        readers_never_see_a_mix_of_two_data_sets by InitIsNotAtomic,
        a_dropped_init_is_never_partial by InitIsNotAtomic,
        a_dropped_write_leaves_the_store_usable by DroppedWritesBlock,
    }
    change_sets {
        a_full_change_set_replaces_everything by InitMerges,
        an_empty_full_change_set_removes_all_items by EmptyInitDoesNothing,
        a_delta_replaces_items_whatever_their_versions by DeltaComparesVersions,
        a_delta_deletes_items_whatever_their_versions by DeltaNeverDeletes,
        a_tombstone_of_a_delta_keeps_its_version by DeltaRemovesWithoutTombstone,
        a_delta_touches_nothing_else by DeltaRemovesOthers,
        readers_never_see_a_part_of_a_change_set by DeltaIsNotAtomic,
        a_dropped_change_set_is_never_partial by DeltaIsNotAtomic,
    }
    concurrent_writes {
        of_concurrent_upserts_the_newest_version_wins by ComparesAndThenWrites,
        concurrent_upserts_of_different_items_are_all_kept by ReplacesACopy,
    }
    failures {
        a_failed_write_is_an_error by FailuresAreSuccess,
        a_failed_fetch_is_an_error_and_never_absence by FailuresAreAbsence,
    }
    json {
        items_must_carry_their_json by DropsJson,
        the_json_of_init_is_written_with_every_property by InitChangesJson,
        the_json_of_an_upsert_is_written_with_every_property by UpsertChangesJson,
    }
}

mod without_a_fault {
    use super::{Fault, Harness};

    vexil_testing::data_store_conformance!(
        Harness::new(Fault::None),
        contents,
        concurrency,
        change_sets,
        concurrent_writes,
        failures,
        json
    );
}

mod with_incomplete_snapshots {
    use super::{Fault, Harness};

    vexil_testing::data_store_conformance!(Harness::new(Fault::Fetches));
}

struct Harness {
    fault: Fault,
    backend: Arc<Backend>,
    /// Handles of stores that the fault keeps alive.
    kept: Mutex<Vec<Arc<Faulty>>>,
}

impl Harness {
    fn new(fault: Fault) -> Self {
        Self {
            fault,
            backend: Arc::default(),
            kept: Mutex::default(),
        }
    }
}

#[async_trait]
impl DataStoreHarness for Harness {
    async fn store(&self) -> Arc<dyn DataStore> {
        let store = Arc::new(Faulty::new(self.fault, &self.backend, true));
        if self.fault == Fault::KeepsItself {
            self.kept.lock().unwrap().push(Arc::clone(&store));
        }
        store
    }

    async fn unreachable(&self) -> Arc<dyn DataStore> {
        Arc::new(Faulty::new(self.fault, &self.backend, false))
    }

    async fn written_json(&self, kind: DataKind, key: &str) -> Option<Bytes> {
        let rows = self.backend.lock().unwrap();
        rows.get(&(kind, key.to_owned())).cloned()
    }

    fn timeout(&self) -> Duration {
        if matches!(self.fault, Fault::None | Fault::Fetches) {
            Duration::from_secs(20)
        } else {
            Duration::from_millis(500)
        }
    }
}
