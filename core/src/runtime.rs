//! [`Runtime`]: the one place that spawns, sleeps and stops tasks.
//!
//! All background work of all clients of a process runs on one thread, started when the first
//! client needs it. A client therefore works alike from any executor, from plain threads and in
//! tests that drop their runtime, and can be dropped anywhere. The thread lives as long as the
//! process; idle, it costs nothing.
//!
//! **After a fork** the child has a copy of the runtime's memory, but not its thread, and it shares
//! the runtime's epoll instance with the parent. Whatever the child registered, removed or woke
//! there would happen to the parent. A runtime therefore belongs to the process that made it. In
//! any other process it starts nothing, stops nothing and is never dropped, and a new client gets a
//! runtime of that process.

use std::future::{Future, poll_fn};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use tokio::runtime::{EnterGuard, Handle};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::watchdog::{Death, Watchdog};

/// The process's own runtime, once a client has asked for it. No lock: a fork could copy one that
/// is held.
static SHARED: ArcSwapOption<SharedThread> = ArcSwapOption::const_empty();

/// The thread that all clients of a process share.
struct SharedThread {
    process: u32,
    handle: Handle,
    /// The thread ends when this is dropped.
    _running: oneshot::Sender<()>,
}

impl SharedThread {
    fn start(process: u32) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        let (running, dropped) = oneshot::channel::<()>();
        let run = move || drop(runtime.block_on(dropped));
        thread::Builder::new().name("vexil".to_owned()).spawn(run)?;
        Ok(Self {
            process,
            handle,
            _running: running,
        })
    }
}

/// Where the background work of one client runs.
#[derive(Clone, Debug)]
pub(crate) struct Runtime(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    handle: Handle,
    /// Whether this is the thread that all clients share, which runs as long as the process.
    shared: bool,
    /// The process that this runtime works in.
    process: u32,
    /// The last forked process in which a use of this runtime was logged.
    warned_in: AtomicU32,
    /// Whether it was logged that the runtime was shut down.
    reported: Arc<AtomicBool>,
}

impl Runtime {
    /// The runtime that all clients of this process share.
    pub(crate) fn shared() -> io::Result<Self> {
        let process = process::id();
        loop {
            let found = SHARED.load_full();
            if let Some(thread) = found.as_deref().filter(|thread| thread.process == process) {
                return Ok(Self::new(thread.handle.clone(), true));
            }
            // If another thread is faster, this one ends again.
            let started = Arc::new(SharedThread::start(process)?);
            drop(SHARED.compare_and_swap(&found, Some(started)));
            // The parent's is leaked: dropping it would wake the parent's thread.
            std::mem::forget(found);
        }
    }

    /// A runtime of the caller's, made in this process.
    pub(crate) fn of(handle: Handle) -> Self {
        Self::new(handle, false)
    }

    fn new(handle: Handle, shared: bool) -> Self {
        let (process, warned_in) = (process::id(), AtomicU32::new(0));
        Self(Arc::new(Inner {
            handle,
            shared,
            process,
            warned_in,
            reported: Arc::default(),
        }))
    }

    /// Whether the runtime belongs to the process that this one was forked from.
    pub(crate) fn is_inherited(&self) -> bool {
        self.0.process != process::id()
    }

    /// Does what [`Runtime::is_inherited`] does, for a call that an inherited client cannot carry
    /// out: the first one in a process is logged.
    pub(crate) fn is_unusable(&self) -> bool {
        let inherited = self.is_inherited();
        if inherited && self.0.warned_in.swap(process::id(), Ordering::Relaxed) != process::id() {
            tracing::warn!(
                parent = self.0.process,
                "a client from before a fork is used in the forked process: it evaluates with the data of that moment, \
                 receives no updates and sends no events; start a new client in the forked process"
            );
        }
        inherited
    }

    /// Whether the runtime was shut down, so that nothing runs on it any more.
    pub(crate) fn is_gone(&self) -> bool {
        let Some(handle) = self.handle() else {
            return false;
        };
        let gone = Arc::new(AtomicBool::new(false));
        let died = {
            let gone = Arc::clone(&gone);
            move |_| gone.store(true, Ordering::Release)
        };
        // A runtime that was shut down drops a new task at once. The caller reports that, so no log
        // is written.
        let watchdog = Watchdog::new(
            "probe",
            Arc::default(),
            Arc::new(AtomicBool::new(true)),
            died,
        );
        drop(handle.spawn(async move { watchdog.done() }));
        gone.load(Ordering::Acquire)
    }

