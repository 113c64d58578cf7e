//! [`BigSegmentReader`]: queries the big-segment store, caches memberships and polls the store's
//! status.
//!
//! Concurrent and shortly following evaluations of a context share one query. After a failure,
//! queries pause briefly and the last known memberships are used. The rules are those of STO-4.4.

use std::cell::OnceCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use tokio::time::{Instant, sleep};
use vexil_eval::model::{Flag, Segment};
use vexil_eval::{BigSegmentsStatus, Found, Lookup, Membership, MembershipAnswer, Text};

use super::cache::{Cache, Contexts, Known};
use super::{BigSegmentStore, StoreError};
use crate::moment::{Clock, Moment};
use crate::runtime::{Runtime, Task};
use crate::single_flight::SingleFlight;
use crate::status::{BigSegmentStoreStatus, BigSegmentStoreStatusCell};
use crate::store_error::bounded;
use crate::sync::Guard;

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
    cache: Cache,
    clock: Clock,
    asking: Arc<SingleFlight<Text, Result<Option<Membership>, StoreError>>>,
    /// No queries are sent before this instant. Held for a few instructions.
    pause: Mutex<Option<Instant>>,
    /// Whether the last query failed, so that only the first error of an outage is a warning.
    is_failing: AtomicBool,
}

/// The cached memberships as one evaluation sees them: the contexts, the status of the store and the
/// time are those of the first lookup. Knows no flags and no segments.
pub(crate) struct Cached<'a> {
    shared: &'a Shared,
    /// Holds `None` while the status of the store is unknown.
    now: OnceCell<Option<Now>>,
}

struct Now {
    contexts: Guard<Arc<Contexts>>,
    status: BigSegmentsStatus,
    moment: Moment,
}

impl Lookup for Cached<'_> {
    fn flag(&self, _: &str) -> Found<&Flag> {
        Found::Unknown
    }

    fn segment(&self, _: &str) -> Found<&Segment> {
        Found::Unknown
    }

    fn membership(&self, context_key: &str) -> Found<&MembershipAnswer> {
        let now = self.now.get_or_init(|| {
            Some(Now {
                status: trust(self.shared.status.known()?),
                contexts: self.shared.cache.contexts(),
                moment: self.shared.clock.recent(),
            })
        });
        let known = now.as_ref().and_then(|now| {
            let known = now.contexts.get(context_key)?;
            (!known.has_expired(now.moment)).then_some((known, now.status))
        });
        match known {
            Some((known, status)) => {
                self.shared.cache.note_use(known);
                Found::Present(known.answer(status))
            }
            None => Found::Unknown,
        }
    }
}

impl BigSegmentReader {
    pub(crate) fn new(
        store: Arc<dyn BigSegmentStore>,
        settings: Settings,
        runtime: &Runtime,
    ) -> Self {
        let shared = Arc::new(Shared {
            store,
            settings,
            status: BigSegmentStoreStatusCell::new(),
            cache: Cache::new(settings.context_cache_size),
            clock: Clock::new(),
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

    /// The cached memberships, for one evaluation.
    pub(crate) fn cached(&self) -> Cached<'_> {
        Cached {
            shared: &self.shared,
            now: OnceCell::new(),
        }
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

fn membership_of(known: &Arc<Known>) -> Option<Membership> {
    known.answer(BigSegmentsStatus::Healthy).membership.clone()
}

impl Shared {
    /// Returns the cached membership if it has not expired.
    fn fresh(&self, context_key: &Text) -> Option<Option<Membership>> {
        let contexts = self.cache.contexts();
        let known = contexts.get(context_key)?;
        if known.has_expired(Moment::now()) {
            return None;
        }
        self.cache.note_use(known);
        Some(membership_of(known))
    }

    /// Returns the cached membership, expired or not.
    fn expired(&self, context_key: &Text) -> Option<Option<Membership>> {
        self.cache.contexts().get(context_key).map(membership_of)
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
                self.cache
                    .put(context_key.clone(), membership.clone(), expires);
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
