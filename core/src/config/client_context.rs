//! [`ClientContext`]: the properties of a client that its components are configured from.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use vexil_eval::Text;

use super::web::{Web, WebSettings};
use super::{ConfigError, SdkKey};
use crate::meter::Meter;
use crate::runtime::Runtime;
use crate::status::DataStoreReporter;

/// The properties of a client that its components are configured from. Passed to
/// [`Configure::configure`](super::Configure::configure).
///
/// ```
/// use std::sync::Arc;
/// use vexil::config::{ClientContext, ConfigError, Configure};
/// use vexil::data_source::DataSource;
/// use vexil::{Client, Context};
/// use vexil_testing::TestData;
///
/// /// Flags that depend on the environment of the client.
/// #[derive(Debug)]
/// struct PerEnvironment;
///
/// impl Configure<dyn DataSource> for PerEnvironment {
///     fn configure(self: Arc<Self>, context: &ClientContext) -> Result<Arc<dyn DataSource>, ConfigError> {
///         let is_production = context.sdk_key().as_str().starts_with("sdk-production");
///         Ok(Arc::new(TestData::new().with("verbose-errors", !is_production)))
///     }
/// }
///
/// let client = Client::builder("sdk-test-1").data_source(PerEnvironment).start()?;
/// assert!(client.bool_variation("verbose-errors", &Context::new("ada")?, false));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ClientContext {
    sdk_key: SdkKey,
    runtime: Runtime,
    daemon_mode: bool,
    has_data_system: bool,
    evaluation_timeout: Duration,
    data_store_status: DataStoreReporter,
    meter: Meter,
    /// `memory`, or the kind of the store's database. Unset until the store is configured.
    pub(super) data_store_type: Arc<OnceLock<&'static str>>,
    pub(super) web: Web,
}

impl ClientContext {
    /// Validates the settings that all components share.
    pub(crate) fn new(
        sdk_key: SdkKey,
        runtime: Runtime,
        offline: bool,
        daemon_mode: bool,
        has_data_system: bool,
        evaluation_timeout: Duration,
        web: WebSettings,
    ) -> Result<Self, ConfigError> {
        sdk_key.check(offline || daemon_mode)?;
        Ok(Self {
            web: Web::new(web, &sdk_key, offline)?,
            sdk_key,
            runtime,
            daemon_mode,
            has_data_system,
            evaluation_timeout,
            data_store_status: DataStoreReporter::new(),
            meter: Meter::default(),
            data_store_type: Arc::default(),
        })
    }

    /// Receives the data store's status reports.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use vexil::Client;
    /// use vexil::config::{ClientContext, ConfigError, Configure};
    /// use vexil::store::{DataStore, MemoryStore};
    /// use vexil_testing::TestData;
    ///
    /// /// A store that could not reach its database when it was created.
    /// #[derive(Debug)]
    /// struct Unreachable;
    ///
    /// impl Configure<dyn DataStore> for Unreachable {
    ///     fn configure(self: Arc<Self>, context: &ClientContext) -> Result<Arc<dyn DataStore>, ConfigError> {
    ///         context.data_store_status().update(|status| status.available = false);
    ///         Ok(Arc::new(MemoryStore::new()))
    ///     }
    /// }
    ///
    /// let client = Client::builder("sdk-key").data_source(TestData::new()).data_store(Unreachable).start()?;
    /// assert!(!client.data_store_status().status().available);
    /// # Ok::<(), ConfigError>(())
    /// ```
    #[must_use]
    pub fn data_store_status(&self) -> &DataStoreReporter {
        &self.data_store_status
    }

    /// Whether the client is in [daemon mode](crate::ClientBuilder::daemon_mode).
    ///
    /// ```
    /// use std::sync::Arc;
    /// use vexil::Client;
    /// use vexil::config::{ClientContext, ConfigError, Configure};
    /// use vexil::events::EventProcessor;
    /// use vexil_testing::{EventRecorder, MemoryPersistentStore};
    ///
    /// /// Events that are only supported beside a Relay Proxy.
    /// #[derive(Debug)]
    /// struct RelayOnly;
    ///
    /// impl Configure<dyn EventProcessor> for RelayOnly {
    ///     fn configure(self: Arc<Self>, context: &ClientContext) -> Result<Arc<dyn EventProcessor>, ConfigError> {
    ///         if !context.is_daemon_mode() {
    ///             return Err(ConfigError::component("event log", "it requires daemon mode"));
    ///         }
    ///         Ok(Arc::new(EventRecorder::new()))
    ///     }
    /// }
    ///
    /// let builder = Client::builder("sdk-key").events(RelayOnly);
    /// assert!(builder.clone().daemon_mode(MemoryPersistentStore::new()).start().is_ok());
    /// assert!(builder.start().is_err());
    /// ```
    #[must_use]
    pub fn is_daemon_mode(&self) -> bool {
        self.daemon_mode
    }

    /// Whether the data source is a [`DataSystem`](super::DataSystem).
    pub(crate) fn has_data_system(&self) -> bool {
        self.has_data_system
    }

    /// The context of a component that is configured again. What is wrong with its settings was
    /// logged the first time.
    pub(crate) fn repeated(&self) -> Self {
        Self {
            web: self.web.repeated(),
            ..self.clone()
        }
    }

    #[cfg(feature = "metrics")]
    pub(crate) fn metered(self, meter: Meter) -> Self {
        Self { meter, ..self }
    }

    /// Counts for the metrics of the client.
    pub(crate) fn meter(&self) -> &Meter {
        &self.meter
    }

    /// How long an evaluation may wait for I/O.
    pub(crate) fn evaluation_timeout(&self) -> Duration {
        self.evaluation_timeout
    }

    pub(crate) fn set_data_store_type(&self, name: &'static str) {
        // A store is configured once.
        let _ = self.data_store_type.set(name);
    }

    /// The runtime of the client's background work.
    pub(crate) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// The key that authenticates the client to the service.
    #[must_use]
    pub fn sdk_key(&self) -> &SdkKey {
        &self.sdk_key
    }

    /// Id, name, version and the version's name of the application; `None` for each that is unset or
    /// invalid.
    pub(crate) fn application(&self) -> [Option<Text>; 4] {
        self.web.application()
    }

    /// Name and version of the wrapping library; `None` for each that is unset.
    pub(crate) fn wrapper(&self) -> [Option<Text>; 2] {
        self.web.wrapper()
    }
}
