//! [`run`]: one run, from the start of the servers to the report.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

use vexil_testing::{FakeService, FaultProxy};

use crate::accounting::Accepted;
use crate::evaluators;
use crate::faults::{Injected, Targets};
use crate::modes::{self, Behind, Mode};
use crate::relay::{Failure, Relay};
use crate::report::Report;
use crate::resources::{Sample, Samples};
use crate::stop::Stop;

/// All modes must be current this long after the end of the faults. Delays between attempts grow
/// to 30 s, and a data system then polls every 30 s.
const CURRENT_WITHIN: Duration = Duration::from_secs(90);

/// Closing a client takes at most this long.
const CLOSE: Duration = Duration::from_secs(30);

const SAMPLES: Duration = Duration::from_millis(250);

/// How often payloads whose outcome is final are summed up.
const SETTLE: Duration = Duration::from_secs(1);

/// What a run has observed, apart from the modes themselves.
#[derive(Debug)]
pub(crate) struct Observed {
    pub(crate) modes: Vec<Arc<Mode>>,
    pub(crate) samples: Samples,
    /// Before the first client started and after the last one was closed.
    pub(crate) outside: [Option<Sample>; 2],
    pub(crate) injected: Injected,
    /// How long it took until all were current.
    pub(crate) recovery: Duration,
    pub(crate) unclaimed_payloads: usize,
    pub(crate) broken: Vec<String>,
}

pub(crate) fn run(time: Duration, seed: u64) -> Result<Report, Failure> {
    let relay = Relay::start()?;
    let events = FakeService::builder().max_requests(200).start()?;
    let events_proxy = FaultProxy::start(events.address())?;
    let before = Sample::take();
    let modes = modes::start(&relay, &events_proxy)?;
    let (accepted, injected) = (Accepted::default(), Injected::default());
    let mut samples = Samples::new();
    let targets = Targets {
        relay: &relay,
        modes: &modes,
        events: &events,
        events_proxy: &events_proxy,
    };
    let mut seeds = fastrand::Rng::with_seed(seed);
    let mut broken = Vec::new();
    let [
        end_of_faults,
        end_of_changes,
        end_of_evaluations,
        end_of_events,
    ] = std::array::from_fn(|_| Stop::default());
    let failures = Failures::default();

    let recovery = thread::scope(|scope| -> Result<Duration, Failure> {
        failures.watch(scope, || {
            collect(&events, &accepted, &modes, &end_of_events)
        });
        let mut workers = Vec::new();
        for mode in &modes {
            for _ in 0..evaluators::THREADS {
                let (seed, relay, stop) = (seeds.u64(..), &relay, &end_of_evaluations);
                let work = move || evaluators::run(mode, relay, seed, stop);
                workers.push(failures.watch(scope, work));
            }
        }
        workers.push(failures.watch(scope, || {
            watch_statuses(&modes, &end_of_evaluations);
            Ok(())
        }));
        let (seed, relay) = (seeds.u64(..), &relay);
        let changes = failures.watch(scope, {
            let stop = &end_of_changes;
            move || relay.run(seed, stop)
        });
        let lanes = targets.lanes().into_iter().map(|lane| {
            let (seed, injected, stop) = (seeds.u64(..), &injected, &end_of_faults);
            failures.watch(scope, move || targets.run(lane, seed, injected, stop))
        });
        let lanes: Vec<_> = lanes.collect();

        let started = Instant::now();
        while started.elapsed() < time && failures.is_empty() {
            thread::sleep(SAMPLES);
            samples.take();
        }
        // In this order: the faults complete the databases, and changes end before the clients have
        // to be current.
        end_of_faults.set();
        lanes.into_iter().for_each(join);
        end_of_changes.set();
        join(changes);
        let recovery = await_recovery(&modes, relay, &mut broken);
        end_of_evaluations.set();
        workers.into_iter().for_each(join);
        for mode in &modes {
            if !mode.client.blocking_close(CLOSE) {
                broken.push(format!("{}: the client was not closed in time", mode.name));
            }
        }
        end_of_events.set();
        recovery
    })?;
    for mode in &modes {
        mode.ledger.settle(&accepted, true);
    }
    broken.extend(failures.into_messages());
    // Threads of blocking tasks end after 10 s without work.
    thread::sleep(Duration::from_secs(11));
    Ok(Report::of(Observed {
        modes,
        samples,
        outside: [before, Sample::take()],
        injected,
        recovery,
        unclaimed_payloads: accepted.len(),
        broken,
    }))
}

