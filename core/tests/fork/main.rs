//! Clients in forked processes: new clients work, the calls of inherited clients end, and the
//! parent's clients are not affected.

#![cfg(test)]
#![cfg(unix)]

mod child;
#[path = "../support/interest.rs"]
mod interest;
#[path = "../support/log.rs"]
mod log;
#[path = "../support/mod.rs"]
mod support;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pollster::block_on;
use vexil::config::{EventsConfig, ServiceEndpoints};
use vexil::data_source::DataSourceState;
use vexil::{Client, ClientBuilder, PerProcess, global};
use vexil_testing::FakeService;
use vexil_testing::fake_service::{Answer, Endpoint};

use crate::child::Child;
use crate::log::Log;
use crate::support::{SOON, ada, current_thread};

/// Many repetitions, for failures that are rare.
const CHILDREN: usize = 12;

/// Upper limit for calls that must end earlier by themselves.
const LONG: Duration = Duration::from_secs(600);

/// One test at a time: a fork copies locks that other threads hold.
fn exclusive() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    interest::always_interested();
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn service(value: &str) -> FakeService {
    let service = FakeService::start().unwrap();
    service.set("flag", value);
    service
}

/// The builder of a client that streams, and delivers events only on a flush.
fn builder(service: &FakeService) -> ClientBuilder {
    let events = EventsConfig::new()
        .flush_interval(Duration::from_secs(3600))
        .diagnostic_opt_out(true);
    Client::builder("sdk-key")
        .service_endpoints(ServiceEndpoints::relay(service.url()))
        .events(events)
}

#[track_caller]
fn ready(builder: ClientBuilder) -> Client {
    let client = builder.start().unwrap();
    client.blocking_wait_until_ready(SOON).unwrap();
    client
}

fn value(client: &Client) -> String {
    client
        .str_variation("flag", &ada(), "the default")
        .to_string()
}

#[track_caller]
fn until_value(client: &Client, wanted: &str) {
    let (changes, changed) = std::sync::mpsc::channel();
    let listener = client
        .flag_tracker()
        .add_listener(move |_| changes.send(()).unwrap_or_default());
    while value(client) != wanted {
        changed.recv_timeout(SOON).unwrap();
    }
    client.flag_tracker().remove_listener(listener);
}

/// Uses all features of a client of this process.
fn works(builder: ClientBuilder, wanted: &str) {
    let client = ready(builder);
    assert_eq!(value(&client), wanted);
    assert!(client.blocking_flush(SOON), "events are delivered");
    assert!(client.event_stats().delivered_events > 0);
    assert!(block_on(client.close(SOON)), "the client is closed");
}

/// Checks that the parent's client receives updates and delivers events.
#[track_caller]
fn lives(client: &Client, service: &FakeService, news: &str) {
    service.set("flag", news);
    until_value(client, news);
    assert!(client.blocking_flush(SOON));
    assert_eq!(
        client.data_source_status().status().state,
        DataSourceState::Valid
    );
}

// EVT-3.5
#[test]
fn new_clients_work_in_forked_children_beside_a_running_one_in_the_parent() {
    let _exclusive = exclusive();
    let service = service("first");
    let client = ready(builder(&service));
    let children: Vec<_> = (0..CHILDREN)
        .map(|_| Child::run(|| works(builder(&service), "first")))
        .collect();
    children.into_iter().for_each(Child::succeeds);
    service.wait_for_streams(1).wait().unwrap();
    lives(&client, &service, "second");
    assert_eq!(
        service.requests_to(Endpoint::Stream).len(),
        1 + CHILDREN,
        "the parent's stream was never lost"
    );
}

#[test]
fn a_new_client_works_in_a_child_that_was_forked_after_all_clients_were_closed() {
    let _exclusive = exclusive();
    let service = service("first");
    let client = ready(builder(&service));
    assert!(client.blocking_close(SOON));
    Child::run(|| works(builder(&service), "first")).succeeds();
    drop(client);
    Child::run(|| works(builder(&service), "first")).succeeds();
    lives(&ready(builder(&service)), &service, "second");
}

#[test]
fn a_child_of_a_child_can_start_clients() {
    let _exclusive = exclusive();
    let service = service("first");
    let client = ready(builder(&service));
    Child::run(|| {
        let own = ready(builder(&service));
        Child::run(|| {
            works(builder(&service), "first");
            assert!(!own.blocking_close(LONG), "it belongs to the other process");
        })
        .succeeds();
        assert!(own.blocking_flush(SOON));
        assert!(own.blocking_close(SOON));
        assert!(!client.blocking_close(LONG));
    })
    .succeeds();
    lives(&client, &service, "second");
}

