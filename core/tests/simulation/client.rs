//! One simulation: a client and its configuration, and when it is compared with the model.

use std::fmt;
use std::iter::Sum;
use std::ops::Range;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};
use vexil::config::{
    DataSystem, EventsConfig, HttpConfig, PayloadPollConfig, PersistentStoreConfig, PollingConfig,
    StreamingConfig,
};
use vexil::data_source::DataSourceState;
use vexil::store::CacheMode;
use vexil::{Client, ClientBuilder, Context};

use crate::service::Service;
use crate::store::Store;
use crate::world::{Defect, Environment, FLAGS, Inner, World};
use crate::{database_faults, model};

/// How long everything fails, in seconds.
const OUTAGE: Range<u64> = 60..900;

/// In this time a client has the data of a service that is healthy: retries after a refusal are at
/// most an hour apart, and two polls must succeed before the next ones are at the usual interval.
const RECOVERY: Duration = Duration::from_secs(3 * 3600);

/// In this time all that is left has been announced, delivered and closed.
const ENDING: Duration = Duration::from_secs(60);

/// How long an evaluation may wait for the database.
const EVALUATION_TIMEOUT: Duration = Duration::from_secs(2);

const TTL: Duration = Duration::from_secs(15);

/// What happened in some simulations.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Summary {
    /// States that clients received.
    pub(crate) commits: u64,
    /// Mistakes of the service, the database and the endpoint of events.
    pub(crate) faults: u64,
    /// Outages of the database that were announced.
    pub(crate) outages: u64,
    /// Comparisons of a client with the model.
    pub(crate) checks: u64,
    /// Flag changes that were announced.
    pub(crate) announced: u64,
    /// Evaluations that were recorded.
    pub(crate) made: u64,
    /// Evaluations in payloads that the service has accepted.
    pub(crate) delivered: u64,
    /// Evaluations in payloads that were reported as dropped.
    pub(crate) dropped: u64,
    /// Evaluations that were not sent, because the service refuses events for good.
    pub(crate) refused_evaluations: u64,
    /// Clients all of whose sources were refused for good.
    pub(crate) refused: u64,
}

impl Sum for Summary {
    fn sum<I: Iterator<Item = Self>>(summaries: I) -> Self {
        summaries.fold(Self::default(), |sum, one| Self {
            commits: sum.commits + one.commits,
            faults: sum.faults + one.faults,
            outages: sum.outages + one.outages,
            checks: sum.checks + one.checks,
            announced: sum.announced + one.announced,
            made: sum.made + one.made,
            delivered: sum.delivered + one.delivered,
            dropped: sum.dropped + one.dropped,
            refused_evaluations: sum.refused_evaluations + one.refused_evaluations,
            refused: sum.refused + one.refused,
        })
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = [
            ("states received", self.commits),
            ("faults", self.faults),
            ("comparisons with the model", self.checks),
            ("flag changes announced", self.announced),
            ("database outages announced", self.outages),
            ("evaluations recorded", self.made),
            ("  delivered", self.delivered),
            ("  reported as dropped", self.dropped),
            ("  dropped after a refusal", self.refused_evaluations),
            ("clients refused for good", self.refused),
        ];
        lines
            .iter()
            .try_for_each(|(name, number)| writeln!(f, "{name:<28}{number:>14}"))
    }
}

/// Where the client gets its data from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Usual,
    Streaming,
    Polling,
    WithoutFallback,
    ClassicStream,
    ClassicPolls,
}

impl Source {
    fn draw(rng: &mut fastrand::Rng) -> Self {
        match rng.u8(0..8) {
            0..3 => Self::Usual,
            3 => Self::Streaming,
            4 => Self::Polling,
            5 => Self::WithoutFallback,
            6 => Self::ClassicStream,
            _ => Self::ClassicPolls,
        }
    }

    fn is_classic(self) -> bool {
        matches!(self, Self::ClassicStream | Self::ClassicPolls)
    }

