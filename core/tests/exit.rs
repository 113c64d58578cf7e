//! The end of a process that has clients: in a static, in thread-locals, in threads, with events
//! that are not delivered yet.
//!
//! Each test runs itself again as a child process, and looks at how that ends.

#![cfg(test)]
#![cfg(feature = "http")]

use std::cell::RefCell;
use std::env;
use std::process::{Command, Stdio, exit};
use std::sync::OnceLock;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use tracing::Level;
use vexil::client::CloseOnDrop;
use vexil::config::{EventsConfig, ServiceEndpoints};
use vexil::data_source::DataSourceState;
use vexil::{Client, ClientBuilder, Context, global};
use vexil_testing::fake_service::Endpoint;
use vexil_testing::{FakeService, TestData};

/// A timeout that expires only if something hangs.
const SOON: Duration = Duration::from_secs(60);

/// Longer than a test.
const LONG: Duration = Duration::from_secs(600);

/// The URL of the service, for the child process.
const SERVICE: &str = "VEXIL_TEST_SERVICE";

/// The status of a child that chooses its own.
const CHOSEN: i32 = 42;

static CLIENT: OnceLock<Client> = OnceLock::new();

thread_local! {
    static LOCAL: RefCell<Vec<Client>> = const { RefCell::new(Vec::new()) };
    static GUARD: RefCell<Option<CloseOnDrop>> = const { RefCell::new(None) };
}

/// The end of a child process.
struct Ended {
    status: i32,
    /// Its log and the messages of panics.
    printed: String,
    /// The service that its clients have used.
    service: FakeService,
}

impl Ended {
    #[track_caller]
    fn with(&self, status: i32) {
        assert_eq!(self.status, status, "{}", self.printed);
    }
}

/// Runs `child` in a child process, which is this test again. Returns `None` in that process.
fn run(name: &str, child: fn()) -> Option<Ended> {
    if env::var_os(SERVICE).is_some() {
        // Its buffer is a thread-local, which may be gone when a client is dropped.
        let log = tracing_subscriber::fmt().with_max_level(Level::TRACE);
        log.with_writer(std::io::stderr).init();
        child();
        // Now `main` returns.
        return None;
    }
    let service = FakeService::start().unwrap();
    service.set("flag", true);
    let mut running = Command::new(env::current_exe().unwrap())
        // With one thread, the test runs on the main thread.
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(SERVICE, service.url())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while running.try_wait().unwrap().is_none() {
        if start.elapsed() > SOON {
            running.kill().unwrap();
            panic!("the process does not end");
        }
        thread::sleep(Duration::from_millis(5));
    }
    let output = running.wait_with_output().unwrap();
    let printed = String::from_utf8_lossy(&output.stderr).into_owned();
    let Some(status) = output.status.code() else {
        panic!("a signal has ended the process: {printed}");
    };
    Some(Ended {
        status,
        printed,
        service,
    })
}

fn builder() -> ClientBuilder {
    let events = EventsConfig::new()
        .flush_interval(Duration::from_secs(3600))
        .diagnostic_opt_out(true);
    Client::builder("sdk-key")
        .service_endpoints(ServiceEndpoints::relay(env::var(SERVICE).unwrap()))
        .events(events)
}

/// A client that streams and has an event that is not delivered.
fn used() -> Client {
    let client = builder().start().unwrap();
    client.blocking_wait_until_ready(SOON).unwrap();
    evaluate(&client);
    client
}

fn evaluate(client: &Client) {
    assert!(client.bool_variation("flag", &Context::new("ada").unwrap(), false));
}

#[test]
fn main_returns_while_a_client_in_a_static_has_undelivered_events() {
    let name = "main_returns_while_a_client_in_a_static_has_undelivered_events";
    let ended = run(name, || {
        CLIENT.set(used()).unwrap();
        global::configure(builder()).unwrap();
        let client = global::client().unwrap();
        client.blocking_wait_until_ready(SOON).unwrap();
        evaluate(&client);
    });
    let Some(ended) = ended else {
        return;
    };
    ended.with(0);
    assert_eq!(ended.service.requests_to(Endpoint::Stream).len(), 2);
}

#[test]
fn clients_in_thread_locals_are_dropped_with_their_threads_and_with_the_process() {
    let name = "clients_in_thread_locals_are_dropped_with_their_threads_and_with_the_process";
    let ended = run(name, || {
        let keep = || LOCAL.with_borrow_mut(|clients| clients.push(used()));
        thread::spawn(keep).join().unwrap();
        keep();
    });
    let Some(ended) = ended else { return };
    ended.with(0);
}

#[test]
fn a_guard_in_a_thread_local_delivers_the_events() {
    let ended = run("a_guard_in_a_thread_local_delivers_the_events", || {
        let keep = || GUARD.set(Some(used().close_on_drop(SOON)));
        thread::spawn(keep).join().unwrap();
        keep();
    });
    let Some(ended) = ended else {
        return;
    };
    ended.with(0);
    assert_eq!(
        ended.service.summary_counts().flag("flag"),
        2,
        "one by each thread"
    );
}

/// Starts and uses a client when it is dropped.
struct Late;

impl Drop for Late {
    fn drop(&mut self) {
        assert!(used().blocking_close(SOON));
    }
}

#[test]
fn a_client_can_be_started_and_closed_while_thread_locals_are_dropped() {
    let name = "a_client_can_be_started_and_closed_while_thread_locals_are_dropped";
    let ended = run(name, || {
        thread_local!(static LATE: RefCell<Option<Late>> = const { RefCell::new(None) });
        let keep = || LATE.set(Some(Late));
        thread::spawn(keep).join().unwrap();
        keep();
    });
    let Some(ended) = ended else {
        return;
    };
    ended.with(0);
    assert_eq!(
        ended.service.summary_counts().flag("flag"),
        2,
        "one by each thread"
    );
}

#[test]
fn the_process_exits_while_a_client_streams_and_delivers_events() {
    let name = "the_process_exits_while_a_client_streams_and_delivers_events";
    let ended = run(name, || {
        let client = used();
        client.flush();
        exit(CHOSEN);
    });
    let Some(ended) = ended else { return };
    ended.with(CHOSEN);
}

#[test]
fn the_process_exits_in_a_listener() {
    let ended = run("the_process_exits_in_a_listener", || {
        let flags = TestData::new();
        let client = builder().data_source(flags.clone()).start().unwrap();
        client.flag_tracker().add_listener(|_| exit(CHOSEN));
        // After the listener was added: what a stream delivers may arrive before.
        flags.set("flag", true);
        thread::sleep(SOON);
    });
    let Some(ended) = ended else { return };
    ended.with(CHOSEN);
}

#[test]
fn main_returns_while_other_threads_wait_for_a_client() {
    let ended = run("main_returns_while_other_threads_wait_for_a_client", || {
        let (started, waiting) = channel();
        let waits: [fn(&Client) -> bool; 2] = [
            |client| {
                let status = client.data_source_status();
                status.blocking_wait_for(DataSourceState::Off, LONG)
            },
            |client| client.blocking_close(LONG),
        ];
        for wait in waits {
            let (client, started) = (used(), started.clone());
            thread::spawn(move || {
                started.send(()).unwrap();
                wait(&client);
            });
        }
        waiting.iter().take(2).for_each(drop);
    });
    let Some(ended) = ended else { return };
    ended.with(0);
}
