//! The proxy passes everything on but for what a test has told it to do.

#![cfg(test)]

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use vexil_testing::FaultProxy;
use vexil_testing::fault_proxy::Direction::{ToClient, ToServer};

/// Only a test that fails waits so long.
const SOON: Duration = Duration::from_secs(30);
/// Long enough for what does come to come; a test that waits it out proves less on a slower
/// machine, never fails there.
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

    /// Both ends of a connection: the client's and the server's.
    fn connect(&self) -> (TcpStream, TcpStream) {
        let client = TcpStream::connect(self.proxy.address()).unwrap();
        let (served, _) = self.server.accept().unwrap();
        client.set_read_timeout(Some(SOON)).unwrap();
        served.set_read_timeout(Some(SOON)).unwrap();
        (client, served)
    }
}

fn read(stream: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).unwrap();
    bytes
}

/// All that comes until the other end has closed.
fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    bytes
}

fn is_silent(stream: &mut TcpStream) -> bool {
    stream.set_read_timeout(Some(SILENCE)).unwrap();
    let read = stream.read(&mut [0]);
    stream.set_read_timeout(Some(SOON)).unwrap();
    read.is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
}

#[test]
fn without_a_fault_everything_passes_both_ways_and_is_counted() {
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
    let counted = setup.proxy.until("both to be counted", |counts| {
        (counts.to_server, counts.to_client) == (3_000_000, 5)
    });
    let counts = counted.wait().unwrap();
    assert_eq!((counts.accepted, counts.open, counts.cut), (1, 1, 0));
}

#[test]
fn each_direction_ends_by_itself() {
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
fn a_cut_ends_the_connections_that_are_open_and_no_others() {
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
        .until("the cuts to be counted", |counts| counts.cut == 2)
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
fn a_cut_after_bytes_lets_just_these_pass_and_happens_once() {
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
fn refused_connections_find_no_port_and_open_ones_stay() {
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
fn a_stall_is_silent_even_about_the_end_and_loses_nothing() {
    let setup = Setup::new();
    let (mut client, mut served) = setup.connect();
    setup.proxy.stall(ToClient);
    served.write_all(b"hello").unwrap();
    drop(served);
    assert!(is_silent(&mut client));
    setup.proxy.resume(ToClient);
    assert_eq!(rest(&mut client), b"hello");

    // Connections that come later are silent too; the other direction is not.
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
fn a_delay_holds_back_what_comes() {
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
fn corrupted_bytes_arrive_as_the_test_has_changed_them() {
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

/// Asks the proxy for its counts when it is dropped.
struct Asks(Arc<FaultProxy>);

impl Drop for Asks {
    fn drop(&mut self) {
        let _ = self.0.counts();
    }
}

#[test]
fn what_corrupts_may_ask_the_proxy() {
    let Setup { server, proxy } = Setup::new();
    let proxy = Arc::new(proxy);
    let asks = Asks(Arc::clone(&proxy));
    proxy.corrupt(ToServer, move |bytes| {
        bytes[0] = u8::try_from(asks.0.counts().accepted).unwrap()
    });
    let mut client = TcpStream::connect(proxy.address()).unwrap();
    let (mut served, _) = server.accept().unwrap();
    served.set_read_timeout(Some(SOON)).unwrap();
    client.write_all(b"?").unwrap();
    assert_eq!(read(&mut served, 1), [1]);
    proxy.restore().unwrap();
}

#[test]
fn restoring_ends_all_faults() {
    let setup = Setup::new();
    for direction in [ToServer, ToClient] {
        setup.proxy.stall(direction);
        setup.proxy.delay(direction, SOON * 100);
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
fn a_server_that_is_not_there_closes_what_the_proxy_accepts() {
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
fn a_proxy_that_is_dropped_closes_its_connections_and_its_port() {
    let setup = Setup::new();
    let (mut client, _served) = setup.connect();
    let address = setup.proxy.address();
    drop(setup.proxy);
    assert_eq!(rest(&mut client), b"");
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_wait_in_vain_says_what_has_passed_instead() {
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