    fn configure(self, builder: ClientBuilder) -> ClientBuilder {
        match self {
            Self::Usual => builder.data_system(DataSystem::new()),
            Self::Streaming => builder.data_system(DataSystem::streaming()),
            Self::Polling => builder.data_system(DataSystem::polling()),
            Self::WithoutFallback => {
                let system = DataSystem::streaming().synchronizer(PayloadPollConfig::new());
                builder.data_system(system.without_fdv1_fallback())
            }
            Self::ClassicStream => builder.data_source(StreamingConfig::new()),
            Self::ClassicPolls => builder.data_source(PollingConfig::new()),
        }
    }
}

/// Where the client keeps its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Storage {
    Memory,
    /// In memory, and in a database that is written later.
    Behind {
        reconciles: bool,
    },
    /// In memory, after a database that evaluations read.
    HandOver(CacheMode),
    /// The same with a database that is not written, which is read as a whole without a mode.
    ReadOnly(Option<CacheMode>),
    /// In a database that evaluations read.
    Cached(CacheMode),
    /// In memory, from a database that another process fills.
    Daemon,
    /// In a database that evaluations read and another process fills.
    CachedDaemon(CacheMode),
}

impl Storage {
    fn draw(rng: &mut fastrand::Rng, source: Source) -> Self {
        let mode = [CacheMode::Off, CacheMode::Ttl(TTL), CacheMode::Infinite][rng.usize(0..3)];
        match rng.u8(0..12) {
            0..5 => Self::Memory,
            5 | 6 => Self::Behind {
                reconciles: rng.bool(),
            },
            7 => Self::ReadOnly(rng.bool().then_some(mode)),
            8 if source.is_classic() => Self::Cached(mode),
            8 => Self::HandOver(mode),
            9 | 10 => Self::Daemon,
            _ => Self::CachedDaemon(mode),
        }
    }

    pub(crate) fn is_daemon(self) -> bool {
        matches!(self, Self::Daemon | Self::CachedDaemon(_))
    }

    pub(crate) fn writes(self) -> bool {
        matches!(
            self,
            Self::Behind { .. } | Self::HandOver(_) | Self::Cached(_)
        )
    }

    /// Whether evaluations may read the database.
    fn is_read_by_evaluations(self) -> bool {
        matches!(
            self,
            Self::HandOver(_) | Self::ReadOnly(Some(_)) | Self::Cached(_) | Self::CachedDaemon(_)
        )
    }

    /// Whether the client reads or writes the whole database again and again.
    pub(crate) fn is_read_or_written_as_a_whole(self) -> bool {
        matches!(self, Self::Behind { .. } | Self::HandOver(_) | Self::Daemon)
    }

    pub(crate) fn caches_for_ever(self) -> bool {
        self == Self::CachedDaemon(CacheMode::Infinite)
    }

    fn configure(self, builder: ClientBuilder, world: &World) -> ClientBuilder {
        let store = PersistentStoreConfig::new(Store(world.clone()));
        match self {
            Self::Memory => builder,
            Self::Behind { reconciles: false } => builder.data_store(store),
            Self::Behind { reconciles: true } => {
                builder.data_store(store.reconcile_interval(Duration::from_secs(60)))
            }
            Self::ReadOnly(None) => builder.data_store(store.read_only()),
            Self::ReadOnly(Some(mode)) => builder.data_store(store.cache(mode).read_only()),
            Self::HandOver(mode) | Self::Cached(mode) => builder.data_store(store.cache(mode)),
            Self::Daemon => builder.daemon_mode(store),
            Self::CachedDaemon(mode) => builder.daemon_mode(store.cache(mode)),
        }
    }
}

/// What is simulated.
#[derive(Clone, Copy, Debug)]
struct Scenario {
    source: Source,
    storage: Storage,
    has_events: bool,
    has_listener: bool,
}

impl Scenario {
    fn of(seed: u64) -> Self {
        let rng = &mut fastrand::Rng::with_seed(seed.wrapping_mul(4).wrapping_add(3));
        let source = Source::draw(rng);
        let storage = Storage::draw(rng, source);
        Self {
            source,
            storage,
            has_events: rng.u8(0..4) == 0,
            has_listener: storage == Storage::Memory && rng.u8(0..4) == 0,
        }
    }
}

