//! [`Client`]: evaluates flags, and owns all that keeps them up to date.

mod builder;
mod complaints;
mod flag_tracker;
mod flags_state;
mod own_type;
mod plugin;
mod record;
mod resolve;
pub(crate) mod series;
pub(crate) mod value;
pub(crate) mod variation;

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use builder::ClientBuilder;
pub use flag_tracker::{FlagTracker, FlagValueChange};
pub use flags_state::{FlagsState, FlagsStateOptions};
use hmac::{Hmac, KeyInit, Mac};
pub use plugin::{ApplicationMetadata, EnvironmentMetadata, Plugin, PluginError, PluginMetadata, SdkMetadata};
pub use resolve::DataAvailability;
use resolve::Resolver;
use sha2::Sha256;
use thiserror::Error;
pub use value::{EvaluationContext, FlagValue};

use crate::config::SdkKey;
use crate::context::Context;
use crate::events::EventProcessor;
use crate::hooks::Hooks;
use crate::runtime::{self, Runtime, Task, contain};
use crate::status::{
    BigSegmentsStatusProvider, DataSourceErrorInfo, DataSourceState, DataSourceStatusProvider, DataStoreReporter,
    DataStoreStatusProvider,
};
use crate::text::Text;
use crate::value::Value;

/// Evaluates feature flags.
///
/// One client serves a whole process and all its threads. Clones are cheap and are the same client; when the last one
/// is dropped, the client closes in the background.
///
/// ```
/// use vexil::{Client, Context};
/// # use vexil::data_source::{DataSink, DataSource, DataSourceError};
/// # #[derive(Clone, Debug)] struct Flags;
/// # #[vexil::async_trait]
/// # impl DataSource for Flags {
/// #     async fn run(&self, sink: std::sync::Arc<dyn DataSink>) -> Result<(), DataSourceError> {
/// #         let json = br#"{"flags": {"new-checkout": {"on": true, "variations": [true], "fallthrough": {"variation": 0}}}}"#;
/// #         let data = vexil::model::DataSet::from_json(json).map_err(DataSourceError::invalid_data)?;
/// #         sink.init(data).await.map_err(DataSourceError::store)
/// #     }
/// # }
///
/// let client = Client::builder("sdk-key").data_source(Flags).without_events().start()?;
/// let ada = Context::builder("ada").set("country", "GB").build()?;
/// if client.bool_variation("new-checkout", &ada, false) {
///     println!("the new checkout");
/// }
/// let detail = client.bool_variation_detail("no-such-flag", &ada, false);
/// assert_eq!(detail.reason.to_string(), "error: there is no such flag");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

/// What all clones of a client share. Background tasks hold parts of it, never the whole, so that the last clone's
/// end is the client's end.
struct Shared {
    sdk_key: SdkKey,
    data_store_status: DataStoreReporter,
    defaults: HashMap<Text, Value>,
    resolver: Arc<Resolver>,
    runtime: Runtime,
    /// Who hears of evaluations; none if nobody does.
    processor: Option<Arc<dyn EventProcessor>>,
    hooks: Arc<Hooks>,
    /// The running data source. Taken by whoever closes the client first; dropping it stops the source.
    source: Mutex<Option<Task<()>>>,
    closed: AtomicBool,
}

impl Client {
    /// Starts configuring a client.
    pub fn builder(sdk_key: impl Into<SdkKey>) -> ClientBuilder {
        ClientBuilder::new(sdk_key.into())
    }

    /// Waits until the client has data, for `timeout` at the most. May be called any number of times, on any executor.
    ///
    /// In [daemon mode](ClientBuilder::daemon_mode) it waits until the database has been read once. That this does not
    /// happen in time is no error: what is in the database is none of the client's business.
    ///
    /// # Errors
    /// If it has none by then, with the last trouble; or if the data source has given up. The client stays usable and
    /// goes on trying, unless it has given up.
    pub async fn wait_until_ready(&self, timeout: Duration) -> Result<(), NotReadyError> {
        self.ready(self.shared.runtime.timeout(timeout, self.settled()).await)
    }

    /// Does what [`Client::wait_until_ready`] does, on this thread. May be called inside a runtime, which it blocks.
    ///
    /// # Errors
    /// The same.
    pub fn blocking_wait_until_ready(&self, timeout: Duration) -> Result<(), NotReadyError> {
        self.ready(runtime::park(timeout, self.settled()))
    }

    /// Ends when the client has data, needs none, or will never have any.
    async fn settled(&self) {
        let updater = &self.shared.resolver.updater;
        let has_data = || self.is_offline() || self.data_availability() > DataAvailability::Defaults;
        tokio::select! {
            _ = updater.status.first(|status| has_data() || status.state == DataSourceState::Off) => {}
            () = updater.first_data() => {}
            _ = self.shared.data_store_status.first(|_| has_data()) => {}
        }
    }

    fn ready(&self, settled: Option<()>) -> Result<(), NotReadyError> {
        if self.is_initialized() {
            return Ok(());
        }
        let error = self.data_source_status().status().error;
        Err(match settled {
            Some(()) => NotReadyError::GivenUp { error },
            None => NotReadyError::Timeout { error },
        })
    }

