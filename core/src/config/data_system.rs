//! [`DataSystem`]: several data sources with failover between them.

use std::sync::Arc;
use std::time::Duration;

use super::{ClientContext, ConfigError, Configure};
#[cfg(feature = "http")]
use super::{PayloadPollConfig, PayloadStreamConfig, PollingConfig};
use crate::bounds;
use crate::data_source::{DataSource, DataSourceError, DataSourceErrorKind};
use crate::data_system::{self, Member, Times};

/// Several data sources with failover between them: the vendor's *data saving mode*. See
/// [`ClientBuilder::data_system`](crate::ClientBuilder::data_system).
///
/// *Initializers* make one attempt each, in their order, until one of them delivers data with a
/// state that later requests can refer to. Then the first *synchronizer* keeps the data current. If
/// it fails for good, or is silent or interrupted for long, the next one takes over; after a while
/// the first one is tried again. If the service orders the classic protocol, the *fallback*
/// replaces all of them.
///
/// Every [`DataSource`] can be an initializer or a synchronizer: those of the service in either
/// protocol, files, test data, and custom ones.
///
/// ```
/// use std::time::Duration;
/// use vexil::Client;
/// use vexil::config::{DataSystem, PayloadPollConfig, PayloadStreamConfig, PollingConfig};
///
/// // The usual one.
/// let builder = Client::builder("sdk-key").data_system(DataSystem::new());
///
/// // A custom one, with a stream nearby that is preferred to the service.
/// let near = PayloadStreamConfig::new().base_url("https://relay.example.com");
/// let system = DataSystem::custom()
///     .initializer(PayloadPollConfig::new())
///     .synchronizer(near)
///     .synchronizer(PayloadStreamConfig::new())
///     .fdv1_fallback(PollingConfig::new())
///     .recover_after(Duration::from_secs(600));
/// let builder = Client::builder("sdk-key").data_system(system);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct DataSystem {
    initializers: Vec<Recipe>,
    synchronizers: Vec<Recipe>,
    fallback: Option<Recipe>,
    times: Times,
    honors_duration: bool,
}

type Recipe = Arc<dyn Configure<dyn DataSource>>;