#[test]
fn the_calls_of_an_inherited_client_end_and_log_one_warning() {
    let _exclusive = exclusive();
    let service = service("first");
    let client = ready(builder(&service));
    assert_eq!(value(&client), "first");
    Child::run(|| {
        let log = Log::default();
        tracing::subscriber::with_default(log.subscriber(), || {
            assert_eq!(value(&client), "first");
            client.blocking_wait_until_ready(LONG).unwrap();
            block_on(client.wait_until_ready(LONG)).unwrap();
            client.flush();
            assert!(!client.blocking_flush(LONG) && !block_on(client.flush_and_wait(LONG)));
            let status = client.data_source_status();
            assert!(!status.blocking_wait_for(DataSourceState::Interrupted, LONG));
            assert!(!block_on(
                status.wait_for(DataSourceState::Interrupted, LONG)
            ));
            assert!(!block_on(
                client
                    .data_store_status()
                    .wait_for(|status| !status.available, LONG)
            ));
            let listener = client.flag_tracker().add_listener(|_| {});
            client.flag_tracker().remove_listener(listener);
            assert!(!client.blocking_close(LONG) && !block_on(client.close(LONG)));
            drop(client.close_on_drop(LONG));
            assert_eq!(value(&client), "first");
        });
        let warnings: Vec<_> = log
            .lines()
            .into_iter()
            .filter(|line| line.contains("before a fork"))
            .collect();
        assert_eq!(warnings.len(), 1, "{warnings:?}");
    })
    .succeeds();
    lives(&client, &service, "second");
}

#[test]
fn an_inherited_client_without_data_does_not_become_ready() {
    let _exclusive = exclusive();
    let service = service("first");
    service.always(Endpoint::Stream, Answer::nothing());
    let client = builder(&service).start().unwrap();
    service.next_request(Endpoint::Stream).wait().unwrap();
    Child::run(|| {
        client.blocking_wait_until_ready(LONG).unwrap_err();
        block_on(client.wait_until_ready(LONG)).unwrap_err();
    })
    .succeeds();
}

#[test]
fn dropping_an_inherited_client_does_not_affect_the_parent() {
    let _exclusive = exclusive();
    let service = service("first");
    let client = Mutex::new(Some(ready(builder(&service))));
    let take = || client.lock().unwrap().take().unwrap();
    Child::run(|| {
        let log = Log::default();
        tracing::subscriber::with_default(log.subscriber(), || drop(take()));
        assert_eq!(
            log.lines(),
            [""; 0],
            "its events are delivered by the parent"
        );
        works(builder(&service), "first");
    })
    .succeeds();
    let client = take();
    assert_eq!(value(&client), "first");
    lives(&client, &service, "second");
}

#[test]
fn a_builder_with_a_runtime_of_the_parent_starts_clients_in_the_child() {
    let _exclusive = exclusive();
    let service = service("first");
    let runtime = current_thread();
    let builder = builder(&service).runtime(runtime.handle().clone());
    Child::run(|| works(builder, "first")).succeeds();
}

/// Panics when it is dropped in another process.
struct Mine(u32);

impl Drop for Mine {
    fn drop(&mut self) {
        assert_eq!(
            self.0,
            std::process::id(),
            "it belongs to the other process"
        );
    }
}

#[test]
fn a_per_process_value_is_created_again_in_a_child_without_dropping_the_parents() {
    let _exclusive = exclusive();
    let values = [(); 2].map(|()| PerProcess::new(|| Mine(std::process::id())));
    values.iter().for_each(|value| drop(value.get()));
    let values = Mutex::new(Some(values));
    let take = || values.lock().unwrap().take().unwrap();
    Child::run(|| {
        let [used, unused] = take();
        assert_eq!(used.get().0, std::process::id());
        drop((used, unused));
    })
    .succeeds();
    assert!(
        take()
            .iter()
            .all(|value| value.get().0 == std::process::id())
    );
}

#[test]
fn a_child_has_a_separate_global_client() {
    let _exclusive = exclusive();
    let service = service("first");
    global::configure(builder(&service)).unwrap();
    let client = global::client().unwrap();
    client.blocking_wait_until_ready(SOON).unwrap();
    Child::run(|| {
        let own = global::client().unwrap();
        own.blocking_wait_until_ready(SOON).unwrap();
        assert_eq!(value(&own), "first");
        assert!(own.blocking_flush(SOON) && own.blocking_close(SOON));
        // The parent's client is not closed when the configuration changes.
        global::configure(builder(&service)).unwrap();
        works(builder(&service), "first");
    })
    .succeeds();
    lives(&client, &service, "second");
}

#[test]
fn a_killed_process_loses_only_the_events_since_its_last_delivery() {
    let _exclusive = exclusive();
    let service = service("value");
    let evaluate = |client: &Client, times: usize| {
        for _ in 0..times {
            assert_eq!(value(client), "value");
        }
    };
    let child = Child::run(|| {
        let client = ready(builder(&service));
        evaluate(&client, 10);
        assert!(client.blocking_flush(SOON));
        evaluate(&client, 7);
        loop {
            std::thread::park();
        }
    });
    service
        .until("the delivery", || service.summary_counts().total() > 0)
        .wait()
        .unwrap();
    child.kill();
    assert_eq!(service.summary_counts().total(), 10);
    works(builder(&service), "value");
}
