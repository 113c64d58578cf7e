//! [`Client`]: evaluates flags, and owns the components that keep them up to date.

mod availability;
mod builder;
mod closing;
mod data_view;
mod explain;
mod fetched;
mod flag_subscription;
mod flag_tracker;
mod flags_state;
pub(crate) mod hooked;
mod json_as;
mod launch;
mod layered;
mod log_once;
pub(crate) mod pinned;
mod plugin;
#[cfg(feature = "metrics")]
mod publisher;
mod read_path;
mod record;
pub(crate) mod requested;
mod resolve;
mod scope;
mod typed_variation;
pub(crate) mod value;
pub(crate) mod variation;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use availability::DataAvailability;
pub use builder::ClientBuilder;
pub use closing::CloseOnDrop;
pub use flag_subscription::FlagSubscription;
pub use flag_tracker::{FlagTracker, FlagValueChange};
pub use flags_state::{FlagsState, FlagsStateOptions};
use hmac::{Hmac, KeyInit, Mac};
pub use plugin::{
    ApplicationMetadata, EnvironmentMetadata, Plugin, PluginError, PluginMetadata, SdkMetadata,
};
#[cfg(feature = "metrics")]
use publisher::{Publisher, Publishing};
use resolve::Resolver;
pub use scope::Scope;
use sha2::Sha256;
use thiserror::Error;
use tokio::sync::watch;
pub use value::{AsContext, FlagValue, StrictInt};
use vexil_eval::{Context, Text, Value};

use crate::config::SdkKey;
use crate::events::EventProcessor;
use crate::hooks::Hooks;
use crate::meter::Meter;
use crate::runtime::{Runtime, Task};
use crate::status::{
    BigSegmentStoreStatusProvider, DataSourceErrorInfo, DataSourceState, DataSourceStatus,
    DataSourceStatusProvider, DataStoreErrorInfo, DataStoreReporter, DataStoreStatusProvider,
};
use crate::store::persistent::access::Reader;

/// Evaluates feature flags.
///
/// One client serves a whole process and all its threads. Clones are cheap and share one client. A
/// request that evaluates several flags uses a [`scope`](Self::scope), in which they all have the
/// values of the same moment.
///
/// **Close it before the process ends**, with [`close`](Self::close),
/// [`blocking_close`](Self::blocking_close) or the guard [`close_on_drop`](Self::close_on_drop):
/// events are delivered in the background, and undelivered events are lost with the process. When
/// the last clone is dropped, the client starts closing in the background and logs the number of
/// undelivered events, but the process may end before closing has finished.
///
/// **After a fork**, start a new client in the child. A client from before the fork evaluates there
/// with the data it had at the fork: it receives no updates and sends no events, and its methods
/// with a timeout return without success. The parent's client is not affected.
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
///
/// # States of a client
///
/// Four methods describe the state of a client, each for another question:
///
/// | question | method |
/// | --- | --- |
/// | May this process serve requests? | [`wait_until_ready`](Self::wait_until_ready) |
/// | Is the data current? | [`data_source_status`](Self::data_source_status); with a database also [`data_store_status`](Self::data_store_status) |
/// | Where does the data come from? | [`data_availability`](Self::data_availability) |
/// | What would another SDK call initialized? | [`is_initialized`](Self::is_initialized) |
///
/// | mode | ready | `is_initialized` | `data_availability` | state of the data source | current while |
/// | --- | --- | --- | --- | --- | --- |
/// | streaming, polling, a custom source | once the source has delivered data | when ready | `Defaults`, then `Refreshed` | `Initializing`, then `Valid`; `Interrupted` during an outage | `Valid` |
/// | the same, with a persistent store | also once complete data was read from the database | when ready | `Defaults`, `Cached` if the database has data, then `Refreshed` | the same | `Valid`; the database is, while `data_store_status` is `available` |
/// | daemon mode, in memory | once the database was read, even if it was empty | always | `Defaults`, then `Refreshed` | `Valid` | `data_store_status` is `available` and not `stale` |
/// | daemon mode with a [`cache`](crate::config::PersistentStoreConfig::cache) | once the database has answered | always | `Cached` | `Valid` | the same |
/// | offline | always | always | `Defaults` | `Valid` | always |
/// | test data | when `start` returns | when ready | `Refreshed` | `Valid` | always |
///
/// In every mode, the state of the data source is `Off` once it has given up or the client is
/// closed. A ready client stays ready and keeps using its last data during outages.
///
/// A **readiness** probe asks whether the client is ready. A **liveness** probe must not ask the
/// client at all: a restart does not end an outage of the service or the database, and the client
/// recovers by itself. An alert on outages reads the status.
///
/// ```
/// use std::time::Duration;
/// use vexil::data_source::DataSourceState;
/// use vexil::{Client, Context};
/// use vexil_testing::TestData;
///
/// fn is_ready(client: &Client) -> bool {
///     client.blocking_wait_until_ready(Duration::ZERO).is_ok()
/// }
///
/// /// Does not depend on the client: a process that answers is alive.
/// fn is_alive() -> bool {
///     true
/// }
///
/// fn is_current(client: &Client) -> bool {
///     client.data_source_status().status().state == DataSourceState::Valid
///         && !client.data_store_status().status().stale
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let flags = TestData::new().with("banner", "hello");
/// let client = Client::builder("sdk-key").data_source(flags).start()?;
/// assert!(is_ready(&client) && is_alive() && is_current(&client));
///
/// client.blocking_close(Duration::from_secs(5));
/// // The last data is still used, but not kept current.
/// assert!(is_ready(&client) && is_alive() && !is_current(&client));
/// assert_eq!(client.str_variation("banner", &Context::new("ada")?, ""), "hello");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