/// Receives the payloads that the service has accepted, and settles those that are final.
fn collect(
    events: &FakeService,
    accepted: &Accepted,
    modes: &[Arc<Mode>],
    stop: &Stop,
) -> Result<(), Failure> {
    let (mut is_over, mut settled) = (false, Instant::now());
    loop {
        // Received in full before the end: a client is closed after its payloads were answered.
        let payload = events.next_payload().within(Duration::from_millis(100));
        match payload.wait() {
            Ok(payload) => {
                let id = payload.id().ok_or("a payload without an id")?;
                accepted.insert(id, payload.events());
            }
            Err(_) if is_over => return Ok(()),
            Err(_) => is_over = stop.wait(Duration::ZERO),
        }
        if settled.elapsed() > SETTLE {
            settled = Instant::now();
            for mode in modes {
                mode.ledger.settle(accepted, false);
            }
        }
    }
}

/// Counts how often the statuses of a client leave their good state.
fn watch_statuses(modes: &[Arc<Mode>], stop: &Stop) {
    let mut were_good = vec![true; modes.len()];
    while !stop.wait(Duration::from_millis(20)) {
        for (mode, was_good) in modes.iter().zip(&mut were_good) {
            let is_good = mode.is_good();
            if *was_good && !is_good {
                mode.counters.outages.fetch_add(1, Ordering::Relaxed);
            }
            *was_good = is_good;
        }
    }
}

/// Waits until all clients are current, and the databases that they write. Returns how long that
/// took.
fn await_recovery(
    modes: &[Arc<Mode>],
    relay: &Relay,
    broken: &mut Vec<String>,
) -> Result<Duration, Failure> {
    let ended = Instant::now();
    let mut late = Vec::new();
    for mode in modes {
        loop {
            let Some(lag) = lag(mode, relay)? else { break };
            if ended.elapsed() > CURRENT_WITHIN {
                late.push(format!("{}: not current in time: {lag}", mode.name));
                break;
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
    broken.extend(late);
    Ok(ended.elapsed())
}

fn lag(mode: &Mode, relay: &Relay) -> Result<Option<String>, Failure> {
    let environment = &relay.environment;
    if let Some(lag) = mode.lag(environment)? {
        return Ok(Some(lag));
    }
    let Some(written) = mode.writes else {
        return Ok(None);
    };
    let stored = match written.to {
        Behind::Redis => relay.redis.stored(written.prefix)?,
        _ => relay.dynamodb.stored(written.prefix)?,
    };
    let missing = crate::environment::Item::regular().find(|item| {
        let version = format!("\"version\":{}", environment.version(*item));
        let is_current =
            |(key, text): &(String, String)| *key == item.key() && text.contains(&version);
        !stored.iter().any(is_current)
    });
    Ok(missing.map(|item| format!("{} is not current in the database", item.key())))
}

fn join(thread: thread::ScopedJoinHandle<'_, ()>) {
    // Panics are reported by `Failures`.
    drop(thread.join());
}

/// Errors and panics of the program's own threads.
#[derive(Debug, Default)]
struct Failures(Mutex<Vec<String>>);

impl Failures {
    fn watch<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        work: impl FnOnce() -> Result<(), Failure> + Send + 'scope,
    ) -> thread::ScopedJoinHandle<'scope, ()> {
        scope.spawn(move || {
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            let failure = match result {
                Ok(Ok(())) => return,
                Ok(Err(error)) => error.to_string(),
                Err(_) => "a thread panicked".to_owned(),
            };
            self.lock()
                .push(format!("the soak test itself failed: {failure}"));
        })
    }

    fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn into_messages(self) -> Vec<String> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
