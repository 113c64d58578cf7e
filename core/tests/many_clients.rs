//! Clients leave nothing behind: after 10,000 of them, in every mode, the process has no more
//! threads, open files and memory than after the first 1,000.
//!
//! A separate test binary, because it counts the threads, files and bytes of the whole process.

#![cfg(test)]
#![cfg(all(feature = "http", target_os = "linux"))]

mod support;

use std::alloc::System;
use std::fs;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use pollster::block_on;
use serde_json::json;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use support::{Fixed, SOON, ada, current_thread, serving};
use vexil::client::{EnvironmentMetadata, Plugin, PluginError, PluginMetadata};
use vexil::config::{
    BigSegmentsConfig, DataSystem, EventsConfig, HttpConfig, PersistentStoreConfig, PollingConfig,
    ServiceEndpoints,
};
use vexil::hooks::{Hook, HookMetadata};
use vexil::model::DataKind;
use vexil::store::StoredItem;
use vexil::transport::{Body, HttpTransport, RequestOptions, TransportError};
use vexil::{Client, ClientBuilder, async_trait};
use vexil_testing::{FakeService, MemoryBigSegmentStore, MemoryDatabase, MemoryPersistentStore};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Clients after which the process has everything that it needs only once.
const FIRST: usize = 1_000;
const ALL: usize = 10_000;

/// One client of this many uses a service with sockets.
const PER_SERVICE: usize = 50;

/// How much the process may grow from the first to the last measurement: less than 8 bytes a
/// client. A leak would be a multiple of this.
const BYTES: usize = 64 << 10;

fn data() -> serde_json::Value {
    json!({"flags": {"flag": serving(1, true)}})
}

/// What the process occupies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Usage {
    threads: usize,
    files: usize,
    /// Bytes that are allocated and not freed.
    bytes: usize,
}

impl Usage {
    fn now() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let threads = status
            .lines()
            .find_map(|line| line.strip_prefix("Threads:"));
        let heap = ALLOCATOR.stats();
        Self {
            threads: threads.unwrap().trim().parse().unwrap(),
            files: fs::read_dir("/proc/self/fd").unwrap().count(),
            bytes: heap.bytes_allocated - heap.bytes_deallocated,
        }
    }

    /// The usage once it no longer changes: closing continues in the background.
    fn settled() -> Self {
        const UNCHANGED: usize = 20;
        let (mut last, mut unchanged) = (Self::now(), 0);
        let start = Instant::now();
        while unchanged < UNCHANGED && start.elapsed() < SOON {
            thread::sleep(Duration::from_millis(10));
            let now = Self::now();
            unchanged = if now == last { unchanged + 1 } else { 0 };
            last = now;
        }
        last
    }

    fn is_within(self, first: Self) -> bool {
        self.threads <= first.threads
            && self.files <= first.files
            && self.bytes <= first.bytes + BYTES
    }
}

/// A service in memory: flags for every `GET`, and 202 for every `POST`.
#[derive(Debug)]
struct InMemory;

#[async_trait]
impl HttpTransport for InMemory {
    async fn send(
        &self,
        request: http::Request<Bytes>,
        _: RequestOptions,
    ) -> Result<http::Response<Body>, TransportError> {
        let mut response = http::Response::new(Body::full(data().to_string()));
        if request.method() == http::Method::POST {
            *response.status_mut() = http::StatusCode::ACCEPTED;
        }
        Ok(response)
    }
}

/// Owns the client that it is registered with.
#[derive(Debug, Default)]
struct Owner(std::sync::Mutex<Option<Client>>);

impl Plugin for Owner {
    fn metadata(&self) -> PluginMetadata {
        PluginMetadata::new("owner")
    }

    fn register(&self, client: &Client, _: &EnvironmentMetadata) -> Result<(), PluginError> {
        *self.0.lock().unwrap() = Some(client.clone());
        Ok(())
    }
}

impl Hook for Owner {
    fn metadata(&self) -> HookMetadata {
        HookMetadata::new("owner")
    }
}

fn builder() -> ClientBuilder {
    Client::builder("sdk-key")
}

fn stored() -> MemoryDatabase {
    let database = MemoryDatabase::new();
    let flag = StoredItem::new(serving(1, true).to_string());
    database.put("ld", DataKind::Flag, "flag", flag);
    database.set_initialized("ld", true);
    database
}

/// Evaluates a flag and records an event.
#[track_caller]
fn use_it(client: &Client) {
    client.blocking_wait_until_ready(SOON).unwrap();
    assert!(client.bool_variation("flag", &ada(), false));
    client.track("event", &ada());
}