/// The state that all clones of a client share. Background tasks hold parts of it, never all of it,
/// so that dropping the last clone closes the client.
struct Shared {
    sdk_key: SdkKey,
    data_store_status: DataStoreReporter,
    defaults: HashMap<Text, Value>,
    resolver: Arc<Resolver>,
    runtime: Runtime,
    /// Receives events; `None` if events are disabled.
    processor: Option<Arc<dyn EventProcessor>>,
    hooks: Arc<Hooks>,
    meter: Meter,
    /// The running data source, and that of flag overrides. Taken when the client is closed;
    /// dropping a task stops the source.
    sources: Mutex<Vec<Task<()>>>,
    /// The database of a client in daemon mode whose data is in memory.
    database: Option<Reader>,
    /// Taken when the client is closed, after which the last numbers are published.
    #[cfg(feature = "metrics")]
    publishing: Mutex<Option<Publishing>>,
    is_closed: AtomicBool,
    /// The result of closing.
    outcome: Arc<Outcome>,
}

/// Whether everything was closed; `None` until closing has finished.
type Outcome = watch::Sender<Option<bool>>;

impl Client {
    /// Returns a builder for a client with this SDK key.
    ///
    /// An invalid key is reported by [`ClientBuilder::start`], not here.
    ///
    /// ```
    /// use vexil::Client;
    /// use vexil::config::ConfigError;
    ///
    /// let key = std::env::var("LAUNCHDARKLY_SDK_KEY").unwrap_or_default();
    /// match Client::builder(key).start() {
    ///     Ok(client) => drop(client),
    ///     Err(ConfigError::SdkKey { .. }) => eprintln!("LAUNCHDARKLY_SDK_KEY is not set"),
    ///     Err(error) => return Err(error),
    /// }
    /// # Ok::<(), ConfigError>(())
    /// ```
    #[doc(alias("build", "init"))]
    pub fn builder(sdk_key: impl Into<SdkKey>) -> ClientBuilder {
        ClientBuilder::new(sdk_key.into())
    }

