//! The proxy forwards everything except for injected faults.

#![cfg(test)]

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use vexil_testing::FaultProxy;
use vexil_testing::fault_proxy::Direction::{ToClient, ToServer};

/// Reached only by tests that fail.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Long enough for data that is sent to arrive. On a slower machine, a test that waits this long
/// proves less, but never fails.
const SILENCE: Duration = Duration::from_millis(50);

struct Setup {
    server: TcpListener,
    proxy: FaultProxy,
}

impl Setup {
    fn new() -> Self {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = FaultProxy::start(server.local_addr().unwrap()).unwrap();
        Self { server, proxy }
    }

    /// Returns both ends of a connection: the client's and the server's.
    fn connect(&self) -> (TcpStream, TcpStream) {
        let client = TcpStream::connect(self.proxy.address()).unwrap();
        let (served, _) = self.server.accept().unwrap();
        client.set_read_timeout(Some(TIMEOUT)).unwrap();
        served.set_read_timeout(Some(TIMEOUT)).unwrap();
        (client, served)
    }
}

fn read(stream: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).unwrap();
    bytes
}

/// Reads until the other end closes.
fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    bytes
}

fn is_silent(stream: &mut TcpStream) -> bool {
    stream.set_read_timeout(Some(SILENCE)).unwrap();
    let read = stream.read(&mut [0]);
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    read.is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
}

#[test]
fn without_a_fault_both_directions_are_forwarded_and_counted() {
    let setup = Setup::new();
    let (mut client, mut served) = setup.connect();
    let bytes: Vec<u8> = (0..3_000_000_u32)
        .map(|number| (number % 251) as u8)
        .collect();
    std::thread::scope(|scope| {
        scope.spawn(|| client.write_all(&bytes).unwrap());
        assert!(read(&mut served, bytes.len()) == bytes);
    });
    served.write_all(b"hello").unwrap();
    assert_eq!(read(&mut client, 5), b"hello");
    let counted = setup
        .proxy
        .until("the traffic of both directions", |counts| {
            (counts.to_server, counts.to_client) == (3_000_000, 5)
        });
    let counts = counted.wait().unwrap();
    assert_eq!((counts.accepted, counts.open, counts.cut), (1, 1, 0));
}

#[test]
fn each_direction_ends_separately() {
    let setup = Setup::new();
    let (mut client, mut served) = setup.connect();
    client.write_all(b"question").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(rest(&mut served), b"question");
    served.write_all(b"answer").unwrap();
    drop(served);
    assert_eq!(rest(&mut client), b"answer");
    drop(client);
    setup
        .proxy
        .until("the end", |counts| counts.open == 0)
        .wait()
        .unwrap();
}

#[test]
fn a_cut_closes_only_open_connections() {
    let setup = Setup::new();
    let (mut first, mut first_served) = setup.connect();
    let (mut second, _second_served) = setup.connect();
    setup.proxy.cut();
    assert_eq!(rest(&mut first), b"");
    assert_eq!(rest(&mut second), b"");
    assert_eq!(rest(&mut first_served), b"");
    let (mut third, mut third_served) = setup.connect();
    third.write_all(b"x").unwrap();
    assert_eq!(read(&mut third_served, 1), b"x");
    let counts = setup
        .proxy
        .until("two cut connections", |counts| counts.cut == 2)
        .wait()
        .unwrap();
    assert_eq!((counts.accepted, counts.open), (3, 1));
}

