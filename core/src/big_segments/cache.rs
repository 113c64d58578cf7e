//! [`Cache`]: the memberships of the contexts that were evaluated most recently.
//!
//! Readers take no lock. Like the memory store, the cache is an immutable snapshot that is cheap to
//! copy with one change. A reader writes only when it is the first to use a context after an
//! insertion, so threads that evaluate the same contexts do not slow one another down. Contexts that
//! were last used between the same two insertions count as equally recent.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, PoisonError};

use vexil_eval::{BigSegmentsStatus, Membership, MembershipAnswer, Text};

use crate::moment::Moment;
use crate::shards::{Shard, Shards};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{ArcSwap, Guard, Mutex};

/// Memory limit of the cache. Context keys may come from outside the application, in any length.
const MOST_BYTES: usize = 16 << 20;

/// The cached contexts, by key.
pub(super) type Contexts = Shards<Arc<Known>>;

/// A cached result of the store for one context.
#[derive(Debug)]
pub(super) struct Known {
    context_key: Text,
    /// The same membership for each status of the store, so that evaluations can borrow an answer.
    healthy: MembershipAnswer,
    stale: MembershipAnswer,
    failing: MembershipAnswer,
    expires: Moment,
    /// The round of the last use.
    used: AtomicU64,
}

impl Known {
    fn new(context_key: Text, membership: Option<Membership>, expires: Moment, used: u64) -> Self {
        let answer = |status| MembershipAnswer::new(membership.clone(), status);
        Self {
            context_key,
            healthy: answer(BigSegmentsStatus::Healthy),
            stale: answer(BigSegmentsStatus::Stale),
            failing: answer(BigSegmentsStatus::StoreError),
            expires,
            used: AtomicU64::new(used),
        }
    }

    pub(super) fn has_expired(&self, now: Moment) -> bool {
        now.has_reached(self.expires)
    }

    /// Returns the answer while the store has this status.
    pub(super) fn answer(&self, status: BigSegmentsStatus) -> &MembershipAnswer {
        match status {
            BigSegmentsStatus::Healthy => &self.healthy,
            BigSegmentsStatus::Stale => &self.stale,
            _ => &self.failing,
        }
    }

    /// Returns the approximate size of the entry in bytes, with its place in the order.
    fn weight(&self) -> usize {
        let membership = self.healthy.membership.as_ref();
        size_of::<Self>()
            + size_of::<Place>()
            + self.context_key.len()
            + membership.map_or(0, Membership::weight)
    }
}

impl Shard for Arc<Known> {
    fn key(&self) -> &str {
        &self.context_key
    }
}

#[derive(Debug)]
pub(super) struct Cache {
    /// Maximum number of contexts.
    capacity: usize,
    contexts: ArcSwap<Contexts>,
    /// The current round. Each insertion takes an odd number and starts an even round, in which
    /// contexts are used.
    round: AtomicU64,
    /// Held while the next contexts are derived from the current ones. Readers never take it.
    order: Mutex<Order>,
}

/// A context, and a round not later than that of its last use.
type Place = Reverse<(u64, Text)>;

/// The order in which contexts are evicted.
#[derive(Debug, Default)]
struct Order {
    /// One place for each cached context. It is corrected when it is the first.
    places: BinaryHeap<Place>,
    bytes: usize,
}

impl Cache {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity: capacity.max(1),
            contexts: ArcSwap::from_pointee(Shards::new(Vec::new())),
            round: AtomicU64::new(0),
            order: Mutex::default(),
        }
    }

    /// The contexts that are cached now.
    pub(super) fn contexts(&self) -> Guard<Arc<Contexts>> {
        self.contexts.load()
    }

    /// Notes that a context was used.
    pub(super) fn note_use(&self, known: &Known) {
        let round = self.round.load(Ordering::Relaxed);
        if known.used.load(Ordering::Relaxed) < round {
            known.used.fetch_max(round, Ordering::Relaxed);
        }
    }

    /// Caches a membership and evicts the least recently used contexts to make room. An entry larger
    /// than the whole cache is not kept.
    pub(super) fn put(&self, context_key: Text, membership: Option<Membership>, expires: Moment) {
        let mut order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        let round = self.round.load(Ordering::Relaxed) + 1;
        let known = Known::new(context_key.clone(), membership, expires, round);
        if known.weight() > MOST_BYTES {
            return;
        }
        let before = self.contexts.load();
        match before.get(&context_key) {
            Some(older) => order.bytes -= older.weight(),
            None => order.places.push(Reverse((round, context_key))),
        }
        order.bytes += known.weight();
        let mut next = before.with(Arc::new(known));
        while next.len() > self.capacity || order.bytes > MOST_BYTES {
            let Some(oldest) = order.pop(&next) else {
                break;
            };
            next = next.without(&oldest);
        }
        self.contexts.store(Arc::new(next));
        self.round.store(round + 1, Ordering::Relaxed);
    }
}

