//! Start and end of a service, and waiting.

use std::thread;
use std::time::Duration;

use vexil_testing::FakeService;
use vexil_testing::fake_service::{Answer, ClosedBy, Endpoint};

use crate::support::Wire;

fn is_shared<T: Send + Sync + 'static>(_: &T) {}

#[test]
fn a_dropped_service_closes_all_connections() {
    let service = FakeService::start().unwrap();
    is_shared(&service);
    service.answer(Endpoint::Poll, Answer::nothing());
    let mut stream = Wire::get(&service, "/all");
    stream.head();
    stream.event();
    let mut poll = Wire::get(&service, "/sdk/latest-all");
    let request = service.next_request(Endpoint::Poll).wait().unwrap();
    let address = service.address();
    drop(service);
    assert_eq!(
        (poll.rest().0, stream.rest().0),
        (String::new(), String::new())
    );
    assert_eq!(request.closed(), Some(ClosedBy::Service));
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn a_service_can_start_wait_and_end_inside_a_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let service = FakeService::start().unwrap();
        let mut wire = Wire::get(&service, "/all");
        assert_eq!(
            service.next_request(Endpoint::Stream).await.unwrap().path(),
            "/all"
        );
        service.wait_for_streams(1).wait().unwrap();
        wire.head();
    });
}

#[test]
fn a_condition_may_hold_later() {
    let service = FakeService::start().unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| pollster::block_on(async { service.next_payload().await }));
        Wire::new(&service).ask("POST", "/bulk", &[], b"[1, 2]");
        assert_eq!(waiting.join().unwrap().unwrap().events().len(), 2);
    });
    service
        .until("two events", || service.events().len() == 2)
        .wait()
        .unwrap();
}

#[test]
fn each_request_is_returned_once() {
    let service = FakeService::start().unwrap();
    let mut wire = Wire::new(&service);
    for path in ["/a/sdk/latest-all", "/other", "/b/sdk/latest-all"] {
        wire.ask("GET", path, &[], b"");
    }
    let next = |endpoint| service.next_request(endpoint).within(Duration::ZERO).wait();
    assert_eq!(next(Endpoint::Poll).unwrap().path(), "/a/sdk/latest-all");
    assert_eq!(next(Endpoint::Poll).unwrap().path(), "/b/sdk/latest-all");
    assert_eq!(next(Endpoint::Other).unwrap().path(), "/other");
    let error = next(Endpoint::Poll).unwrap_err().to_string();
    let wanted = "waited 0ns for a request to Poll; open streams: 0; requests: \
                  GET /a/sdk/latest-all (200), GET /other (404), GET /b/sdk/latest-all (200)";
    assert_eq!(error, wanted);
    assert_eq!(service.requests().len(), 3);
}