#[test]
fn a_reset_is_an_error_at_both_ends() {
    let setup = Setup::new();
    let (mut client, mut served) = setup.connect();
    setup.proxy.reset();
    assert_eq!(
        client.read(&mut [0]).unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
    assert_eq!(
        served.read(&mut [0]).unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
}

#[test]
fn a_cut_after_bytes_forwards_exactly_these_and_happens_once() {
    let setup = Setup::new();
    let (mut client, mut served) = setup.connect();
    setup.proxy.cut_after(ToClient, 7);
    served.write_all(b"hello").unwrap();
    assert_eq!(read(&mut client, 5), b"hello");
    client
        .write_all(b"the other direction does not count")
        .unwrap();
    served.write_all(b" world").unwrap();
    assert_eq!(rest(&mut client), b" w");

    let (mut client, mut served) = setup.connect();
    served.write_all(b"hello world").unwrap();
    assert_eq!(read(&mut client, 11), b"hello world");

    setup.proxy.cut_after(ToServer, 0);
    client.write_all(b"x").unwrap();
    assert_eq!(rest(&mut served), b"");

    let (mut client, mut served) = setup.connect();
    setup.proxy.cut_after(ToServer, 3);
    client.write_all(b"abc").unwrap();
    assert_eq!(rest(&mut served), b"abc");
}

#[test]
fn refusing_closes_the_port_and_keeps_open_connections() {
    let setup = Setup::new();
    let (mut client, mut served) = setup.connect();
    setup.proxy.refuse();
    setup.proxy.refuse();
    assert_eq!(
        TcpStream::connect(setup.proxy.address())
            .unwrap_err()
            .kind(),
        ErrorKind::ConnectionRefused
    );
    client.write_all(b"x").unwrap();
    assert_eq!(read(&mut served, 1), b"x");
    setup.proxy.accept().unwrap();
    setup.proxy.accept().unwrap();
    let (mut client, mut served) = setup.connect();
    client.write_all(b"y").unwrap();
    assert_eq!(read(&mut served, 1), b"y");
}

#[test]
fn a_stall_holds_back_data_and_the_end_and_loses_nothing() {
    let setup = Setup::new();
    let (mut client, mut served) = setup.connect();
    setup.proxy.stall(ToClient);
    served.write_all(b"hello").unwrap();
    drop(served);
    assert!(is_silent(&mut client));
    setup.proxy.resume(ToClient);
    assert_eq!(rest(&mut client), b"hello");

    // Later connections are silent too; the other direction is not.
    setup.proxy.stall(ToClient);
    let (mut client, mut served) = setup.connect();
    client.write_all(b"question").unwrap();
    assert_eq!(read(&mut served, 8), b"question");
    served.write_all(b"answer").unwrap();
    assert!(is_silent(&mut client));
    setup.proxy.cut();
    assert_eq!(rest(&mut client), b"");
}

#[test]
fn a_delay_holds_back_data() {
    let setup = Setup::new();
    let (mut client, mut served) = setup.connect();
    let delay = Duration::from_millis(80);
    setup.proxy.delay(ToServer, delay);
    let begin = Instant::now();
    client.write_all(b"x").unwrap();
    assert_eq!(read(&mut served, 1), b"x");
    assert!(begin.elapsed() >= delay);
}

#[test]
fn corrupted_bytes_arrive_as_changed_by_the_test() {
    let setup = Setup::new();
    let (mut client, mut served) = setup.connect();
    setup.proxy.corrupt(ToClient, |bytes| bytes.reverse());
    served.write_all(b"abc").unwrap();
    assert_eq!(read(&mut client, 3), b"cba");
    client.write_all(b"abc").unwrap();
    assert_eq!(read(&mut served, 3), b"abc");
    setup.proxy.restore().unwrap();
    served.write_all(b"abc").unwrap();
    assert_eq!(read(&mut client, 3), b"abc");
}

/// Reads the proxy's counters when it is dropped.
struct Asks(Arc<FaultProxy>);

impl Drop for Asks {
    fn drop(&mut self) {
        let _ = self.0.counts();
    }
}

#[test]
fn a_corrupting_closure_may_call_the_proxy() {
    let Setup { server, proxy } = Setup::new();
    let proxy = Arc::new(proxy);
    let asks = Asks(Arc::clone(&proxy));
    proxy.corrupt(ToServer, move |bytes| {
        bytes[0] = u8::try_from(asks.0.counts().accepted).unwrap()
    });
    let mut client = TcpStream::connect(proxy.address()).unwrap();
    let (mut served, _) = server.accept().unwrap();
    served.set_read_timeout(Some(TIMEOUT)).unwrap();
    client.write_all(b"?").unwrap();
    assert_eq!(read(&mut served, 1), [1]);
    proxy.restore().unwrap();
}

#[test]
fn restoring_ends_all_faults() {
    let setup = Setup::new();
    for direction in [ToServer, ToClient] {
        setup.proxy.stall(direction);
        setup.proxy.delay(direction, TIMEOUT * 100);
        setup.proxy.cut_after(direction, 1);
        setup.proxy.corrupt(direction, Vec::clear);
    }
    setup.proxy.refuse();
    setup.proxy.restore().unwrap();
    let (mut client, mut served) = setup.connect();
    client.write_all(b"question").unwrap();
    assert_eq!(read(&mut served, 8), b"question");
    served.write_all(b"answer").unwrap();
    assert_eq!(read(&mut client, 6), b"answer");
}

#[test]
fn connections_are_closed_while_the_server_is_down() {
    let setup = Setup::new();
    drop(setup.server);
    let mut client = TcpStream::connect(setup.proxy.address()).unwrap();
    assert_eq!(rest(&mut client), b"");
    setup
        .proxy
        .until("the end", |counts| counts.accepted == 1 && counts.open == 0)
        .wait()
        .unwrap();
}

#[test]
fn a_dropped_proxy_closes_its_connections_and_its_port() {
    let setup = Setup::new();
    let (mut client, _served) = setup.connect();
    let address = setup.proxy.address();
    drop(setup.proxy);
    assert_eq!(rest(&mut client), b"");
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_timeout_reports_the_counters() {
    let setup = Setup::new();
    let waiting = setup
        .proxy
        .until("a connection", |counts| counts.accepted > 0)
        .within(Duration::from_millis(1));
    let error = waiting.wait().unwrap_err().to_string();
    assert!(
        error.starts_with("waited 1ms for a connection; ProxyCounts { accepted: 0"),
        "{error}"
    );
}