    /// Waits until the client is ready, that is, has data to evaluate flags with. May be called any
    /// number of times, on any executor. With a `timeout` of zero it only checks.
    ///
    /// A ready client stays ready. The [states of a client](Self#states-of-a-client) say when a
    /// client is ready in each mode, and how to detect an outage.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::Client;
    /// use vexil::client::NotReadyError;
    /// # use vexil::config::ServiceEndpoints;
    /// # use vexil_testing::FakeService;
    /// # use vexil_testing::fake_service::{Answer, Endpoint};
    ///
    /// # pollster::block_on(async {
    /// # let service = FakeService::start()?;
    /// # let endpoints = || ServiceEndpoints::relay(service.url());
    /// let builder = Client::builder("sdk-key");
    /// # let builder = builder.service_endpoints(endpoints()).without_events();
    /// let client = builder.start()?;
    /// client.wait_until_ready(Duration::from_secs(30)).await?;
    /// assert!(client.is_initialized());
    ///
    /// // The service refuses this key. Waiting for the timeout would be useless.
    /// # service.always(Endpoint::Stream, Answer::status(401));
    /// let builder = Client::builder("revoked-key");
    /// # let builder = builder.service_endpoints(endpoints()).without_events();
    /// let error = builder.start()?.wait_until_ready(Duration::from_secs(30)).await.unwrap_err();
    /// assert!(matches!(error, NotReadyError::Refused { .. }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// Returns [`NotReadyError::Timeout`] if there is no data after `timeout`, with the last error
    /// of the data source; in daemon mode [`NotReadyError::StoreNotRead`], with the last error of
    /// the data store. Returns immediately with [`NotReadyError::Refused`] if the service refuses
    /// the SDK key, and with [`NotReadyError::GivenUp`] if the data source has given up. The client
    /// stays usable after an error, and keeps trying unless the data source has given up.
    #[doc(alias = "wait_for_initialization")]
    pub async fn wait_until_ready(&self, timeout: Duration) -> Result<(), NotReadyError> {
        self.shared.runtime.timeout(timeout, self.settled()).await;
        self.ready()
    }

    /// Blocking form of [`Client::wait_until_ready`]. May be called inside a runtime, whose thread
    /// it blocks.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::{Client, Context};
    /// # use vexil::config::ServiceEndpoints;
    /// # use vexil_testing::FakeService;
    /// # use vexil_testing::fake_service::{Answer, Endpoint};
    ///
    /// # let service = FakeService::start()?;
    /// # service.always(Endpoint::Stream, Answer::status(503));
    /// let builder = Client::builder("sdk-key");
    /// # let builder = builder.service_endpoints(ServiceEndpoints::relay(service.url())).without_events();
    /// let client = builder.start()?;
    /// // A process that can run with defaults continues without flags.
    /// if let Err(error) = client.blocking_wait_until_ready(Duration::from_millis(10)) {
    ///     eprintln!("starting without flags: {error}");
    /// }
    /// assert!(!client.bool_variation("new-checkout", &Context::new("ada")?, false));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Returns the same errors as [`Client::wait_until_ready`].
    pub fn blocking_wait_until_ready(&self, timeout: Duration) -> Result<(), NotReadyError> {
        self.shared.runtime.park(timeout, self.settled());
        self.ready()
    }

    /// Waits until the client has data or needs none, or the data source has given up or was
    /// refused.
    async fn settled(&self) {
        let updater = &self.shared.resolver.updater;
        let is_over = |status: &DataSourceStatus| {
            status.state == DataSourceState::Off || self.refusal(status).is_some()
        };
        tokio::select! {
            _ = updater.status.first(|status| self.has_data() || is_over(status)) => {}
            () = updater.first_data() => {}
            _ = self.shared.data_store_status.first(|_| self.has_data()) => {}
        }
    }

    /// Whether the client has data to evaluate flags with, or needs none.
    fn has_data(&self) -> bool {
        // A store that is read through in daemon mode has data as soon as the database answers.
        let may_be_read =
            !self.shared.resolver.daemon_mode || self.shared.data_store_status.get().answered;
        self.is_offline() || (may_be_read && self.has_confirmed_data())
    }

