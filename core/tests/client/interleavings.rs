//! Clients that several threads start, use, close and drop at random, also on runtimes that are shut
//! down meanwhile. A failure prints its seed, which `VEXIL_LIFECYCLE_SEED` replays; the interleaving
//! of the threads may differ then. `VEXIL_LIFECYCLE_SEEDS` is the number of seeds.

use std::env;
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use pollster::block_on;
use serde_json::json;
use tokio::runtime::Runtime;
use vexil::client::FlagsStateOptions;
use vexil::data_source::{DataSink, DataSource, DataSourceError};
use vexil::events::{Event, EventProcessor};
use vexil::hooks::{Hook, HookMetadata};
use vexil::model::{DataSet, Item};
use vexil::store::{DataStore, MemoryStore, Snapshot, StoreError, Upserted};
use vexil::{Client, async_trait};

use crate::support::{SOON, ada, data_set, serving};

const SEEDS: u64 = 30;
const THREADS: u64 = 4;
const STEPS: usize = 40;

/// How many clients the threads share.
const SLOTS: usize = 3;

/// What the threads share.
#[derive(Default)]
struct World {
    clients: [Mutex<Option<Client>>; SLOTS],
    /// The runtime of some clients, from time to time replaced and shut down.
    runtime: Mutex<Option<Runtime>>,
    counts: Arc<Counts>,
}

/// The components of all clients.
#[derive(Debug, Default)]
struct Counts {
    started: AtomicUsize,
    /// Components in memory.
    living: AtomicUsize,
    closed_stores: AtomicUsize,
    closed_processors: AtomicUsize,
}

/// The store, the event processor, the source and a hook of one client.
#[derive(Debug)]
struct Parts(Arc<Counts>, MemoryStore, AtomicUsize);