fn with_listeners(client: &Client) {
    let owned = client.clone();
    client
        .flag_tracker()
        .add_listener(move |_| drop(owned.clone()));
    let owned = client.clone();
    client
        .flag_tracker()
        .add_flag_value_change_listener("flag", &ada(), move |_| drop(owned.clone()));
    client.add_hook(Owner(Some(client.clone()).into()));
}

/// The ways in which a client is started, used and ended.
const MODES: [fn(); 9] = [
    // Dropped, without a service.
    || {
        let client = builder().data_source(Fixed::new(&data())).start().unwrap();
        use_it(&client);
    },
    // Closed, with listeners, hooks and a plug-in that own the client.
    || {
        let plugged = builder()
            .data_source(Fixed::new(&data()))
            .plugin(Owner::default());
        let client = plugged.start().unwrap();
        with_listeners(&client);
        use_it(&client);
        assert!(client.blocking_close(SOON));
    },
    || drop(builder().offline(true).start().unwrap()),
    // A persistent store and big segments.
    || {
        let database = stored();
        let store = MemoryPersistentStore::attached(&database, "ld");
        let members = MemoryBigSegmentStore::attached(&database, "ld");
        let client = builder()
            .data_source(Fixed::new(&data()))
            .data_store(PersistentStoreConfig::new(store))
            .big_segments(BigSegmentsConfig::new(members))
            .start()
            .unwrap();
        use_it(&client);
        assert!(block_on(client.close(SOON)));
    },
    // Daemon mode, with pushed changes.
    || {
        let store = MemoryPersistentStore::attached(&stored(), "ld").with_push();
        let client = builder().daemon_mode(Arc::new(store)).without_events();
        use_it(&client.start().unwrap());
    },
    // A data system of several sources.
    || {
        let system = DataSystem::custom()
            .initializer(Fixed::new(&data()))
            .synchronizer(Fixed::new(&data()));
        let client = builder().data_system(system).start().unwrap();
        use_it(&client);
        assert!(client.blocking_close(SOON));
    },
    // Polling and events through a transport in memory.
    || {
        let client = builder()
            .http(HttpConfig::new().transport(InMemory))
            .data_source(PollingConfig::new())
            .events(EventsConfig::new())
            .start()
            .unwrap();
        use_it(&client);
        assert!(client.blocking_flush(SOON));
        drop(client.close_on_drop(SOON));
    },
    // On a runtime of the application that ends first.
    || {
        let runtime = current_thread();
        let started = builder()
            .data_source(Fixed::new(&data()))
            .runtime(runtime.handle().clone());
        let client = started.start().unwrap();
        runtime.block_on(client.wait_until_ready(SOON)).unwrap();
        drop(runtime);
        use_it(&client);
        client.blocking_close(SOON);
    },
    // From another thread than the one that drops it.
    || {
        let start = || builder().data_source(Fixed::new(&data())).start().unwrap();
        let client = thread::spawn(start).join().unwrap();
        use_it(&client);
    },
];

/// A client that streams from a service over sockets.
fn stream() {
    let service = FakeService::start().unwrap();
    service.set("flag", true);
    let endpoints = ServiceEndpoints::relay(service.url());
    let client = builder().service_endpoints(endpoints).start().unwrap();
    use_it(&client);
    assert!(client.blocking_close(SOON));
}

fn run(clients: std::ops::Range<usize>) {
    for number in clients {
        if number % PER_SERVICE == 0 {
            stream();
        } else {
            MODES[number % MODES.len()]();
        }
    }
}

#[test]
fn ten_thousand_clients_leave_no_thread_no_file_and_no_memory() {
    run(0..FIRST);
    let first = Usage::settled();
    run(FIRST..ALL);
    let start = Instant::now();
    let mut last = Usage::settled();
    while !last.is_within(first) && start.elapsed() < SOON {
        last = Usage::settled();
    }
    println!("after {FIRST} clients {first:?}, after {ALL} {last:?}");
    assert!(
        last.is_within(first),
        "after {FIRST} {first:?}, after {ALL} {last:?}"
    );
    leaks_are_seen(last);
}

/// One more thread, one more file, or a hundred clients that are never dropped exceed the limits.
#[track_caller]
fn leaks_are_seen(now: Usage) {
    let file = fs::File::open("/dev/null").unwrap();
    assert!(!Usage::now().is_within(now));
    drop(file);
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let running = thread::spawn(move || ended.recv());
    assert!(!Usage::now().is_within(now));
    drop(end);
    running.join().unwrap().unwrap_err();
    assert!(Usage::settled().is_within(now));
    for _ in 0..100 {
        std::mem::forget(builder().data_source(Fixed::new(&data())).start().unwrap());
    }
    assert!(!Usage::settled().is_within(now));
}
