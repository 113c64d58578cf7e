//! [`Mode`]: a client in one of the ways in which an application can use the SDK.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use vexil::config::{
    BigSegmentsConfig, DataSystem, HttpConfig, PayloadPollConfig, PayloadStreamConfig,
    PersistentStoreConfig, PollingConfig, ServiceEndpoints, StreamingConfig,
};
use vexil::data_source::DataSourceState;
use vexil::eval::Detail;
use vexil::hooks::{EvaluationSeriesContext, Hook, HookError, HookMetadata, SeriesData};
use vexil::store::CacheMode;
use vexil::{Client, ClientBuilder, Context, Text, Value};
use vexil_dynamodb::{DynamoDbBigSegmentStore, DynamoDbBuilder, DynamoDbDataStore};
use vexil_file_data::FileData;
use vexil_redis::{RedisBigSegmentStore, RedisConnection, RedisDataStore};
use vexil_testing::FaultProxy;

use crate::accounting::{Ledger, Recording};
use crate::checker::{Checker, DEFAULT};
use crate::counters::Counters;
use crate::environment::{Environment, Item};
use crate::losses::Losses;
use crate::relay::{Failure, PREFIX, REGION, Relay, TABLE, USER};

/// Longer than any mode takes to start.
const READY: Duration = Duration::from_secs(60);

/// A request to a database that takes longer has failed.
const READ: Duration = Duration::from_secs(2);

/// Longer than two reads take during any fault. An evaluation of a flag with a prerequisite may wait
/// for both, one after the other, and returns its default if both together are late.
const EVALUATION: Duration = Duration::from_secs(20);

/// What stands between a client and what it uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behind {
    Service,
    Redis,
    DynamoDb,
    File,
}

/// A connection of a client, with the proxy that breaks it. A file has none.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) to: Behind,
    pub(crate) proxy: Option<FaultProxy>,
}

/// A database that the client of a mode writes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Written {
    pub(crate) to: Behind,
    pub(crate) prefix: &'static str,
}

#[derive(Debug)]
pub(crate) struct Mode {
    pub(crate) name: &'static str,
    pub(crate) client: Client,
    pub(crate) connections: Vec<Connection>,
    pub(crate) checker: Checker,
    pub(crate) counters: Arc<Counters>,
    pub(crate) ledger: Arc<Ledger>,
    /// Whether the client has big segments, so that flags that refer to them are evaluated.
    pub(crate) has_big_segments: bool,
    pub(crate) writes: Option<Written>,
    /// The value that the listener of each flag was last notified of. Empty where the client is not
    /// notified of changes.
    notified: Vec<(Item, Arc<AtomicU64>)>,
}

/// How to create a mode.
struct Plan<'a> {
    name: &'static str,
    relay: &'a Relay,
    events: &'a FaultProxy,
    connections: Vec<Connection>,
    losses: Option<&'static Losses>,
    has_big_segments: bool,
    has_listeners: bool,
    writes: Option<Written>,
}

/// Starts a client in every mode and waits until all are ready. `events` stands before the service
/// that receives events.
pub(crate) fn start(relay: &Relay, events: &FaultProxy) -> Result<Vec<Arc<Mode>>, Failure> {
    let plan = |name| Plan {
        name,
        relay,
        events,
        connections: Vec::new(),
        losses: None,
        has_big_segments: false,
        has_listeners: true,
        writes: None,
    };
    let modes = [
        plan("streaming").streaming()?,
        plan("polling").polling()?,
        plan("data system").data_system()?,
        plan("data system with DynamoDB").data_system_with_store()?,
        plan("streaming with Redis").memory_first()?,
        plan("daemon, Redis, push").daemon_redis(None)?,
        plan("daemon, Redis, refresh").daemon_redis(Some(USER))?,
        plan("daemon, DynamoDB").daemon_dynamodb()?,
        plan("read-through, Redis").read_through_redis()?,
        plan("read-through, DynamoDB").read_through_dynamodb()?,
        plan("big segments, Redis").big_segments_redis()?,
        plan("big segments, DynamoDB").big_segments_dynamodb()?,
        plan("files").files()?,
    ];
    Ok(modes.into_iter().map(Arc::new).collect())
}

