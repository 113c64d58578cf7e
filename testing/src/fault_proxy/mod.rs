//! [`FaultProxy`]: injects connection faults between a client and a local server.
//!
//! A client that works with a healthy server may still fail on a real network: connections break in
//! the middle of a response, stall and lose data. The proxy forwards everything until a test
//! injects a fault. Faults can be switched on and off while it runs.
//!
//! ```
//! use std::io::{Read, Write};
//! use std::net::{TcpListener, TcpStream};
//! use vexil_testing::FaultProxy;
//! use vexil_testing::fault_proxy::Direction;
//!
//! let server = TcpListener::bind("127.0.0.1:0")?;
//! let proxy = FaultProxy::start(server.local_addr()?)?;
//! let mut client = TcpStream::connect(proxy.address())?;
//! let (mut served, _) = server.accept()?;
//!
//! proxy.cut_after(Direction::ToClient, 5);
//! served.write_all(b"hello world")?;
//! let mut answer = String::new();
//! client.read_to_string(&mut answer)?;
//! assert_eq!(answer, "hello");
//!
//! proxy.refuse();
//! assert!(TcpStream::connect(proxy.address()).is_err());
//! proxy.restore()?;
//! assert!(TcpStream::connect(proxy.address()).is_ok());
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # Faults
//! | fault | what the client sees | until |
//! | --- | --- | --- |
//! | [`cut`](FaultProxy::cut), [`reset`](FaultProxy::reset) | the end of all connections | at once |
//! | [`cut_after`](FaultProxy::cut_after) | the same, after a number of bytes | it has happened |
//! | [`refuse`](FaultProxy::refuse) | connection refused | [`accept`](FaultProxy::accept) |
//! | [`delay`](FaultProxy::delay) | everything arrives later | another delay |
//! | [`stall`](FaultProxy::stall) | silence without an end | [`resume`](FaultProxy::resume) |
//! | [`corrupt`](FaultProxy::corrupt) | changed bytes | [`restore`](FaultProxy::restore) |
//!
//! [`restore`](FaultProxy::restore) ends them all. Faults apply to open connections and to new
//! ones.

mod relay;
mod shared;

use std::fmt;
use std::future::pending;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::task::coop::unconstrained;

use self::shared::{End, Shared};
use crate::Waiting;
use crate::background::Background;
use crate::ports;

/// The direction of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a connection has two ends")]
pub enum Direction {
    /// From the client to the server.
    ToServer,
    /// From the server to the client.
    ToClient,
}

/// Traffic counters of a proxy, since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProxyCounts {
    /// Accepted client connections, including those that the server refused.
    pub accepted: u64,
    /// Connections that are open.
    pub open: u64,
    /// Connections closed by a fault.
    pub cut: u64,
    /// Bytes forwarded to the server.
    pub to_server: u64,
    /// Bytes forwarded to clients.
    pub to_client: u64,
}

/// A TCP proxy on loopback with injectable connection faults. See the [module documentation](self).
///
/// It runs on its own thread, so it serves both sync and async tests. Dropping it closes all its
/// connections.
pub struct FaultProxy {
    shared: Arc<Shared>,
    address: SocketAddr,
    /// The task that accepts connections; `None` while they are refused. Ending it closes the port.
    listening: Mutex<Option<JoinHandle<()>>>,
    background: Background,
}

