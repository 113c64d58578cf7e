//! [`Buffer`]: full events until the next delivery, not more than its capacity.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::payload::FullEvent;
use super::per_thread::PerThread;

#[derive(Debug)]
pub(super) struct Buffer {
    capacity: usize,
    /// How many events there are, for those who only want to know whether there is room.
    len: AtomicUsize,
    events: Mutex<Vec<FullEvent>>,
    /// Apart for each thread: without room, every evaluation for a new context drops an event.
    dropped: PerThread<AtomicU64>,
    /// Whether it was logged that events are dropped, since there last was room.
    warned: AtomicBool,
}

impl Buffer {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            len: AtomicUsize::new(0),
            events: Mutex::default(),
            dropped: PerThread::default(),
            warned: AtomicBool::new(false),
        }
    }

    /// Whether there is room, as far as a look without a lock can tell.
    pub(super) fn has_room(&self) -> bool {
        self.len.load(Ordering::Relaxed) < self.capacity
    }

    /// Takes an event in, if there is room; if not, it is not even made, and counted.
    pub(super) fn push(&self, make: impl FnOnce() -> FullEvent) {
        if !self.has_room() {
            return self.drop_one();
        }
        let event = make();
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        if events.len() >= self.capacity {
            drop(events);
            return self.drop_one();
        }
        events.push(event);
        self.len.store(events.len(), Ordering::Relaxed);
        self.warned.store(false, Ordering::Relaxed);
    }

    /// Takes all events out.
    pub(super) fn take(&self) -> Vec<FullEvent> {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        self.len.store(0, Ordering::Relaxed);
        std::mem::take(&mut events)
    }

    /// How many events were dropped so far.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.iter().map(|dropped| dropped.load(Ordering::Relaxed)).sum()
    }

    #[cold]
    fn drop_one(&self) {
        self.dropped.own().fetch_add(1, Ordering::Relaxed);
        // Looked at first: what nobody writes, all cores can have at hand.
        if !self.warned.load(Ordering::Relaxed) && !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                capacity = self.capacity,
                "more events than the buffer holds: full events are dropped until the next delivery; counts are kept"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Context;

    fn dates(events: &[FullEvent]) -> Vec<u64> {
        let date = |event: &FullEvent| match event {
            FullEvent::Identify { date, .. } => *date,
            other => panic!("{other:?} was not expected"),
        };
        events.iter().map(date).collect()
    }

    // Spec 03, section 3.2
    #[test]
    fn the_oldest_are_kept_and_what_is_dropped_is_counted() {
        let buffer = Buffer::new(3);
        let push = |date| buffer.push(|| FullEvent::Identify { date, context: Context::new("ada").unwrap() });
        (1..=5).for_each(push);
        assert_eq!((dates(&buffer.take()), buffer.dropped()), (vec![1, 2, 3], 2));
        push(6);
        assert_eq!((dates(&buffer.take()), buffer.dropped()), (vec![6], 2), "there is room again at once");
    }

    #[test]
    fn an_event_without_room_is_not_even_made() {
        let buffer = Buffer::new(0);
        buffer.push(|| panic!("it was made"));
        assert_eq!(buffer.dropped(), 1);
    }
}
