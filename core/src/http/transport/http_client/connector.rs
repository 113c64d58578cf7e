//! [`Connector`]: opens connections, directly or through a proxy, with or without TLS.

use std::error::Error;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{self, Connected, HttpConnector};
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tower_service::Service;

use super::connect_watch::report;
use super::proxy::{Proxies, bare};
use super::stream::Stream;
use super::tls::Tls;
use super::tls_settings::NoTls;

type BoxError = Box<dyn Error + Send + Sync>;
type Connecting = Pin<Box<dyn Future<Output = Result<TokioIo<Connection>, BoxError>> + Send>>;

/// TCP keep-alive: the idle time before the first probe, the interval of probes, and how many may
/// be lost.
const KEEPALIVE: (Duration, Duration, u32) = (Duration::from_secs(15), Duration::from_secs(15), 3);
/// How long sent data may stay unacknowledged before the connection counts as broken.
#[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
const USER_TIMEOUT: Duration = Duration::from_secs(30);

/// Opens connections for the HTTP library's pool.
#[derive(Clone, Debug)]
pub(super) struct Connector {
    tcp: HttpConnector,
    tls: Option<Tls>,
    proxies: Arc<Proxies>,
    limit: Duration,
}

impl Connector {
    /// Creates a connector that opens a connection within `limit`, or returns [`ConnectTimeout`].
    pub(super) fn new(limit: Duration, tls: Option<Tls>, proxies: Arc<Proxies>) -> Self {
        let (idle, interval, probes) = KEEPALIVE;
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        // If the host has several addresses, each gets only a part of the limit.
        tcp.set_connect_timeout(Some(limit));
        tcp.set_keepalive(Some(idle));
        tcp.set_keepalive_interval(Some(interval));
        tcp.set_keepalive_retries(Some(probes));
        #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
        tcp.set_tcp_user_timeout(Some(USER_TIMEOUT));
        Self {
            tcp,
            tls,
            proxies,
            limit,
        }
    }

    async fn connect(self, target: Uri) -> Result<TokioIo<Connection>, BoxError> {
        let Self {
            tcp, tls, proxies, ..
        } = self;
        if target.scheme() == Some(&Scheme::HTTPS) && tls.is_none() {
            return Err(NoTls.into());
        }
        let Some(proxy) = proxies.proxy_for(&target) else {
            return Hop { tcp, tls }.call(target).await;
        };
        let mut to_proxy = Hop {
            tcp,
            tls: tls.clone().map(Tls::for_proxies),
        };
        if target.scheme() != Some(&Scheme::HTTPS) {
            let mut connection = to_proxy.call(proxy.uri).await?;
            connection.inner_mut().is_proxied = true;
            return Ok(connection);
        }
        let mut tunnel = Tunnel::new(proxy.uri, to_proxy);
        if let Some(credentials) = proxy.authorization {
            tunnel = tunnel.with_auth(credentials);
        }
        let stream = tunnel.call(target.clone()).await?.into_inner().stream;
        Ok(TokioIo::new(secure(tls, &target, stream).await?))
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Connection>;
    type Error = BoxError;
    type Future = Connecting;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Uri) -> Connecting {
        let limit = self.limit;
        let connecting = tokio::time::timeout(limit, self.clone().connect(target));
        Box::pin(report(async move {
            connecting
                .await
                .unwrap_or_else(|_elapsed| Err(ConnectTimeout(limit).into()))
        }))
    }
}

/// The connection was not established in time.
#[derive(Debug, Error)]
#[error("no connection within {0:?}")]
pub(super) struct ConnectTimeout(Duration);

/// Connects to one host, which may be a proxy.
struct Hop {
    tcp: HttpConnector,
    tls: Option<Tls>,
}

impl Service<Uri> for Hop {
    type Response = TokioIo<Connection>;
    type Error = BoxError;
    type Future = Connecting;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        // The TCP connector is always ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, host: Uri) -> Connecting {
        let (tcp, tls) = (self.tcp.call(host.clone()), self.tls.clone());
        Box::pin(async move {
            let stream: Box<dyn Stream> = Box::new(tcp.await?.into_inner());
            let connection = match host.scheme() {
                Some(scheme) if *scheme == Scheme::HTTPS => secure(tls, &host, stream).await?,
                _ => Connection {
                    stream,
                    is_http2: false,
                    is_proxied: false,
                },
            };
            Ok(TokioIo::new(connection))
        })
    }
}

/// Performs the TLS handshake with a host.
async fn secure(
    tls: Option<Tls>,
    host: &Uri,
    stream: Box<dyn Stream>,
) -> Result<Connection, BoxError> {
    let (stream, is_http2) = tls
        .ok_or(NoTls)?
        .connect(bare(host.host().unwrap_or_default()), stream)
        .await?;
    Ok(Connection {
        stream,
        is_http2,
        is_proxied: false,
    })
}

/// An open connection with the properties that the HTTP library needs.
pub(super) struct Connection {
    stream: Box<dyn Stream>,
    is_http2: bool,
    /// Whether requests go to a proxy, which needs the absolute URL.
    is_proxied: bool,
}

impl connect::Connection for Connection {
    fn connected(&self) -> Connected {
        let connected = Connected::new().proxy(self.is_proxied);
        if self.is_http2 {
            connected.negotiated_h2()
        } else {
            connected
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
