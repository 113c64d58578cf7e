//! One fault for each clause for big-segment stores.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::task::yield_now;
use vexil::async_trait;
use vexil::big_segments::{BigSegmentStore, StoreError};
use vexil::eval::Membership;
use vexil_testing::conformance::{BigSegmentStoreHarness, big_segment_store};

/// Lists the fault with which each clause must fail.
macro_rules! caught {
    ($($clause:ident by $fault:ident),+ $(,)?) => {
        $(
            #[test]
            fn $clause() {
                crate::caught::assert_caught(Harness::new(Fault::$fault), |harness| Box::pin(big_segment_store::$clause(harness)));
            }
        )+

        const CAUGHT: &[&str] = &[$(stringify!($clause)),+];
    };
}

caught! {
    an_unknown_context_has_no_membership_and_is_no_error by AbsenceIsAnError,
    segments_that_include_a_context_are_returned by ForgetsGenerations,
    segments_that_exclude_a_context_are_returned by ForgetsExclusions,
    a_segment_that_includes_and_excludes_includes by ExclusionWins,
    contexts_have_separate_memberships by OneForAll,
    a_hash_is_used_unchanged by IgnoresCase,
    a_context_whose_last_segment_was_removed_is_in_none by ForgetsNothing,
    memberships_of_other_prefixes_are_ignored by IgnoresPrefixes,
    memberships_are_not_cached by Caches,
    a_store_that_was_never_synchronized_has_no_time_and_no_error by NeverIsAnError,
    the_time_of_the_last_synchronization_is_in_milliseconds by CountsSeconds,
    the_time_of_another_prefix_is_ignored by IgnoresPrefixes,
    an_unreachable_big_segment_store_is_an_error_and_never_absence by TroubleIsAbsence,
    a_dropped_query_leaves_the_store_usable by DroppedQueriesBlock,
}

#[test]
fn every_clause_of_the_suite_has_a_fault() {
    let names = |clauses: &[&'static str]| clauses.iter().copied().collect::<BTreeSet<_>>();
    assert_eq!(names(CAUGHT), names(big_segment_store::CLAUSES));
}

mod without_a_fault {
    use super::{Fault, Harness};

    vexil_testing::big_segment_store_conformance!(Harness::new(Fault::None));
}

/// A fault of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    AbsenceIsAnError,
    ForgetsGenerations,
    ForgetsExclusions,
    ExclusionWins,
    OneForAll,
    IgnoresCase,
    ForgetsNothing,
    IgnoresPrefixes,
    Caches,
    NeverIsAnError,
    CountsSeconds,
    TroubleIsAbsence,
    DroppedQueriesBlock,
}

/// Included and excluded segments by prefix and hash, and times by prefix.
#[derive(Debug, Default)]
struct Database {
    rows: HashMap<(String, String), Vec<(String, bool)>>,
    times: HashMap<String, u64>,
}

struct Harness {
    fault: Fault,
    database: Arc<Mutex<Database>>,
}

impl Harness {
    fn new(fault: Fault) -> Self {
        Self {
            fault,
            database: Arc::default(),
        }
    }

    fn place(&self, prefix: &str) -> String {
        if self.fault == Fault::IgnoresPrefixes {
            String::new()
        } else {
            prefix.to_owned()
        }
    }
}

#[async_trait]
impl BigSegmentStoreHarness for Harness {
    async fn store(&self, prefix: &str) -> Arc<dyn BigSegmentStore> {
        let (fault, database) = (self.fault, Arc::clone(&self.database));
        let (cache, querying) = (Mutex::default(), AtomicBool::new(false));
        Arc::new(Faulty {
            fault,
            database: Some(database),
            prefix: self.place(prefix),
            cache,
            querying,
        })
    }

    async fn unreachable(&self) -> Arc<dyn BigSegmentStore> {
        let (cache, querying) = (Mutex::default(), AtomicBool::new(false));
        Arc::new(Faulty {
            fault: self.fault,
            database: None,
            prefix: String::new(),
            cache,
            querying,
        })
    }

