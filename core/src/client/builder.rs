//! [`ClientBuilder`]: configures the components of a client and starts it.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use vexil_eval::{Text, Value};

use super::launch::launch;
use super::log_once::LogOnce;
use super::plugin::{EnvironmentMetadata, Plugin, Plugins};
use super::read_path::ReadPath;
use super::resolve::Resolver;
use super::{Client, Shared};
use crate::config::persistent_store::Daemon;
#[cfg(feature = "http")]
use crate::config::{ApplicationInfo, HttpConfig, ServiceEndpoints, WrapperInfo};
use crate::config::{
    BigSegmentsConfig, ClientContext, ConfigError, Configure, DataSystem, PersistentStoreConfig,
    SdkKey, WebSettings, default_data_source, default_events,
};
use crate::data_source::{DataSink, DataSource};
use crate::events::{Contained, EventProcessor};
use crate::hooks::{Hook, Hooks};
#[cfg(feature = "metrics")]
use crate::meter::Meter;
use crate::runtime::Runtime;
use crate::sink::{ChangeHub, Updater};
use crate::status::DataSourceState;
use crate::store::overrides::Overrides;
use crate::store::{DataStore, MemoryStore};

const DEFAULT_EVALUATION_TIMEOUT: Duration = Duration::from_secs(2);

/// Configures and starts a [`Client`]. Each clone starts a separate client.
///
/// ```
/// use std::time::Duration;
/// use vexil::Client;
/// use vexil_testing::TestData;
///
/// let builder = Client::builder("sdk-key")
///     .data_source(TestData::new().with("banner", "hello"))
///     .defaults([("limit", 10)])
///     .evaluation_timeout(Duration::from_millis(500));
/// let (one, other) = (builder.clone().start()?, builder.start()?);
/// assert!(one.blocking_close(Duration::from_secs(30)));
/// # let ada = vexil::Context::new("ada")?;
/// assert_eq!(other.str_variation("banner", &ada, ""), "hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ClientBuilder {
    sdk_key: SdkKey,
    offline: bool,
    defaults: HashMap<Text, Value>,
    data_source: Option<Arc<dyn Configure<dyn DataSource>>>,
    /// Whether the data source is a [`DataSystem`].
    has_data_system: bool,
    data_store: Option<Arc<dyn Configure<dyn DataStore>>>,
    flag_overrides: Option<Arc<dyn Configure<dyn DataSource>>>,
    /// The database, in daemon mode.
    daemon: Option<PersistentStoreConfig>,
    big_segments: Option<BigSegmentsConfig>,
    events: Events,
    hooks: Vec<Arc<dyn Hook>>,
    plugins: Vec<Arc<dyn Plugin>>,
    evaluation_timeout: Duration,
    keep_json: bool,
    runtime: Option<Runtime>,
    /// The label `client` of metrics.
    #[cfg(feature = "metrics")]
    metrics_name: Option<Text>,
    web: WebSettings,
}

/// Where events go.
#[derive(Clone, Debug, Default)]
enum Events {
    /// To the service, unless the data source is made for tests.
    #[default]
    Usual,
    /// Nowhere.
    Disabled,
    Processor(Arc<dyn Configure<dyn EventProcessor>>),
}

impl ClientBuilder {
    pub(super) fn new(sdk_key: SdkKey) -> Self {
        Self {
            sdk_key,
            offline: false,
            defaults: HashMap::new(),
            data_source: None,
            has_data_system: false,
            flag_overrides: None,
            data_store: None,
            daemon: None,
            big_segments: None,
            events: Events::default(),
            hooks: Vec::new(),
            plugins: Vec::new(),
            evaluation_timeout: DEFAULT_EVALUATION_TIMEOUT,
            keep_json: false,
            runtime: None,
            #[cfg(feature = "metrics")]
            metrics_name: None,
            web: WebSettings::default(),
        }
    }

    /// Replaces the SDK key.
    ///
    /// ```
    /// use vexil::{Client, Context};
    ///
    /// // A builder that a library has prepared.
    /// let prepared = Client::builder("from-the-library").offline(true);
    /// let client = prepared.sdk_key("sdk-key").start()?;
    /// assert_eq!(client.sdk_key().as_str(), "sdk-key");
    ///
    /// // Two keys, or a key with a comment behind it.
    /// let error = Client::builder("").sdk_key("sdk-key # production").start().unwrap_err();
    /// assert!(error.to_string().contains("SDK key"), "{error}");
    /// # Ok::<(), vexil::config::ConfigError>(())
    /// ```
    pub fn sdk_key(mut self, sdk_key: impl Into<SdkKey>) -> Self {
        self.sdk_key = sdk_key.into();
        self
    }

