//! [`Buffer`]: holds full events until the next delivery, limited by number and by memory.

use std::sync::atomic::Ordering;
use std::sync::{OnceLock, PoisonError};

use super::payload::FullEvent;
use crate::per_thread::PerThread;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, AtomicU64};

/// Memory limit: the serialized payload is built in memory too, so the buffer may hold at most this
/// many bytes.
const MOST_BYTES: usize = 64 << 20;

#[derive(Debug)]
pub(super) struct Buffer {
    capacity: usize,
    /// Whether the buffer is full, readable without the lock.
    full: AtomicBool,
    buffered: Mutex<BufferedEvents>,
    /// One counter per thread: while the buffer is full, every evaluation for a new context drops
    /// an event. Unset before the first one.
    dropped: OnceLock<PerThread<AtomicU64>>,
    /// Whether dropping was logged since the buffer last had room.
    warned: AtomicBool,
}

#[derive(Debug, Default)]
struct BufferedEvents {
    events: Vec<FullEvent>,
    /// Approximate size in bytes.
    bytes: usize,
}

impl Buffer {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            full: AtomicBool::new(capacity == 0),
            buffered: Mutex::default(),
            dropped: OnceLock::new(),
            warned: AtomicBool::new(false),
        }
    }

    /// Returns whether the buffer has room. Reads without a lock, so the result may be outdated.
    pub(super) fn has_room(&self) -> bool {
        !self.full.load(Ordering::Relaxed)
    }

    /// Adds an event if there is room. Otherwise, the event is not created, and is counted as
    /// dropped. An event larger than the memory limit is still accepted while the buffer has room.
    pub(super) fn push(&self, make: impl FnOnce() -> FullEvent) {
        if !self.has_room() {
            return self.drop_one();
        }
        let event = make();
        let bytes = event.weight();
        let mut buffered = self.buffered.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_full(&buffered) {
            drop(buffered);
            return self.drop_one();
        }
        buffered.events.push(event);
        buffered.bytes = buffered.bytes.saturating_add(bytes);
        self.full.store(self.is_full(&buffered), Ordering::Relaxed);
        self.warned.store(false, Ordering::Relaxed);
    }

    fn is_full(&self, buffered: &BufferedEvents) -> bool {
        buffered.events.len() >= self.capacity || buffered.bytes >= MOST_BYTES
    }

    /// Takes all events.
    pub(super) fn take(&self) -> Vec<FullEvent> {
        let mut buffered = self.buffered.lock().unwrap_or_else(PoisonError::into_inner);
        let BufferedEvents { events, .. } = std::mem::take(&mut *buffered);
        self.full.store(self.is_full(&buffered), Ordering::Relaxed);
        events
    }

    /// Returns the number of events in the buffer.
    pub(super) fn len(&self) -> usize {
        self.buffered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .events
            .len()
    }

    /// Returns the number of events dropped so far.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
            .get()
            .into_iter()
            .flat_map(PerThread::iter)
            .map(|dropped| dropped.load(Ordering::Relaxed))
            .sum()
    }

    #[cold]
    fn drop_one(&self) {
        self.dropped
            .get_or_init(PerThread::default)
            .own()
            .fetch_add(1, Ordering::Relaxed);
        // Plain load first: avoids taking the cache line exclusive on every drop.
        if !self.warned.load(Ordering::Relaxed) && !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                capacity = self.capacity,
                "event buffer full, dropping full events until the next delivery; evaluations are still counted"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vexil_eval::Context;

    fn dates(events: &[FullEvent]) -> Vec<u64> {
        let date = |event: &FullEvent| match event {
            FullEvent::Identify { date, .. } => *date,
            other => panic!("unexpected event: {other:?}"),
        };
        events.iter().map(date).collect()
    }

    // EVT-3.2
    #[test]
    fn the_oldest_events_are_kept_and_dropped_events_are_counted() {
        let buffer = Buffer::new(3);
        let push = |date| {
            buffer.push(|| FullEvent::Identify {
                date,
                context: Context::new("ada").unwrap(),
            })
        };
        (1..=5).for_each(push);
        assert_eq!(
            (dates(&buffer.take()), buffer.dropped()),
            (vec![1, 2, 3], 2)
        );
        push(6);
        assert_eq!(
            (dates(&buffer.take()), buffer.dropped()),
            (vec![6], 2),
            "there is room again"
        );
    }

    #[test]
    fn an_event_without_room_is_not_created() {
        let buffer = Buffer::new(0);
        buffer.push(|| panic!("the event was created"));
        assert_eq!(buffer.dropped(), 1);
    }

    // The size of a context is unlimited, and there may be thousands of large ones.
    #[test]
    fn large_events_fill_the_buffer_before_its_capacity_is_reached() {
        let buffer = Buffer::new(10_000);
        let large = Context::builder("ada")
            .set("photo", "x".repeat(1 << 20))
            .build()
            .unwrap();
        let push = || {
            buffer.push(|| FullEvent::Identify {
                date: 1,
                context: large.clone(),
            })
        };
        (0..100).for_each(|_| push());
        assert_eq!((buffer.take().len(), buffer.dropped()), (64, 36));
        push();
        assert_eq!(
            (buffer.take().len(), buffer.dropped()),
            (1, 36),
            "there is room again"
        );

        // The name of an event and the path of a private attribute have no length limit either.
        let (small, name) = (Context::new("ada").unwrap(), "x".repeat(1 << 20));
        let custom = || FullEvent::Custom {
            date: 1,
            key: name.as_str().into(),
            context: small.clone(),
            data: vexil_eval::Value::Null,
            metric: None,
        };
        (0..100).for_each(|_| buffer.push(custom));
        assert!(buffer.take().len() <= 64);
        let private = Context::builder("ada")
            .private([name.as_str()])
            .build()
            .unwrap();
        (0..100).for_each(|_| {
            buffer.push(|| FullEvent::Identify {
                date: 1,
                context: private.clone(),
            })
        });
        assert!(buffer.take().len() <= 64);

        let buffer = Buffer::new(10_000);
        let huge = Context::builder("ada")
            .set("photo", "x".repeat(MOST_BYTES))
            .build()
            .unwrap();
        (0..2).for_each(|_| {
            buffer.push(|| FullEvent::Identify {
                date: 1,
                context: huge.clone(),
            })
        });
        assert_eq!(
            (buffer.take().len(), buffer.dropped()),
            (1, 1),
            "an empty buffer accepts an event of any size"
        );
    }
}