    /// Whether there is data that needs no confirmation by another source.
    fn has_confirmed_data(&self) -> bool {
        let resolver = &self.shared.resolver;
        // A data system without sources is valid and delivers nothing.
        let is_valid = || resolver.updater.status.is_valid();
        (self.data_availability() > DataAvailability::Defaults
            || resolver.has_data_system && is_valid())
            && !resolver.updater.is_held()
    }

    /// The error with which the service refuses the client, unless another data source may take
    /// over from the refused one.
    fn refusal<'s>(&self, status: &'s DataSourceStatus) -> Option<&'s DataSourceErrorInfo> {
        let refusal = status.refusal();
        refusal.filter(|_| !self.shared.resolver.has_data_system)
    }

    fn ready(&self) -> Result<(), NotReadyError> {
        if self.has_data() {
            return Ok(());
        }
        let status = self.data_source_status().status();
        Err(match self.refusal(&status) {
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

    /// Whether flags can be evaluated, as other SDKs define it: the client has data, or it is
    /// offline, where every evaluation returns its default. In [daemon
    /// mode](ClientBuilder::daemon_mode) always `true`, even if the database was never read; use
    /// [`wait_until_ready`](Self::wait_until_ready) to check that. See the [states of a
    /// client](Self#states-of-a-client).
    ///
    /// ```
    /// use vexil::Client;
    /// use vexil_testing::TestData;
    ///
    /// let client = Client::builder("sdk-key").data_source(TestData::new()).start()?;
    /// assert!(client.is_initialized());
    /// # Ok::<(), vexil::config::ConfigError>(())
    /// ```
    #[doc(alias = "initialized")]
    #[must_use]
    pub fn is_initialized(&self) -> bool {
        let needs_none = self.is_offline() || self.shared.resolver.daemon_mode;
        needs_none || self.has_confirmed_data()
    }

    /// The freshness of the data that evaluations use. See the [states of a
    /// client](Self#states-of-a-client).
    ///
    /// ```
    /// use vexil::Client;
    /// use vexil::client::DataAvailability;
    /// use vexil_testing::TestData;
    ///
    /// let client = Client::builder("sdk-key").data_source(TestData::new()).start()?;
    /// assert_eq!(client.data_availability(), DataAvailability::Refreshed);
    ///
    /// let client = Client::builder("sdk-key").offline(true).start()?;
    /// assert_eq!(client.data_availability(), DataAvailability::Defaults);
    /// # Ok::<(), vexil::config::ConfigError>(())
    /// ```
    #[must_use]
    pub fn data_availability(&self) -> DataAvailability {
        self.shared.resolver.availability()
    }

    /// Whether the client is configured to stay off the network.
    ///
    /// ```
    /// use vexil::Client;
    /// use vexil_testing::TestData;
    ///
    /// let client = Client::builder("sdk-key").offline(true).start()?;
    /// assert!(client.is_offline());
    ///
    /// // Test data needs no network either, but it has flags, so the client is not offline.
    /// let client = Client::builder("sdk-key").data_source(TestData::new()).start()?;
    /// assert!(!client.is_offline());
    /// # Ok::<(), vexil::config::ConfigError>(())
    /// ```
    #[must_use]
    pub fn is_offline(&self) -> bool {
        self.shared.resolver.offline
    }

    /// The SDK key that the client was configured with.
    ///
    /// ```
    /// use vexil::Client;
    ///
    /// let client = Client::builder("sdk-key-of-checkout").offline(true).start()?;
    /// assert_eq!(client.sdk_key().as_str(), "sdk-key-of-checkout");
    /// // A log does not disclose the key.
    /// assert!(!format!("{:?}", client.sdk_key()).contains("checkout"));
    /// # Ok::<(), vexil::config::ConfigError>(())
    /// ```
    #[must_use]
    pub fn sdk_key(&self) -> &SdkKey {
        &self.shared.sdk_key
    }

    /// The secure-mode hash of a context, which proves to the service that this server vouches for
    /// the context.
    ///
    /// It is the HMAC-SHA256 of the context's fully qualified key under the SDK key, in lowercase
    /// hexadecimal.
    ///
    /// ```
    /// use vexil::{Client, Context};
    ///
    /// let client = Client::builder("secret").offline(true).start()?;
    /// let hash = client.secure_mode_hash(&Context::new("Message")?);
    /// assert_eq!(hash, "aa747c502a898200f9e4fa21bac68136f886a0e27aec70ba06daf2e2a5cb5597");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn secure_mode_hash(&self, context: &Context) -> String {
        // Cannot fail: HMAC accepts keys of any length.
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

    /// The status of the data source.
    ///
    /// ```
    /// use vexil::Client;
    /// use vexil::data_source::{DataSourceErrorInfo, DataSourceErrorKind, DataSourceState};
    /// use vexil_testing::TestData;
    ///
    /// let flags = TestData::new();
    /// let client = Client::builder("sdk-key").data_source(flags.clone()).start()?;
    /// assert_eq!(client.data_source_status().status().state, DataSourceState::Valid);
    ///
    /// // The connection is lost. Evaluations continue with the last data.
    /// let error = DataSourceErrorInfo::new(DataSourceErrorKind::NetworkError, "connection reset");
    /// flags.update_status(DataSourceState::Interrupted, Some(error));
    /// let status = client.data_source_status().status();
    /// assert_eq!(status.state, DataSourceState::Interrupted);
    /// assert_eq!(status.error.map(|error| error.message).as_deref(), Some("connection reset"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "data_source_status_provider")]
    #[must_use]
    pub fn data_source_status(&self) -> DataSourceStatusProvider<'_> {
        DataSourceStatusProvider::new(&self.shared.resolver.updater.status, &self.shared.runtime)
    }

    /// The status of the data store's database. A store in memory is always available.
    ///
    /// ```
    /// use vexil::Client;
    /// use vexil_testing::TestData;
    ///
    /// let client = Client::builder("sdk-key").data_source(TestData::new()).start()?;
    /// let status = client.data_store_status().status();
    /// assert!(status.available && !status.stale);
    /// # Ok::<(), vexil::config::ConfigError>(())
    /// ```
    #[doc(alias = "data_store_status_provider")]
    #[must_use]
    pub fn data_store_status(&self) -> DataStoreStatusProvider<'_> {
        DataStoreStatusProvider::new(&self.shared.data_store_status, &self.shared.runtime)
    }

    /// The status of the big-segment store.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::Client;
    /// use vexil_testing::{MemoryBigSegmentStore, StoreFault, TestData};
    ///
    /// let store = MemoryBigSegmentStore::new();
    /// store.calls().fault_all(StoreFault::Fail);
    /// let client = Client::builder("sdk-key").data_source(TestData::new()).big_segments(store).start()?;
    /// let status = client.big_segment_store_status().blocking_status(Duration::from_secs(30));
    /// assert!(status.is_some_and(|status| !status.available));
    /// # Ok::<(), vexil::config::ConfigError>(())
    /// ```
    #[doc(alias = "big_segment_store_status_provider")]
    #[must_use]
    pub fn big_segment_store_status(&self) -> BigSegmentStoreStatusProvider<'_> {
        BigSegmentStoreStatusProvider::new(
            self.shared
                .resolver
                .big_segments
                .as_ref()
                .map(|reader| reader.status()),
        )
    }

    /// Adds and removes listeners for flag changes.
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use std::time::Duration;
    /// use vexil::Client;
    /// use vexil_testing::TestData;
    ///
    /// let flags = TestData::new();
    /// let client = Client::builder("sdk-key").data_source(flags.clone()).start()?;
    /// let (sender, changes) = mpsc::channel();
    /// client.flag_tracker().add_listener(move |change| drop(sender.send(change.key.clone())));
    /// flags.set("banner", "hello");
    /// assert_eq!(changes.recv_timeout(Duration::from_secs(30))?, "banner");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn flag_tracker(&self) -> FlagTracker<'_> {
        FlagTracker::new(&self.shared.resolver.updater.changes, &self.shared.resolver)
    }
}