    /// Whether the client stays off the network: it receives no data, and every evaluation returns
    /// its default. Default: `false`.
    ///
    /// ```
    /// use vexil::{Client, Context};
    ///
    /// let client = Client::builder("sdk-key").offline(true).start()?;
    /// let detail = client.bool_variation_detail("new-checkout", &Context::new("ada")?, true);
    /// assert!(detail.value);
    /// assert_eq!(detail.reason.to_string(), "error: the client has no data");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn offline(mut self, offline: bool) -> Self {
        self.offline = offline;
        self
    }

    /// Default values for flags, used before the default of the call. A value that is not of the
    /// requested type is skipped. Adds to earlier calls. Default: empty.
    ///
    /// ```
    /// use vexil::{Client, Context};
    ///
    /// let client = Client::builder("sdk-key").offline(true).defaults([("limit", 10)]).start()?;
    /// let ada = Context::new("ada")?;
    /// assert_eq!(client.int_variation("limit", &ada, 5), 10);
    /// assert_eq!(client.str_variation("limit", &ada, "five"), "five", "10 is not a string");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn defaults<K: Into<Text>, V: Into<Value>>(
        mut self,
        defaults: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        self.defaults.extend(
            defaults
                .into_iter()
                .map(|(key, value)| (key.into(), value.into())),
        );
        self
    }

    /// The source of flags: [`StreamingConfig`](crate::config::StreamingConfig),
    /// [`PollingConfig`](crate::config::PollingConfig), files, test data, or a custom data source.
    /// Default: streaming from the service. Without the feature `http` there is no default.
    ///
    /// ```
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// let flags = TestData::new().with("banner", "hello");
    /// let client = Client::builder("sdk-key").data_source(flags).start()?;
    /// assert_eq!(client.str_variation("banner", &Context::new("ada")?, ""), "hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "update_processor")]
    pub fn data_source(self, source: impl Configure<dyn DataSource>) -> Self {
        self.flags_from(Arc::new(source), false)
    }

    /// Several data sources with failover between them, instead of a single
    /// [`data_source`](Self::data_source): the vendor's *data saving mode*, in which the service
    /// sends the data once and then only differences. Of the two methods the last call counts.
    ///
    /// With a [`data_store`](Self::data_store) that has a database, evaluations use the data of the
    /// database until a source has delivered.
    ///
    /// ```
    /// use vexil::Client;
    /// use vexil::config::DataSystem;
    ///
    /// let builder = Client::builder("sdk-key").data_system(DataSystem::new());
    /// ```
    pub fn data_system(self, system: impl Into<DataSystem>) -> Self {
        self.flags_from(Arc::new(system.into()), true)
    }

    fn flags_from(mut self, source: Arc<dyn Configure<dyn DataSource>>, is_system: bool) -> Self {
        if self.data_source.is_some() && self.has_data_system != is_system {
            tracing::warn!("a data source and a data system are set; using the last one");
        }
        self.data_source = Some(source);
        self.has_data_system = is_system;
        self
    }

    /// Flags and segments that are laid over those of the data source, the data system or the
    /// database: files, or any other source of local data. An override replaces the item with the
    /// same key wherever it is evaluated, also as a prerequisite and in
    /// [`all_flags_state`](Client::all_flags_state). It is never written to a database. Default: no
    /// overrides.
    ///
    /// Overrides are evaluated even while the client has no other data. Apart from that they do not
    /// affect whether the client is ready, nor its statuses. A source that fails keeps its last
    /// overrides. A client that is [`offline`](Self::offline) has none.
    ///
    /// The [reason](crate::eval::Reason::is_override) of an evaluation says whether the flag is an
    /// override. Summaries count overrides separately, and no full events are sent for them. A
    /// change of an override notifies the listeners of the [flag tracker](Client::flag_tracker).
    ///
    /// ```
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// let overrides = TestData::new().with("new-checkout", true);
    /// let client = Client::builder("sdk-key")
    ///     .data_source(TestData::new().with("new-checkout", false).with("limit", 20))
    ///     .flag_overrides(overrides.clone())
    ///     .start()?;
    /// let ada = Context::new("ada")?;
    /// let detail = client.bool_variation_detail("new-checkout", &ada, false);
    /// assert!(detail.value && detail.reason.is_override);
    /// assert!(!client.int_variation_detail("limit", &ada, 0).reason.is_override);
    ///
    /// overrides.delete("new-checkout");
    /// assert!(!client.bool_variation("new-checkout", &ada, false));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn flag_overrides(mut self, source: impl Configure<dyn DataSource>) -> Self {
        self.flag_overrides = Some(Arc::new(source));
        self
    }

    /// Reads flags from a database that another process fills, usually a Relay Proxy: daemon mode.
    /// The client requests no flags from the service and never writes to the database.
    /// [`data_source`](Self::data_source) and [`data_store`](Self::data_store) then have no effect.
    /// Default: the client has a data source.
    ///
    /// The client is [initialized](Client::is_initialized) immediately, as in other SDKs, even if
    /// the database is unavailable. [`Client::wait_until_ready`] waits for the first successful
    /// read of the database, and fails if there is none in time.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::client::NotReadyError;
    /// use vexil::{Client, Context};
    /// use vexil_testing::{MemoryPersistentStore, StoreFault};
    ///
    /// let database = MemoryPersistentStore::new();
    /// # let flag = r#"{"key": "banner", "version": 1, "offVariation": 0, "variations": ["hello"]}"#;
    /// # let stored = vexil::store::StoredItem::new(flag);
    /// # database.database().put("", vexil::model::DataKind::Flag, "banner", stored);
    /// # database.database().set_initialized("", true);
    /// let client = Client::builder("sdk-key").daemon_mode(database).without_events().start()?;
    /// client.blocking_wait_until_ready(Duration::from_secs(30))?;
    /// assert_eq!(client.str_variation("banner", &Context::new("ada")?, ""), "hello");
    ///
    /// let unavailable = MemoryPersistentStore::new();
    /// unavailable.calls().fault_all(StoreFault::Fail);
    /// let client = Client::builder("sdk-key").daemon_mode(unavailable).without_events().start()?;
    /// let error = client.blocking_wait_until_ready(Duration::from_millis(10)).unwrap_err();
    /// assert!(matches!(error, NotReadyError::StoreNotRead { .. }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias("use_ldd", "external_updates_only"))]
    pub fn daemon_mode(mut self, store: impl Into<PersistentStoreConfig>) -> Self {
        self.daemon = Some(store.into());
        self
    }

    /// The store that keeps flags. A [`PersistentStoreConfig`] also keeps a database up to date.
    /// Default: in memory.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::Client;
    /// use vexil::config::PersistentStoreConfig;
    /// use vexil::model::DataKind;
    /// use vexil_testing::{MemoryPersistentStore, TestData};
    ///
    /// let database = MemoryPersistentStore::new();
    /// let client = Client::builder("sdk-key")
    ///     .data_source(TestData::new().with("banner", "hello"))
    ///     .data_store(PersistentStoreConfig::new(database.clone()))
    ///     .start()?;
    /// // The database is written to in the background.
    /// assert!(client.blocking_close(Duration::from_secs(30)));
    /// assert!(database.database().item("", DataKind::Flag, "banner").is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "feature_store")]
    pub fn data_store(mut self, store: impl Configure<dyn DataStore>) -> Self {
        self.data_store = Some(Arc::new(store));
        self
    }

    /// The store of big-segment memberships. Default: unset, in which case no context belongs to a
    /// big segment.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::Client;
    /// use vexil_testing::{MemoryBigSegmentStore, TestData};
    ///
    /// let client = Client::builder("sdk-key")
    ///     .data_source(TestData::new())
    ///     .big_segments(MemoryBigSegmentStore::new())
    ///     .start()?;
    /// let status = client.big_segment_store_status().blocking_status(Duration::from_secs(30));
    /// assert!(status.is_some_and(|status| status.available));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn big_segments(mut self, store: impl Into<BigSegmentsConfig>) -> Self {
        self.big_segments = Some(store.into());
        self
    }

    /// The receiver of analytics events: [`EventsConfig`](crate::config::EventsConfig) sends them
    /// to the service; a custom processor may replace it. Default: the service, with the default
    /// settings, unless the data source is [made for tests](DataSource::reports_events). Without
    /// the feature `http`, events are discarded by default.
    ///
    /// ```
    /// use vexil::{Client, Context};
    /// use vexil_testing::{EventRecorder, TestData};
    ///
    /// let events = EventRecorder::new();
    /// let flags = TestData::new().with("banner", "hello");
    /// let client = Client::builder("sdk-key").data_source(flags).events(events.clone()).start()?;
    /// client.str_variation("banner", &Context::new("ada")?, "");
    /// assert_eq!(events.take().len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "event_processor")]
    pub fn events(mut self, processor: impl Configure<dyn EventProcessor>) -> Self {
        self.events = Events::Processor(Arc::new(processor));
        self
    }

    /// Disables events. Default: they are sent to the service, as described at
    /// [`events`](Self::events).
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// let flags = TestData::new().with("banner", "hello");
    /// let client = Client::builder("sdk-key").data_source(flags).without_events().start()?;
    /// client.track("signed-up", &Context::new("ada")?);
    /// // Nothing was recorded, so there is nothing to deliver.
    /// assert!(client.blocking_flush(Duration::ZERO));
    /// assert_eq!(client.event_stats().delivered_events, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias("send_events", "no_events", "NullEventProcessorBuilder"))]
    pub fn without_events(mut self) -> Self {
        self.events = Events::Disabled;
        self
    }

    /// Adds a hook, which runs code before and after evaluations. Default: no hooks.
    ///
    /// ```
    /// use vexil::{Client, Context};
    /// use vexil_testing::{HookRecorder, RecordedStage};
    ///
    /// let hook = HookRecorder::new("recorder");
    /// let client = Client::builder("sdk-key").offline(true).hook(hook.clone()).start()?;
    /// client.track("signed-up", &Context::new("ada")?);
    /// let [RecordedStage::AfterTrack { key, .. }] = &hook.take()[..] else { panic!("one stage") };
    /// assert_eq!(key, "signed-up");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn hook(mut self, hook: impl Hook) -> Self {
        self.hooks.push(Arc::new(hook));
        self
    }

    /// Adds a plugin. Its hooks run after those of the builder. Default: no plugins.
    ///
    /// ```
    /// use vexil::Client;
    /// use vexil::client::{EnvironmentMetadata, Plugin, PluginError, PluginMetadata};
    ///
    /// /// Fails, which is logged and does not stop the client.
    /// #[derive(Debug)]
    /// struct Failing;
    ///
    /// impl Plugin for Failing {
    ///     fn metadata(&self) -> PluginMetadata {
    ///         PluginMetadata::new("failing")
    ///     }
    ///     fn register(&self, _: &Client, _: &EnvironmentMetadata) -> Result<(), PluginError> {
    ///         Err("the collector is unavailable".into())
    ///     }
    /// }
    ///
    /// let client = Client::builder("sdk-key").offline(true).plugin(Failing).start()?;
    /// assert!(client.is_initialized());
    /// # Ok::<(), vexil::config::ConfigError>(())
    /// ```
    pub fn plugin(mut self, plugin: impl Plugin) -> Self {
        self.plugins.push(Arc::new(plugin));
        self
    }

    /// How long an evaluation may wait for I/O, in the configurations that require I/O: with a data
    /// store that is [read through](PersistentStoreConfig::cache), and with big segments. Default:
    /// 2 s. Zero: it does not wait, and returns its default if something would have to be fetched.
    /// `Duration::MAX`: it waits until the store answers or fails.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::config::PersistentStoreConfig;
    /// use vexil::store::CacheMode;
    /// use vexil::{Client, Context};
    /// use vexil_testing::{MemoryPersistentStore, StoreFault, StoreMethod};
    ///
    /// // A database that does not answer when a flag is read.
    /// let database = MemoryPersistentStore::new();
    /// database.calls().fault(StoreMethod::Get, StoreFault::Hang);
    /// let store = PersistentStoreConfig::new(database).cache(CacheMode::Ttl(Duration::from_secs(30)));
    /// let client = Client::builder("sdk-key")
    ///     .daemon_mode(store)
    ///     .without_events()
    ///     .evaluation_timeout(Duration::from_millis(20))
    ///     .start()?;
    /// // The request is served with the default after 20 ms.
    /// assert!(client.bool_variation("new-checkout", &Context::new("ada")?, true));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn evaluation_timeout(mut self, timeout: Duration) -> Self {
        self.evaluation_timeout = timeout;
        self
    }

    /// Whether flags and segments in memory keep the JSON they were read from, so that
    /// [`Client::explain`] shows operators and operands as written. Costs the memory of the JSON.
    /// Default: `false`. With a database the items may keep it in any case.
    ///
    /// ```
    /// use vexil::explain::ExplainOptions;
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// let flags = TestData::new().with("banner", "hello");
    /// let builder = Client::builder("sdk-key").data_source(flags);
    /// let ada = Context::new("ada")?;
    /// for keep in [false, true] {
    ///     let client = builder.clone().keep_json(keep).start()?;
    ///     let explanation = client.explain("banner", &ada, &ExplainOptions::default());
    ///     assert_eq!(explanation.as_written, keep);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn keep_json(mut self, on: bool) -> Self {
        self.keep_json = on;
        self
    }

    /// Runs the background work on this Tokio runtime. Default: on a thread that all clients share.
    ///
    /// Timers and I/O of the runtime must be enabled. It has to run until the client is closed;
    /// otherwise [`Client::close`] returns `false`. If it is shut down earlier, one error is
    /// logged, the data source is [off](DataSourceState::Off), evaluations keep using the last
    /// data, and events are dropped and counted. In a process that was forked after this call, the
    /// shared thread is used instead.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::Client;
    ///
    /// let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    /// let builder = Client::builder("sdk-key").offline(true);
    /// let client = builder.runtime(runtime.handle().clone()).start()?;
    /// // Close the client before the runtime.
    /// assert!(client.blocking_close(Duration::from_secs(30)));
    /// drop(runtime);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn runtime(mut self, runtime: tokio::runtime::Handle) -> Self {
        self.runtime = Some(Runtime::of(runtime));
        self
    }

    /// Starts the client and returns immediately. Whether it already has data depends on the data
    /// source: see [`Client::wait_until_ready`].
    ///
    /// ```
    /// use vexil::Client;
    /// use vexil::config::ConfigError;
    ///
    /// let error = Client::builder("").start().unwrap_err();
    /// assert!(matches!(error, ConfigError::SdkKey { .. }));
    /// assert_eq!(error.to_string(), "the SDK key is empty");
    /// ```
    ///
    /// # Errors
    /// Returns an error if the SDK key or a base URL is invalid, a component cannot be configured,
    /// there is no data source, the background thread cannot be started, or the
    /// [runtime](Self::runtime) is already shut down.
    #[doc(alias("build", "start_with_default_executor"))]
    pub fn start(self) -> Result<Client, ConfigError> {
        let runtime = match self.runtime {
            Some(runtime) if !runtime.is_inherited() => runtime,
            // A runtime of the parent process does not run in this one.
            _ => Runtime::shared().map_err(|source| ConfigError::Runtime { source })?,
        };
        if runtime.is_gone() {
            let source = io::Error::other("the runtime set by the application is shut down");
            return Err(ConfigError::Runtime { source });
        }
        let daemon = self.daemon.filter(|_| !self.offline);
        let context = ClientContext::new(
            self.sdk_key.clone(),
            runtime.clone(),
            self.offline,
            daemon.is_some(),
            self.has_data_system && daemon.is_none(),
            self.evaluation_timeout,
            self.web,
        )?;
        #[cfg(feature = "metrics")]
        let context = context.metered(Meter::named(self.metrics_name.as_deref()));
        let plugins = Plugins::new(self.plugins, EnvironmentMetadata::of(&context));
        let mut hooks = self.hooks;
        hooks.extend(plugins.hooks());
        let hooks = Arc::new(Hooks::new(hooks));
        let (store, source, database) = match daemon {
            Some(database) => {
                if self.data_source.is_some() || self.data_store.is_some() {
                    tracing::warn!(
                        "in daemon mode a data source or another data store has no effect"
                    );
                }
                let Daemon {
                    store,
                    source,
                    database,
                } = database.daemon(&context)?;
                (store, Some(source), database)
            }
            None => {
                let store = store(self.data_store, &context)?;
                let source = if self.offline {
                    None
                } else {
                    Some(source(self.data_source, &context)?)
                };
                (store, source, None)
            }
        };
        let big_segments = self
            .big_segments
            .filter(|_| !self.offline)
            .map(|config| config.reader(&context));
        let big_segments = big_segments.transpose()?.map(Arc::new);
        let processor = match &source {
            Some(source) => self.events.configure(&context, &**source)?,
            None => None,
        };
        if processor.is_some() && context.sdk_key().as_str().is_empty() {
            tracing::warn!("the SDK key is empty: the service will refuse events");
        }
        let override_source = self.flag_overrides.filter(|_| !self.offline);
        let override_source = override_source.map(|source| source.configure(&context));
        let override_source = override_source.transpose()?;
        let overrides = override_source.is_some().then(Overrides::default);
        let changes = Arc::new(ChangeHub::new(runtime.clone()));
        let override_sink = overrides.clone().map(|overrides| {
            let (base, changes) = (Arc::clone(&store), Arc::clone(&changes));
            let sink = Updater::of_overrides(runtime.clone(), overrides, base, changes);
            Arc::new(sink.keep_json(self.keep_json))
        });
        let updater = Updater::new(
            runtime.clone(),
            Arc::clone(&store),
            overrides.clone(),
            changes,
            processor.clone(),
            Arc::clone(&hooks),
        );
        let updater = updater.keep_json(self.keep_json).metered(context.meter());
        let updater = Arc::new(updater);
        let resolver = Arc::new(Resolver {
            offline: self.offline,
            daemon_mode: context.is_daemon_mode(),
            has_data_system: context.has_data_system(),
            reads: ReadPath::of(&store, overrides),
            store,
            big_segments,
            runtime: runtime.clone(),
            updater: Arc::clone(&updater),
            overrides: override_sink.clone(),
            log_once: LogOnce::default(),
            evaluation_timeout: self.evaluation_timeout,
            warned_cached: AtomicBool::new(false),
        });
        let shared = Shared {
            sdk_key: self.sdk_key,
            data_store_status: context.data_store_status().clone(),
            defaults: self.defaults,
            resolver,
            runtime: runtime.clone(),
            processor,
            hooks,
            sources: Mutex::default(),
            database,
            meter: context.meter().clone(),
            #[cfg(feature = "metrics")]
            publishing: Mutex::default(),
            is_closed: AtomicBool::new(false),
            outcome: Arc::default(),
        };
        let client = Client {
            shared: Arc::new(shared),
        };
        plugins.register(&client);
        // The overrides first, so that the first data is never used without them.
        if let (Some(source), Some(sink)) = (override_source, override_sink) {
            let running = launch(&runtime, "source of flag overrides", source, sink);
            client.shared.attach(running);
        }
        match source {
            Some(source) => {
                let running = launch(&runtime, "data source", source, updater);
                client.shared.attach(running);
            }
            None => updater.update_status(DataSourceState::Valid, None),
        }
        #[cfg(feature = "metrics")]
        client.shared.publish_metrics();
        Ok(client)
    }
}

