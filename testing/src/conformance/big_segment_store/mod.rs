//! Clauses for big-segment stores.
//! [`big_segment_store_conformance!`](crate::big_segment_store_conformance) turns them into tests.

mod clauses;

pub use self::clauses::*;

/// Generates a test for each clause of the contract of
/// [`BigSegmentStore`](vexil::big_segments::BigSegmentStore).
///
/// The argument is an expression that creates a
/// [`BigSegmentStoreHarness`](crate::conformance::BigSegmentStoreHarness); each test evaluates it
/// separately.
///
/// ```
/// use std::sync::Arc;
/// use vexil::{async_trait, big_segments::BigSegmentStore, eval::Membership};
/// use vexil_testing::conformance::BigSegmentStoreHarness;
/// use vexil_testing::{MemoryBigSegmentStore, MemoryDatabase, StoreFault};
///
/// #[derive(Default)]
/// struct Harness(MemoryDatabase);
///
/// #[async_trait]
/// impl BigSegmentStoreHarness for Harness {
///     async fn store(&self, prefix: &str) -> Arc<dyn BigSegmentStore> {
///         Arc::new(MemoryBigSegmentStore::attached(&self.0, prefix))
///     }
///     async fn unreachable(&self) -> Arc<dyn BigSegmentStore> {
///         let store = MemoryBigSegmentStore::new();
///         store.calls().fault_all(StoreFault::Fail);
///         Arc::new(store)
///     }
///     async fn set_membership(&self, prefix: &str, hash: &str, included: &[&str], excluded: &[&str]) {
///         let membership = Membership::new(included.iter().copied(), excluded.iter().copied());
///         self.0.set_membership_of_hash(prefix, hash, membership);
///     }
///     async fn set_synchronized(&self, prefix: &str, time: u64) {
///         self.0.set_synchronized(prefix, Some(time));
///     }
///     async fn clear(&self, prefix: &str) {
///         self.0.clear(prefix);
///     }
/// }
///
/// vexil_testing::big_segment_store_conformance!(Harness::default());
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! big_segment_store_conformance {
    ($harness:expr $(,)?) => {
        $crate::big_segment_store_conformance! { @clauses tests ($harness) }
    };
    (@clauses $then:ident $rest:tt) => {
        $crate::big_segment_store_conformance! { @$then $rest [
            an_unknown_context_has_no_membership_and_is_no_error
            segments_that_include_a_context_are_returned
            segments_that_exclude_a_context_are_returned
            a_segment_that_includes_and_excludes_includes
            contexts_have_separate_memberships
            a_hash_is_used_unchanged
            a_context_whose_last_segment_was_removed_is_in_none
            memberships_of_other_prefixes_are_ignored
            memberships_are_not_cached
            a_store_that_was_never_synchronized_has_no_time_and_no_error
            the_time_of_the_last_synchronization_is_in_milliseconds
            the_time_of_another_prefix_is_ignored
            an_unreachable_big_segment_store_is_an_error_and_never_absence
            a_dropped_query_leaves_the_store_usable
        ] }
    };
    (@tests ($harness:expr) [$($clause:ident)+]) => {
        $(
            #[test]
            fn $clause() {
                $crate::conformance::hold(
                    || $harness,
                    |harness| ::std::boxed::Box::pin($crate::conformance::big_segment_store::$clause(harness)),
                );
            }
        )+
    };
    (@names () [$($clause:ident)+]) => {
        &[$(::core::stringify!($clause)),+]
    };
}

/// The names of all clauses, as listed in the macro.
pub const CLAUSES: &[&str] = big_segment_store_conformance! { @clauses names () };
