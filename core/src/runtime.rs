//! [`Runtime`]: spawns, times and stops background tasks.
//!
//! All background work of all clients of a process runs on one thread, started with the first
//! client. A client therefore works the same with any executor, with plain threads and in tests
//! that drop their runtime, and can be dropped anywhere. The thread lives as long as the process
//! and uses no CPU when idle.
//!
//! **After a fork** the child has a copy of the runtime's memory, but not its thread, and it shares
//! the runtime's epoll instance with the parent. Anything the child registered, removed or woke
//! there would affect the parent. A runtime therefore belongs to the process that created it. In
//! any other process it starts nothing, stops nothing and is never dropped, and a new client uses a
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

use crate::drop_log;
use crate::watchdog::{Death, Watchdog};

/// The process's shared runtime, started with the first client. No lock, because a fork could copy
/// a held one.
static SHARED: ArcSwapOption<SharedThread> = ArcSwapOption::const_empty();

/// The background thread that all clients of a process share.
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
    /// Whether this is the shared thread, which runs as long as the process.
    shared: bool,
    /// The process that this runtime was created in.
    process: u32,
    /// The last forked process that has logged a use of this runtime.
    warned_in: AtomicU32,
    /// Whether the shutdown of the runtime has been logged.
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
            // If another thread wins the race, this thread ends again.
            let started = Arc::new(SharedThread::start(process)?);
            drop(SHARED.compare_and_swap(&found, Some(started)));
            // Leaked: dropping the parent's runtime would wake the parent's thread.
            std::mem::forget(found);
        }
    }

    /// A runtime of the application, used in this process.
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

    /// Like [`Runtime::is_inherited`], for calls that an inherited client cannot carry out. Logs
    /// the first such call of a process.
    pub(crate) fn is_unusable(&self) -> bool {
        let inherited = self.is_inherited();
        if inherited && self.0.warned_in.swap(process::id(), Ordering::Relaxed) != process::id() {
            drop_log::attempt(|| {
                tracing::warn!(
                    parent = self.0.process,
                    "a client from before a fork is used in the forked process: it evaluates with the data it had at the fork, \
                     receives no updates and sends no events; start a new client in the forked process"
                );
            });
        }
        inherited
    }

    /// Whether the runtime was shut down, so that it no longer runs tasks.
    pub(crate) fn is_gone(&self) -> bool {
        let Some(handle) = self.handle() else {
            return false;
        };
        let gone = Arc::new(AtomicBool::new(false));
        let died = {
            let gone = Arc::clone(&gone);
            move |_| gone.store(true, Ordering::Release)
        };
        // A runtime that was shut down drops a new task immediately. Marked as reported, because
        // the caller reports the error.
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

    /// Enters the runtime, so that timers and sockets created on this thread use it.
    pub(crate) fn enter(&self) -> Option<EnterGuard<'_>> {
        self.handle().map(Handle::enter)
    }

    /// Spawns a future, which runs until it ends or the task is dropped.
    pub(crate) fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        Task::new(self.handle().map(|handle| handle.spawn(future)))
    }

    /// Spawns a future that must run until it completes or the task is dropped. Any other end is
    /// logged and passed to `died`.
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
            // `is_unusable` has logged the inherited client.
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

    /// Spawns a future without a handle. Only for work that is bounded in time.
    pub(crate) fn spawn_detached(&self, future: impl Future<Output = ()> + Send + 'static) {
        if let Some(handle) = self.handle() {
            drop(handle.spawn(future));
        }
    }

    /// Runs code that may block on the blocking pool.
    pub(crate) fn spawn_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Task<T> {
        Task::new(self.handle().map(|handle| handle.spawn_blocking(work)))
    }

    /// Awaits a future with a timeout, on any executor. In a forked child, where the future cannot
    /// become ready, it is only polled.
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

    /// Blocking form of [`Runtime::timeout`].
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

    /// Completes after `limit`.
    async fn alarm(&self, limit: Duration) {
        if self.is_unusable() {
            return;
        }
        // The timers are created inside the tasks, because they need a runtime context.
        let sleep = || async move { tokio::time::sleep(limit).await };
        let own = self.spawn(sleep());
        if self.0.shared {
            own.finish().await;
            return;
        }
        // The application's runtime may have ended, or may no longer be driven, so a second timer
        // runs on the shared thread.
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
    /// Set before the task is stopped, so that its watchdog ignores the stop.
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

    /// Returns the task's output, or `None` if it panicked, was stopped or never started.
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
            // Leaked: the task belongs to the parent.
            std::mem::forget(running);
        }
    }
}

/// Parks this thread until the future is ready or the timeout elapses. Needs no runtime and may be
/// called inside one.
pub(crate) fn park<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    // Unconstrained: inside a busy task, Tokio's cooperative budget would delay the wake-up until
    // that task yields, but it is parked here.
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

/// Runs both functions concurrently, the second on a new thread; sequentially if no thread can be
/// started.
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

/// Runs foreign code. Returns `None` if it panics.
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
    fn parking_ends_with_the_future_or_with_the_timeout() {
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

    // Each function waits for the other, so a sequential run would time out.
    #[test]
    fn both_run_concurrently() {
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
    async fn a_watchdog_reports_a_panic_but_not_an_end_or_a_stop() {
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
            "all watchdogs are dropped without another report"
        );
        assert!(!runtime.is_gone());
    }

    #[test]
    fn a_watchdog_reports_a_runtime_that_was_shut_down_before_or_after_the_spawn() {
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
            "the sender must be dropped with the task"
        );
    }
}