#[cfg(feature = "metrics")]
impl ClientBuilder {
    /// The label `client` of the client's metrics. Give each client of a process a name of its own:
    /// without names, their counters add up, and their gauges overwrite each other. Default: no
    /// label.
    ///
    /// ```
    /// use vexil::Client;
    ///
    /// let checkout = Client::builder("sdk-key-1").metrics_name("checkout");
    /// let search = Client::builder("sdk-key-2").metrics_name("search");
    /// ```
    pub fn metrics_name(mut self, name: impl Into<Text>) -> Self {
        self.metrics_name = Some(name.into());
        self
    }
}

#[cfg(feature = "http")]
impl ClientBuilder {
    /// The base URLs of the service. Default: LaunchDarkly's endpoints.
    ///
    /// ```
    /// use vexil::Client;
    /// use vexil::config::{ConfigError, ServiceEndpoints};
    ///
    /// let error = Client::builder("sdk-key")
    ///     .service_endpoints(ServiceEndpoints::relay("relay.example.com"))
    ///     .start()
    ///     .unwrap_err();
    /// assert!(matches!(error, ConfigError::BaseUrl { .. }), "a base URL has a scheme");
    /// ```
    pub fn service_endpoints(mut self, endpoints: ServiceEndpoints) -> Self {
        self.web.endpoints = endpoints;
        self
    }

