//! [`Waiting`]: a condition that a test waits for.

use std::error::Error;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::coop::unconstrained;
use vexil::store::Changes;

/// The default timeout. Reached only by tests that fail.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A source of conditions to wait for.
pub(crate) trait Watched: Sync {
    /// Returns a receiver that is marked after each change.
    fn changes(&self) -> Changes;

    /// Describes the current state, for the message of a timeout.
    fn seen(&self) -> String;
}

/// A condition that a test waits for: on its thread with [`Waiting::wait`], or with `.await` on any
/// executor.
///
/// The condition is evaluated after each change, so the wait ends as soon as it holds.
///
/// ```
/// use std::time::Duration;
/// use vexil::{Client, Context};
/// use vexil_testing::{EventRecorder, TestData};
///
/// let events = EventRecorder::new();
/// let client = Client::builder("sdk-key").data_source(TestData::new()).events(events.clone()).start()?;
/// let worker = client.clone();
/// // The code under test, which works in the background.
/// std::thread::spawn(move || worker.track("imported", &Context::new("job-7").unwrap()));
/// let found = events.custom_events().name("imported").wait_for(1).within(Duration::from_secs(60)).wait()?;
/// assert_eq!(found[0].context.key(), "job-7");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "does nothing until `wait` or `.await`"]
pub struct Waiting<'a, T> {
    watched: &'a dyn Watched,
    what: String,
    timeout: Duration,
    look: Box<dyn FnMut() -> Option<T> + Send + 'a>,
}

impl<'a, T> Waiting<'a, T> {
    pub(crate) fn new(
        watched: &'a dyn Watched,
        what: String,
        look: impl FnMut() -> Option<T> + Send + 'a,
    ) -> Self {
        Self {
            watched,
            what,
            timeout: TIMEOUT,
            look: Box::new(look),
        }
    }

    /// Sets the timeout. Default: 30 seconds.
    pub fn within(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Blocks this thread until the condition holds. Use `.await` instead where the client's tasks
    /// need the thread.
    ///
    /// # Errors
    /// Returns an error if the condition does not hold within the timeout.
    pub fn wait(self) -> Result<T, TimedOut> {
        // Unconstrained: a Tokio task that has used up its budget would make no progress here,
        // because it cannot yield.
        pollster::block_on(unconstrained(self.run()))
    }

    async fn run(mut self) -> Result<T, TimedOut> {
        // Subscribed before the first evaluation, so that no later change is missed.
        let mut changes = self.watched.changes();
        let mut timer = None;
        loop {
            if let Some(found) = (self.look)() {
                return Ok(found);
            }
            let timer = timer.get_or_insert_with(|| Timer::start(self.timeout));
            tokio::select! {
                biased;
                () = changes.changed() => {}
                _ = &mut timer.ended => break,
            }
        }
        Err(TimedOut {
            what: self.what,
            timeout: self.timeout,
            seen: self.watched.seen(),
        })
    }
}

impl<'a, T: 'a> IntoFuture for Waiting<'a, T> {
    type Output = Result<T, TimedOut>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<T> fmt::Debug for Waiting<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting")
            .field("for", &self.what)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// A thread that sleeps until the timeout, because the executor of a test may have no timer. It ends
/// when this is dropped.
struct Timer {
    /// Completes at the timeout.
    ended: oneshot::Receiver<()>,
    /// Dropped to end the thread early.
    _running: mpsc::Sender<()>,
}

impl Timer {
    fn start(timeout: Duration) -> Self {
        let (running, stopped) = mpsc::channel::<()>();
        let (end, ended) = oneshot::channel();
        thread::spawn(move || {
            if stopped.recv_timeout(timeout) == Err(RecvTimeoutError::Timeout) {
                // Fails if the wait has just ended.
                let _ = end.send(());
            }
        });
        Self {
            ended,
            _running: running,
        }
    }
}

/// The error of a wait that timed out. The message describes the state at that time.
///
/// ```
/// use std::time::Duration;
/// use vexil_testing::EventRecorder;
///
/// let events = EventRecorder::new();
/// let late = events.custom_events().name("imported").wait_for(1).within(Duration::from_millis(1)).wait();
/// assert!(late.unwrap_err().to_string().starts_with("waited 1ms for"));
/// ```
#[derive(Clone, Debug)]
pub struct TimedOut {
    what: String,
    timeout: Duration,
    seen: String,
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            what,
            timeout,
            seen,
        } = self;
        write!(f, "waited {timeout:?} for {what}; {seen}")
    }
}

impl Error for TimedOut {}