/// What evaluations have seen.
#[derive(Debug)]
pub(crate) struct Evaluated {
    pub(crate) flags: Environment,
    /// The state that the client had, unless it changed meanwhile.
    pub(crate) committed: Option<Option<usize>>,
}

/// Runs the simulation of a seed.
pub(crate) fn simulate(seed: u64, defect: Option<Defect>, is_logged: bool) -> Summary {
    // The SDK's jitter is drawn from this generator.
    fastrand::seed(seed);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let scenario = Scenario::of(seed);
    let world = World::new(seed, defect, is_logged);
    {
        let mut inner = world.lock();
        inner.note(|| format!("{scenario:?}"));
        inner.is_classic = scenario.source.is_classic();
        inner.compares_versions = scenario.storage.writes();
        for _ in 0..3 {
            inner.advance();
        }
    }
    /// Prints what happened, also after a panic.
    struct PrintLog(World);
    impl Drop for PrintLog {
        fn drop(&mut self) {
            self.0
                .lock()
                .log()
                .iter()
                .for_each(|line| println!("{line}"));
        }
    }
    let _log = PrintLog(world.clone());
    let simulation = Simulation {
        world,
        scenario,
        checks: 0,
    };
    runtime.block_on(simulation.run())
}

struct Simulation {
    world: World,
    scenario: Scenario,
    checks: u64,
}

impl Simulation {
    async fn run(mut self) -> Summary {
        let storage = self.scenario.storage;
        if storage != Storage::Memory {
            database_faults::begin(&self.world);
            tokio::spawn(database_faults::outages(self.world.clone(), storage));
        }
        if storage.is_daemon() {
            tokio::spawn(database_faults::writer(self.world.clone()));
        }
        let client = self.start();
        self.observe(&client);
        let began = Instant::now();
        let mut rng = fastrand::Rng::with_seed(self.world.lock().chance.rng.u64(..));
        let outage = Duration::from_secs(rng.u64(OUTAGE));
        while began.elapsed() < outage {
            sleep(Duration::from_millis(rng.u64(1..60_000))).await;
            self.check(&client).await;
        }
        {
            let mut world = self.world.lock();
            world.heal();
            if storage.is_daemon() {
                let current = world.states[world.current()].clone();
                world.database.replace(&current);
            }
        }
        let is_refused = self.recovers(&client).await;
        self.ends(&client, is_refused).await;
        self.summary(is_refused)
    }

    fn start(&self) -> Client {
        let http = HttpConfig::new().transport(Service(self.world.clone()));
        let builder = Client::builder("sdk-key")
            .runtime(Handle::current())
            .evaluation_timeout(EVALUATION_TIMEOUT)
            .http(http);
        let builder = if self.scenario.has_events {
            let events = EventsConfig::new().diagnostic_opt_out(true);
            builder.events(events.flush_interval(Duration::from_secs(60)))
        } else {
            builder.without_events()
        };
        let builder = if self.scenario.storage.is_daemon() {
            builder
        } else {
            self.scenario.source.configure(builder)
        };
        let builder = self.scenario.storage.configure(builder, &self.world);
        builder.start().unwrap()
    }

    /// Passes on to the model what the client announces.
    fn observe(&self, client: &Client) {
        let storage = self.scenario.storage;
        let (mut source, world) = (client.data_source_status().subscribe(), self.world.clone());
        tokio::spawn(async move {
            while let Some(status) = source.next().await {
                model::source_status(&mut world.lock(), storage, status);
            }
        });
        if storage != Storage::Memory {
            let (mut store, world) = (client.data_store_status().subscribe(), self.world.clone());
            tokio::spawn(async move {
                while let Some(status) = store.next().await {
                    model::store_status(&mut world.lock(), status);
                }
            });
        }
        if self.scenario.has_listener {
            let world = self.world.clone();
            client.flag_tracker().add_listener(move |change| {
                let mut world = world.lock();
                if !world.has(Defect::LostAnnouncement) {
                    model::announced(&mut world, &change.key);
                }
            });
        }
    }