impl Parts {
    fn new(counts: &Arc<Counts>) -> Arc<Self> {
        counts.started.fetch_add(1, Ordering::SeqCst);
        counts.living.fetch_add(1, Ordering::SeqCst);
        Arc::new(Self(
            Arc::clone(counts),
            MemoryStore::new(),
            AtomicUsize::new(0),
        ))
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        self.0.living.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl DataStore for Parts {
    fn read(&self, reader: &mut dyn FnMut(&dyn Snapshot)) {
        self.1.read(reader);
    }

    fn is_initialized(&self) -> bool {
        self.1.is_initialized()
    }

    async fn init(&self, data: DataSet) -> Result<(), StoreError> {
        self.1.init(data).await
    }

    async fn upsert(&self, item: Item) -> Result<Upserted, StoreError> {
        self.1.upsert(item).await
    }

    async fn close(&self) {
        let earlier = self.2.fetch_add(1, Ordering::SeqCst);
        assert_eq!(earlier, 0, "a store is closed once");
        self.0.closed_stores.fetch_add(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl EventProcessor for Parts {
    fn record(&self, _: &Event<'_>) {}

    fn flush(&self) {}

    async fn flush_and_wait(&self) {
        tokio::task::yield_now().await;
    }

    async fn close(&self) {
        tokio::task::yield_now().await;
        self.0.closed_processors.fetch_add(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl DataSource for Parts {
    async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
        for version in 1.. {
            let data = data_set(&json!({"flags": {"flag": serving(version, "served")}}));
            sink.init(data).await.map_err(DataSourceError::store)?;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }
}

impl Hook for Parts {
    fn metadata(&self) -> HookMetadata {
        HookMetadata::new("parts")
    }
}

impl World {
    /// Returns a clone, so that the client is used without the lock.
    fn client(&self, rng: &mut Rng) -> Option<Client> {
        self.clients[rng.usize(..SLOTS)].lock().unwrap().clone()
    }

    fn start(&self, rng: &mut Rng) {
        let parts = Parts::new(&self.counts);
        let mut builder = Client::builder("sdk-key")
            .data_source(Arc::clone(&parts))
            .data_store(Arc::clone(&parts))
            .events(Arc::clone(&parts))
            .hook(Arc::clone(&parts));
        let runtime = self.runtime.lock().unwrap();
        if let Some(runtime) = runtime.as_ref().filter(|_| rng.bool()) {
            builder = builder.runtime(runtime.handle().clone());
        }
        drop(runtime);
        let Ok(client) = builder.start() else {
            // The runtime has been shut down meanwhile: nothing was started.
            for count in [&self.counts.closed_stores, &self.counts.closed_processors] {
                count.fetch_add(1, Ordering::SeqCst);
            }
            return;
        };
        let replaced = self.clients[rng.usize(..SLOTS)]
            .lock()
            .unwrap()
            .replace(client);
        drop(replaced);
    }

    fn step(&self, rng: &mut Rng) {
        let limit = [Duration::ZERO, Duration::from_millis(1), SOON][rng.usize(..3)];
        let short = limit.min(Duration::from_millis(1));
        match rng.u8(..16) {
            0 | 1 => return self.start(rng),
            2 => {
                let client = self.clients[rng.usize(..SLOTS)].lock().unwrap().take();
                return drop(client);
            }
            3 => {
                let runtime = tokio::runtime::Builder::new_multi_thread()
                    .worker_threads(1)
                    .enable_all()
                    .build()
                    .unwrap();
                let ended = self.runtime.lock().unwrap().replace(runtime);
                return ended.into_iter().for_each(Runtime::shutdown_background);
            }
            _ => {}
        }
        let Some(client) = self.client(rng) else {
            return;
        };
        match rng.u8(..12) {
            0 => _ = block_on(client.close(limit)),
            1 => _ = client.blocking_close(limit),
            2 => drop(client.close_on_drop(short)),
            3 => client.flush(),
            4 => _ = client.blocking_flush(short),
            5 => _ = block_on(client.flush_and_wait(short)),
            6 => client.track("event", &ada()),
            7 => {
                // A listener that owned the client would keep it until it is closed.
                let counts = Arc::clone(&self.counts);
                let listener = move |_: &_| assert!(counts.started.load(Ordering::SeqCst) > 0);
                let id = client.flag_tracker().add_listener(listener);
                if rng.bool() {
                    client.flag_tracker().remove_listener(id);
                }
            }
            8 => drop(client.blocking_wait_until_ready(short)),
            9 => drop(client.all_flags_state(&ada(), FlagsStateOptions::default())),
            _ => {
                let value = client.str_variation("flag", &ada(), "default");
                assert!(["served", "default"].contains(&value.as_str()), "{value}");
            }
        }
    }
}

/// Waits until the condition holds.
#[track_caller]
fn until(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < SOON, "never: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

fn run(seed: u64) {
    let world = World::default();
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (world, mut rng) = (&world, Rng::with_seed(seed * THREADS + number));
            scope.spawn(move || (0..STEPS).for_each(|_| world.step(&mut rng)));
        }
    });
    let World {
        clients,
        runtime,
        counts,
    } = world;
    for client in clients
        .into_iter()
        .filter_map(|slot| slot.into_inner().unwrap())
    {
        client.blocking_close(SOON);
    }
    drop(runtime);
    let started = counts.started.load(Ordering::SeqCst);
    until("every store is closed", || {
        counts.closed_stores.load(Ordering::SeqCst) == started
    });
    until("every component is freed", || {
        counts.living.load(Ordering::SeqCst) == 0
    });
    assert!(counts.closed_processors.load(Ordering::SeqCst) <= started);
}

/// Prints the seed if the test fails.
struct Shown(u64);

impl Drop for Shown {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("VEXIL_LIFECYCLE_SEED={}", self.0);
        }
    }
}

fn setting<T: FromStr>(name: &str) -> Option<T> {
    env::var(name).ok()?.parse().ok()
}

fn all(finished: &Sender<u64>) {
    let seeds = match setting("VEXIL_LIFECYCLE_SEED") {
        Some(seed) => seed..=seed,
        None => 0..=setting("VEXIL_LIFECYCLE_SEEDS").unwrap_or(SEEDS) - 1,
    };
    for seed in seeds {
        let _shown = Shown(seed);
        run(seed);
        // The test no longer waits if another seed took too long.
        finished.send(seed).ok();
    }
}

#[test]
fn threads_start_use_close_and_drop_clients_at_random() {
    let (finishes, finished) = channel();
    let running = thread::spawn(move || all(&finishes));
    let mut last = None;
    loop {
        match finished.recv_timeout(SOON * 4) {
            Ok(seed) => last = Some(seed),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => panic!("hangs after the seed {last:?}"),
        }
    }
    running.join().unwrap();
}
