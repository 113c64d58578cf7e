//! [`ClientBuilder`]: chooses every component of a client and starts it.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use vexil_eval::{Text, Value};

use super::log_once::LogOnce;
use super::plugin::{EnvironmentMetadata, Plugin, Plugins};
use super::resolve::Resolver;
use super::{Client, Shared};
use crate::config::persistent_store::ReadOnly;
#[cfg(feature = "http")]
use crate::config::{
    ApplicationInfo, EventsConfig, HttpConfig, ServiceEndpoints, StreamingConfig, WebSettings,
    WrapperInfo,
};
use crate::config::{
    BigSegmentsConfig, ClientContext, ConfigError, Configure, PersistentStoreConfig, SdkKey,
};
use crate::data_source::{DataSink, DataSource, DataSourceError};
use crate::events::{Contained, EventProcessor};
use crate::hooks::{Hook, Hooks};
use crate::runtime::{Runtime, Task};
use crate::sink::{ChangeHub, Updater};
use crate::status::{DataSourceErrorInfo, DataSourceErrorKind, DataSourceState};
use crate::store::{DataStore, MemoryStore};
use crate::watchdog::Death;

const DEFAULT_EVALUATION_TIMEOUT: Duration = Duration::from_secs(2);

/// Configures and starts a [`Client`]. A clone starts a client of its own.
#[derive(Clone, Debug)]
#[must_use]
pub struct ClientBuilder {
    sdk_key: SdkKey,
    offline: bool,
    defaults: HashMap<Text, Value>,
    data_source: Option<Arc<dyn Configure<dyn DataSource>>>,
    data_store: Option<Arc<dyn Configure<dyn DataStore>>>,
    /// The database of a client that only reads one.
    daemon: Option<PersistentStoreConfig>,
    big_segments: Option<BigSegmentsConfig>,
    events: Events,
    hooks: Vec<Arc<dyn Hook>>,
    plugins: Vec<Arc<dyn Plugin>>,
    evaluation_timeout: Duration,
    runtime: Option<Runtime>,
    #[cfg(feature = "http")]
    web: WebSettings,
}

/// Who hears of evaluations.
#[derive(Clone, Debug, Default)]
enum Events {
    /// The service, if the flags are the service's.
    #[default]
    Usual,
    Nobody,
    Processor(Arc<dyn Configure<dyn EventProcessor>>),
}

impl ClientBuilder {
    pub(super) fn new(sdk_key: SdkKey) -> Self {
        Self {
            sdk_key,
            offline: false,
            defaults: HashMap::new(),
            data_source: None,
            data_store: None,
            daemon: None,
            big_segments: None,
            events: Events::default(),
            hooks: Vec::new(),
            plugins: Vec::new(),
            evaluation_timeout: DEFAULT_EVALUATION_TIMEOUT,
            runtime: None,
            #[cfg(feature = "http")]
            web: WebSettings::default(),
        }
    }

    /// Replaces the SDK key.
    pub fn sdk_key(mut self, sdk_key: impl Into<SdkKey>) -> Self {
        self.sdk_key = sdk_key.into();
        self
    }

    /// Whether the client stays off the network: it takes no data, and every evaluation gives its
    /// default. Default: `false`.
    pub fn offline(mut self, offline: bool) -> Self {
        self.offline = offline;
        self
    }

    /// Values that are given where a flag has none, before the default of the call. One that is not
    /// of the type that a call asks for is passed over. Adds to earlier calls. Default: none.
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

    /// Where flags come from: [`StreamingConfig`](crate::config::StreamingConfig),
    /// [`PollingConfig`](crate::config::PollingConfig), files, a test, or a source of your own. Default: they are streamed
    /// from the service (without the feature `http`: none).
    pub fn data_source(mut self, source: impl Configure<dyn DataSource>) -> Self {
        self.data_source = Some(Arc::new(source));
        self
    }

    /// Takes flags from a database that somebody else fills, a Relay Proxy as a rule: daemon mode. The client asks the
    /// service for nothing, and never writes to the database. [`data_source`](Self::data_source) and
    /// [`data_store`](Self::data_store) have no effect then.
    ///
    /// The client is [initialized](Client::is_initialized) at once, as in other SDKs, even if the
    /// database is unavailable.
    /// [`Client::wait_until_ready`] waits until the database was read, and fails if it cannot be.
    pub fn daemon_mode(mut self, store: impl Into<PersistentStoreConfig>) -> Self {
        self.daemon = Some(store.into());
        self
    }

    /// Where flags are kept: a [`PersistentStoreConfig`] keeps a database up to date. Default: in
    /// memory.
    pub fn data_store(mut self, store: impl Configure<dyn DataStore>) -> Self {
        self.data_store = Some(Arc::new(store));
        self
    }

    /// Where the memberships of big segments are kept. Default: nowhere; then no context belongs to
    /// one.
    pub fn big_segments(mut self, store: impl Into<BigSegmentsConfig>) -> Self {
        self.big_segments = Some(store.into());
        self
    }

