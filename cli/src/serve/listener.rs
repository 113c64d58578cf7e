//! [`Listener`]: the addresses of the server; [`serve`]: its connections.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tower_service::Service;

use super::handler;
use super::server::Server;

/// The number of open connections. Further ones wait to be accepted.
const MAX_CONNECTIONS: usize = 1024;
/// The time in which the head of a request must arrive.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a write may make no progress.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// The bytes of a request that are buffered: a path of the largest length, and its headers.
const MAX_HEAD: usize = 128 << 10;
/// How long open requests may take after the end was requested.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the server waits after the system has refused a connection, for lack of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How many free ports are tried until one is free for both IPv4 and IPv6.
const PORT_ATTEMPTS: usize = 16;

/// The addresses that the server listens on.
#[derive(Debug)]
pub(crate) struct Listener {
    listeners: Vec<TcpListener>,
    address: SocketAddr,
}

impl Listener {
    /// Listens on an address. The loopback address of IPv4 also means that of IPv6, because programs
    /// resolve `localhost` to either; it is left out on machines without IPv6.
    pub(crate) async fn bind(address: SocketAddr) -> io::Result<Self> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let first = TcpListener::bind(address).await?;
            let bound = first.local_addr()?;
            let mut listeners = vec![first];
            if address.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST) {
                let second = SocketAddr::from((Ipv6Addr::LOCALHOST, bound.port()));
                match TcpListener::bind(second).await {
                    Ok(listener) => listeners.push(listener),
                    Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                        if address.port() == 0 && attempts < PORT_ATTEMPTS {
                            continue;
                        }
                        return Err(error);
                    }
                    Err(error) => tracing::debug!(%second, "not listening: {error}"),
                }
            }
            return Ok(Self {
                listeners,
                address: bound,
            });
        }
    }

    /// Returns the address, with the port that was chosen.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Accepts connections until the server is stopped, and then waits shortly for open requests.
pub(crate) async fn serve(listener: Listener, server: Arc<Server>) {
    let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut accepting = tokio::task::JoinSet::new();
    for listener in listener.listeners {
        accepting.spawn(accept(
            listener,
            Arc::clone(&server),
            Arc::clone(&connections),
        ));
    }
    while accepting.join_next().await.is_some() {}
    let all = u32::try_from(MAX_CONNECTIONS).unwrap_or(u32::MAX);
    if timeout(SHUTDOWN_TIMEOUT, connections.acquire_many(all))
        .await
        .is_err()
    {
        tracing::info!("connections that are still open were cut");
    }
}

async fn accept(listener: TcpListener, server: Arc<Server>, connections: Arc<Semaphore>) {
    let mut stop = server.stop.subscribe();
    let app = handler::app(Arc::clone(&server));
    loop {
        // The semaphore is never closed.
        let Ok(permit) = Arc::clone(&connections).acquire_owned().await else {
            return;
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        match accepted {
            Ok((stream, _)) => {
                let connection = connection(stream, app.clone(), stop.clone());
                tokio::spawn(async move {
                    connection.await;
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!("cannot accept a connection: {error}");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, app: axum::Router, mut stop: watch::Receiver<bool>) {
    // Without it, a small event waits for the acknowledgement of the one before.
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIMEOUT));
    let service = service_fn(move |request: Request<Incoming>| app.clone().call(request));
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(MAX_HEAD);
    let connection = builder.serve_connection(TokioIo::new(Box::pin(stream)), service);
    let mut connection = std::pin::pin!(connection);
    let mut is_stopping = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                // The peer is gone, or has sent what is not HTTP: nothing is left to do.
                if let Err(error) = ended {
                    tracing::trace!("a connection ended: {error}");
                }
                return;
            }
            _ = stop.wait_for(|stop| *stop), if !is_stopping => {
                is_stopping = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}
