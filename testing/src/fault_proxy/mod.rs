//! [`FaultProxy`]: connections with faults, between a client and a server on this machine.
//!
//! A client that is proven against a server that works is not proven yet: networks break in the
//! middle of an answer, hold back what they have, and lose it. The proxy passes on what comes until
//! it is told otherwise, and faults are switched on and off while it runs.
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
//! | [`cut_after`](FaultProxy::cut_after) | the same, after so many bytes | it has happened |
//! | [`refuse`](FaultProxy::refuse) | no new connection | [`accept`](FaultProxy::accept) |
//! | [`delay`](FaultProxy::delay) | everything later | another delay |
//! | [`stall`](FaultProxy::stall) | silence, no end | [`resume`](FaultProxy::resume) |
//! | [`corrupt`](FaultProxy::corrupt) | other bytes | [`restore`](FaultProxy::restore) |
//!
//! [`restore`](FaultProxy::restore) ends them all. Faults hold for connections that are open and for those that come.

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
use crate::background::Background;
use crate::ports;
pub use crate::waiting::{TimedOut, Waiting};

/// The way that bytes take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a connection has two ends")]
pub enum Direction {
    /// From the client to the server.
    ToServer,
    /// From the server to the client.
    ToClient,
}

/// What has passed through a proxy since it was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProxyCounts {
    /// Connections of clients, those included that the server did not take.
    pub accepted: u64,
    /// Connections that are open.
    pub open: u64,
    /// Connections that a fault has ended.
    pub cut: u64,
    /// Bytes that were passed on to the server.
    pub to_server: u64,
    /// Bytes that were passed on to clients.
    pub to_client: u64,
}

/// A TCP proxy on loopback whose connections have the faults that a test wants. See the [module
/// documentation](self).
///
/// It runs on a thread of its own, so that it serves plain tests and async ones. When it is
/// dropped, all its connections end.
pub struct FaultProxy {
    shared: Arc<Shared>,
    address: SocketAddr,
    /// The task that accepts; none while connections are refused. Its end closes the port.
    listening: Mutex<Option<JoinHandle<()>>>,
    background: Background,
}

impl FaultProxy {
    /// Starts a proxy in front of a server, which need not be there yet. It passes everything on.
    ///
    /// # Errors
    /// If the server's name is none, or the system has no port or thread left.
    pub fn start(server: impl ToSocketAddrs) -> io::Result<Self> {
        let server = server.to_socket_addrs()?.next();
        let server = server
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the server has no address"))?;
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

    /// Where clients find it.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The port that clients find it at, on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Ends all connections that are open, in an orderly way: both ends see that the other has
    /// closed.
    pub fn cut(&self) {
        self.shared.cut(End::Closed);
    }

    /// Ends all connections that are open with a reset, as when the other end has crashed or a
    /// firewall has forgotten them.
    pub fn reset(&self) {
        self.shared.cut(End::Reset);
    }

    /// Ends all connections when so many more bytes have passed in this direction, over all of
    /// them. What is beyond is lost. It happens once; connections that come afterwards are whole.
    /// With 0, the next byte is the first one lost.
    pub fn cut_after(&self, direction: Direction, bytes: u64) {
        self.shared
            .state
            .change(|state| state.faults_mut(direction).cut_after = Some(bytes));
    }

    /// Refuses new connections: the port is closed when this returns. Those that are open stay.
    pub fn refuse(&self) {
        if let Some(task) = self.listening().take() {
            task.abort();
            // It has been dropped when this ends, and the listener with it. Unconstrained, as the
            // caller may be a task of Tokio's that has used up its share.
            let _ = pollster::block_on(unconstrained(task));
        }
    }

    /// Accepts connections again, at the same port.
    ///
    /// # Errors
    /// If another process has taken the port meanwhile.
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

    /// Holds back whatever comes in this direction, a piece at a time, for so long. Zero: no
    /// longer.
    pub fn delay(&self, direction: Direction, time: Duration) {
        self.shared
            .state
            .change(|state| state.faults_mut(direction).delay = time);
    }

    /// Passes nothing on in this direction, not even the end of a connection, until [`Self::resume`]. Nothing of it is
    /// lost.
    pub fn stall(&self, direction: Direction) {
        self.shared
            .state
            .change(|state| state.faults_mut(direction).stalled = true);
    }

    /// Passes on what was held back by [`Self::stall`], and everything that comes.
    pub fn resume(&self, direction: Direction) {
        self.shared
            .state
            .change(|state| state.faults_mut(direction).stalled = false);
    }

    /// Changes what comes in this direction, a piece at a time, before it is passed on.
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
        // The one before is dropped when the state is free again.
        drop(
            self.shared
                .state
                .change(|state| state.faults_mut(direction).corrupt.replace(change)),
        );
    }

    /// Ends all faults. Connections that were cut stay so.
    ///
    /// # Errors
    /// As with [`Self::accept`].
    pub fn restore(&self) -> io::Result<()> {
        let end =
            |state: &mut shared::State, direction| std::mem::take(state.faults_mut(direction));
        // They may hold code of others, which is dropped when the state is free again.
        drop(
            self.shared.state.change(|state| {
                [Direction::ToServer, Direction::ToClient].map(|of| end(state, of))
            }),
        );
        self.accept()
    }

    /// What has passed so far.
    #[must_use]
    pub fn counts(&self) -> ProxyCounts {
        self.shared.counts()
    }

    /// Whatever a test can tell from what has passed. `what` completes the sentence "waited for".
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
        Waiting::new(&*self.shared, self.background.handle(), what.into(), look)
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