impl Plan<'_> {
    fn streaming(mut self) -> Result<Mode, Failure> {
        let endpoints = self.service()?;
        self.start(endpoints, |builder| builder.data_source(stream()))
    }

    fn polling(mut self) -> Result<Mode, Failure> {
        let endpoints = self.service()?;
        let poll = PollingConfig::new()
            .without_shortest_interval()
            .poll_interval(Duration::from_millis(250));
        self.start(endpoints, |builder| builder.data_source(poll))
    }

    fn data_system(mut self) -> Result<Mode, Failure> {
        let endpoints = self.service()?;
        // Shorter times, so that each source is used within a minute.
        let system = DataSystem::new()
            .fallback_after(Duration::from_secs(3), Duration::from_secs(2))
            .recover_after(Duration::from_secs(5));
        self.start(endpoints, |builder| builder.data_system(system))
    }

    fn data_system_with_store(mut self) -> Result<Mode, Failure> {
        let (endpoints, store) = (self.service()?, self.dynamodb()?);
        let poll = || {
            PayloadPollConfig::new()
                .without_shortest_interval()
                .poll_interval(Duration::from_millis(500))
        };
        let stream = PayloadStreamConfig::new()
            .initial_reconnect_delay(Duration::from_millis(100))
            .read_timeout(Duration::from_secs(3));
        let system = DataSystem::custom()
            .initializer(poll())
            .synchronizer(stream)
            .synchronizer(poll())
            .fallback_after(Duration::from_secs(3), Duration::from_secs(1))
            .recover_after(Duration::from_secs(3));
        let store = store(DynamoDbDataStore::builder(TABLE), "system");
        let store = PersistentStoreConfig::new(store).reconcile_interval(Duration::from_secs(15));
        self.writes = Some(Written {
            to: Behind::DynamoDb,
            prefix: "system",
        });
        self.start(endpoints, |builder| {
            builder.data_system(system).data_store(store)
        })
    }

    fn memory_first(mut self) -> Result<Mode, Failure> {
        let (endpoints, connection) = (self.service()?, self.redis(None)?);
        let store = RedisDataStore::builder()
            .connection(&connection)
            .prefix("first");
        let store = PersistentStoreConfig::new(store).reconcile_interval(Duration::from_secs(15));
        self.writes = Some(Written {
            to: Behind::Redis,
            prefix: "first",
        });
        self.start(endpoints, |builder| {
            builder.data_source(stream()).data_store(store)
        })
    }

    fn daemon_redis(mut self, user: Option<&str>) -> Result<Mode, Failure> {
        let connection = self.redis(user)?;
        let store = RedisDataStore::builder()
            .connection(&connection)
            .prefix(PREFIX);
        let mut config = PersistentStoreConfig::new(store);
        if user.is_some() {
            config = config.refresh_interval(Duration::from_millis(500));
        }
        let endpoints = self.no_service();
        self.start(endpoints, |builder| builder.daemon_mode(config))
    }

    fn daemon_dynamodb(mut self) -> Result<Mode, Failure> {
        let store = self.dynamodb()?(DynamoDbDataStore::builder(TABLE), PREFIX);
        let config =
            PersistentStoreConfig::new(store).refresh_interval(Duration::from_millis(1_000));
        let endpoints = self.no_service();
        self.start(endpoints, |builder| builder.daemon_mode(config))
    }

    fn read_through_redis(mut self) -> Result<Mode, Failure> {
        let connection = self.redis(None)?;
        let store = RedisDataStore::builder()
            .connection(&connection)
            .prefix(PREFIX);
        self.losses = Some(self.relay.redis.losses);
        self.read_through(PersistentStoreConfig::new(store))
    }

    fn read_through_dynamodb(mut self) -> Result<Mode, Failure> {
        let store = self.dynamodb()?(DynamoDbDataStore::builder(TABLE), PREFIX);
        self.read_through(PersistentStoreConfig::new(store))
    }

    fn read_through(mut self, store: PersistentStoreConfig) -> Result<Mode, Failure> {
        self.has_listeners = false;
        let store = store.cache(CacheMode::Ttl(Duration::from_millis(500)));
        let endpoints = self.no_service();
        self.start(endpoints, |builder| {
            builder.daemon_mode(store).evaluation_timeout(EVALUATION)
        })
    }

    fn big_segments_redis(mut self) -> Result<Mode, Failure> {
        let (endpoints, connection) = (self.service()?, self.redis(None)?);
        let store = RedisBigSegmentStore::builder()
            .connection(&connection)
            .prefix(PREFIX);
        self.losses = Some(self.relay.redis.losses);
        self.big_segments(endpoints, BigSegmentsConfig::new(store))
    }

    fn big_segments_dynamodb(mut self) -> Result<Mode, Failure> {
        let endpoints = self.service()?;
        let store = self.dynamodb()?(DynamoDbBigSegmentStore::builder(TABLE), PREFIX);
        self.big_segments(endpoints, BigSegmentsConfig::new(store))
    }

    fn big_segments(
        mut self,
        endpoints: ServiceEndpoints,
        store: BigSegmentsConfig,
    ) -> Result<Mode, Failure> {
        self.has_big_segments = true;
        let store = store
            .context_cache_time(Duration::from_millis(500))
            .stale_after(Duration::MAX)
            .status_poll_interval(Duration::from_millis(500));
        self.start(endpoints, |builder| {
            builder
                .data_source(stream())
                .big_segments(store)
                .evaluation_timeout(EVALUATION)
        })
    }

    fn files(mut self) -> Result<Mode, Failure> {
        self.connections.push(Connection {
            to: Behind::File,
            proxy: None,
        });
        let file = FileData::path(self.relay.file.path())
            .watch(true)
            .poll_interval(Duration::from_millis(500));
        let endpoints = self.no_service();
        self.start(endpoints, |builder| builder.data_source(file))
    }

    /// Endpoints for a client that receives flags from the service.
    fn service(&mut self) -> Result<ServiceEndpoints, Failure> {
        let address = self.proxy(Behind::Service, self.relay.service.address())?;
        let endpoints = ServiceEndpoints::relay(format!("http://{address}"));
        Ok(endpoints.with_events(self.events_url()))
    }

    /// Endpoints for a client that only sends events.
    fn no_service(&self) -> ServiceEndpoints {
        ServiceEndpoints::relay(self.events_url())
    }

    fn events_url(&self) -> String {
        format!("http://{}", self.events.address())
    }

    fn redis(&mut self, user: Option<&str>) -> Result<RedisConnection, Failure> {
        let address = self.proxy(Behind::Redis, self.relay.redis.server.address())?;
        let user = user
            .map(|user| format!("{user}:{user}@"))
            .unwrap_or_default();
        let connection = RedisConnection::builder()
            .url(format!("redis://{user}{address}"))
            .connect_timeout(READ)
            .read_timeout(READ)
            .bulk_timeout(2 * READ);
        Ok(connection.build()?)
    }

    /// Returns a function that completes the builder of a store.
    fn dynamodb<S>(
        &mut self,
    ) -> Result<impl FnOnce(DynamoDbBuilder<S>, &str) -> DynamoDbBuilder<S> + use<S>, Failure> {
        let server = ("127.0.0.1", self.relay.dynamodb.server.port());
        let address = self.proxy(Behind::DynamoDb, server)?;
        Ok(move |builder: DynamoDbBuilder<S>, prefix: &str| {
            builder
                .prefix(prefix)
                .endpoint(format!("http://{address}"))
                .region(REGION)
                .credentials("local", "local")
                .read_timeout(READ)
                .bulk_timeout(2 * READ)
        })
    }

    fn proxy(
        &mut self,
        to: Behind,
        server: impl std::net::ToSocketAddrs,
    ) -> Result<std::net::SocketAddr, Failure> {
        let proxy = FaultProxy::start(server)?;
        let address = proxy.address();
        self.connections.push(Connection {
            to,
            proxy: Some(proxy),
        });
        Ok(address)
    }

    fn start(
        self,
        endpoints: ServiceEndpoints,
        configure: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Result<Mode, Failure> {
        let (counters, ledger) = (Arc::new(Counters::new()), Arc::new(Ledger::default()));
        let transport = HttpConfig::new()
            .connect_timeout(READ)
            .read_timeout(READ)
            .build()?;
        let recording = Recording {
            inner: transport,
            ledger: Arc::clone(&ledger),
        };
        let builder = Client::builder("sdk-key")
            .service_endpoints(endpoints)
            .http(HttpConfig::new().read_timeout(READ).transport(recording))
            .events(vexil::config::EventsConfig::new().flush_interval(Duration::from_secs(1)))
            .hook(CountingHook(Arc::clone(&counters)));
        let client = configure(builder).start()?;
        client
            .blocking_wait_until_ready(READY)
            .map_err(|error| format!("{}: {error}", self.name))?;
        let mut mode = Mode {
            name: self.name,
            client,
            connections: self.connections,
            checker: Checker::new(self.losses),
            counters,
            ledger,
            has_big_segments: self.has_big_segments,
            writes: self.writes,
            notified: Vec::new(),
        };
        if self.has_listeners {
            mode.listen()?;
        }
        mode.wait_until_current(&self.relay.environment)?;
        Ok(mode)
    }
}

