//! Opens one connection, from resolving the address to logging in.
//!
//! The Redis client receives a stream that is opened here. So TLS uses an explicit cryptography
//! provider, the operating system detects dead peers, and the connect timeout covers every step.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::{AsyncPushSender, MultiplexedConnection};
use redis::{
    AsyncConnectionConfig, ErrorKind, ProtocolVersion, RedisConnectionInfo, RedisError,
    ServerErrorKind,
};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

use super::ConnectionSettings;
use crate::address::Host;
use crate::credentials::CredentialSource;
use crate::error::CommandError;
use crate::stream::Stream;

/// The address and credentials of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint<'a> {
    pub(crate) host: Host,
    pub(crate) encrypted: bool,
    pub(crate) credentials: &'a CredentialSource,
    pub(crate) database: u32,
}

/// A connection that is logged in.
pub(crate) struct Handshake {
    pub(crate) connection: MultiplexedConnection,
    /// Drives the connection's I/O. It must be polled as long as the connection is used, and ends
    /// with it.
    pub(crate) driver: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// Whether the server can send change notifications, that is, speaks RESP3.
    pub(crate) pushes: bool,
}

impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake")
            .field("pushes", &self.pushes)
            .finish_non_exhaustive()
    }
}

/// Idle time before the operating system sends TCP keepalive probes, and their interval.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(15);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);

/// Connects and logs in, within the connect timeout.
pub(crate) async fn connect(
    endpoint: &Endpoint<'_>,
    settings: &ConnectionSettings,
    pushes: Option<Arc<dyn AsyncPushSender>>,
) -> Result<Handshake, CommandError> {
    let address: Arc<str> = endpoint.host.to_string().into();
    let attempt = async {
        let credentials = endpoint
            .credentials
            .current()
            .await
            .map_err(|error| CommandError::Credentials(error.into()))?;
        let mut login = RedisConnectionInfo::default()
            .set_db(endpoint.database.into())
            .set_lib_name(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
            .set_protocol(ProtocolVersion::RESP3);
        if let Some(credentials) = credentials {
            login = login.set_password(&credentials.password);
            if let Some(user) = &credentials.user {
                login = login.set_username(user);
            }
        }
        let stream = open(endpoint, settings)
            .await
            .map_err(|error| refused(&address, error))?;
        match log_in(&login, stream, pushes).await {
            Err(error) if lacks_resp3(&error) => {
                let login = login.set_protocol(ProtocolVersion::RESP2);
                let stream = open(endpoint, settings)
                    .await
                    .map_err(|error| refused(&address, error))?;
                log_in(&login, stream, None).await
            }
            outcome => outcome,
        }
        .map_err(|error| CommandError::of_setup(&address, error))
    };
    match tokio::time::timeout(settings.timeouts.connect, attempt).await {
        Ok(outcome) => outcome,
        Err(_) => Err(refused(&address, io::ErrorKind::TimedOut.into())),
    }
}

fn refused(address: &Arc<str>, error: io::Error) -> CommandError {
    CommandError::Connect {
        address: Arc::clone(address),
        source: Arc::new(error),
    }
}

/// Whether the server does not support RESP3, or the user may not request it: Redis before version
/// 6, and similar proxies.
fn lacks_resp3(error: &RedisError) -> bool {
    let unknown = || {
        error
            .detail()
            .is_some_and(|words| words.contains("unknown command"))
    };
    match error.kind() {
        ErrorKind::RESP3NotSupported | ErrorKind::Server(ServerErrorKind::NoPerm) => true,
        _ => error.code() == Some("NOPROTO") || unknown(),
    }
}

async fn open(
    endpoint: &Endpoint<'_>,
    settings: &ConnectionSettings,
) -> io::Result<Box<dyn Stream>> {
    let (name, port) = match &endpoint.host {
        Host::Tcp { name, port } => (&**name, *port),
        #[cfg(unix)]
        Host::Socket(path) => return Ok(Box::new(tokio::net::UnixStream::connect(path).await?)),
        #[cfg(not(unix))]
        Host::Socket(_) => return Err(io::ErrorKind::Unsupported.into()),
    };
    let stream = TcpStream::connect((name, port)).await?;
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_IDLE)
        .with_interval(KEEPALIVE_INTERVAL);
    SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
    match &settings.tls {
        Some(tls) if endpoint.encrypted => tls.connect(name, stream).await,
        _ => Ok(Box::new(stream)),
    }
}

async fn log_in(
    login: &RedisConnectionInfo,
    stream: Box<dyn Stream>,
    pushes: Option<Arc<dyn AsyncPushSender>>,
) -> Result<Handshake, RedisError> {
    // Each request has its own timeout.
    let mut config = AsyncConnectionConfig::new().set_response_timeout(None);
    if let Some(pushes) = pushes {
        config = config.set_push_sender(pushes);
    }
    let (connection, driver) =
        MultiplexedConnection::new_with_config(login, stream, config).await?;
    Ok(Handshake {
        connection,
        driver: Box::pin(driver),
        pushes: login.protocol() == ProtocolVersion::RESP3,
    })
}