    async fn set_membership(&self, prefix: &str, hash: &str, included: &[&str], excluded: &[&str]) {
        let mut database = self.database.lock().unwrap();
        let row = database
            .rows
            .entry((self.place(prefix), hash.to_owned()))
            .or_default();
        if self.fault != Fault::ForgetsNothing {
            row.clear();
        }
        let included = included
            .iter()
            .map(|reference| ((*reference).to_owned(), true));
        row.extend(
            included.chain(
                excluded
                    .iter()
                    .map(|reference| ((*reference).to_owned(), false)),
            ),
        );
    }

    async fn set_synchronized(&self, prefix: &str, time: u64) {
        self.database
            .lock()
            .unwrap()
            .times
            .insert(self.place(prefix), time);
    }

    async fn clear(&self, prefix: &str) {
        let mut database = self.database.lock().unwrap();
        database
            .rows
            .retain(|(place, _), _| *place != self.place(prefix));
        database.times.remove(&self.place(prefix));
    }
}

#[derive(Debug)]
struct Faulty {
    fault: Fault,
    /// `None` if the database is unreachable.
    database: Option<Arc<Mutex<Database>>>,
    prefix: String,
    cache: Mutex<HashMap<String, Option<Membership>>>,
    querying: AtomicBool,
}

impl Faulty {
    /// Returns the database after a delay. Fails if an earlier query was dropped and the fault
    /// depends on it.
    async fn query(&self) -> Result<Option<MutexGuard<'_, Database>>, StoreError> {
        if self.querying.swap(true, Ordering::SeqCst) && self.fault == Fault::DroppedQueriesBlock {
            return Err(StoreError::Timeout);
        }
        yield_now().await;
        self.querying.store(false, Ordering::SeqCst);
        match &self.database {
            Some(database) => Ok(Some(database.lock().unwrap())),
            None if self.fault == Fault::TroubleIsAbsence => Ok(None),
            None => Err(StoreError::unavailable("the database is unreachable")),
        }
    }

    fn membership_of(&self, row: &[(String, bool)]) -> Membership {
        let references = |wanted: bool| {
            let references = row.iter().filter(move |(_, included)| *included == wanted);
            references.map(|(reference, _)| match self.fault {
                Fault::ForgetsGenerations => {
                    reference.split('.').next().unwrap_or_default().to_owned()
                }
                _ => reference.clone(),
            })
        };
        let excluded: Vec<_> = references(false)
            .filter(|_| self.fault != Fault::ForgetsExclusions)
            .collect();
        let loses =
            |reference: &String| self.fault == Fault::ExclusionWins && excluded.contains(reference);
        let included: Vec<_> = references(true)
            .filter(|reference| !loses(reference))
            .collect();
        Membership::new(included, excluded)
    }
}

#[async_trait]
impl BigSegmentStore for Faulty {
    async fn membership(&self, context_hash: &str) -> Result<Option<Membership>, StoreError> {
        let Some(database) = self.query().await? else {
            return Ok(None);
        };
        let mut cache = self.cache.lock().unwrap();
        if self.fault == Fault::Caches
            && let Some(cached) = cache.get(context_hash)
        {
            return Ok(cached.clone());
        }
        let is_meant = |hash: &str| match self.fault {
            Fault::OneForAll => true,
            Fault::IgnoresCase => hash.eq_ignore_ascii_case(context_hash),
            _ => hash == context_hash,
        };
        let rows = database
            .rows
            .iter()
            .filter(|((prefix, hash), _)| *prefix == self.prefix && is_meant(hash));
        let mut rows = rows.map(|(_, row)| row).peekable();
        if rows.peek().is_none() && self.fault == Fault::AbsenceIsAnError {
            return Err(StoreError::unavailable("no record"));
        }
        let found = rows.peek().is_some();
        let row: Vec<_> = rows.flatten().cloned().collect();
        let membership = found.then(|| self.membership_of(&row));
        cache.insert(context_hash.to_owned(), membership.clone());
        Ok(membership)
    }

    async fn last_synchronized(&self) -> Result<Option<u64>, StoreError> {
        let Some(database) = self.query().await? else {
            return Ok(None);
        };
        match database.times.get(&self.prefix) {
            Some(time) if self.fault == Fault::CountsSeconds => Ok(Some(time / 1000)),
            None if self.fault == Fault::NeverIsAnError => Err(StoreError::unavailable("no time")),
            time => Ok(time.copied()),
        }
    }
}