    /// Evaluates all flags.
    async fn evaluate(&self, client: &Client) -> Evaluated {
        let ada = Context::new("ada").unwrap();
        let committed = self.world.lock().committed;
        let mut flags = Environment::new();
        for flag in 0..FLAGS {
            let key = format!("flag-{flag}");
            // Counted first, because the service may refuse events during the evaluation.
            if self.scenario.has_events {
                self.world.lock().ledger.made.evaluations += 1;
            }
            let value = if self.scenario.storage.is_read_by_evaluations() {
                client.variation_async(&key, &ada, -1_i64).await
            } else {
                client.variation(&key, &ada, -1_i64)
            };
            if let Ok(value) = usize::try_from(value) {
                flags.insert(flag, value);
            }
        }
        if self.scenario.has_events {
            self.world.lock().ledger.made.custom += 1;
            client.track("checked", &ada);
        }
        let is_same = committed == self.world.lock().committed;
        Evaluated {
            flags,
            committed: is_same.then_some(committed),
        }
    }

    /// Compares the client with the model.
    async fn check(&mut self, client: &Client) -> Environment {
        self.checks += 1;
        let evaluated = self.evaluate(client).await;
        let mut world = self.world.lock();
        world.note(|| format!("evaluations see {:?}", evaluated.flags));
        model::seen(&world, self.scenario.storage, &evaluated);
        model::statuses(&world, client);
        evaluated.flags
    }

    /// Waits until the client is as current as it can be. Returns whether it has given up instead.
    async fn recovers(&mut self, client: &Client) -> bool {
        let healthy = Instant::now();
        loop {
            sleep(Duration::from_secs(10)).await;
            let seen = self.check(client).await;
            let status = client.data_source_status().status();
            if status.state == DataSourceState::Off {
                // Only a refusal, or an order without a source that follows it, is final.
                assert!(!self.scenario.source.is_classic(), "{status:?}");
                return true;
            }
            let world = self.world.lock();
            if model::is_current(&world, self.scenario.storage, &seen, client) {
                return false;
            }
            assert!(
                healthy.elapsed() < RECOVERY,
                "{:?} has not recovered: {status:?}, {:?}, committed {:?} of {}, {:?} is stored",
                self.scenario,
                client.data_store_status().status(),
                world.committed,
                world.current(),
                world.database.items,
            );
        }
    }

    /// Closes the client. All that is left is announced and delivered.
    async fn ends(&self, client: &Client, is_refused: bool) {
        if self.scenario.has_listener && !is_refused {
            let began = Instant::now();
            while !model::changes(&self.world.lock()) {
                assert!(began.elapsed() < ENDING, "{:?}", self.world.lock().observed);
                sleep(Duration::from_millis(1)).await;
            }
        }
        assert!(client.close(ENDING).await, "not closed in time");
        let world = self.world.lock();
        assert_eq!(
            client.data_source_status().status().state,
            DataSourceState::Off
        );
        if matches!(self.scenario.storage, Storage::ReadOnly(_)) {
            assert_eq!(world.database.writes, 0, "writes of a read-only database");
        }
        if self.scenario.has_events {
            model::events(&world, client);
        }
    }

    fn summary(&self, is_refused: bool) -> Summary {
        let world = &*self.world.lock();
        let Inner {
            ledger, observed, ..
        } = world;
        let (delivered, dropped) = (ledger.counts(true), ledger.counts(false));
        let (delivered, dropped) = (delivered.evaluations, dropped.evaluations);
        Summary {
            commits: world.commits,
            faults: world.chance.faults + world.database.chance.faults + ledger.chance.faults,
            outages: observed.outages,
            checks: self.checks,
            announced: observed.announced.values().sum(),
            made: ledger.made.evaluations,
            delivered,
            dropped,
            refused_evaluations: ledger.made.evaluations.saturating_sub(delivered + dropped),
            refused: u64::from(is_refused),
        }
    }
}