impl DataSystem {
    /// A data system without sources, to which sources are added. Without any, the client uses the
    /// data that its store holds.
    ///
    /// ```
    /// use vexil::config::DataSystem;
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// let flags = TestData::new().with("banner", "hello");
    /// let system = DataSystem::custom().synchronizer(flags);
    /// let client = Client::builder("sdk-key").data_system(system).start()?;
    /// assert_eq!(client.str_variation("banner", &Context::new("ada")?, ""), "hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn custom() -> Self {
        Self {
            initializers: Vec::new(),
            synchronizers: Vec::new(),
            fallback: None,
            times: Times::default(),
            honors_duration: true,
        }
    }

    /// Adds a source that is asked once for data, after the ones added before.
    ///
    /// ```
    /// use vexil::config::DataSystem;
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// // Flags of the last release, until the service has answered.
    /// let bundled = TestData::new().with("new-checkout", true);
    /// let service = TestData::not_ready();
    /// let system = DataSystem::custom().initializer(bundled).synchronizer(service.clone());
    /// let client = Client::builder("sdk-key").data_system(system).start()?;
    /// let ada = Context::new("ada")?;
    /// # let mut changes = client.flag_tracker().subscribe_to_value("new-checkout", &ada);
    /// # if !client.bool_variation("new-checkout", &ada, false) {
    /// #     changes.blocking_next(std::time::Duration::from_secs(30));
    /// # }
    /// assert!(client.bool_variation("new-checkout", &ada, false));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn initializer(mut self, source: impl Configure<dyn DataSource>) -> Self {
        self.initializers.push(Arc::new(source));
        self
    }

    /// Adds a source that keeps the data current, and that is less preferred than the ones added
    /// before.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::config::DataSystem;
    /// use vexil::{Client, Context};
    /// # use std::sync::Arc;
    /// # use vexil::data_source::{DataSink, DataSource, DataSourceError};
    /// use vexil_testing::TestData;
    ///
    /// /// Fails for good.
    /// #[derive(Clone, Debug)]
    /// struct Failing;
    /// # #[vexil::async_trait]
    /// # impl DataSource for Failing {
    /// #     async fn run(&self, _: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
    /// #         Err(DataSourceError::invalid_data("the file is malformed"))
    /// #     }
    /// # }
    ///
    /// let system = DataSystem::custom()
    ///     .synchronizer(Failing)
    ///     .synchronizer(TestData::new().with("banner", "hello"));
    /// let client = Client::builder("sdk-key").data_system(system).without_events().start()?;
    /// client.blocking_wait_until_ready(Duration::from_secs(30))?;
    /// assert_eq!(client.str_variation("banner", &Context::new("ada")?, ""), "hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn synchronizer(mut self, source: impl Configure<dyn DataSource>) -> Self {
        self.synchronizers.push(Arc::new(source));
        self
    }

    /// Sets the source that replaces all others if the service orders the classic protocol, usually
    /// a [`PollingConfig`](super::PollingConfig). Default of [`custom`](Self::custom): none, in which case such an order
    /// ends the data source.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::config::{DataSystem, PayloadPollConfig, PollingConfig, ServiceEndpoints};
    /// use vexil::{Client, Context};
    /// use vexil_testing::FakeService;
    /// use vexil_testing::fake_service::{Answer, Endpoint};
    ///
    /// // A service that does not support the second protocol for this environment.
    /// let service = FakeService::start()?;
    /// service.set("banner", "hello");
    /// service.always(Endpoint::PayloadPoll, Answer::usual().fallback_directive(None));
    ///
    /// let system = DataSystem::custom()
    ///     .synchronizer(PayloadPollConfig::new())
    ///     .fdv1_fallback(PollingConfig::new());
    /// let client = Client::builder("sdk-key")
    ///     .service_endpoints(ServiceEndpoints::relay(service.url()))
    ///     .data_system(system)
    ///     .without_events()
    ///     .start()?;
    /// // The classic protocol is used from now on.
    /// service.next_request(Endpoint::Poll).wait()?;
    /// client.blocking_wait_until_ready(Duration::from_secs(30))?;
    /// assert_eq!(client.str_variation("banner", &Context::new("ada")?, ""), "hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fdv1_fallback(mut self, source: impl Configure<dyn DataSource>) -> Self {
        self.fallback = Some(Arc::new(source));
        self
    }

    /// Removes the source that [`fdv1_fallback`](Self::fdv1_fallback) sets.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::Client;
    /// use vexil::config::{DataSystem, ServiceEndpoints};
    /// use vexil::data_source::DataSourceState;
    /// use vexil_testing::FakeService;
    /// use vexil_testing::fake_service::{Answer, Endpoint};
    ///
    /// let service = FakeService::start()?;
    /// service.always(Endpoint::PayloadStream, Answer::status(503).fallback_directive(None));
    /// let client = Client::builder("sdk-key")
    ///     .service_endpoints(ServiceEndpoints::relay(service.url()))
    ///     .data_system(DataSystem::streaming().without_fdv1_fallback())
    ///     .without_events()
    ///     .start()?;
    /// // The order of the service cannot be followed, so no data will arrive.
    /// let status = client.data_source_status();
    /// assert!(status.blocking_wait_for(DataSourceState::Off, Duration::from_secs(30)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn without_fdv1_fallback(mut self) -> Self {
        self.fallback = None;
        self
    }

    /// When another synchronizer takes over: `silent` after the start of one that delivers nothing,
    /// and `interrupted` after the first error of one that does not recover. Defaults, and meaning
    /// of zero: 10 s and 60 s. At least 100 ms. While the first data is arriving, a silent
    /// synchronizer has 60 s or `silent`, if that is longer.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::config::DataSystem;
    /// use vexil::{Client, Context};
    /// # use std::sync::Arc;
    /// # use vexil::data_source::{DataSink, DataSource, DataSourceError};
    /// use vexil_testing::TestData;
    ///
    /// /// Delivers nothing.
    /// #[derive(Clone, Debug)]
    /// struct Silent;
    /// # #[vexil::async_trait]
    /// # impl DataSource for Silent {
    /// #     async fn run(&self, _: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
    /// #         std::future::pending().await
    /// #     }
    /// # }
    ///
    /// let system = DataSystem::custom()
    ///     .synchronizer(Silent)
    ///     .synchronizer(TestData::new().with("banner", "hello"))
    ///     .fallback_after(Duration::from_millis(100), Duration::from_secs(30));
    /// let client = Client::builder("sdk-key").data_system(system).without_events().start()?;
    /// client.blocking_wait_until_ready(Duration::from_secs(30))?;
    /// assert_eq!(client.str_variation("banner", &Context::new("ada")?, ""), "hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fallback_after(mut self, silent: Duration, interrupted: Duration) -> Self {
        let usual = Times::default();
        self.times.silent = bounds::interval(silent, usual.silent);
        self.times.interrupted = bounds::interval(interrupted, usual.interrupted);
        self
    }

    /// How long a less preferred synchronizer must have been valid before the preferred one is
    /// tried again. Default, and meaning of zero: 300 s. At least 100 ms. `Duration::MAX`: never.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::config::DataSystem;
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// // The stream of this region is preferred. It is slow to start.
    /// let (near, far) = (TestData::not_ready().with("region", "near"), TestData::new().with("region", "far"));
    /// let system = DataSystem::custom()
    ///     .synchronizer(near.clone())
    ///     .synchronizer(far)
    ///     .fallback_after(Duration::from_millis(100), Duration::from_secs(60))
    ///     .recover_after(Duration::from_millis(100));
    /// let client = Client::builder("sdk-key").data_system(system).start()?;
    /// client.blocking_wait_until_ready(Duration::from_secs(30))?;
    /// let ada = Context::new("ada")?;
    /// let mut changes = client.flag_tracker().subscribe_to_value("region", &ada);
    ///
    /// near.make_ready().set("region", "near");
    /// while client.str_variation("region", &ada, "") != "near" {
    ///     changes.blocking_next(Duration::from_secs(30)).expect("the preferred source takes over again");
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn recover_after(mut self, time: Duration) -> Self {
        self.times.recovery = bounds::interval(time, Times::default().recovery);
        self
    }

    /// Whether an order to use the classic protocol ends when the service says so. If `false`, it
    /// holds for the client's lifetime. Default: `true`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::config::{DataSystem, ServiceEndpoints};
    /// use vexil::{Client, Context};
    /// use vexil_testing::FakeService;
    /// use vexil_testing::fake_service::{Answer, Endpoint};
    ///
    /// // The service orders the classic protocol for one hour. The client keeps it until it is restarted.
    /// let service = FakeService::start()?;
    /// service.set("banner", "hello");
    /// let hour = Some(Duration::from_secs(3600));
    /// service.answer(Endpoint::PayloadStream, Answer::status(503).fallback_directive(hour));
    /// let client = Client::builder("sdk-key")
    ///     .service_endpoints(ServiceEndpoints::relay(service.url()))
    ///     .data_system(DataSystem::streaming().honor_fallback_ttl(false))
    ///     .without_events()
    ///     .start()?;
    /// client.blocking_wait_until_ready(Duration::from_secs(30))?;
    /// assert_eq!(client.str_variation("banner", &Context::new("ada")?, ""), "hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn honor_fallback_ttl(mut self, honor: bool) -> Self {
        self.honors_duration = honor;
        self
    }
}

