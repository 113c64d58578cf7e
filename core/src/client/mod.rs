//! [`Client`]: evaluates flags, and owns all that keeps them up to date.

mod builder;
mod closing;
mod flag_tracker;
mod flags_state;
pub(crate) mod hooked;
mod json_as;
mod log_once;
mod plugin;
mod record;
mod resolve;
pub(crate) mod value;
pub(crate) mod variation;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use builder::ClientBuilder;
pub use closing::CloseOnDrop;
use closing::Outcome;
pub use flag_tracker::{FlagTracker, FlagValueChange};
pub use flags_state::{FlagsState, FlagsStateOptions};
use hmac::{Hmac, KeyInit, Mac};
pub use plugin::{
    ApplicationMetadata, EnvironmentMetadata, Plugin, PluginError, PluginMetadata, SdkMetadata,
};
pub use resolve::DataAvailability;
use resolve::Resolver;
use sha2::Sha256;
use thiserror::Error;
pub use value::{EvaluationContext, FlagValue};
use vexil_eval::{Context, Text, Value};

use crate::config::SdkKey;
use crate::events::EventProcessor;
use crate::hooks::Hooks;
use crate::runtime::{Runtime, Task};
use crate::status::{
    BigSegmentsStatusProvider, DataSourceErrorInfo, DataSourceState, DataSourceStatus,
    DataSourceStatusProvider, DataStoreErrorInfo, DataStoreReporter, DataStoreStatusProvider,
};

/// Evaluates feature flags.
///
/// One client serves a whole process and all its threads. Clones are cheap and are the same client.
///
/// **Close it before the process ends**, with [`close`](Self::close), [`blocking_close`](Self::blocking_close) or the guard
/// [`close_on_drop`](Self::close_on_drop): events are delivered in the background, and those that are not delivered yet
/// would be lost. When the last clone is dropped, the client closes in the background, which takes
/// time that a process that ends does not have; undelivered events are logged then.
///
/// **After a fork**, start a new client in the child. One from before the fork evaluates there with
/// the data of that moment; it receives no updates and sends no events, its calls with a time limit
/// return without success, and the parent's client is not affected.
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

/// What all clones of a client share. Background tasks hold parts of it, never the whole, so that
/// the last clone's end is the client's end.
struct Shared {
    sdk_key: SdkKey,
    data_store_status: DataStoreReporter,
    defaults: HashMap<Text, Value>,
    resolver: Arc<Resolver>,
    runtime: Runtime,
    /// Who hears of evaluations; none if nobody does.
    processor: Option<Arc<dyn EventProcessor>>,
    hooks: Arc<Hooks>,
    /// The running data source. Taken when the client is closed; dropping it stops the source.
    source: Mutex<Option<Task<()>>>,
    is_closed: AtomicBool,
    /// What came of closing, once it is over.
    outcome: Arc<Outcome>,
}

impl Client {
    /// Starts configuring a client.
    pub fn builder(sdk_key: impl Into<SdkKey>) -> ClientBuilder {
        ClientBuilder::new(sdk_key.into())
    }

    /// Waits until the client is ready: until there is data to evaluate flags with. May be called
    /// any number of times, on any executor. With a `timeout` of zero it only looks.
    ///
    /// | mode | ready | kept current while |
    /// | --- | --- | --- |
    /// | streaming, polling, another data source | once it has delivered | [`data_source_status`](Self::data_source_status) is [`Valid`](DataSourceState::Valid) |
    /// | the same with a persistent store | also once complete data was read from the database | the same; the database is, while [`data_store_status`](Self::data_store_status) is `available` |
    /// | daemon mode | once the database was read, even if it was empty | `data_store_status` is `available` and not `stale` |
    /// | daemon mode with a [`cache`](crate::config::PersistentStoreConfig::cache) | once the database has answered | the same |
    /// | offline | always | always |
    ///
    /// Once ready, a client stays ready: data that it has goes on being used during outages. So
    /// `wait_until_ready` is the expression for a readiness probe. A process is not to be restarted
    /// because of flags, and a liveness probe needs nothing of the client: an outage of the service
    /// or of the database, which the third column tells, ends by itself.
    /// [`is_initialized`](Self::is_initialized) has the meaning that it has in other SDKs, and is always `true` in daemon
    /// mode.
    ///
    /// ```
    /// use std::time::Duration;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let client = vexil::Client::builder("sdk-key").offline(true).start()?;
    ///
    /// // At the start; a process that can do with defaults goes on whatever comes of it.
    /// if let Err(error) = client.blocking_wait_until_ready(Duration::from_secs(5)) {
    ///     eprintln!("starting without flags: {error}");
    /// }
    /// // In a readiness probe:
    /// let is_ready = client.blocking_wait_until_ready(Duration::ZERO).is_ok();
    /// # assert!(is_ready);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If there is no data after `timeout`, with the last error of the data source
    /// ([`NotReadyError::Timeout`]) or, in daemon mode, of the data store
    /// ([`NotReadyError::StoreNotRead`]). At once if the service refuses the SDK key
    /// ([`NotReadyError::Refused`]), or if the data source has given up
    /// ([`NotReadyError::GivenUp`]). The client stays usable, and goes on trying unless it has
    /// given up.
    pub async fn wait_until_ready(&self, timeout: Duration) -> Result<(), NotReadyError> {
        self.shared.runtime.timeout(timeout, self.settled()).await;
        self.ready()
    }

