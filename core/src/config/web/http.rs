//! [`HttpConfig`]: HTTP settings.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ::http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, EXPECT, HOST, TE,
    TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use ::http::{HeaderMap, HeaderName, HeaderValue};

use thiserror::Error;

use crate::bounds;
use crate::config::ConfigError;
use crate::http::transport::HttpTransport;
use crate::http::transport::http_client::{
    DefaultTransport, NoTls, Proxies, Roots, Tls, TlsSettings, parse_proxy, proxy_in_environment,
    redacted_proxy,
};

/// The name of the component in a [`ConfigError::Component`].
const COMPONENT: &str = "HTTP transport";

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const READ_TIMEOUT: Duration = Duration::from_secs(15);

/// HTTP settings: timeouts, proxy, certificates, additional headers, or a custom transport.
///
/// ```
/// use std::time::Duration;
/// use vexil::config::HttpConfig;
///
/// let http = HttpConfig::new()
///     .connect_timeout(Duration::from_secs(3))
///     .http_proxy("http://ada:secret@proxy.example.com:3128")
///     .header("X-Tenant", "blue");
/// assert!(!format!("{http:?}").contains("secret"));
/// ```
#[derive(Clone)]
pub struct HttpConfig {
    pub(super) connect_timeout: Duration,
    pub(super) read_timeout: Duration,
    proxy: ProxyChoice,
    roots: Roots,
    cert_file: Option<PathBuf>,
    disable_ssl_verification: bool,
    #[cfg(feature = "tls")]
    rustls_config: Option<Arc<rustls::ClientConfig>>,
    pub(super) headers: HeaderMap,
    /// The first invalid header. Reported as an error by `build`.
    refused_header: Option<HeaderError>,
    transport: Option<Arc<dyn HttpTransport>>,
}

/// The proxy of requests.
#[derive(Clone)]
enum ProxyChoice {
    /// Those that the environment names.
    Environment,
    None,
    Fixed(String),
}

impl HttpConfig {
    /// The default settings: proxies from the environment, and certificates that the operating
    /// system trusts.
    #[must_use]
    pub fn new() -> Self {
        Self {
            connect_timeout: CONNECT_TIMEOUT,
            read_timeout: READ_TIMEOUT,
            proxy: ProxyChoice::Environment,
            roots: Roots::System,
            cert_file: None,
            disable_ssl_verification: false,
            #[cfg(feature = "tls")]
            rustls_config: None,
            headers: HeaderMap::new(),
            refused_header: None,
            transport: None,
        }
    }

