//! [`Waiting`]: what has not happened yet.

use std::error::Error;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::task::coop::unconstrained;

/// How long a test waits for something unless it says otherwise. Only a test that fails gets to
/// know it.
const PATIENCE: Duration = Duration::from_secs(30);

/// What tests wait for something of.
pub(crate) trait Watched: Sync {
    /// Is marked after each change.
    fn changes(&self) -> watch::Receiver<()>;

    /// What has happened instead of what a test has waited for.
    fn seen(&self) -> String;
}

/// Something that a test waits for: on its thread with [`Waiting::wait`], or with `.await` on any
/// executor.
///
/// It looks whenever there is something new, so it ends at once when what it waits for has
/// happened.
#[must_use = "nothing is waited for until `wait` or `await`"]
pub struct Waiting<'a, T> {
    watched: &'a dyn Watched,
    /// For the timer.
    runtime: Handle,
    what: String,
    patience: Duration,
    look: Box<dyn FnMut() -> Option<T> + Send + 'a>,
}

impl<'a, T> Waiting<'a, T> {
    pub(crate) fn new(
        watched: &'a dyn Watched,
        runtime: Handle,
        what: String,
        look: impl FnMut() -> Option<T> + Send + 'a,
    ) -> Self {
        Self {
            watched,
            runtime,
            what,
            patience: PATIENCE,
            look: Box::new(look),
        }
    }

    /// Waits no longer than this. Default: 30 seconds.
    pub fn within(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Waits on this thread. Do not do that where the client's own tasks need the thread; await it
    /// instead.
    ///
    /// # Errors
    /// If it has not happened in time.
    pub fn wait(self) -> Result<T, TimedOut> {
        // Unconstrained: a task of Tokio's that has used up its share could not get on here, as it
        // cannot yield.
        pollster::block_on(unconstrained(self.run()))
    }

    async fn run(mut self) -> Result<T, TimedOut> {
        // Before the first look: what happens after it is noticed.
        let mut changes = self.watched.changes();
        let patience = self.patience;
        // Made inside the runtime: the sleep looks for its own there.
        let mut timer = Timer(
            self.runtime
                .spawn(async move { tokio::time::sleep(patience).await }),
        );
        loop {
            if let Some(found) = (self.look)() {
                return Ok(found);
            }
            tokio::select! {
                biased;
                _ = changes.changed() => {}
                _ = &mut timer.0 => break,
            }
        }
        Err(TimedOut {
            what: self.what,
            patience: self.patience,
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
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

/// A timer that ends with whoever has set it.
struct Timer(JoinHandle<()>);

impl Drop for Timer {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What a test waited for did not happen in time. The message says what happened instead.
#[derive(Clone, Debug)]
pub struct TimedOut {
    what: String,
    patience: Duration,
    seen: String,
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            what,
            patience,
            seen,
        } = self;
        write!(f, "waited {patience:?} for {what}; {seen}")
    }
}

impl Error for TimedOut {}
