//! Settings of test doubles that are a duration or a size accept any value.

#![cfg(test)]
#![cfg(feature = "fake-service")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use vexil::model::DataKind;
use vexil::store::PersistentDataStore;
use vexil_testing::fake_service::{Answer, Endpoint};
use vexil_testing::{FakeService, MemoryPersistentStore, StoreFault, StoreMethod};

const TIMES: [Duration; 3] = [Duration::ZERO, Duration::from_nanos(1), Duration::MAX];
const TIMEOUT: Duration = Duration::from_secs(30);

/// Returns the response to a request of this path, up to and including this text.
fn answer(service: &FakeService, path: &str, until: &str) -> String {
    let mut connection = TcpStream::connect(service.address()).unwrap();
    connection.set_read_timeout(Some(TIMEOUT)).unwrap();
    write!(
        connection,
        "GET {path} HTTP/1.1\r\nhost: service\r\nauthorization: sdk-key\r\n\r\n"
    )
    .unwrap();
    let (mut answer, mut byte) = (String::new(), [0]);
    while !answer.contains(until) {
        connection.read_exact(&mut byte).unwrap();
        answer.push(byte[0].into());
    }
    answer
}

#[test]
fn a_service_may_have_any_heartbeat() {
    for time in TIMES {
        let service = FakeService::builder().heartbeat(time).start().unwrap();
        let answer = answer(&service, "/all", "event: put");
        assert!(
            answer.starts_with("HTTP/1.1 200"),
            "{}({time:?}): {answer}",
            "FakeServiceBuilder::heartbeat"
        );
    }
}

#[test]
fn a_service_may_keep_any_number_of_requests() {
    for count in [0, 1, usize::MAX] {
        let service = FakeService::builder().max_requests(count).start().unwrap();
        answer(&service, "/sdk/latest-all", "HTTP/1.1 200");
        assert_eq!(
            service.requests().len(),
            count.min(1),
            "{}",
            "FakeServiceBuilder::max_requests"
        );
    }
}

#[test]
fn an_answer_may_come_in_pieces_of_any_size() {
    for size in [0, usize::MAX] {
        let service = FakeService::start().unwrap();
        let pieces = Answer::status(200)
            .body("0123456789")
            .trickle(size, Duration::ZERO);
        service.answer(Endpoint::Poll, pieces);
        let answer = answer(&service, "/sdk/latest-all", "0123456789");
        assert!(
            answer.starts_with("HTTP/1.1 200"),
            "{}({size}): {answer}",
            "Answer::trickle"
        );
    }
}

#[test]
fn a_test_may_wait_for_any_time() {
    for time in TIMES {
        let service = FakeService::start().unwrap();
        service
            .wait_for_streams(0)
            .within(time)
            .wait()
            .unwrap_or_else(|error| panic!("{}: {error}", "Waiting::within"));
    }
}

#[test]
fn a_store_may_suggest_any_interval() {
    for time in TIMES {
        let store = MemoryPersistentStore::new().with_refresh_interval(time);
        assert_eq!(
            store.refresh_interval(),
            time,
            "{}",
            "MemoryPersistentStore::with_refresh_interval"
        );
    }
}

#[test]
fn a_store_may_be_late_by_any_time() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(async {
            for time in TIMES {
                let store = MemoryPersistentStore::new();
                store
                    .calls()
                    .fault(StoreMethod::Get, StoreFault::Delay(time));
                let got = tokio::time::timeout(TIMEOUT, store.get(DataKind::Flag, "a")).await;
                assert_eq!(
                    got.is_ok(),
                    time < TIMEOUT,
                    "{}({time:?})",
                    "StoreFault::Delay"
                );
            }
        });
}

#[cfg(feature = "fault-proxy")]
#[test]
fn a_proxy_may_delay_for_any_time() {
    use vexil_testing::FaultProxy;
    use vexil_testing::fault_proxy::Direction;

    for time in TIMES {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = FaultProxy::start(listener.local_addr().unwrap()).unwrap();
        proxy.delay(Direction::ToServer, time);
        let mut client = TcpStream::connect(proxy.address()).unwrap();
        let (mut served, _) = listener.accept().unwrap();
        client.write_all(b"a").unwrap();
        if time == Duration::MAX {
            proxy.delay(Direction::ToServer, Duration::ZERO);
        } else {
            served
                .read_exact(&mut [0])
                .unwrap_or_else(|error| panic!("{}({time:?}): {error}", "FaultProxy::delay"));
        }
    }
}