    /// Timeout for establishing a connection, from DNS resolution to the end of the TLS handshake,
    /// including a proxy's part. Default, and meaning of zero: 10 seconds. At least 10 ms.
    /// `Duration::MAX`: no limit other than the operating system's.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::config::{HttpConfig, ServiceEndpoints};
    /// use vexil::{Client, client::NotReadyError};
    ///
    /// // An address that accepts no connections.
    /// let free = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// let url = format!("http://{}", free.local_addr()?);
    /// drop(free);
    /// let client = Client::builder("sdk-key")
    ///     .service_endpoints(ServiceEndpoints::relay(url))
    ///     .http(HttpConfig::new().connect_timeout(Duration::from_secs(2)))
    ///     .without_events()
    ///     .start()?;
    /// let error = client.blocking_wait_until_ready(Duration::from_millis(200)).unwrap_err();
    /// assert!(matches!(error, NotReadyError::Timeout { .. }), "{error}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = bounds::timeout(limit, CONNECT_TIMEOUT);
        self
    }

    /// Maximum time without a byte from the service, for polls and events. Default, and meaning of
    /// zero: 15 seconds. At least 10 ms. `Duration::MAX`: no limit. Streams have a separate
    /// [`read_timeout`](super::StreamingConfig::read_timeout), because they are silent for longer.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::Client;
    /// use vexil::config::{HttpConfig, PollingConfig, ServiceEndpoints};
    /// use vexil::data_source::DataSourceErrorKind;
    /// use vexil_testing::FakeService;
    /// use vexil_testing::fake_service::{Answer, Endpoint};
    ///
    /// let service = FakeService::start()?;
    /// service.always(Endpoint::Poll, Answer::nothing());
    /// let client = Client::builder("sdk-key")
    ///     .service_endpoints(ServiceEndpoints::relay(service.url()))
    ///     .http(HttpConfig::new().read_timeout(Duration::from_millis(50)))
    ///     .data_source(PollingConfig::new())
    ///     .start()?;
    /// let mut statuses = client.data_source_status().subscribe();
    /// let error = match client.data_source_status().status().error {
    ///     Some(error) => Some(error),
    ///     None => statuses.blocking_next(Duration::from_secs(30)).and_then(|status| status.error),
    /// };
    /// assert_eq!(error.map(|error| error.kind), Some(DataSourceErrorKind::NetworkError));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn read_timeout(mut self, limit: Duration) -> Self {
        self.read_timeout = bounds::timeout(limit, READ_TIMEOUT);
        self
    }

    /// Sends all requests through this proxy and ignores the environment. An `http` or `https` URI,
    /// which may contain user name and password, percent-encoded where necessary.
    ///
    /// Default: the environment variables `https_proxy`, `http_proxy`, `all_proxy` and `no_proxy`,
    /// in lower or upper case.
    ///
    /// ```
    /// use vexil::config::HttpConfig;
    ///
    /// assert!(HttpConfig::new().http_proxy("http://ada:s%20ecret@proxy:3128").build().is_ok());
    /// assert!(HttpConfig::new().http_proxy("socks5://proxy:1080").build().is_err());
    /// ```
    #[must_use]
    pub fn http_proxy(mut self, uri: impl Into<String>) -> Self {
        self.proxy = ProxyChoice::Fixed(uri.into());
        self
    }

    /// Sends all requests without a proxy and ignores the environment. This and
    /// [`http_proxy`](Self::http_proxy) replace each other.
    ///
    /// ```
    /// use vexil::config::HttpConfig;
    ///
    /// // A SOCKS proxy is not supported, but this one is no longer used.
    /// let http = HttpConfig::new().http_proxy("socks5://proxy:1080").without_proxy();
    /// assert!(http.build().is_ok());
    /// ```
    #[doc(alias = "disable_proxy")]
    #[must_use]
    pub fn without_proxy(mut self) -> Self {
        self.proxy = ProxyChoice::None;
        self
    }

    /// Trusts only the certificate authorities in this PEM file. An unusable certificate in it is
    /// skipped, with a warning that names its position; if none is usable, the settings are
    /// invalid. Default: the operating system's certificate authorities.
    ///
    /// A server's certificate must name its host as a subject alternative name. The common name is
    /// ignored.
    ///
    /// ```
    /// use vexil::Client;
    /// use vexil::config::{ConfigError, HttpConfig};
    ///
    /// let http = HttpConfig::new().ca_certs("/no/such/file.pem");
    /// let error = Client::builder("sdk-key").http(http).start().unwrap_err();
    /// assert!(matches!(error, ConfigError::Component { component: "HTTP transport", .. }));
    /// ```
    #[must_use]
    pub fn ca_certs(mut self, path: impl Into<PathBuf>) -> Self {
        self.roots = Roots::File(path.into());
        self
    }

    /// Trusts only the certificate authorities in this PEM text, for instance from a secret store.
    /// Otherwise the same as [`ca_certs`](Self::ca_certs); the two replace each other.
    ///
    /// ```
    /// use vexil::Client;
    /// use vexil::config::{HttpConfig, ServiceEndpoints};
    /// use vexil_testing::FakeService;
    ///
    /// let service = FakeService::builder().tls().start()?;
    /// # let certificates = service.ca_pem().ok_or("the service has no TLS")?;
    /// let client = Client::builder("sdk-key")
    ///     .service_endpoints(ServiceEndpoints::relay(service.url()))
    ///     .http(HttpConfig::new().ca_certs_pem(certificates))
    ///     .without_events()
    ///     .start()?;
    /// client.blocking_wait_until_ready(std::time::Duration::from_secs(30))?;
    ///
    /// assert!(HttpConfig::new().ca_certs_pem("not a certificate").build().is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "ca_cert")]
    #[must_use]
    pub fn ca_certs_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots = Roots::Pem(pem.into().into());
        self
    }

    /// Presents the certificate in this PEM file to servers that request one. The file holds the
    /// certificate chain, with the client's own certificate first, and the private key (PKCS#8,
    /// PKCS#1 or SEC1). Default: no certificate.
    ///
    /// ```
    /// use vexil::config::HttpConfig;
    ///
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("client.pem");
    /// std::fs::write(&path, "not a certificate")?;
    /// assert!(HttpConfig::new().cert_file(&path).build().is_err());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn cert_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.cert_file = Some(path.into());
        self
    }

    /// Accepts any certificate for any host, which makes TLS useless against an attacker who can
    /// intercept the connection. For tests only. Default: `false`. If `true`, it overrides
    /// [`ca_certs`](Self::ca_certs).
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::Client;
    /// use vexil::config::{HttpConfig, ServiceEndpoints};
    /// use vexil::data_source::DataSourceErrorKind;
    /// use vexil_testing::FakeService;
    ///
    /// // A server whose certificate the operating system does not trust.
    /// let service = FakeService::builder().tls().start()?;
    /// let builder = Client::builder("sdk-key")
    ///     .service_endpoints(ServiceEndpoints::relay(service.url()))
    ///     .without_events();
    /// let client = builder.clone().http(HttpConfig::new().disable_ssl_verification(true)).start()?;
    /// client.blocking_wait_until_ready(Duration::from_secs(30))?;
    ///
    /// let client = builder.start()?;
    /// let mut statuses = client.data_source_status().subscribe();
    /// let error = match client.data_source_status().status().error {
    ///     Some(error) => Some(error),
    ///     None => statuses.blocking_next(Duration::from_secs(30)).and_then(|status| status.error),
    /// };
    /// assert_eq!(error.map(|error| error.kind), Some(DataSourceErrorKind::NetworkError));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn disable_ssl_verification(mut self, disable: bool) -> Self {
        self.disable_ssl_verification = disable;
        self
    }

    /// Uses this rustls 0.23 configuration for TLS, including its crypto provider: for FIPS,
    /// bundled roots, or hardware keys. The other certificate settings then have no effect. HTTP/2
    /// and HTTP/1.1 are offered to the server unless the configuration sets ALPN protocols.
    ///
    /// **Revocation.** Without this setting, revoked certificates are refused only where the
    /// operating system verifies them: on Windows, on Apple's systems and on Android. On Linux, and
    /// with [`ca_certs`](Self::ca_certs), revocation is not checked. A configuration with
    /// [`with_crls`](rustls::client::ServerCertVerifierBuilder::with_crls) checks it everywhere.
    ///
    /// Requires the cargo feature `tls`, which `tls-aws-lc-rs` and `tls-ring` enable. Default: the
    /// provider of the feature, and the certificates that the operating system trusts.
    ///
    /// ```
    /// use rustls::{ClientConfig, RootCertStore};
    /// use vexil::config::HttpConfig;
    ///
    /// let provider = vexil::tls::provider().ok_or("no crypto provider")?;
    /// let roots = RootCertStore::empty();
    /// let tls = ClientConfig::builder_with_provider(provider)
    ///     .with_protocol_versions(&[&rustls::version::TLS13])?
    ///     .with_root_certificates(roots)
    ///     .with_no_client_auth();
    /// assert!(HttpConfig::new().rustls_config(tls).build().is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn rustls_config(mut self, config: impl Into<Arc<rustls::ClientConfig>>) -> Self {
        self.rustls_config = Some(config.into());
        self
    }

    /// Adds a header to every request, including requests redirected to other hosts. Default: only
    /// the headers of the SDK.
    ///
    /// The SDK's own headers are never replaced; of these, `Authorization` carries the SDK key.
    /// White space around the value is trimmed. A client does not start with an invalid header: a
    /// value consists of visible ASCII characters and spaces. Nor does it start with a header that
    /// frames or encodes a message or belongs to one connection, such as `Host`, `Content-Length`
    /// or `Transfer-Encoding`, because a server could take the rest of the request for another one.
    ///
    /// ```
    /// use vexil::Client;
    /// use vexil::config::{HttpConfig, ServiceEndpoints};
    /// use vexil_testing::FakeService;
    /// use vexil_testing::fake_service::Endpoint;
    ///
    /// let service = FakeService::start()?;
    /// let builder =
    ///     Client::builder("sdk-key").service_endpoints(ServiceEndpoints::relay(service.url()));
    /// let client = builder.clone().http(HttpConfig::new().header("X-Tenant", "blue")).start()?;
    /// let request = service.next_request(Endpoint::Stream).wait()?;
    /// assert_eq!(request.header("x-tenant"), Some("blue"));
    /// assert_eq!(request.header("authorization"), Some("sdk-key"));
    ///
    /// for (name, value) in [("X-Tenant", "b\nlue"), ("Content-Length", "5")] {
    ///     let http = HttpConfig::new().header(name, value);
    ///     assert!(builder.clone().http(http).start().is_err());
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let Ok(name) = name.trim().parse::<HeaderName>() else {
            self.refused_header.get_or_insert(HeaderError::Name);
            return self;
        };
        match value.trim().parse::<HeaderValue>() {
            _ if name == AUTHORIZATION => {
                tracing::warn!("the Authorization header cannot be replaced")
            }
            _ if is_of_transport(&name) => {
                self.refused_header
                    .get_or_insert(HeaderError::Transport { name });
            }
            Ok(mut value) if value.to_str().is_ok() => {
                value.set_sensitive(true);
                self.headers.insert(name, value);
            }
            _ => {
                self.refused_header
                    .get_or_insert(HeaderError::Value { name });
            }
        }
        self
    }

    /// Sends requests with a custom transport. Of the other settings, only the read timeout and the
    /// headers then have an effect. A forked process needs a transport created in that process,
    /// because connections belong to one process. Default: the transport of this crate, with
    /// HTTP/1.1 and HTTP/2.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use vexil::config::{HttpConfig, PollingConfig};
    /// use vexil::transport::{Body, HttpTransport, RequestOptions, TransportError};
    /// use vexil::{Client, Context};
    ///
    /// /// Answers every request with the same flags.
    /// #[derive(Debug)]
    /// struct Constant(&'static str);
    ///
    /// #[vexil::async_trait]
    /// impl HttpTransport for Constant {
    ///     async fn send(
    ///         &self,
    ///         _: http::Request<Bytes>,
    ///         _: RequestOptions,
    ///     ) -> Result<http::Response<Body>, TransportError> {
    ///         Ok(http::Response::new(Body::full(self.0)))
    ///     }
    /// }
    ///
    /// let flags = Constant(r#"{"flags": {"banner": {"on": true, "variations": ["hello"],
    ///     "fallthrough": {"variation": 0}}}}"#);
    /// let client = Client::builder("sdk-key")
    ///     .http(HttpConfig::new().transport(flags))
    ///     .data_source(PollingConfig::new())
    ///     .without_events()
    ///     .start()?;
    /// client.blocking_wait_until_ready(std::time::Duration::from_secs(30))?;
    /// assert_eq!(client.str_variation("banner", &Context::new("ada")?, ""), "hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn transport(mut self, transport: impl HttpTransport) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Creates the transport, for a custom transport to wrap.
    ///
    /// It must be used inside a Tokio runtime with I/O and time enabled, as the SDK does.
    ///
    /// # Errors
    /// Returns an error if a certificate file, the proxy's URI or a header is invalid.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicU64, Ordering};
    /// use bytes::Bytes;
    /// use vexil::Client;
    /// use vexil::config::{HttpConfig, ServiceEndpoints};
    /// use vexil::transport::{Body, HttpTransport, RequestOptions, TransportError};
    /// use vexil_testing::FakeService;
    ///
    /// /// Counts requests.
    /// #[derive(Clone, Debug)]
    /// struct Counting {
    ///     inner: Arc<dyn HttpTransport>,
    ///     count: Arc<AtomicU64>,
    /// }
    ///
    /// #[vexil::async_trait]
    /// impl HttpTransport for Counting {
    ///     async fn send(
    ///         &self,
    ///         request: http::Request<Bytes>,
    ///         options: RequestOptions,
    ///     ) -> Result<http::Response<Body>, TransportError> {
    ///         self.count.fetch_add(1, Ordering::Relaxed);
    ///         self.inner.send(request, options).await
    ///     }
    /// }
    ///
    /// let service = FakeService::start()?;
    /// let transport = Counting { inner: HttpConfig::new().build()?, count: Arc::default() };
    /// let client = Client::builder("sdk-key")
    ///     .service_endpoints(ServiceEndpoints::relay(service.url()))
    ///     .http(HttpConfig::new().transport(transport.clone()))
    ///     .without_events()
    ///     .start()?;
    /// client.blocking_wait_until_ready(std::time::Duration::from_secs(30))?;
    /// assert_eq!(transport.count.load(Ordering::Relaxed), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn build(&self) -> Result<Arc<dyn HttpTransport>, ConfigError> {
        if let Some(error) = &self.refused_header {
            return Err(impossible(error.clone()));
        }
        match &self.transport {
            Some(transport) => Ok(Arc::clone(transport)),
            None => Ok(Arc::new(self.default_transport()?)),
        }
    }

    /// Whether requests go through a proxy, set here or in the environment. `None` with a custom
    /// transport.
    pub(super) fn uses_proxy(&self) -> Option<bool> {
        let uses_proxy = || match self.proxy {
            ProxyChoice::Environment => proxy_in_environment(),
            ProxyChoice::None => false,
            ProxyChoice::Fixed(_) => true,
        };
        self.transport.is_none().then(uses_proxy)
    }

    /// Checks that requests to this base URL are possible.
    pub(super) fn check(&self, base_url: &str) -> Result<(), ConfigError> {
        let is_https = base_url
            .trim_start()
            .get(..6)
            .is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"));
        if is_https && self.transport.is_none() && !self.has_tls() {
            Err(impossible(NoTls))
        } else {
            Ok(())
        }
    }

    #[cfg(feature = "tls")]
    fn has_tls(&self) -> bool {
        self.rustls_config.is_some() || crate::tls::provider().is_some()
    }

    #[cfg(not(feature = "tls"))]
    fn has_tls(&self) -> bool {
        false
    }

    fn default_transport(&self) -> Result<DefaultTransport, ConfigError> {
        let tls = TlsSettings {
            #[cfg(feature = "tls")]
            config: self.rustls_config.as_ref(),
            roots: &self.roots,
            cert_file: self.cert_file.as_deref(),
            verify: !self.disable_ssl_verification,
        };
        let tls = Tls::new(tls).map_err(impossible)?;
        let proxies = match &self.proxy {
            ProxyChoice::Environment => Proxies::of_environment(),
            ProxyChoice::None => Proxies::None,
            ProxyChoice::Fixed(uri) => Proxies::Fixed(parse_proxy(uri).map_err(impossible)?),
        };
        Ok(DefaultTransport::new(self.connect_timeout, proxies, tls))
    }
}