#[cfg(feature = "http")]
impl DataSystem {
    /// The usual one: a poll for the first data, then a stream, and polls while the stream is
    /// unavailable. Falls back to polls of the classic protocol.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::Client;
    /// use vexil::config::{DataSystem, ServiceEndpoints};
    /// use vexil_testing::FakeService;
    /// use vexil_testing::fake_service::Endpoint;
    ///
    /// let service = FakeService::start()?;
    /// let client = Client::builder("sdk-key")
    ///     .service_endpoints(ServiceEndpoints::relay(service.url()))
    ///     .data_system(DataSystem::new())
    ///     .without_events()
    ///     .start()?;
    /// client.blocking_wait_until_ready(Duration::from_secs(30))?;
    /// service.next_request(Endpoint::PayloadPoll).wait()?;
    /// // The stream continues from the state that the poll has delivered.
    /// assert!(service.next_request(Endpoint::PayloadStream).wait()?.basis().is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new() -> Self {
        Self::streaming()
            .initializer(PayloadPollConfig::new())
            .synchronizer(PayloadPollConfig::new())
    }

    /// Only a stream. Falls back to polls of the classic protocol.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::Client;
    /// use vexil::config::{DataSystem, ServiceEndpoints};
    /// use vexil_testing::FakeService;
    /// use vexil_testing::fake_service::Endpoint;
    ///
    /// let service = FakeService::start()?;
    /// let client = Client::builder("sdk-key")
    ///     .service_endpoints(ServiceEndpoints::relay(service.url()))
    ///     .data_system(DataSystem::streaming())
    ///     .without_events()
    ///     .start()?;
    /// client.blocking_wait_until_ready(Duration::from_secs(30))?;
    /// assert!(service.requests_to(Endpoint::PayloadPoll).is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn streaming() -> Self {
        Self::custom()
            .synchronizer(PayloadStreamConfig::new())
            .fdv1_fallback(PollingConfig::new())
    }

    /// Only polls. Falls back to polls of the classic protocol.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::Client;
    /// use vexil::config::{DataSystem, ServiceEndpoints};
    /// use vexil_testing::FakeService;
    ///
    /// // For a network that cuts long responses.
    /// let service = FakeService::start()?;
    /// let client = Client::builder("sdk-key")
    ///     .service_endpoints(ServiceEndpoints::relay(service.url()))
    ///     .data_system(DataSystem::polling())
    ///     .without_events()
    ///     .start()?;
    /// client.blocking_wait_until_ready(Duration::from_secs(30))?;
    /// assert_eq!(service.open_streams(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn polling() -> Self {
        Self::custom()
            .synchronizer(PayloadPollConfig::new())
            .fdv1_fallback(PollingConfig::new())
    }
}

