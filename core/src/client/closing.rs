//! Closing a client. Closing always completes in the background: a timeout or a dropped future only
//! ends the wait for it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

#[cfg(feature = "metrics")]
use super::publisher::Publishing;
use super::{Client, Outcome, Shared};
use crate::big_segments::BigSegmentReader;
use crate::drop_log;
use crate::events::EventProcessor;
use crate::runtime::{Runtime, catch_panic};
use crate::store::DataStore;
use crate::store::persistent::access::Reader;

impl Client {
    /// Delivers all events, stops all background work and closes the components, waiting at most
    /// `timeout`. Flags can still be evaluated afterwards, with the last data. Hooks and
    /// flag-change listeners are dropped.
    ///
    /// Returns `true` if everything was closed in time. As with [`Client::flush_and_wait`], events
    /// count as delivered even if the service refused them or was unreachable. Returns `false`, and
    /// logs one line, if the timeout elapsed, a component panicked, or the client's [own
    /// runtime](crate::ClientBuilder::runtime) had ended.
    ///
    /// Closing starts when this future is first polled. It continues in the background after the
    /// timeout, or after the future is dropped, for as long as the process lives. Later calls wait
    /// for the same closing.
    ///
    /// A callback of a component may run on the SDK's own thread, which completes this future: use
    /// [`blocking_close`](Self::blocking_close) instead of blocking on it there.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// # pollster::block_on(async {
    /// let flags = TestData::new().with("banner", "hello");
    /// let client = Client::builder("sdk-key").data_source(flags.clone()).start()?;
    /// if !client.close(Duration::from_secs(30)).await {
    ///     eprintln!("some events may be lost");
    /// }
    /// # assert!(client.close(Duration::from_secs(30)).await);
    /// // Evaluations use the last data, which is not updated any more.
    /// flags.set("banner", "goodbye");
    /// assert_eq!(client.str_variation("banner", &Context::new("ada")?, ""), "hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn close(&self, timeout: Duration) -> bool {
        self.shared.close();
        let closed = self
            .shared
            .runtime
            .timeout(timeout, self.shared.closed())
            .await;
        self.shared.report(closed)
    }

    /// Blocking form of [`Client::close`]. May be called inside a runtime, whose thread it blocks.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # let client = vexil::Client::builder("sdk-key").offline(true).start()?;
    /// assert!(client.blocking_close(Duration::from_secs(5)));
    /// # Ok::<(), vexil::config::ConfigError>(())
    /// ```
    pub fn blocking_close(&self, timeout: Duration) -> bool {
        self.shared.close();
        let closed = self.shared.runtime.park(timeout, self.shared.closed());
        self.shared.report(closed)
    }

    /// Returns a guard that [closes](Client::blocking_close) the client when it is dropped,
    /// including during a panic, waiting at most `timeout`. Bind it at the start of `main` so that
    /// no event is lost at the end.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::Client;
    ///
    /// fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let client = Client::builder("sdk-key").offline(true).start()?;
    ///     let _closed_at_the_end = client.close_on_drop(Duration::from_secs(5));
    ///     // …
    ///     Ok(())
    /// }
    /// ```
    pub fn close_on_drop(&self, timeout: Duration) -> CloseOnDrop {
        CloseOnDrop {
            client: self.clone(),
            timeout,
        }
    }

    /// Starts closing without waiting for it.
    pub(crate) fn close_in_background(&self) {
        self.shared.close();
    }
}

/// Closes a client when it is dropped. See [`Client::close_on_drop`].
///
/// ```
/// use std::time::Duration;
/// use vexil::data_source::DataSourceState;
/// use vexil::Client;
/// use vexil_testing::TestData;
///
/// let client = Client::builder("sdk-key").data_source(TestData::new()).start()?;
/// {
///     let _closed_at_the_end_of_the_block = client.close_on_drop(Duration::from_secs(5));
///     assert_eq!(client.data_source_status().status().state, DataSourceState::Valid);
/// }
/// assert_eq!(client.data_source_status().status().state, DataSourceState::Off);
/// # Ok::<(), vexil::config::ConfigError>(())
/// ```
#[derive(Debug)]
#[must_use = "a guard that is not bound to a name closes the client at once"]
pub struct CloseOnDrop {
    client: Client,
    timeout: Duration,
}

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.client.blocking_close(self.timeout);
    }
}

impl Shared {
    /// Stops the data source and starts closing the components, on the first call. In a forked
    /// process, an inherited client is left untouched.
    pub(super) fn close(&self) {
        if self.runtime.is_unusable() || self.is_closed.swap(true, Ordering::AcqRel) {
            return;
        }
        let sources = std::mem::take(&mut *self.sources());
        drop(sources);
        // Drops listeners and hooks, which are application code and may panic.
        let stop = || {
            self.resolver.updater.close();
            if let Some(overrides) = &self.resolver.overrides {
                overrides.close();
            }
            self.hooks.close();
        };
        if catch_unwind(AssertUnwindSafe(stop)).is_err() {
            self.log(|| tracing::error!("a listener or hook panicked when it was dropped"));
            // The listeners are dropped first, so the hooks may remain.
            self.hooks.close();
        }
        let components = Components {
            processor: self.processor.clone(),
            store: Arc::clone(&self.resolver.store),
            database: self.database.clone(),
            big_segments: self.resolver.big_segments.clone(),
            #[cfg(feature = "metrics")]
            publishing: self.publishing().take(),
        };
        let closing = Closing {
            unstarted: Some(components),
            outcome: Arc::clone(&self.outcome),
        };
        self.runtime.spawn_detached(closing.run());
    }

