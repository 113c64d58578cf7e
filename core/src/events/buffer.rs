//! [`Buffer`]: full events until the next delivery, not more than its capacity, and not more than memory can bear.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::payload::FullEvent;
use super::per_thread::PerThread;

/// So many bytes are as good as any number of events: what is written of them must fit into memory
/// once more.
const MOST_BYTES: usize = 64 << 20;

#[derive(Debug)]
pub(super) struct Buffer {
    capacity: usize,
    /// Whether there is no room, for those who only want to know that.
    full: AtomicBool,
    held: Mutex<Held>,
    /// Apart for each thread: without room, every evaluation for a new context drops an event.
    dropped: PerThread<AtomicU64>,
    /// Whether it was logged that events are dropped, since there last was room.
    warned: AtomicBool,
}

#[derive(Debug, Default)]
struct Held {
    events: Vec<FullEvent>,
    /// About how many bytes they take.
    bytes: usize,
}

impl Buffer {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            full: AtomicBool::new(capacity == 0),
            held: Mutex::default(),
            dropped: PerThread::default(),
            warned: AtomicBool::new(false),
        }
    }

    /// Whether there is room, as far as a look without a lock can tell.
    pub(super) fn has_room(&self) -> bool {
        !self.full.load(Ordering::Relaxed)
    }

    /// Takes an event in, if there is room; if not, it is not even made, and counted. An event that
    /// is larger than all the room still finds a place where there is any.
    pub(super) fn push(&self, make: impl FnOnce() -> FullEvent) {
        if !self.has_room() {
            return self.drop_one();
        }
        let event = make();
        let bytes = event.weight();
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_full(&held) {
            drop(held);
            return self.drop_one();
        }
        held.events.push(event);
        held.bytes = held.bytes.saturating_add(bytes);
        self.full.store(self.is_full(&held), Ordering::Relaxed);
        self.warned.store(false, Ordering::Relaxed);
    }

    fn is_full(&self, held: &Held) -> bool {
        held.events.len() >= self.capacity || held.bytes >= MOST_BYTES
    }

    /// Takes all events out.
    pub(super) fn take(&self) -> Vec<FullEvent> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let Held { events, .. } = std::mem::take(&mut *held);
        self.full.store(self.is_full(&held), Ordering::Relaxed);
        events
    }

    /// How many events are held.
    pub(super) fn len(&self) -> usize {
        self.held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .events
            .len()
    }

    /// How many events were dropped so far.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
            .iter()
            .map(|dropped| dropped.load(Ordering::Relaxed))
            .sum()
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
    use vexil_eval::Context;

    fn dates(events: &[FullEvent]) -> Vec<u64> {
        let date = |event: &FullEvent| match event {
            FullEvent::Identify { date, .. } => *date,
            other => panic!("{other:?} was not expected"),
        };
        events.iter().map(date).collect()
    }

    // EVT-3.2
    #[test]
    fn the_oldest_are_kept_and_what_is_dropped_is_counted() {
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
            "there is room again at once"
        );
    }

    #[test]
    fn an_event_without_room_is_not_even_made() {
        let buffer = Buffer::new(0);
        buffer.push(|| panic!("it was made"));
        assert_eq!(buffer.dropped(), 1);
    }

    // A context may be as large as it likes, and there may be thousands like it.
    #[test]
    fn events_that_take_much_memory_fill_the_buffer_too() {
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
            "there is room again at once"
        );

        // The name of an event is as long as the application likes, and so is the path of a private
        // attribute.
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
            "one finds a place, however large it is"
        );
    }
}