#[cfg(feature = "http")]
impl Default for DataSystem {
    fn default() -> Self {
        Self::new()
    }
}

impl Configure<dyn DataSource> for DataSystem {
    fn configure(
        self: Arc<Self>,
        context: &ClientContext,
    ) -> Result<Arc<dyn DataSource>, ConfigError> {
        let mut reports_events = self.initializers.is_empty() && self.synchronizers.is_empty();
        // Configured once now, for the errors, and again at each activation. The synchronizers come
        // first, because diagnostic events describe the first source.
        let mut members = |recipes: &[Recipe]| {
            let member = |recipe: &Recipe| {
                let source = Arc::clone(recipe).configure(context)?;
                reports_events |= source.reports_events();
                let (recipe, context) = (Arc::clone(recipe), context.repeated());
                Ok(Box::new(Configured { recipe, context }) as Box<dyn Member>)
            };
            recipes.iter().map(member).collect::<Result<Vec<_>, _>>()
        };
        let synchronizers = members(&self.synchronizers)?;
        let initializers = members(&self.initializers)?;
        let fallback = members(self.fallback.as_slice())?.pop();
        Ok(Arc::new(data_system::DataSystem {
            initializers,
            synchronizers,
            fallback,
            times: self.times,
            honors_duration: self.honors_duration,
            reports_events,
        }))
    }
}

/// A source that is configured again at each activation.
#[derive(Debug)]
struct Configured {
    recipe: Recipe,
    context: ClientContext,
}

impl Member for Configured {
    fn source(&self) -> Result<Arc<dyn DataSource>, DataSourceError> {
        Arc::clone(&self.recipe)
            .configure(&self.context)
            .map_err(|error| DataSourceError::new(DataSourceErrorKind::Unknown, error))
    }
}