    /// Who hears of evaluations and of what the application tells:
    /// [`EventsConfig`](crate::config::EventsConfig) for the service, or a processor of your own. Default: the service,
    /// with the default settings, unless the data source is [made for
    /// tests](DataSource::reports_events) (without the feature `http`: nobody).
    pub fn events(mut self, processor: impl Configure<dyn EventProcessor>) -> Self {
        self.events = Events::Processor(Arc::new(processor));
        self
    }

    /// Nobody hears of evaluations.
    pub fn without_events(mut self) -> Self {
        self.events = Events::Nobody;
        self
    }

    /// Code that runs around evaluations. Adds to earlier calls. Default: none.
    pub fn hook(mut self, hook: impl Hook) -> Self {
        self.hooks.push(Arc::new(hook));
        self
    }

    /// An extension with hooks of its own, which run after those of the builder. Adds to earlier
    /// calls. Default: none.
    pub fn plugin(mut self, plugin: impl Plugin) -> Self {
        self.plugins.push(Arc::new(plugin));
        self
    }

    /// How long an evaluation may wait for I/O, in the configurations where it has to: with a data
    /// store that is [read through](PersistentStoreConfig::cache), and with big segments. Default:
    /// 2 s. Zero: it does not wait, and returns its default if something would have to be fetched.
    /// `Duration::MAX`: it waits until the store answers or fails.
    pub fn evaluation_timeout(mut self, timeout: Duration) -> Self {
        self.evaluation_timeout = timeout;
        self
    }

    /// Runs the background work on this Tokio runtime instead of the thread that all clients share. Its timers and
    /// I/O must be enabled, and it has to run until the client is closed: [`Client::close`] returns `false` otherwise. If it is
    /// shut down earlier, this is logged as one error, the data source is [off](DataSourceState::Off), evaluations go on with
    /// the data there is, and events are dropped and counted. In a process that was forked after this call, it is replaced
    /// by the thread that all clients share.
    pub fn runtime(mut self, runtime: tokio::runtime::Handle) -> Self {
        self.runtime = Some(Runtime::of(runtime));
        self
    }

    /// Where the service is. Default: the service's own endpoints.
    #[cfg(feature = "http")]
    pub fn service_endpoints(mut self, endpoints: ServiceEndpoints) -> Self {
        self.web.endpoints = endpoints;
        self
    }

    /// How requests are made: time limits, proxy, certificates. Default: see [`HttpConfig`].
    #[cfg(feature = "http")]
    pub fn http(mut self, http: HttpConfig) -> Self {
        self.web.http = http;
        self
    }

    /// Which application uses the client, for the service's statistics. Default: nothing is said.
    #[cfg(feature = "http")]
    pub fn application(mut self, application: ApplicationInfo) -> Self {
        self.web.application = application;
        self
    }

    /// Which library wraps the client, if one does. Default: none.
    #[cfg(feature = "http")]
    pub fn wrapper(mut self, wrapper: WrapperInfo) -> Self {
        self.web.wrapper = Some(wrapper);
        self
    }