impl Shared {
    /// Takes ownership of a running source. If the client is already closed, the source is stopped.
    fn attach(&self, source: Option<Task<()>>) {
        let mut own = self.sources();
        // Read under the lock: `close` sets the flag before it takes the sources.
        if !self.is_closed.load(Ordering::Acquire) {
            own.extend(source);
        }
    }

    /// Starts to publish metrics, unless the client is already closed.
    #[cfg(feature = "metrics")]
    fn publish_metrics(&self) {
        let mut publishing = self.publishing();
        // Read under the lock: `close` sets the flag before it takes the task.
        if !self.is_closed.load(Ordering::Acquire) {
            let publisher = Publisher::new(
                self.meter.clone(),
                Arc::clone(&self.resolver),
                self.data_store_status.clone(),
                Arc::clone(&self.hooks),
            );
            *publishing = Some(Publishing::start(publisher, &self.runtime));
        }
    }

    #[cfg(feature = "metrics")]
    fn publishing(&self) -> MutexGuard<'_, Option<Publishing>> {
        let publishing = self.publishing.lock();
        publishing.unwrap_or_else(PoisonError::into_inner)
    }

    fn sources(&self) -> MutexGuard<'_, Vec<Task<()>>> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
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

/// The reason why a client is not ready.
///
/// ```
/// use std::time::Duration;
/// use vexil::Client;
/// use vexil::client::NotReadyError;
/// # use std::sync::Arc;
/// # use vexil::data_source::{DataSink, DataSource, DataSourceError};
/// #
/// # #[derive(Clone, Debug)]
/// # struct Silent;
/// #
/// # #[vexil::async_trait]
/// # impl DataSource for Silent {
/// #     async fn run(&self, _: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
/// #         std::future::pending().await
/// #     }
/// # }
///
/// let client = Client::builder("sdk-key").data_source(Silent).without_events().start()?;
/// match client.blocking_wait_until_ready(Duration::ZERO) {
///     Ok(()) => println!("ready"),
///     Err(NotReadyError::Refused { error }) => panic!("the SDK key is wrong: {error}"),
///     Err(error @ NotReadyError::Timeout { .. }) => {
///         assert_eq!(error.to_string(), "the client has no data yet");
///     }
///     Err(error) => eprintln!("running with defaults: {error}"),
/// }
/// # Ok::<(), vexil::config::ConfigError>(())
/// ```
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum NotReadyError {
    /// There was no data before the timeout. The client keeps trying.
    #[error("the client has no data yet{}", because(error.as_ref()))]
    Timeout {
        /// The last error of the data source, if there was one.
        error: Option<DataSourceErrorInfo>,
    },
    /// In daemon mode, the database could not be read before the timeout. The client keeps trying.
    #[error("the data store has not been read yet{}", because(error.as_ref()))]
    StoreNotRead {
        /// The last error of the data store, if there was one.
        error: Option<DataStoreErrorInfo>,
    },
    /// The service refuses the SDK key (status 401 or 403). The client keeps trying, minutes apart,
    /// because the key may become valid.
    #[error("the service refuses the client: {error}")]
    Refused {
        /// The error of the refused request.
        error: DataSourceErrorInfo,
    },
    /// The data source has given up, or the client was closed.
    #[error("the client has no data, and the data source has ended{}", because(error.as_ref()))]
    GivenUp {
        /// The last error of the data source, if there was one.
        error: Option<DataSourceErrorInfo>,
    },
}

fn because(error: Option<&impl fmt::Display>) -> String {
    error.map_or_else(String::new, |error| format!(": {error}"))
}