impl Order {
    /// Removes the context that was not used for the longest time, and returns its key.
    fn pop(&mut self, contexts: &Contexts) -> Option<Text> {
        while let Some(Reverse((round, context_key))) = self.places.pop() {
            let Some(known) = contexts.get(&context_key) else {
                continue;
            };
            let used = known.used.load(Ordering::Relaxed);
            if used <= round {
                self.bytes -= known.weight();
                return Some(context_key);
            }
            self.places.push(Reverse((used, context_key)));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(cache: &Cache, key: &str, membership: Option<Membership>) {
        cache.put(key.into(), membership, Moment::now());
    }

    fn touch(cache: &Cache, key: &str) {
        cache.note_use(cache.contexts().get(key).unwrap());
    }

    /// The sum of all weights, which the cache must keep count of.
    fn bytes(cache: &Cache) -> usize {
        let bytes = cache.contexts().iter().map(|known| known.weight()).sum();
        let order = cache.order.lock().unwrap();
        assert_eq!(order.bytes, bytes);
        assert_eq!(order.places.len(), cache.contexts().len());
        bytes
    }

    fn keys(cache: &Cache) -> Vec<String> {
        let mut keys: Vec<_> = cache
            .contexts()
            .iter()
            .map(|known| known.key().to_owned())
            .collect();
        keys.sort_unstable();
        keys
    }

    #[test]
    fn the_cache_takes_a_bounded_amount_of_memory() {
        let cache = Cache::new(1_000_000);
        let key = |n: usize| format!("{}{n}", "x".repeat(10_000));
        for n in 0..10_000 {
            put(&cache, &key(n), None);
        }
        assert!((MOST_BYTES / 2..=MOST_BYTES).contains(&bytes(&cache)));
        let contexts = cache.contexts();
        assert!(contexts.get(&key(9_999)).is_some() && contexts.get(&key(0)).is_none());

        let large = Membership::new((0..100_000).map(|n| format!("segment-{n}")), Vec::new());
        for n in 0..100 {
            put(&cache, &format!("ada-{}", n % 50), Some(large.clone()));
            assert!(bytes(&cache) <= MOST_BYTES);
        }
        put(&cache, &"x".repeat(MOST_BYTES), None);
        assert!(bytes(&cache) <= MOST_BYTES);
    }

    #[test]
    fn the_cache_holds_as_many_contexts_as_configured() {
        let cache = Cache::new(2);
        for key in ["a", "b", "a", "c"] {
            put(&cache, key, None);
        }
        assert_eq!(keys(&cache), ["a", "c"]);
        bytes(&cache);
    }

    #[test]
    fn a_context_that_was_used_is_evicted_later() {
        let cache = Cache::new(3);
        for key in ["a", "b", "c"] {
            put(&cache, key, None);
        }
        touch(&cache, "a");
        put(&cache, "d", None);
        assert_eq!(keys(&cache), ["a", "c", "d"]);
        touch(&cache, "c");
        put(&cache, "e", None);
        assert_eq!(keys(&cache), ["c", "d", "e"]);
        bytes(&cache);
    }

    #[test]
    fn a_snapshot_is_not_changed_by_later_insertions() {
        let cache = Cache::new(1);
        put(&cache, "a", Some(Membership::new(["big.g1"], [])));
        let before = cache.contexts();
        put(&cache, "b", None);
        let answer = before.get("a").unwrap().answer(BigSegmentsStatus::Stale);
        assert_eq!(answer.status, BigSegmentsStatus::Stale);
        let membership = answer.membership.as_ref().unwrap();
        assert_eq!(membership.is_included("big.g1"), Some(true));
        assert_eq!(keys(&cache), ["b"]);
    }

    /// Every order of a few threads, explored by `scripts/loom`.
    #[cfg(vexil_loom)]
    mod orders {
        use loom::thread;

        use super::*;
        use crate::sync::explore;

        #[test]
        fn concurrent_insertions_and_uses_keep_the_bounds() {
            explore("cache of memberships", || {
                let cache = Arc::new(Cache::new(2));
                put(&cache, "a", None);
                let writer = {
                    let cache = Arc::clone(&cache);
                    thread::spawn(move || {
                        put(&cache, "b", None);
                        put(&cache, "c", None);
                    })
                };
                for key in ["a", "b"] {
                    if let Some(known) = cache.contexts().get(key) {
                        cache.note_use(known);
                    }
                }
                put(&cache, "d", None);
                writer.join().unwrap();
                assert_eq!(keys(&cache).len(), 2);
                bytes(&cache);
            });
        }
    }
}