    /// Whether flags can be evaluated: there is data, or the client is offline, where defaults are all there is. In
    /// [daemon mode](ClientBuilder::daemon_mode) always.
    #[must_use]
    pub fn is_initialized(&self) -> bool {
        let needs_none = self.is_offline() || self.shared.resolver.daemon_mode;
        needs_none || self.data_availability() > DataAvailability::Defaults
    }

    /// How fresh the data is that evaluations use.
    #[must_use]
    pub fn data_availability(&self) -> DataAvailability {
        self.shared.resolver.availability()
    }

    /// Whether the client was configured to stay off the network.
    #[must_use]
    pub fn is_offline(&self) -> bool {
        self.shared.resolver.offline
    }

    /// The SDK key that the client was configured with.
    #[must_use]
    pub fn sdk_key(&self) -> &SdkKey {
        &self.shared.sdk_key
    }

    /// A hash that proves to the service that this server vouches for the context: the secure mode of front ends.
    ///
    /// It is the HMAC-SHA256 of the context's fully qualified key under the SDK key, in lowercase hexadecimal.
    #[must_use]
    pub fn secure_mode_hash(&self, context: &Context) -> String {
        // HMAC takes keys of any length.
        let Ok(mut hmac) = Hmac::<Sha256>::new_from_slice(self.shared.sdk_key.as_str().as_bytes()) else {
            return String::new();
        };
        hmac.update(context.fully_qualified_key().as_bytes());
        hmac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// What the data source is doing.
    #[must_use]
    pub fn data_source_status(&self) -> DataSourceStatusProvider<'_> {
        DataSourceStatusProvider::new(&self.shared.resolver.updater.status, &self.shared.runtime)
    }

    /// How the data store is doing, if it has a database behind it. One in memory is always available.
    #[must_use]
    pub fn data_store_status(&self) -> DataStoreStatusProvider<'_> {
        DataStoreStatusProvider::new(&self.shared.data_store_status, &self.shared.runtime)
    }

    /// How the store of big segments is doing.
    #[must_use]
    pub fn big_segments_status(&self) -> BigSegmentsStatusProvider<'_> {
        BigSegmentsStatusProvider::new(self.shared.resolver.big_segments.as_ref().map(|reader| reader.status()))
    }

    /// Listeners for changes of flags.
    #[must_use]
    pub fn flag_tracker(&self) -> FlagTracker<'_> {
        FlagTracker::new(&self.shared.resolver.updater.changes, &self.shared.resolver)
    }

    /// Delivers all events, ends all background work and lets go of what the components hold open; waits for that for
    /// `timeout` at the most. Flags can still be evaluated, with the data there is. Closing again does nothing.
    pub async fn close(&self, timeout: Duration) {
        if let Some(closing) = self.shared.shut() {
            let closing = self.shared.runtime.spawn(closing);
            self.shared.runtime.timeout(timeout, closing.finish()).await;
        }
    }

    /// Closes without waiting.
    pub(crate) fn close_in_background(&self) {
        self.shared.close_in_background();
    }
}

impl Shared {
    /// Owns the running data source from now on; of a closed client it is stopped.
    fn attach(&self, source: Option<Task<()>>) {
        let mut own = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        // Read under the lock: whoever closes the client takes the source after it has set this.
        if !self.closed.load(Ordering::Acquire) {
            *own = source;
        }
    }

    /// Stops what runs, the first time; gives what is left to do.
    fn shut(&self) -> Option<impl Future<Output = ()> + Send + 'static> {
        if self.closed.swap(true, Ordering::AcqRel) {
            return None;
        }
        drop(self.source.lock().unwrap_or_else(PoisonError::into_inner).take());
        self.resolver.updater.close();
        let (processor, store) = (self.processor.clone(), Arc::clone(&self.resolver.store));
        let big_segments = self.resolver.big_segments.clone();
        Some(async move {
            if let Some(processor) = processor {
                contain(processor.close()).await;
            }
            contain(store.close()).await;
            if let Some(big_segments) = big_segments {
                big_segments.close().await;
            }
        })
    }

    fn close_in_background(&self) {
        if let Some(closing) = self.shut() {
            self.runtime.spawn_detached(closing);
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.close_in_background();
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("offline", &self.is_offline())
            .field("data_availability", &self.data_availability())
            .finish_non_exhaustive()
    }
}

/// Why a client is not ready.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum NotReadyError {
    /// There was no data in time. The client goes on trying.
    #[error("the client has no data yet{}", because(error.as_ref()))]
    Timeout {
        /// What the data source last ran into, if anything.
        error: Option<DataSourceErrorInfo>,
    },
    /// The data source has given up, or the client was closed.
    #[error("the client has no data and will get none{}", because(error.as_ref()))]
    GivenUp {
        /// What the data source last ran into, if anything.
        error: Option<DataSourceErrorInfo>,
    },
}

fn because(error: Option<&DataSourceErrorInfo>) -> String {
    error.map_or_else(String::new, |error| format!(": {error}"))
}