    fn handle(&self) -> Option<&Handle> {
        (!self.is_unusable()).then_some(&self.0.handle)
    }

    /// Makes this the runtime that timers and sockets made on this thread belong to.
    pub(crate) fn enter(&self) -> Option<EnterGuard<'_>> {
        self.handle().map(Handle::enter)
    }

    /// Runs a future until it ends or the task is dropped.
    pub(crate) fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        Task::new(self.handle().map(|handle| handle.spawn(future)))
    }

    /// Runs work that should go on until it is done or the task is dropped. Any other end is logged
    /// and passed to `died`.
    pub(crate) fn spawn_watched<F>(
        &self,
        name: &'static str,
        future: F,
        died: impl FnOnce(Death) + Send + 'static,
    ) -> Task<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let stopped = Arc::new(AtomicBool::new(false));
        let watchdog = Watchdog::new(
            name,
            Arc::clone(&stopped),
            Arc::clone(&self.0.reported),
            died,
        );
        let Some(handle) = self.handle() else {
            // The inherited client has reported itself.
            watchdog.done();
            return Task::new(None);
        };
        let running = handle.spawn(async move {
            let output = future.await;
            watchdog.done();
            output
        });
        let mut task = Task::new(Some(running));
        task.stopped = Some(stopped);
        task
    }

    /// Runs a future until it ends; nobody owns it. Only for work that is bounded in time.
    pub(crate) fn spawn_detached(&self, future: impl Future<Output = ()> + Send + 'static) {
        if let Some(handle) = self.handle() {
            drop(handle.spawn(future));
        }
    }

    /// Runs code that may block.
    pub(crate) fn spawn_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Task<T> {
        Task::new(self.handle().map(|handle| handle.spawn_blocking(work)))
    }

    /// Awaits a future for a limited time, on whatever executor the caller is. In a forked child,
    /// where nothing can make the future ready, it is only looked at.
    pub(crate) async fn timeout<T>(
        &self,
        limit: Duration,
        future: impl Future<Output = T>,
    ) -> Option<T> {
        let (mut future, mut alarm) = (pin!(future), pin!(self.alarm(limit)));
        poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => alarm.as_mut().poll(cx).map(|()| None),
        })
        .await
    }

    /// Does what [`Runtime::timeout`] does, on this thread.
    pub(crate) fn park<T>(&self, limit: Duration, future: impl Future<Output = T>) -> Option<T> {
        park(
            if self.is_unusable() {
                Duration::ZERO
            } else {
                limit
            },
            future,
        )
    }

    /// Ends after a time.
    async fn alarm(&self, limit: Duration) {
        if self.is_unusable() {
            return;
        }
        // The timers are made inside the tasks, where there is a runtime.
        let sleep = || async move { tokio::time::sleep(limit).await };
        let own = self.spawn(sleep());
        if self.0.shared {
            own.finish().await;
            return;
        }
        // A caller's runtime may have ended, or nothing drives it any more.
        let Ok(reliable) = Self::shared() else {
            own.finish().await;
            return;
        };
        let reliable = reliable.spawn(sleep());
        tokio::select! {
            Some(()) = own.finish() => {}
            Some(()) = reliable.finish() => {}
            else => {}
        }
    }
}

/// A running task. Dropping it stops the task at its next await.
#[derive(Debug)]
pub(crate) struct Task<T> {
    /// `None` if the task was never started.
    running: Option<JoinHandle<T>>,
    process: u32,
    /// Tells the task's watchdog, if it has one, that the task is stopped on purpose.
    stopped: Option<Arc<AtomicBool>>,
}

impl<T> Task<T> {
    fn new(running: Option<JoinHandle<T>>) -> Self {
        Self {
            running,
            process: process::id(),
            stopped: None,
        }
    }