/// An invalid header. Its value may be a secret and is not shown.
#[derive(Clone, Debug, Error)]
enum HeaderError {
    #[error("a header has an invalid name")]
    Name,
    #[error("the value of the header {name} has characters that are invalid in HTTP")]
    Value {
        /// The header's name.
        name: HeaderName,
    },
    #[error("the header {name} is set by the transport")]
    Transport {
        /// The header's name.
        name: HeaderName,
    },
}

/// Whether a header frames or encodes a message, or belongs to one connection. An application that
/// sets one would contradict the transport, and server and client could disagree on where a message
/// ends.
fn is_of_transport(name: &HeaderName) -> bool {
    const NAMES: [HeaderName; 10] = [
        ACCEPT_ENCODING,
        CONNECTION,
        CONTENT_ENCODING,
        CONTENT_LENGTH,
        EXPECT,
        HOST,
        TE,
        TRAILER,
        TRANSFER_ENCODING,
        UPGRADE,
    ];
    NAMES.contains(name) || matches!(name.as_str(), "keep-alive" | "proxy-connection")
}

fn impossible(error: impl std::error::Error + Send + Sync + 'static) -> ConfigError {
    ConfigError::component(COMPONENT, error)
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self::new()
    }
}

// Omits the proxy's credentials.
impl fmt::Debug for ProxyChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("Environment"),
            Self::None => f.write_str("None"),
            Self::Fixed(uri) => f.debug_tuple("Fixed").field(&redacted_proxy(uri)).finish(),
        }
    }
}

// Omits the values of headers.
impl fmt::Debug for HttpConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpConfig")
            .field("connect_timeout", &self.connect_timeout)
            .field("read_timeout", &self.read_timeout)
            .field("proxy", &self.proxy)
            .field("roots", &self.roots)
            .field("cert_file", &self.cert_file)
            .field("disable_ssl_verification", &self.disable_ssl_verification)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("transport", &self.transport)
            .finish()
    }
}