    /// Waits until closing has finished. Returns whether everything was closed.
    async fn closed(&self) -> bool {
        match self
            .outcome
            .subscribe()
            .wait_for(Option::is_some)
            .await
            .as_deref()
        {
            Ok(Some(closed)) => *closed,
            // `self` owns the sender, so the channel is open.
            Ok(None) | Err(_) => false,
        }
    }

    fn report(&self, closed: Option<bool>) -> bool {
        if closed.is_none() && !self.runtime.is_inherited() {
            let undelivered = self.pending();
            self.log(move || {
                tracing::warn!(
                    undelivered,
                    "the client could not be closed in time; closing continues in the background"
                );
            });
        }
        closed.unwrap_or(false)
    }

    /// Logs on this thread, or on the client's runtime if the subscriber has lost its thread-locals
    /// here.
    fn log(&self, log: impl Fn() + Send + 'static) {
        if !drop_log::attempt(&log) {
            self.runtime.spawn_detached(async move { log() });
        }
    }

    /// Number of recorded events that are not delivered yet.
    pub(super) fn pending(&self) -> u64 {
        self.processor.as_deref().map(pending).unwrap_or_default()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if self.runtime.is_inherited() {
            // These belong to the parent process: dropping them would wake its tasks and close its
            // connections.
            let components = (
                Arc::clone(&self.resolver),
                self.processor.clone(),
                Arc::clone(&self.hooks),
                self.database.clone(),
            );
            std::mem::forget((components, self.data_store_status.clone()));
            return;
        }
        if !self.is_closed.load(Ordering::Acquire) {
            let undelivered = self.pending();
            if undelivered > 0 {
                self.log(move || {
                    tracing::warn!(
                        undelivered,
                        "the client was dropped before all events were delivered; they are lost if the process ends now. \
                         `close`, `blocking_close` and `close_on_drop` wait for the delivery"
                    );
                });
            }
        }
        self.close();
    }
}

/// The processor's pending events; zero if it panics.
fn pending(processor: &dyn EventProcessor) -> u64 {
    catch_unwind(AssertUnwindSafe(|| processor.pending())).unwrap_or_default()
}

/// The components to close.
struct Components {
    processor: Option<Arc<dyn EventProcessor>>,
    store: Arc<dyn DataStore>,
    database: Option<Reader>,
    big_segments: Option<Arc<BigSegmentReader>>,
    #[cfg(feature = "metrics")]
    publishing: Option<Publishing>,
}

impl Components {
    /// Closes all components concurrently, so that a slow one does not delay the others. Returns
    /// whether all succeeded.
    async fn close(self) -> bool {
        let Self {
            processor,
            store,
            database,
            big_segments,
            #[cfg(feature = "metrics")]
            publishing,
        } = self;
        let processor = async {
            let Some(processor) = processor else {
                return true;
            };
            let closed = catch_panic(processor.close()).await.is_some();
            let lost = pending(&*processor);
            if !closed || lost > 0 {
                tracing::error!(
                    lost,
                    panicked = !closed,
                    "events were lost when the client was closed"
                );
            }
            closed && lost == 0
        };
        let store = async {
            let closed = catch_panic(store.close()).await.is_some();
            if !closed {
                tracing::error!("the data store panicked while it was closed");
            }
            if let Some(database) = database {
                database.close().await;
            }
            closed
        };
        let big_segments = async {
            if let Some(big_segments) = big_segments {
                big_segments.close().await;
            }
        };
        let (processor, store, ()) = tokio::join!(processor, store, big_segments);
        #[cfg(feature = "metrics")]
        if let Some(publishing) = publishing {
            publishing.end().await;
        }
        processor && store
    }
}

/// Closes the components and publishes the outcome.
struct Closing {
    /// Taken when closing starts.
    unstarted: Option<Components>,
    outcome: Arc<Outcome>,
}

impl Closing {
    async fn run(mut self) {
        if let Some(components) = self.unstarted.take() {
            let closed = components.close().await;
            self.outcome.send_replace(Some(closed));
        }
    }
}

impl Drop for Closing {
    /// The runtime may end before closing does. If closing has not started by then, it runs on the
    /// thread that all clients share.
    fn drop(&mut self) {
        if self.outcome.borrow().is_some() {
            return;
        }
        drop_log::attempt(|| {
            tracing::warn!(
                "the client's runtime had ended before the client was closed; events may be lost"
            );
        });
        let (components, outcome) = (self.unstarted.take(), Arc::clone(&self.outcome));
        let finish = async move {
            if let Some(components) = components {
                components.close().await;
            }
            outcome.send_replace(Some(false));
        };
        match Runtime::shared() {
            Ok(shared) => shared.spawn_detached(finish),
            Err(_no_thread) => drop(self.outcome.send_replace(Some(false))),
        }
    }
}
