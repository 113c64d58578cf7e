//! [`Slot`]: a cached item or its absence.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use vexil_eval::Text;
use vexil_eval::model::Entry;

use crate::bounds::spread;
use crate::moment::Moment;
use crate::shards::Shard;

/// A cached item or its absence, with its expiry.
#[derive(Clone, Debug)]
pub(super) struct Slot<T> {
    key: Text,
    /// `None` if there is no such item.
    entry: Option<Entry<T>>,
    /// `None` if the slot never expires.
    expires: Option<Expiry>,
}

#[derive(Clone, Debug)]
struct Expiry {
    at: Moment,
    /// From when on a reader requests a refresh.
    refresh_from: Moment,
    /// Whether a refresh was requested.
    asked: Arc<AtomicBool>,
}

/// The age of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Age {
    Fresh,
    /// Fresh, but due for a refresh. Returned only to the first reader that notices.
    Due,
    Expired,
}

impl Expiry {
    /// The expiry of an item that is cached now. Jitter keeps items that were read together from
    /// expiring together. It only shortens the time, because no item may be served longer than the
    /// application allows.
    fn after(ttl: Duration) -> Self {
        let now = Moment::now();
        Self {
            at: now.after(spread(ttl)),
            refresh_from: now.after(ttl.mul_f64(0.75)),
            asked: Arc::default(),
        }
    }
}

impl<T> Slot<T> {
    /// A slot that expires after `ttl`, or never.
    pub(super) fn new(key: Text, entry: Option<Entry<T>>, ttl: Option<Duration>) -> Self {
        Self {
            key,
            entry,
            expires: ttl.map(Expiry::after),
        }
    }

    pub(super) fn entry(&self) -> Option<&Entry<T>> {
        self.entry.as_ref()
    }

    /// `now` is `None` if no slot expires.
    pub(super) fn has_expired(&self, now: Option<Moment>) -> bool {
        let times = now.zip(self.expires.as_ref());
        times.is_some_and(|(now, expiry)| now.has_reached(expiry.at))
    }

    /// `now` is `None` if no slot expires.
    pub(super) fn age(&self, now: Option<Moment>) -> Age {
        match now.zip(self.expires.as_ref()) {
            Some((now, expiry)) if now.has_reached(expiry.at) => Age::Expired,
            Some((now, expiry))
                if now.has_reached(expiry.refresh_from)
                    && !expiry.asked.swap(true, Ordering::Relaxed) =>
            {
                Age::Due
            }
            _ => Age::Fresh,
        }
    }
}

impl<T: Clone> Shard for Slot<T> {
    fn key(&self) -> &str {
        &self.key
    }
}