    /// HTTP settings: timeouts, proxy, certificates. Default: see [`HttpConfig`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::Client;
    /// use vexil::config::{ConfigError, HttpConfig};
    ///
    /// let http = HttpConfig::new().connect_timeout(Duration::from_secs(3));
    /// let builder = Client::builder("sdk-key").http(http);
    ///
    /// // Settings that cannot work are refused at the start.
    /// let error = builder.http(HttpConfig::new().http_proxy("socks5://proxy:1080")).start().unwrap_err();
    /// assert!(matches!(error, ConfigError::Component { component: "HTTP transport", .. }), "{error:?}");
    /// ```
    pub fn http(mut self, http: HttpConfig) -> Self {
        self.web.http = http;
        self
    }

    /// The application that uses the client, for the service's statistics. Default: not reported.
    ///
    /// ```
    /// use vexil::Client;
    /// use vexil::config::ApplicationInfo;
    /// # use vexil::config::ServiceEndpoints;
    /// # use vexil_testing::FakeService;
    /// # use vexil_testing::fake_service::Endpoint;
    ///
    /// # let service = FakeService::start()?;
    /// let application = ApplicationInfo::new().id("checkout").version("2026.11.3");
    /// let builder = Client::builder("sdk-key").application(application);
    /// # let builder = builder.service_endpoints(ServiceEndpoints::relay(service.url())).without_events();
    /// let client = builder.start()?;
    /// # let request = service.next_request(Endpoint::Stream).wait()?;
    /// // Each request names the application in the header `x-launchdarkly-tags`.
    /// # let tags = request.header("x-launchdarkly-tags").unwrap();
    /// assert_eq!(tags, "application-id/checkout application-version/2026.11.3");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "application_info")]
    pub fn application(mut self, application: ApplicationInfo) -> Self {
        self.web.application = application;
        self
    }