    /// Starts the client and returns at once. Whether it has data already depends on the source:
    /// see
    /// [`Client::wait_until_ready`].
    ///
    /// # Errors
    /// If the SDK key or a base URL is not one, a component cannot be configured, there is no data
    /// source, the background thread cannot be started, or the [runtime](Self::runtime) is shut
    /// down already.
    pub fn start(self) -> Result<Client, ConfigError> {
        let runtime = match self.runtime {
            Some(runtime) if !runtime.is_inherited() => runtime,
            // A runtime of the parent process does nothing in this one.
            _ => Runtime::shared().map_err(|source| ConfigError::Runtime { source })?,
        };
        if runtime.is_gone() {
            let source = io::Error::other("the runtime that the client was given is shut down");
            return Err(ConfigError::Runtime { source });
        }
        let daemon = self.daemon.filter(|_| !self.offline);
        let context = ClientContext::new(
            self.sdk_key.clone(),
            runtime.clone(),
            self.offline,
            daemon.is_some(),
            self.evaluation_timeout,
            #[cfg(feature = "http")]
            self.web,
        )?;
        let plugins = Plugins::new(self.plugins, EnvironmentMetadata::of(&context));
        let mut hooks = self.hooks;
        hooks.extend(plugins.hooks());
        let hooks = Arc::new(Hooks::new(hooks));
        let (store, source) = match daemon {
            Some(database) => {
                if self.data_source.is_some() || self.data_store.is_some() {
                    tracing::warn!(
                        "in daemon mode a data source or another data store has no effect"
                    );
                }
                let ReadOnly { store, source } = database.read_only(&context)?;
                (store, Some(source))
            }
            None => {
                let store = store(self.data_store, &context)?;
                (
                    store,
                    if self.offline {
                        None
                    } else {
                        Some(source(self.data_source, &context)?)
                    },
                )
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
        let changes = Arc::new(ChangeHub::new(runtime.clone()));
        let updater = Arc::new(Updater::new(
            runtime.clone(),
            Arc::clone(&store),
            changes,
            processor.clone(),
            Arc::clone(&hooks),
        ));
        let resolver = Arc::new(Resolver {
            offline: self.offline,
            daemon_mode: context.is_daemon_mode(),
            memory: store.memory(),
            store,
            big_segments,
            runtime: runtime.clone(),
            updater: Arc::clone(&updater),
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
            source: Mutex::default(),
            is_closed: AtomicBool::new(false),
            outcome: Arc::default(),
        };
        let client = Client {
            shared: Arc::new(shared),
        };
        plugins.register(&client);
        match source {
            Some(source) => client.shared.attach(launch(&runtime, source, updater)),
            None => updater.update_status(DataSourceState::Valid, None),
        }
        Ok(client)
    }
}

/// Where flags are kept.
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

/// Where they come from.
fn source(
    recipe: Option<Arc<dyn Configure<dyn DataSource>>>,
    context: &ClientContext,
) -> Result<Arc<dyn DataSource>, ConfigError> {
    match recipe {
        Some(recipe) => recipe.configure(context),
        None => default_source()?.configure(context),
    }
}

impl Events {
    fn configure(
        self,
        context: &ClientContext,
        source: &dyn DataSource,
    ) -> Result<Option<Arc<dyn EventProcessor>>, ConfigError> {
        let processor = match self {
            Self::Processor(recipe) => Some(recipe.configure(context)?),
            Self::Usual if source.reports_events() => usual_events(context)?,
            Self::Usual | Self::Nobody => None,
        };
        Ok(processor
            .map(|processor| Arc::new(Contained::new(processor)) as Arc<dyn EventProcessor>))
    }
}

#[cfg(feature = "http")]
fn usual_events(context: &ClientContext) -> Result<Option<Arc<dyn EventProcessor>>, ConfigError> {
    EventsConfig::new().configure(context).map(Some)
}

#[cfg(not(feature = "http"))]
fn usual_events(_: &ClientContext) -> Result<Option<Arc<dyn EventProcessor>>, ConfigError> {
    Ok(None)
}

#[cfg(feature = "http")]
fn default_source() -> Result<Arc<dyn Configure<dyn DataSource>>, ConfigError> {
    Ok(Arc::new(StreamingConfig::new()))
}

#[cfg(not(feature = "http"))]
fn default_source() -> Result<Arc<dyn Configure<dyn DataSource>>, ConfigError> {
    Err(ConfigError::NoDataSource)
}

type Run = Pin<Box<dyn Future<Output = Result<(), DataSourceError>> + Send>>;

/// Starts the data source on this thread and leaves the rest of its work to the runtime. A source
/// that has data at hand has delivered it when this returns.
fn launch(runtime: &Runtime, source: Arc<dyn DataSource>, sink: Arc<Updater>) -> Option<Task<()>> {
    let to: Arc<dyn DataSink> = Arc::clone(&sink) as Arc<dyn DataSink>;
    // Unconstrained: started inside a busy task, the source must not be told to give way before it
    // has delivered.
    let mut run: Run = Box::pin(tokio::task::unconstrained(
        async move { source.run(to).await },
    ));
    let first = {
        let _timers_and_sockets_belong_to = runtime.enter();
        catch_unwind(AssertUnwindSafe(|| {
            run.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        }))
    };
    match first {
        Ok(Poll::Ready(result)) => {
            ended(&sink, result);
            None
        }
        // The runtime polls it again, with a waker that counts.
        Ok(Poll::Pending) => {
            let to = Arc::clone(&sink);
            let running = async move { ended(&sink, run.await) };
            Some(runtime.spawn_watched("data source", running, move |death| died(&to, death)))
        }
        Err(_panic) => {
            tracing::error!("the data source panicked when it was started; flags stay as they are");
            died(&sink, Death::Panicked);
            None
        }
    }
}

/// What an unexpected end of a data source means for its status. It was logged.
fn died(sink: &Updater, death: Death) {
    let message = match death {
        Death::Panicked => "the data source panicked",
        Death::RuntimeGone => death.describe(),
    };
    sink.update_status(
        DataSourceState::Off,
        Some(DataSourceErrorInfo::new(
            DataSourceErrorKind::Unknown,
            message,
        )),
    );
}

/// What the end of a data source means for its status.
fn ended(sink: &Updater, result: Result<(), DataSourceError>) {
    let info = match result {
        Ok(()) if sink.is_refreshed() => return,
        Ok(()) => {
            DataSourceErrorInfo::new(DataSourceErrorKind::Unknown, "the data source had no data")
        }
        Err(error) => {
            let message = match error.source.source() {
                Some(cause) => format!("{error}: {}: {cause}", error.source),
                None => format!("{error}: {}", error.source),
            };
            DataSourceErrorInfo::new(error.kind, message)
        }
    };
    tracing::error!(error = %info, "the data source has ended; flags stay as they are");
    sink.update_status(DataSourceState::Off, Some(info));
}
