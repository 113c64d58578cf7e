//! [`BigSegmentReader`]: queries the big-segment store, caches memberships and polls the store's
//! status.
//!
//! Concurrent and shortly following evaluations of a context share one query. After a failure,
//! queries pause briefly and the last known memberships are used. The rules are those of STO-4.4.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lru::LruCache;
use sha2::{Digest, Sha256};
use tokio::time::{Instant, sleep};
use vexil_eval::{BigSegmentsStatus, Membership, MembershipAnswer, Text};

use super::{BigSegmentStore, StoreError};
use crate::moment::Moment;
use crate::runtime::{Runtime, Task};
use crate::single_flight::SingleFlight;
use crate::status::{BigSegmentStoreStatus, BigSegmentStoreStatusCell};
use crate::store_error::bounded;

/// Memory limit of the cache. Context keys may come from outside the application, in any length.
const MOST_BYTES: usize = 16 << 20;
/// Timeout of a store call.
const LIMIT: Duration = Duration::from_secs(2);
/// Pause between a failure and the next query.
const PAUSE: Duration = Duration::from_millis(500);
/// A last synchronization further in the future than this is logged.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(60);

/// How a big-segment store is used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// Maximum number of cached contexts.
    pub(crate) context_cache_size: usize,
    /// How long a context is cached.
    pub(crate) context_cache_time: Duration,
    pub(crate) status_poll_interval: Duration,
    /// Time without synchronization after which the store is stale.
    pub(crate) stale_after: Duration,
}

#[derive(Debug)]
pub(crate) struct BigSegmentReader {
    shared: Arc<Shared>,
    /// Polls the status; taken when the reader is closed.
    poller: Mutex<Option<Task<()>>>,
}

#[derive(Debug)]
struct Shared {
    store: Arc<dyn BigSegmentStore>,
    settings: Settings,
    status: BigSegmentStoreStatusCell,
    /// Memberships by context key, evicted in LRU order. Held for a few instructions.
    known: Mutex<Remembered>,
    asking: Arc<SingleFlight<Text, Result<Option<Membership>, StoreError>>>,
    /// No queries are sent before this instant. Held for a few instructions.
    pause: Mutex<Option<Instant>>,
    /// Whether the last query failed, so that only the first error of an outage is a warning.
    is_failing: AtomicBool,
}

/// A cached result of the store for one context.
#[derive(Clone, Debug)]
struct Known {
    membership: Option<Membership>,
    expires: Moment,
}

impl Known {
    /// Returns the approximate size of the entry in bytes, under this key.
    fn weight(&self, context_key: &Text) -> usize {
        let membership = self.membership.as_ref().map_or(0, Membership::weight);
        size_of::<(Text, Self)>() + context_key.len() + membership
    }
}

/// The cache of memberships, by context key.
#[derive(Debug)]
struct Remembered {
    contexts: LruCache<Text, Known>,
    bytes: usize,
}

impl Remembered {
    /// Caches a membership and evicts the least recently used entries to make room. An entry larger
    /// than the whole cache is not kept.
    fn put(&mut self, context_key: Text, known: Known) {
        if let Some(older) = self.contexts.pop(&context_key) {
            self.bytes -= older.weight(&context_key);
        }
        let bytes = known.weight(&context_key);
        if bytes > MOST_BYTES {
            return;
        }
        while self.bytes + bytes > MOST_BYTES {
            let Some((key, oldest)) = self.contexts.pop_lru() else {
                break;
            };
            self.bytes -= oldest.weight(&key);
        }
        self.bytes += bytes;
        if let Some((key, oldest)) = self.contexts.push(context_key, known) {
            self.bytes -= oldest.weight(&key);
        }
    }
}