    /// The library that wraps the client, for the service's statistics. Default: not reported.
    ///
    /// ```
    /// use vexil::Client;
    /// use vexil::config::WrapperInfo;
    /// # use vexil::config::ServiceEndpoints;
    /// # use vexil_testing::FakeService;
    /// # use vexil_testing::fake_service::Endpoint;
    ///
    /// # let service = FakeService::start()?;
    /// let builder = Client::builder("sdk-key").wrapper(WrapperInfo::new("our-flags").version("1.4"));
    /// # let builder = builder.service_endpoints(ServiceEndpoints::relay(service.url())).without_events();
    /// let client = builder.start()?;
    /// # let request = service.next_request(Endpoint::Stream).wait()?;
    /// // Each request names the library in the header `x-launchdarkly-wrapper`.
    /// # let wrapper = request.header("x-launchdarkly-wrapper").unwrap();
    /// assert_eq!(wrapper, "our-flags/1.4");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wrapper(mut self, wrapper: WrapperInfo) -> Self {
        self.web.wrapper = Some(wrapper);
        self
    }
}

/// The configured data store, or one in memory.
fn store(
    recipe: Option<Arc<dyn Configure<dyn DataStore>>>,
    context: &ClientContext,
) -> Result<Arc<dyn DataStore>, ConfigError> {
    match recipe {
        Some(recipe) => recipe.configure(context),
        None => {
            context.set_data_store_type("memory");
            Ok(Arc::new(MemoryStore::new()))
        }
    }
}

/// The configured data source, or the default one.
fn source(
    recipe: Option<Arc<dyn Configure<dyn DataSource>>>,
    context: &ClientContext,
) -> Result<Arc<dyn DataSource>, ConfigError> {
    let recipe = recipe.or_else(default_data_source);
    recipe.ok_or(ConfigError::NoDataSource)?.configure(context)
}

impl Events {
    fn configure(
        self,
        context: &ClientContext,
        source: &dyn DataSource,
    ) -> Result<Option<Arc<dyn EventProcessor>>, ConfigError> {
        let recipe = match self {
            Self::Processor(recipe) => Some(recipe),
            Self::Usual if source.reports_events() => default_events(),
            Self::Usual | Self::Disabled => None,
        };
        let Some(recipe) = recipe else {
            return Ok(None);
        };
        Ok(Some(Arc::new(Contained::new(recipe.configure(context)?))))
    }
}
