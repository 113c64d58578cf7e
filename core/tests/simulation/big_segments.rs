//! The simulation of a client with a big-segment store, whose model is here as well.

use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};
use vexil::big_segments::{BigSegmentStore, StoreError};
use vexil::config::BigSegmentsConfig;
use vexil::data_source::{DataSink, DataSource, DataSourceError};
use vexil::eval::{BigSegmentsStatus, Membership};
use vexil::model::DataSet;
use vexil::{Client, Context, async_trait};

use crate::client::Summary;
use crate::world::Chance;

/// How long the store fails, in seconds.
const OUTAGE: std::ops::Range<u64> = 60..600;

/// How long a membership is used without a query, and the longest query before it (STO-4.4).
const LONGEST_USE: Duration = Duration::from_secs(5 + 2);

/// How long a failure is reported: until the status is polled again, which may take some time.
const LATEST_FAILURE: Duration = Duration::from_secs(5 + 2 * 2);

/// In this time a client uses the answers of a store that is healthy: the status is polled every
/// 5 s, and memberships are cached for 5 s.
const RECOVERY: Duration = Duration::from_secs(20);

/// The value of the flag for a context that is in the segment, and for one that is not.
const DATA: &[u8] = br#"{
    "flags": {"flag": {"key": "flag", "version": 1, "on": true, "variations": [true, false],
        "fallthrough": {"variation": 1},
        "rules": [{"variation": 0, "clauses":
            [{"attribute": "", "op": "segmentMatch", "values": ["big"]}]}]}},
    "segments": {"big": {"key": "big", "version": 1, "unbounded": true, "generation": 2}}
}"#;

/// Delivers the data once.
#[derive(Debug)]
struct Fixed;

#[async_trait]
impl DataSource for Fixed {
    async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
        let data = DataSet::from_json(DATA).unwrap();
        sink.init(data).await.map_err(DataSourceError::store)?;
        pending().await
    }
}

#[derive(Debug)]
struct Inner {
    chance: Chance,
    /// Whether the context is in the segment, and since when.
    history: Vec<(Instant, bool)>,
    /// Whether the store is behind the service.
    is_behind: bool,
    /// When a query has failed last, or was slow.
    last_failure: Option<Instant>,
}

/// A big-segment store that fails as chance decides.
#[derive(Clone, Debug)]
struct Store(Arc<Mutex<Inner>>);

impl Store {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the answer to a query.
    async fn answer(&self) -> Result<(), StoreError> {
        let (delay, fails, is_silent) = {
            let mut inner = self.lock();
            let is_slow = inner.chance.fails(8);
            let delay = inner.chance.rng.u64(0..if is_slow { 4_000 } else { 20 });
            let fails = inner.chance.fails(4);
            if is_slow || fails {
                inner.last_failure = Some(Instant::now());
            }
            (delay, fails, inner.chance.rng.bool())
        };
        sleep(Duration::from_millis(delay)).await;
        match fails {
            true if is_silent => pending().await,
            true => Err(StoreError::unavailable("connection refused")),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl BigSegmentStore for Store {
    async fn membership(&self, _: &str) -> Result<Option<Membership>, StoreError> {
        self.answer().await?;
        let is_included = self.lock().history.last().unwrap().1;
        Ok(is_included.then(|| Membership::new(["big.g2"], [])))
    }

    async fn last_synchronized(&self) -> Result<Option<u64>, StoreError> {
        self.answer().await?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        // A time that is stale stays so, although the system's clock hardly moves meanwhile.
        let behind = Duration::from_secs(if self.lock().is_behind { 1_000 } else { 0 });
        Ok(Some((now - behind).as_millis() as u64))
    }
}

/// Runs the simulation of a seed.
pub(crate) fn simulate(seed: u64, is_logged: bool) -> Summary {
    fastrand::seed(seed);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(run(seed, is_logged))
}

async fn run(seed: u64, is_logged: bool) -> Summary {
    let began = Instant::now();
    let store = Store(Arc::new(Mutex::new(Inner {
        chance: Chance::new(seed, 0),
        history: vec![(began, true)],
        is_behind: false,
        last_failure: None,
    })));
    let client = Client::builder("sdk-key")
        .runtime(Handle::current())
        .data_source(Fixed)
        .big_segments(BigSegmentsConfig::new(store.clone()))
        .without_events()
        .start()
        .unwrap();
    let mut rng = fastrand::Rng::with_seed(seed);
    let outage = Duration::from_secs(rng.u64(OUTAGE));
    let mut checks = 0;
    sleep(Duration::from_millis(1)).await;
    while began.elapsed() < outage {
        sleep(Duration::from_millis(rng.u64(1..10_000))).await;
        if rng.u8(0..4) == 0 {
            let mut inner = store.lock();
            let is_included = !inner.history.last().unwrap().1;
            inner.history.push((Instant::now(), is_included));
            inner.is_behind = rng.u8(0..4) == 0;
        }
        let (value, status) = evaluated(&client, is_logged).await;
        check(&store.lock(), value, status);
        checks += 1;
    }
    {
        let mut inner = store.lock();
        (inner.chance.is_healthy, inner.is_behind) = (true, false);
    }
    sleep(RECOVERY).await;
    let (value, status) = evaluated(&client, is_logged).await;
    assert_eq!(status, BigSegmentsStatus::Healthy);
    assert_eq!(value, store.lock().history.last().unwrap().1);
    let reported = client.big_segment_store_status().status().await;
    assert!(reported.available && !reported.stale, "{reported:?}");
    assert!(client.close(Duration::from_secs(10)).await);
    Summary {
        faults: store.lock().chance.faults,
        checks: checks + 1,
        ..Summary::default()
    }
}

async fn evaluated(client: &Client, is_logged: bool) -> (bool, BigSegmentsStatus) {
    let ada = Context::new("ada").unwrap();
    let detail = client.variation_detail_async("flag", &ada, false).await;
    let status = detail.reason.big_segments_status;
    if is_logged {
        println!("{:?} {status:?}", detail.value);
    }
    (detail.value, status.unwrap())
}

/// EVAL-5, STO-4.4, STO-F33: what an evaluation may report about the segment.
fn check(inner: &Inner, value: bool, status: BigSegmentsStatus) {
    let was = |within: Duration| {
        let replaced = inner.history.iter().skip(1).map(|(at, _)| at.elapsed());
        let until = replaced.chain([Duration::ZERO]);
        let mut values = inner.history.iter().zip(until);
        values.any(|((_, was), elapsed)| *was == value && elapsed <= within)
    };
    match status {
        // A recent answer.
        BigSegmentsStatus::Healthy => assert!(was(LONGEST_USE), "{value} is too old"),
        // The last answer, however old.
        BigSegmentsStatus::Stale => assert!(was(Duration::MAX), "{value} was never answered"),
        // The poll of the status has failed, or a query without an earlier answer. Without one, the
        // context is not in the segment.
        BigSegmentsStatus::StoreError => {
            let failed = inner
                .last_failure
                .is_some_and(|at| at.elapsed() < LATEST_FAILURE);
            assert!(failed, "an error without a failure");
            assert!(!value || was(LONGEST_USE), "{value} is too old");
        }
        other => panic!("{other:?}"),
    }
}
