//! The types that loom explores.

use std::future::Future;
use std::ops::Deref;
use std::pin::pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use loom::sync::Condvar;
pub(crate) use loom::sync::{Mutex, MutexGuard, atomic};

use self::atomic::{AtomicUsize, Ordering};

/// A model of `arc_swap::ArcSwap`, which loom cannot explore.
///
/// A load may return an older value, as a load of a pointer may, but no thread sees the values go
/// backwards. A store releases and a load acquires, as `arc_swap` documents. Its reference counting
/// is not modelled: all values live as long as the model.
#[derive(Debug)]
pub(crate) struct ArcSwap<T> {
    /// Every value that was ever stored. The lock is one of `std`, so it is no step for loom.
    values: std::sync::Mutex<Vec<Arc<T>>>,
    /// The index of the current value.
    current: AtomicUsize,
}

impl<T> ArcSwap<T> {
    pub(crate) fn from_pointee(value: T) -> Self {
        Self {
            values: std::sync::Mutex::new(vec![Arc::new(value)]),
            current: AtomicUsize::new(0),
        }
    }

    pub(crate) fn load(&self) -> Guard<Arc<T>> {
        let current = self.current.load(Ordering::Acquire);
        Guard(Arc::clone(&self.values()[current]))
    }

    pub(crate) fn store(&self, value: Arc<T>) {
        let index = {
            let mut values = self.values();
            values.push(value);
            values.len() - 1
        };
        self.current.swap(index, Ordering::AcqRel);
    }

    fn values(&self) -> std::sync::MutexGuard<'_, Vec<Arc<T>>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A loaded value.
#[derive(Debug)]
pub(crate) struct Guard<T>(T);

impl<T> Deref for Guard<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// Runs `model` once for each order of its threads and prints how many there were.
pub(crate) fn explore(name: &str, model: impl Fn() + Send + Sync + 'static) {
    let orders = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let counter = Arc::clone(&orders);
    loom::model(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        model();
    });
    println!("explored {} orders: {name}", orders.load(Ordering::Relaxed));
}

/// Runs a future on a thread of a model.
///
/// Unlike with loom's own function, cloning or dropping a waker is no step: tokio's channels do so
/// while they hold their locks, which loom does not know.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let signal = Arc::new(Signal::default());
    let waker = Waker::from(Arc::clone(&signal));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return value;
        }
        let mut is_woken = signal.lock();
        while !*is_woken {
            is_woken = signal
                .woken
                .wait(is_woken)
                .unwrap_or_else(PoisonError::into_inner);
        }
        *is_woken = false;
    }
}

/// Wakes a thread that waits for a future.
#[derive(Default)]
struct Signal {
    is_woken: Mutex<bool>,
    woken: Condvar,
}

impl Signal {
    fn lock(&self) -> MutexGuard<'_, bool> {
        self.is_woken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        *self.lock() = true;
        self.woken.notify_one();
    }
}
