//! [`Runtime`]: the one place that spawns, sleeps and stops tasks.
//!
//! All background work of all clients of a process runs on one thread, started when the first client needs it. A
//! client therefore works alike from any executor, from plain threads and in tests that drop their runtime, and can be
//! dropped anywhere. The thread lives as long as the process; idle, it costs nothing.

use std::future::{Future, poll_fn};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use tokio::runtime::{EnterGuard, Handle};
use tokio::task::JoinHandle;

/// The process's own runtime, once a client has asked for it.
static SHARED: Mutex<Option<Handle>> = Mutex::new(None);

#[derive(Clone, Debug)]
pub(crate) struct Runtime(Handle);

impl Runtime {
    /// The runtime that all clients of the process share.
    pub(crate) fn shared() -> io::Result<Self> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(handle) = &*shared {
            return Ok(Self(handle.clone()));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let run = move || runtime.block_on(std::future::pending::<()>());
        thread::Builder::new().name("vexil".to_owned()).spawn(run)?;
        *shared = Some(handle.clone());
        Ok(Self(handle))
    }

    /// A runtime of the caller's.
    pub(crate) fn of(handle: Handle) -> Self {
        Self(handle)
    }

    /// Makes this the runtime that timers and sockets made on this thread belong to.
    pub(crate) fn enter(&self) -> EnterGuard<'_> {
        self.0.enter()
    }

    /// Runs a future until it ends or the task is dropped.
    pub(crate) fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        Task(self.0.spawn(future))
    }

    /// Runs a future until it ends; nobody owns it. Only for work that is bounded in time.
    pub(crate) fn spawn_detached(&self, future: impl Future<Output = ()> + Send + 'static) {
        drop(self.0.spawn(future));
    }

    /// Runs code that may block.
    pub(crate) fn spawn_blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Task<T> {
        Task(self.0.spawn_blocking(work))
    }

    /// Awaits a future for a limited time, on whatever executor the caller is.
    pub(crate) async fn timeout<T>(&self, limit: Duration, future: impl Future<Output = T>) -> Option<T> {
        let mut future = pin!(future);
        // The timer is made inside the task, where there is a runtime.
        let mut alarm = self.spawn(async move { tokio::time::sleep(limit).await });
        poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => pin!(&mut alarm.0).poll(cx).map(|_| None),
        })
        .await
    }
}

/// A running task. Dropping it stops the task at its next await.
#[derive(Debug)]
pub(crate) struct Task<T>(JoinHandle<T>);

impl<T> Task<T> {
    /// What the task came to; none if it panicked or was stopped.
    pub(crate) async fn finish(mut self) -> Option<T> {
        (&mut self.0).await.ok()
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Parks this thread until the future is ready or the time is over. It needs no runtime and may be called inside one.
pub(crate) fn park<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    // Unconstrained: inside a busy task, Tokio would put off the wake-up until that task yields, which it never does.
    let mut future = pin!(tokio::task::unconstrained(future));
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    let start = Instant::now();
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return Some(output);
        }
        let left = limit.checked_sub(start.elapsed()).filter(|left| !left.is_zero())?;
        thread::park_timeout(left);
    }
}

/// Runs both at once, the second on a thread of its own; one after the other where there can be no thread.
pub(crate) fn both<A, B: Send>(first: impl FnOnce() -> A, second: impl Fn() -> B + Sync) -> (A, B) {
    thread::scope(|scope| match thread::Builder::new().name("vexil-both".to_owned()).spawn_scoped(scope, &second) {
        Ok(running) => {
            let first = first();
            (first, running.join().unwrap_or_else(|panic| resume_unwind(panic)))
        }
        Err(_no_thread) => (first(), second()),
    })
}

/// Runs foreign code; none if it panics.
pub(crate) async fn contain<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(polled) => polled.map(Some),
        Err(_panic) => Poll::Ready(None),
    })
    .await
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parking_ends_with_the_future_or_with_the_time() {
        let runtime = Runtime::shared().unwrap();
        let (send, receive) = tokio::sync::oneshot::channel();
        runtime.spawn_detached(async move { send.send(7).unwrap() });
        assert_eq!(park(Duration::from_secs(60), receive), Some(Ok(7)));
        assert_eq!(park(Duration::from_millis(1), std::future::pending::<()>()), None);
    }

    #[test]
    fn a_timeout_works_without_a_runtime_around_it() {
        let runtime = Runtime::shared().unwrap();
        let late = runtime.timeout(Duration::from_millis(1), std::future::pending::<()>());
        assert_eq!(park(Duration::from_secs(60), late), Some(None));
        let early = runtime.timeout(Duration::from_secs(60), std::future::ready(3));
        assert_eq!(park(Duration::from_secs(60), early), Some(Some(3)));
    }

    // Each waits for the other: one after the other they would wait for ever.
    #[test]
    fn both_run_at_once() {
        let (to_second, from_first) = std::sync::mpsc::channel();
        let (to_first, from_second) = std::sync::mpsc::channel();
        let from_first = Mutex::new(from_first);
        let first = || {
            to_second.send(1).unwrap();
            from_second.recv_timeout(Duration::from_secs(60)).unwrap()
        };
        let second = || {
            to_first.send(2).unwrap();
            from_first.lock().unwrap().recv_timeout(Duration::from_secs(60)).unwrap()
        };
        assert_eq!(both(first, second), (2, 1));
    }

    #[test]
    fn a_dropped_task_stops() {
        let runtime = Runtime::shared().unwrap();
        let (send, receive) = tokio::sync::oneshot::channel::<()>();
        let task = runtime.spawn(async move {
            std::future::pending::<()>().await;
            drop(send);
        });
        drop(task);
        assert!(park(Duration::from_secs(60), receive).unwrap().is_err(), "the sender goes with the task");
    }
}