impl BigSegmentReader {
    pub(crate) fn new(
        store: Arc<dyn BigSegmentStore>,
        settings: Settings,
        runtime: &Runtime,
    ) -> Self {
        // `LruCache::new` allocates its whole capacity up front, which may be any number.
        let mut known = LruCache::unbounded();
        known.resize(NonZeroUsize::new(settings.context_cache_size).unwrap_or(NonZeroUsize::MIN));
        let shared = Arc::new(Shared {
            store,
            settings,
            status: BigSegmentStoreStatusCell::new(),
            known: Mutex::new(Remembered {
                contexts: known,
                bytes: 0,
            }),
            asking: SingleFlight::new(),
            pause: Mutex::default(),
            is_failing: AtomicBool::new(false),
        });
        let died = {
            let shared = Arc::clone(&shared);
            move |_| {
                shared.status.update(BigSegmentStoreStatus {
                    available: false,
                    stale: false,
                })
            }
        };
        let poller =
            runtime.spawn_watched("status of big segments", poll(Arc::clone(&shared)), died);
        Self {
            shared,
            poller: Mutex::new(Some(poller)),
        }
    }

    pub(crate) fn status(&self) -> &BigSegmentStoreStatusCell {
        &self.shared.status
    }

    /// Returns the cached membership of a context, without querying the store.
    pub(crate) fn known(&self, context_key: &Text) -> Option<MembershipAnswer> {
        let status = self.shared.status.known()?;
        let known = self.shared.fresh(context_key)?;
        Some(MembershipAnswer::new(known, trust(status)))
    }

    /// Returns the membership of a context, from the cache or the store.
    pub(crate) async fn membership(&self, context_key: Text) -> MembershipAnswer {
        let shared = &self.shared;
        let answer = match shared.fresh(&context_key) {
            Some(known) => Ok(known),
            None => shared.ask(context_key.clone()).await,
        };
        let status = shared.status.first_known().await;
        match (answer, shared.expired(&context_key)) {
            (Ok(membership), _) => MembershipAnswer::new(membership, trust(status)),
            // Expired data is better than no data.
            (Err(_), Some(old)) => MembershipAnswer::new(old, BigSegmentsStatus::Stale),
            (Err(_), None) => MembershipAnswer::new(None, BigSegmentsStatus::StoreError),
        }
    }

    pub(crate) async fn close(&self) {
        let poller = self
            .poller
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        drop(poller);
        // A failure to close is ignored: nothing is left to do.
        let closed = bounded(LIMIT, async {
            self.shared.store.close().await;
            Ok(())
        });
        let _ = closed.await;
    }
}

/// Maps the store's status to the reliability of its results.
fn trust(status: BigSegmentStoreStatus) -> BigSegmentsStatus {
    match status {
        BigSegmentStoreStatus {
            available: false, ..
        } => BigSegmentsStatus::StoreError,
        BigSegmentStoreStatus { stale: true, .. } => BigSegmentsStatus::Stale,
        _ => BigSegmentsStatus::Healthy,
    }
}

impl Shared {
    fn known(&self) -> MutexGuard<'_, Remembered> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the cached membership if it has not expired.
    fn fresh(&self, context_key: &Text) -> Option<Option<Membership>> {
        let mut known = self.known();
        known
            .contexts
            .get(context_key)
            .filter(|known| !Moment::now().has_reached(known.expires))
            .map(|known| known.membership.clone())
    }

    /// Returns the cached membership, expired or not.
    fn expired(&self, context_key: &Text) -> Option<Option<Membership>> {
        self.known()
            .contexts
            .peek(context_key)
            .map(|known| known.membership.clone())
    }

    async fn ask(&self, context_key: Text) -> Result<Option<Membership>, StoreError> {
        let paused = *self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        if paused.is_some_and(|until| Instant::now() < until) {
            return Err(StoreError::unavailable(
                "a query of the store failed recently",
            ));
        }
        self.asking
            .join(context_key.clone(), || self.query(&context_key))
            .await
    }

    async fn query(&self, context_key: &Text) -> Result<Option<Membership>, StoreError> {
        let hash = STANDARD.encode(Sha256::digest(context_key.as_bytes()));
        let asked = bounded(LIMIT, self.store.membership(&hash)).await;
        match &asked {
            Ok(membership) => {
                self.is_failing.store(false, Ordering::Relaxed);
                let expires = Moment::now().after(self.settings.context_cache_time);
                self.known().put(
                    context_key.clone(),
                    Known {
                        membership: membership.clone(),
                        expires,
                    },
                );
            }
            Err(error) => {
                let error: &dyn std::error::Error = error;
                if self.is_failing.swap(true, Ordering::Relaxed) {
                    tracing::debug!(error, "cannot query the big-segment store");
                } else {
                    tracing::warn!(error, "cannot query the big-segment store");
                }
                *self.pause.lock().unwrap_or_else(PoisonError::into_inner) =
                    Some(Instant::now() + PAUSE);
            }
        }
        asked
    }