impl Mode {
    /// Waits until all flags have been read: a read-through store reads each when it is evaluated.
    fn wait_until_current(&self, environment: &Environment) -> Result<(), Failure> {
        let began = Instant::now();
        while let Some(lag) = self.lag(environment)? {
            if began.elapsed() > READY {
                return Err(format!("{}: not ready: {lag}", self.name).into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Adds a listener for changes of all flags, and one for the value of each regular flag.
    fn listen(&mut self) -> Result<(), Failure> {
        let tracker = self.client.flag_tracker();
        let counters = Arc::clone(&self.counters);
        tracker.add_listener(move |_| {
            counters.listeners.fetch_add(1, Ordering::Relaxed);
        });
        for item in Item::regular() {
            let (counters, last) = (Arc::clone(&self.counters), Arc::new(AtomicU64::new(0)));
            let notified = Arc::clone(&last);
            tracker.add_flag_value_change_listener(item.key(), &ada()?, move |change| {
                counters.listeners.fetch_add(1, Ordering::Relaxed);
                let version = change.new_value.as_str().and_then(version_in);
                last.store(version.unwrap_or(0), Ordering::SeqCst);
            });
            self.notified.push((item, notified));
        }
        Ok(())
    }

    pub(crate) fn uses(&self, behind: Behind) -> bool {
        self.connections
            .iter()
            .any(|connection| connection.to == behind)
    }

    /// Whether all statuses of the client are good.
    pub(crate) fn is_good(&self) -> bool {
        let store = self.client.data_store_status().status();
        let big_segments = self.has_big_segments.then(|| {
            let status = self.client.big_segment_store_status();
            status.blocking_status(Duration::ZERO)
        });
        self.client.data_source_status().status().state == DataSourceState::Valid
            && store.available
            && !store.stale
            && big_segments.is_none_or(|status| status.is_some_and(|status| status.available))
    }

    /// Returns what is not current, if anything.
    pub(crate) fn lag(&self, environment: &Environment) -> Result<Option<String>, Failure> {
        let ada = ada()?;
        for item in Item::regular() {
            let current = environment.version(item);
            let value = self.client.str_variation(&item.key(), &ada, DEFAULT);
            // Counted as any other evaluation.
            self.counters.evaluations.fetch_add(1, Ordering::SeqCst);
            self.counters.count(item);
            if let Some(other) = item.prerequisite().filter(|_| version_in(&value).is_some()) {
                self.counters.count(other);
            }
            if version_in(&value) != Some(current) {
                return Ok(Some(format!("{} is {value}, not {current}", item.key())));
            }
        }
        for (item, notified) in &self.notified {
            let notified = notified.load(Ordering::SeqCst);
            // 0: the value has not changed since the listener was added.
            if notified != 0 && notified != environment.version(*item) {
                return Ok(Some(format!(
                    "the listener of {} was last notified of {notified}",
                    item.key()
                )));
            }
        }
        let status = self.client.data_store_status().status();
        Ok((!self.is_good()).then(|| format!("the status is not good: {status:?}")))
    }
}

/// The context of all checks that do not need a certain one.
pub(crate) fn ada() -> Result<Context, Failure> {
    Ok(context("ada")?)
}

/// A context that all rules of the environment match.
pub(crate) fn context(key: impl Into<Text>) -> Result<Context, vexil::ContextError> {
    Context::builder(key)
        .set("group", "staff")
        .set("release", "2.3.0")
        .build()
}

/// The version in a complete value.
fn version_in(value: &str) -> Option<u64> {
    value.split_once(crate::environment::AT)?.1.parse().ok()
}

fn stream() -> StreamingConfig {
    StreamingConfig::new()
        .initial_reconnect_delay(Duration::from_millis(100))
        .read_timeout(Duration::from_secs(3))
}

#[derive(Debug)]
struct CountingHook(Arc<Counters>);

impl Hook for CountingHook {
    fn metadata(&self) -> HookMetadata {
        HookMetadata::new("counting")
    }

    fn before_evaluation(
        &self,
        _: &EvaluationSeriesContext<'_>,
        data: SeriesData,
    ) -> Result<SeriesData, HookError> {
        self.0.hooks_before.fetch_add(1, Ordering::Relaxed);
        Ok(data)
    }

    fn after_evaluation(
        &self,
        _: &EvaluationSeriesContext<'_>,
        data: SeriesData,
        _: &Detail<Value>,
    ) -> Result<SeriesData, HookError> {
        self.0.hooks_after.fetch_add(1, Ordering::Relaxed);
        Ok(data)
    }
}
