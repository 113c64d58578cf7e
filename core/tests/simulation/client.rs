//! One simulation: a client, and the model that it is compared with.

use std::fmt;
use std::iter::Sum;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};
use vexil::config::{DataSystem, HttpConfig, PayloadPollConfig, PollingConfig, StreamingConfig};
use vexil::status::DataSourceState;
use vexil::{Client, ClientBuilder, Context};

use crate::service::Service;
use crate::world::{Environment, FLAGS, World};

/// How long the service fails.
const OUTAGE: Duration = Duration::from_secs(900);

/// In this time a client has the data of a service that is healthy: retries after a refusal are at
/// most an hour apart, and two polls must succeed before the next ones are at the usual interval.
const RECOVERY: Duration = Duration::from_secs(3 * 3600);

/// What happened in some simulations.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Summary {
    /// States that clients received.
    pub(crate) commits: u64,
    /// Mistakes of the service.
    pub(crate) faults: u64,
    /// Comparisons of a client with the model.
    pub(crate) checks: u64,
    /// Clients all of whose sources were refused for good.
    refused: u64,
}

impl Sum for Summary {
    fn sum<I: Iterator<Item = Self>>(summaries: I) -> Self {
        summaries.fold(Self::default(), |sum, one| Self {
            commits: sum.commits + one.commits,
            faults: sum.faults + one.faults,
            checks: sum.checks + one.checks,
            refused: sum.refused + one.refused,
        })
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            commits,
            faults,
            checks,
            refused,
        } = self;
        write!(
            f,
            "{commits} states received, {faults} faults, {checks} comparisons, "
        )?;
        write!(f, "{refused} clients refused for good")
    }
}

/// How the client gets its data.
#[derive(Clone, Copy, Debug)]
enum Mode {
    Usual,
    Streaming,
    Polling,
    WithoutFallback,
    ClassicStream,
    ClassicPolls,
}

impl Mode {
    fn of(seed: u64) -> Self {
        match seed % 8 {
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

/// Runs the simulation of a seed.
pub(crate) fn simulate(seed: u64) -> Summary {
    // The SDK's jitter is drawn from this generator.
    fastrand::seed(seed);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let mode = Mode::of(seed);
    let world = World::new(seed, mode.is_classic());
    let simulation = Simulation {
        world: world.clone(),
        mode,
        checks: 0,
    };
    // Printed only for a seed that fails, or that is replayed.
    struct PrintLog(World);
    impl Drop for PrintLog {
        fn drop(&mut self) {
            if std::thread::panicking() || std::env::var_os("VEXIL_SIMULATION_SEED").is_some() {
                self.0.lock().log.iter().for_each(|line| println!("{line}"));
            }
        }
    }
    let _log = PrintLog(world);
    runtime.block_on(simulation.run())
}

struct Simulation {
    world: World,
    mode: Mode,
    checks: u64,
}

impl Simulation {
    async fn run(mut self) -> Summary {
        let http = HttpConfig::new().transport(Service(self.world.clone()));
        let builder = Client::builder("sdk-key")
            .runtime(Handle::current())
            .http(http)
            .without_events();
        let client = self.mode.configure(builder).start().unwrap();
        let began = Instant::now();
        while began.elapsed() < OUTAGE {
            let pause = self.world.lock().rng.u64(1..60_000);
            sleep(Duration::from_millis(pause)).await;
            self.check(&client);
        }
        self.world.lock().is_healthy = true;
        self.world
            .lock()
            .note(format!("healthy after {:?}", began.elapsed()));
        let is_refused = self.recovers(&client).await;
        client.close(Duration::from_secs(5)).await;
        let world = self.world.lock();
        Summary {
            commits: world.commits,
            faults: world.faults,
            checks: self.checks,
            refused: u64::from(is_refused),
        }
    }

    /// Waits until the client has the current data. Returns whether it has given up instead.
    async fn recovers(&mut self, client: &Client) -> bool {
        let healthy = Instant::now();
        loop {
            sleep(Duration::from_secs(10)).await;
            self.check(client);
            let status = client.data_source_status().status();
            if status.state == DataSourceState::Off {
                // Only a refusal, or an order without a source that follows it, is final.
                assert!(!self.mode.is_classic(), "{status:?}");
                return true;
            }
            let is_current = {
                let world = self.world.lock();
                world.committed == Some(world.current())
            };
            if is_current && status.state == DataSourceState::Valid {
                return false;
            }
            assert!(
                healthy.elapsed() < RECOVERY,
                "{:?} has not recovered: {status:?}, committed {:?} of {}",
                self.mode,
                self.world.lock().committed,
                self.world.lock().current(),
            );
        }
    }

    /// Compares what evaluations see with the last state that the client received.
    fn check(&mut self, client: &Client) {
        self.checks += 1;
        let ada = Context::new("ada").unwrap();
        let value = |flag: u32| {
            let value = client.variation(&format!("flag-{flag}"), &ada, -1_i64);
            Some((flag, usize::try_from(value).ok()?))
        };
        let seen: Environment = (0..FLAGS).filter_map(value).collect();
        let mut world = self.world.lock();
        let expected = world.committed.map(|state| world.states[state].clone());
        world.note(format!("evaluations see {seen:?}"));
        assert_eq!(seen, expected.unwrap_or_default(), "{:?}", self.mode);
    }
}