    /// Does what [`Client::wait_until_ready`] does, on this thread. May be called inside a runtime,
    /// which it blocks.
    ///
    /// # Errors
    /// The same.
    pub fn blocking_wait_until_ready(&self, timeout: Duration) -> Result<(), NotReadyError> {
        self.shared.runtime.park(timeout, self.settled());
        self.ready()
    }

    /// Ends when the client has data, needs none, will never have any, or is refused.
    async fn settled(&self) {
        let updater = &self.shared.resolver.updater;
        let is_over = |status: &DataSourceStatus| {
            status.state == DataSourceState::Off || status.refusal().is_some()
        };
        tokio::select! {
            _ = updater.status.first(|status| self.has_data() || is_over(status)) => {}
            () = updater.first_data() => {}
            _ = self.shared.data_store_status.first(|_| self.has_data()) => {}
        }
    }

    /// Whether there is data to evaluate flags with, or none is needed.
    fn has_data(&self) -> bool {
        // A store that is read through in daemon mode has data as soon as the database answers.
        let may_be_read =
            !self.shared.resolver.daemon_mode || self.shared.data_store_status.get().answered;
        self.is_offline() || (may_be_read && self.data_availability() > DataAvailability::Defaults)
    }

    fn ready(&self) -> Result<(), NotReadyError> {
        if self.has_data() {
            return Ok(());
        }
        let status = self.data_source_status().status();
        Err(match status.refusal() {
            Some(error) => NotReadyError::Refused {
                error: error.clone(),
            },
            None if status.state == DataSourceState::Off => NotReadyError::GivenUp {
                error: status.error,
            },
            None if self.shared.resolver.daemon_mode => NotReadyError::StoreNotRead {
                error: self.data_store_status().status().error,
            },
            None => NotReadyError::Timeout {
                error: status.error,
            },
        })
    }

    /// Whether flags can be evaluated, as other SDKs tell it: there is data, or the client is
    /// offline, where defaults are all there is. In [daemon mode](ClientBuilder::daemon_mode)
    /// always `true`, even if the database was never read; see
    /// [`wait_until_ready`](Self::wait_until_ready) for that.
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

    /// A hash that proves to the service that this server vouches for the context: the secure mode
    /// of front ends.
    ///
    /// It is the HMAC-SHA256 of the context's fully qualified key under the SDK key, in lowercase
    /// hexadecimal.
    #[must_use]
    pub fn secure_mode_hash(&self, context: &Context) -> String {
        // HMAC takes keys of any length.
        let Ok(mut hmac) = Hmac::<Sha256>::new_from_slice(self.shared.sdk_key.as_str().as_bytes())
        else {
            return String::new();
        };
        hmac.update(context.fully_qualified_key().as_bytes());
        hmac.finalize()
            .into_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// What the data source is doing.
    #[must_use]
    pub fn data_source_status(&self) -> DataSourceStatusProvider<'_> {
        DataSourceStatusProvider::new(&self.shared.resolver.updater.status, &self.shared.runtime)
    }

    /// How the data store is doing, if it has a database behind it. One in memory is always
    /// available.
    #[must_use]
    pub fn data_store_status(&self) -> DataStoreStatusProvider<'_> {
        DataStoreStatusProvider::new(&self.shared.data_store_status, &self.shared.runtime)
    }

    /// How the store of big segments is doing.
    #[must_use]
    pub fn big_segments_status(&self) -> BigSegmentsStatusProvider<'_> {
        BigSegmentsStatusProvider::new(
            self.shared
                .resolver
                .big_segments
                .as_ref()
                .map(|reader| reader.status()),
        )
    }

    /// Listeners for changes of flags.
    #[must_use]
    pub fn flag_tracker(&self) -> FlagTracker<'_> {
        FlagTracker::new(&self.shared.resolver.updater.changes, &self.shared.resolver)
    }
}

impl Shared {
    /// Owns the running data source from now on; that of a closed client is stopped.
    fn attach(&self, source: Option<Task<()>>) {
        let mut own = self.source();
        // Read under the lock: a thread that closes the client takes the source after it has set
        // this.
        if !self.is_closed.load(Ordering::Acquire) {
            *own = source;
        }
    }

    fn source(&self) -> MutexGuard<'_, Option<Task<()>>> {
        self.source.lock().unwrap_or_else(PoisonError::into_inner)
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
        /// The last error of the data source, if there was one.
        error: Option<DataSourceErrorInfo>,
    },
    /// In daemon mode, the database could not be read in time. The client goes on trying.
    #[error("the data store has not been read yet{}", because(error.as_ref()))]
    StoreNotRead {
        /// The last error of the data store, if there was one.
        error: Option<DataStoreErrorInfo>,
    },
    /// The service refuses the SDK key (status 401 or 403). The client goes on trying, minutes
    /// apart, as the key may become valid.
    #[error("the client is refused: {error}")]
    Refused {
        /// The refusal.
        error: DataSourceErrorInfo,
    },
    /// The data source has given up, or the client was closed.
    #[error("the client has no data and will get none{}", because(error.as_ref()))]
    GivenUp {
        /// The last error of the data source, if there was one.
        error: Option<DataSourceErrorInfo>,
    },
}

fn because(error: Option<&impl fmt::Display>) -> String {
    error.map_or_else(String::new, |error| format!(": {error}"))
}