    /// `was_available` is whether the previous query succeeded, so that only the first error of an
    /// outage is a warning.
    async fn current_status(&self, was_available: bool) -> BigSegmentStoreStatus {
        match bounded(LIMIT, self.store.last_synchronized()).await {
            Ok(synchronized) => {
                let age = synchronized.map(age);
                let stale = age.is_none_or(|age| age >= self.settings.stale_after);
                BigSegmentStoreStatus {
                    available: true,
                    stale,
                }
            }
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                if was_available {
                    tracing::warn!(
                        error,
                        "the big-segment store does not answer; still retrying"
                    );
                } else {
                    tracing::debug!(error, "the big-segment store does not answer");
                }
                BigSegmentStoreStatus {
                    available: false,
                    stale: false,
                }
            }
        }
    }
}

/// Polls the status at intervals.
async fn poll(shared: Arc<Shared>) {
    let mut was_available = true;
    loop {
        let status = shared.current_status(was_available).await;
        was_available = status.available;
        shared.status.update(status);
        sleep(shared.settings.status_poll_interval).await;
    }
}

/// Returns the age of a time in milliseconds since 1970. A time in the future has age zero, since
/// clocks differ.
fn age(millis: u64) -> Duration {
    let (then, now) = (
        UNIX_EPOCH + Duration::from_millis(millis),
        SystemTime::now(),
    );
    now.duration_since(then).unwrap_or_else(|ahead| {
        if ahead.duration() > CLOCK_TOLERANCE {
            tracing::debug!(ahead = ?ahead.duration(), "last synchronization of the big-segment store is in the future: clocks differ");
        }
        Duration::ZERO
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(membership: Option<Membership>) -> Known {
        Known {
            membership,
            expires: Moment::now(),
        }
    }

    #[test]
    fn the_cache_takes_a_bounded_amount_of_memory() {
        let capacity = NonZeroUsize::new(1_000_000).unwrap();
        let mut remembered = Remembered {
            contexts: LruCache::new(capacity),
            bytes: 0,
        };
        let key = |n: usize| Text::from(format!("{}{n}", "x".repeat(10_000)));
        for n in 0..10_000 {
            remembered.put(key(n), known(None));
        }
        let bytes = |remembered: &Remembered| -> usize {
            remembered
                .contexts
                .iter()
                .map(|(key, known)| known.weight(key))
                .sum()
        };
        assert!((MOST_BYTES / 2..=MOST_BYTES).contains(&bytes(&remembered)));
        assert!(
            remembered.contexts.contains(&key(9_999)) && !remembered.contexts.contains(&key(0))
        );

        let large = Membership::new((0..100_000).map(|n| format!("segment-{n}")), Vec::new());
        for n in 0..100 {
            remembered.put(format!("ada-{}", n % 50).into(), known(Some(large.clone())));
            assert_eq!(remembered.bytes, bytes(&remembered));
            assert!(remembered.bytes <= MOST_BYTES);
        }
        remembered.put("x".repeat(MOST_BYTES).into(), known(None));
        assert_eq!(remembered.bytes, bytes(&remembered));
    }

    #[test]
    fn the_cache_holds_as_many_contexts_as_configured() {
        let mut remembered = Remembered {
            contexts: LruCache::new(NonZeroUsize::new(2).unwrap()),
            bytes: 0,
        };
        ["a", "b", "a", "c"]
            .into_iter()
            .for_each(|key| remembered.put(key.into(), known(None)));
        let keys: Vec<_> = remembered
            .contexts
            .iter()
            .map(|(key, _)| key.as_str())
            .collect();
        assert_eq!(keys, ["c", "a"]);
        assert_eq!(
            remembered.bytes,
            remembered
                .contexts
                .iter()
                .map(|(key, known)| known.weight(key))
                .sum::<usize>()
        );
    }
}