impl FaultProxy {
    /// Starts a proxy in front of a server, which need not be running yet. It forwards everything.
    ///
    /// # Errors
    /// Returns an error if the server's address does not resolve, or no port or thread is
    /// available.
    pub fn start(server: impl ToSocketAddrs) -> io::Result<Self> {
        let server = server.to_socket_addrs()?.next();
        let server = server.ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotFound,
                "the server address does not resolve",
            )
        })?;
        let background = Background::start("vexil-fault-proxy", || Ok(pending()))?;
        let address = (Ipv4Addr::LOCALHOST, ports::free(&[])?).into();
        let proxy = Self {
            shared: Arc::new(Shared::new(server)),
            address,
            listening: Mutex::new(None),
            background,
        };
        proxy.accept()?;
        Ok(proxy)
    }

    /// Returns the address for clients to connect to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the port for clients to connect to, on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Closes all open connections gracefully: both ends see that the other has closed.
    pub fn cut(&self) {
        self.shared.cut(End::Closed);
    }

    /// Resets all open connections, as after a crash of the other end or a firewall timeout.
    pub fn reset(&self) {
        self.shared.cut(End::Reset);
    }

    /// Closes all connections once this many more bytes have been forwarded in this direction, over
    /// all connections together. Bytes beyond are lost. It happens once; later connections are not
    /// affected. With 0, the next byte is the first one lost.
    pub fn cut_after(&self, direction: Direction, bytes: u64) {
        self.shared
            .state
            .change(|state| state.faults_mut(direction).cut_after = Some(bytes));
    }

    /// Refuses new connections: the port is closed when this returns. Open connections stay open.
    pub fn refuse(&self) {
        if let Some(task) = self.listening().take() {
            task.abort();
            // When this returns, the task and its listener are dropped. Unconstrained, because the
            // caller may be a Tokio task that has used up its budget.
            let _ = pollster::block_on(unconstrained(task));
        }
    }

    /// Accepts connections again on the same port.
    ///
    /// # Errors
    /// Returns an error if another process has taken the port meanwhile.
    pub fn accept(&self) -> io::Result<()> {
        let mut listening = self.listening();
        if listening.is_none() {
            let listener = std::net::TcpListener::bind(self.address)?;
            listener.set_nonblocking(true)?;
            let runtime = self.background.handle();
            let _inside = runtime.enter();
            let listener = TcpListener::from_std(listener)?;
            *listening = Some(runtime.spawn(relay::listen(Arc::clone(&self.shared), listener)));
        }
        Ok(())
    }

    /// Delays each piece of data in this direction by this time. Zero ends the delay.
    pub fn delay(&self, direction: Direction, time: Duration) {
        self.shared
            .state
            .change(|state| state.faults_mut(direction).delay = time);
    }

    /// Forwards nothing in this direction, not even the end of a connection, until [`Self::resume`]
    /// is called. No data is lost.
    pub fn stall(&self, direction: Direction) {
        self.shared
            .state
            .change(|state| state.faults_mut(direction).stalled = true);
    }

    /// Forwards the data held back by [`Self::stall`], and everything after it.
    pub fn resume(&self, direction: Direction) {
        self.shared
            .state
            .change(|state| state.faults_mut(direction).stalled = false);
    }

    /// Changes each piece of data in this direction before it is forwarded.
    ///
    /// ```
    /// # let proxy = vexil_testing::FaultProxy::start("127.0.0.1:1")?;
    /// use vexil_testing::fault_proxy::Direction;
    ///
    /// proxy.corrupt(Direction::ToClient, |bytes| bytes.iter_mut().for_each(|byte| *byte ^= 0x55));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn corrupt(&self, direction: Direction, change: impl FnMut(&mut Vec<u8>) + Send + 'static) {
        let change = Arc::new(Mutex::new(change));
        // The previous closure is dropped after the state is unlocked.
        drop(
            self.shared
                .state
                .change(|state| state.faults_mut(direction).corrupt.replace(change)),
        );
    }

    /// Ends all faults. Closed connections stay closed.
    ///
    /// # Errors
    /// Returns an error under the same conditions as [`Self::accept`].
    pub fn restore(&self) -> io::Result<()> {
        let end =
            |state: &mut shared::State, direction| std::mem::take(state.faults_mut(direction));
        // The closures are foreign code, so they are dropped after the state is unlocked.
        drop(
            self.shared.state.change(|state| {
                [Direction::ToServer, Direction::ToClient].map(|of| end(state, of))
            }),
        );
        self.accept()
    }

    /// Returns the traffic counters.
    #[must_use]
    pub fn counts(&self) -> ProxyCounts {
        self.shared.counts()
    }

    /// Waits for a condition on the counters. `what` completes the sentence "waited for".
    ///
    /// ```no_run
    /// # let proxy = vexil_testing::FaultProxy::start("127.0.0.1:1")?;
    /// proxy.until("a second connection", |counts| counts.accepted == 2).wait()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn until<'a>(
        &'a self,
        what: impl Into<String>,
        mut condition: impl FnMut(&ProxyCounts) -> bool + Send + 'a,
    ) -> Waiting<'a, ProxyCounts> {
        let look = move || Some(self.counts()).filter(&mut condition);
        Waiting::new(&*self.shared, what.into(), look)
    }

    fn listening(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.listening
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for FaultProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.counts();
        f.debug_struct("FaultProxy")
            .field("address", &self.address)
            .field("counts", &counts)
            .finish_non_exhaustive()
    }
}