    /// The task's output. Returns `None` if it panicked, was stopped or never started.
    pub(crate) async fn finish(mut self) -> Option<T> {
        self.running.as_mut()?.await.ok()
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        let Some(running) = self.running.take() else {
            return;
        };
        if self.process == process::id() {
            if let Some(stopped) = &self.stopped {
                stopped.store(true, Ordering::Release);
            }
            running.abort();
        } else {
            // The task is the parent's.
            std::mem::forget(running);
        }
    }
}

/// Parks this thread until the future is ready or the time is over. It needs no runtime and may be
/// called inside one.
pub(crate) fn park<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    // Unconstrained: inside a busy task, Tokio would put off the wake-up until that task yields,
    // which it never does.
    let mut future = pin!(tokio::task::unconstrained(future));
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    let start = Instant::now();
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return Some(output);
        }
        let left = limit
            .checked_sub(start.elapsed())
            .filter(|left| !left.is_zero())?;
        thread::park_timeout(left);
    }
}

/// Runs both at once, the second on a thread of its own; one after the other where there can be no
/// thread.
pub(crate) fn both<A, B: Send>(first: impl FnOnce() -> A, second: impl Fn() -> B + Sync) -> (A, B) {
    thread::scope(|scope| {
        match thread::Builder::new()
            .name("vexil-both".to_owned())
            .spawn_scoped(scope, &second)
        {
            Ok(running) => {
                let first = first();
                (
                    first,
                    running.join().unwrap_or_else(|panic| resume_unwind(panic)),
                )
            }
            Err(_no_thread) => (first(), second()),
        }
    })
}

/// Runs foreign code; none if it panics.
pub(crate) async fn catch_panic<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(
        |cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(polled) => polled.map(Some),
            Err(_panic) => Poll::Ready(None),
        },
    )
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
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn parking_ends_with_the_future_or_with_the_time() {
        let runtime = Runtime::shared().unwrap();
        let (send, receive) = tokio::sync::oneshot::channel();
        runtime.spawn_detached(async move { send.send(7).unwrap() });
        assert_eq!(park(Duration::from_secs(60), receive), Some(Ok(7)));
        assert_eq!(
            park(Duration::from_millis(1), std::future::pending::<()>()),
            None
        );
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
            from_first
                .lock()
                .unwrap()
                .recv_timeout(Duration::from_secs(60))
                .unwrap()
        };
        assert_eq!(both(first, second), (2, 1));
    }

    #[tokio::test]
    async fn a_watched_task_that_panics_is_noticed_and_one_that_ends_or_is_stopped_is_not() {
        let runtime = Runtime::of(Handle::current());
        let (send, mut deaths) = tokio::sync::mpsc::unbounded_channel();
        let died = || {
            let send = send.clone();
            move |death| send.send(death).unwrap()
        };
        runtime
            .spawn_watched("panics", async { panic!("on purpose") }, died())
            .finish()
            .await;
        assert_eq!(deaths.try_recv(), Ok(Death::Panicked));
        assert_eq!(
            runtime
                .spawn_watched("ends", async { 7 }, died())
                .finish()
                .await,
            Some(7)
        );
        drop(runtime.spawn_watched("is stopped", std::future::pending::<()>(), died()));
        tokio::task::yield_now().await;
        drop(send);
        assert_eq!(
            deaths.recv().await,
            None,
            "all watchdogs are gone, and none has barked"
        );
        assert!(!runtime.is_gone());
    }

    #[test]
    fn a_watched_task_notices_that_its_runtime_is_gone_however_late_it_is_started() {
        let theirs = tokio::runtime::Runtime::new().unwrap();
        let runtime = Runtime::of(theirs.handle().clone());
        let (send, deaths) = std::sync::mpsc::channel();
        let started = |send: &std::sync::mpsc::Sender<Death>| {
            let send = send.clone();
            runtime.spawn_watched("waits", std::future::pending::<()>(), move |death| {
                send.send(death).unwrap()
            })
        };
        let _early = started(&send);
        drop(theirs);
        let _late = started(&send);
        drop(send);
        assert_eq!(deaths.iter().collect::<Vec<_>>(), [Death::RuntimeGone; 2]);
        assert!(runtime.is_gone());
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
        assert!(
            park(Duration::from_secs(60), receive).unwrap().is_err(),
            "the sender goes with the task"
        );
    }
}
