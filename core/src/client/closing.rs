//! Closing a client. It runs to its end in the background: a time limit or a dropped future only
//! ends the waiting.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::watch;

use super::{Client, Shared};
use crate::big_segments::BigSegmentReader;
use crate::events::EventProcessor;
use crate::runtime::{Runtime, catch_panic};
use crate::store::DataStore;

/// Whether everything was closed, once that is known.
pub(super) type Outcome = watch::Sender<Option<bool>>;

impl Client {
    /// Delivers all events, ends all background work and closes the components; waits for that for
    /// at most `timeout`. Flags can still be evaluated afterwards, with the last data. Hooks and
    /// flag-change listeners are dropped.
    ///
    /// Returns `true` if everything was closed in time. As with [`Client::flush_and_wait`], events
    /// that the service refused, or could not be reached for, count as delivered. Returns `false`,
    /// after one line of the log, if the time was too short, if a component panicked, or if the
    /// client's [own runtime](crate::ClientBuilder::runtime) had ended.
    ///
    /// Closing starts when this future is first polled, and does not end with it: it goes on in the
    /// background when the time is over or the future is dropped, for as long as the process lives.
    /// Every later call waits for the same closing.
    pub async fn close(&self, timeout: Duration) -> bool {
        self.shared.close();
        let closed = self
            .shared
            .runtime
            .timeout(timeout, self.shared.closed())
            .await;
        self.shared.report(closed)
    }

    /// Does what [`Client::close`] does, on this thread. May be called inside a runtime, which it
    /// blocks.
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

    /// A guard that [closes](Client::blocking_close) the client when it is dropped, also by a
    /// panic, and waits for that for at most `timeout`. Bound at the start of `main`, it makes sure
    /// that no event is lost at the end.
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

    /// Closes without waiting.
    pub(crate) fn close_in_background(&self) {
        self.shared.close();
    }
}

/// Closes a client when it is dropped. See [`Client::close_on_drop`].
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
    /// Stops what runs and starts to close the components, the first time. In a forked process,
    /// nothing of an inherited client is touched.
    pub(super) fn close(&self) {
        if self.runtime.is_unusable() || self.is_closed.swap(true, Ordering::AcqRel) {
            return;
        }
        let source = self.source().take();
        drop(source);
        // Drops listeners and hooks, which are code of others.
        let stop = || {
            self.resolver.updater.close();
            self.hooks.close();
        };
        if catch_unwind(AssertUnwindSafe(stop)).is_err() {
            tracing::error!("a listener or hook panicked when it was dropped");
            // The listeners come first, so the hooks may still be there.
            self.hooks.close();
        }
        let components = Components {
            processor: self.processor.clone(),
            store: Arc::clone(&self.resolver.store),
            big_segments: self.resolver.big_segments.clone(),
        };
        let closing = Closing {
            unstarted: Some(components),
            outcome: Arc::clone(&self.outcome),
        };
        self.runtime.spawn_detached(closing.run());
    }

    /// Ends when everything is closed, or as much of it as can be.
    async fn closed(&self) -> bool {
        match self
            .outcome
            .subscribe()
            .wait_for(Option::is_some)
            .await
            .as_deref()
        {
            Ok(Some(closed)) => *closed,
            // The sender is in the same place, so it cannot be gone.
            Ok(None) | Err(_) => false,
        }
    }

    fn report(&self, closed: Option<bool>) -> bool {
        if closed.is_none() && !self.runtime.is_inherited() {
            tracing::warn!(
                undelivered = self.pending(),
                "the client could not be closed in time; closing goes on in the background"
            );
        }
        closed.unwrap_or(false)
    }

    /// How many events were recorded and not delivered yet.
    pub(super) fn pending(&self) -> u64 {
        self.processor.as_deref().map(pending).unwrap_or_default()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if self.runtime.is_inherited() {
            // These are the parent's: dropping them would wake its tasks and close its connections.
            let components = (
                Arc::clone(&self.resolver),
                self.processor.clone(),
                Arc::clone(&self.hooks),
            );
            std::mem::forget((components, self.data_store_status.clone()));
            return;
        }
        if !self.is_closed.load(Ordering::Acquire) {
            let undelivered = self.pending();
            if undelivered > 0 {
                tracing::warn!(
                    undelivered,
                    "the client was dropped before all events were delivered; they are lost if the process ends now. \
                     `close`, `blocking_close` and `close_on_drop` wait for the delivery"
                );
            }
        }
        self.close();
    }
}

/// What a processor reports, or zero if it panics.
fn pending(processor: &dyn EventProcessor) -> u64 {
    catch_unwind(AssertUnwindSafe(|| processor.pending())).unwrap_or_default()
}

/// What has to be closed.
struct Components {
    processor: Option<Arc<dyn EventProcessor>>,
    store: Arc<dyn DataStore>,
    big_segments: Option<Arc<BigSegmentReader>>,
}

impl Components {
    /// Closes all of them at once, so that none waits for another. Returns whether that went well.
    async fn close(self) -> bool {
        let Self {
            processor,
            store,
            big_segments,
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
            closed
        };
        let big_segments = async {
            if let Some(big_segments) = big_segments {
                big_segments.close().await;
            }
        };
        let (processor, store, ()) = tokio::join!(processor, store, big_segments);
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
    /// The runtime may end before closing does. What has not started then is closed on the thread
    /// that all clients share.
    fn drop(&mut self) {
        if self.outcome.borrow().is_some() {
            return;
        }
        tracing::warn!(
            "the client's runtime had ended before the client was closed; events may be lost"
        );
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
