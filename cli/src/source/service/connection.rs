//! [`Connection`]: a client of the SDK whose data is recorded.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use vexil::Client;
use vexil::config::{
    ConfigError, Configure, HttpConfig, PayloadPollConfig, PayloadStreamConfig, PollingConfig,
    ServiceEndpoints, StreamingConfig, WrapperInfo,
};
use vexil::data_source::{DataSource, DataSourceErrorInfo, DataSourceErrorKind};

use super::recorder::{Recorded, Recording};
use crate::exit::Failure;
use crate::output::escaped;
use crate::session::Session;
use crate::source::place::{Mode, Protocol, Service};
use crate::source::reason::chain;
use crate::source::secret::Secret;

/// The connection to a service that is wanted.
#[derive(Debug)]
pub(crate) struct Wanted {
    service: Service,
    shown: String,
    key: Secret,
    pub(crate) protocol: Protocol,
    mode: Mode,
    /// Between polls.
    interval: Option<Duration>,
}

impl Wanted {
    pub(crate) fn of(
        service: &Service,
        shown: &str,
        mode: Mode,
        session: &Session<'_>,
    ) -> Result<Self, Failure> {
        if service.filter.is_some() && service.protocol != Protocol::Fdv1 {
            return Err(Failure::usage("a filter needs the classic protocol")
                .help("write protocol=fdv1, or leave out the filter"));
        }
        Ok(Self {
            key: service.key.read("the SDK key", session)?,
            service: service.clone(),
            shown: shown.to_owned(),
            protocol: service.protocol,
            mode,
            interval: None,
        })
    }

    pub(crate) fn every(mut self, interval: Duration) -> Self {
        self.interval = Some(interval);
        self
    }

    /// Whether the classic protocol may be used instead, after this failure or an order of the
    /// service.
    pub(crate) fn may_be_classic(&self, failure: Option<&DataSourceErrorInfo>) -> bool {
        let is_missing = |info: &DataSourceErrorInfo| {
            matches!(info.status_code, Some(400 | 404 | 405 | 501))
                || info.kind == DataSourceErrorKind::InvalidData
        };
        self.protocol == Protocol::Auto && failure.is_none_or(is_missing)
    }

    fn source(&self) -> Arc<dyn Configure<dyn DataSource>> {
        let interval = self.interval;
        match (self.protocol, self.mode) {
            (Protocol::Fdv1, Mode::Stream) => {
                let source = StreamingConfig::new();
                Arc::new(match &self.service.filter {
                    Some(filter) => source.payload_filter(filter.as_str()),
                    None => source,
                })
            }
            (Protocol::Fdv1, Mode::Poll) => {
                let source = PollingConfig::new();
                let source = match interval {
                    Some(interval) => source.poll_interval(interval).without_shortest_interval(),
                    None => source,
                };
                Arc::new(match &self.service.filter {
                    Some(filter) => source.payload_filter(filter.as_str()),
                    None => source,
                })
            }
            (Protocol::Auto | Protocol::Fdv2, Mode::Stream) => Arc::new(PayloadStreamConfig::new()),
            (Protocol::Auto | Protocol::Fdv2, Mode::Poll) => {
                let source = PayloadPollConfig::new();
                Arc::new(match interval {
                    Some(interval) => source.poll_interval(interval).without_shortest_interval(),
                    None => source,
                })
            }
        }
    }

    fn endpoints(&self) -> ServiceEndpoints {
        let endpoints = ServiceEndpoints::new();
        let endpoints = match &self.service.base {
            Some(url) => endpoints.with_polling(url).with_events(url),
            None => endpoints,
        };
        // A service with one URL for both needs only the first parameter.
        match self.service.stream.as_ref().or(self.service.base.as_ref()) {
            Some(url) => endpoints.with_streaming(url),
            None => endpoints,
        }
    }

    fn http(&self) -> HttpConfig {
        let mut http = HttpConfig::new();
        if let Some(limit) = self.service.timeout {
            http = http.connect_timeout(limit).read_timeout(limit);
        }
        if let Some(ca) = &self.service.ca {
            http = http.ca_certs(ca);
        }
        http
    }

    fn refused(&self, error: &ConfigError) -> Failure {
        let text = chain(error);
        let failure = Failure::usage(format_args!("{}: {}", self.shown, escaped(&text)));
        match error {
            ConfigError::SdkKey { .. } => failure.help(format_args!(
                "check the value of {}",
                self.service.key.describe()
            )),
            _ => failure.help("\"vexil help sources\" describes the parameters"),
        }
    }
}

/// A client of the SDK. Its flags are not evaluated: it only receives them.
#[derive(Debug)]
pub(crate) struct Connection {
    recorded: UnboundedReceiver<Recorded>,
    _client: Client,
}

impl Connection {
    pub(crate) fn open(wanted: &Wanted) -> Result<Self, Failure> {
        tracing::info!(
            source = wanted.shown,
            protocol = ?wanted.protocol,
            mode = ?wanted.mode,
            "connecting"
        );
        let (sender, recorded) = unbounded_channel();
        let source = Recording::new(wanted.source(), wanted.shown.clone(), sender);
        let client = Client::builder(wanted.key.expose())
            .data_source(source)
            .without_events()
            .service_endpoints(wanted.endpoints())
            .http(wanted.http())
            .wrapper(WrapperInfo::new("vexil-cli").version(env!("CARGO_PKG_VERSION")))
            .runtime(Handle::current())
            .start()
            .map_err(|error| wanted.refused(&error))?;
        Ok(Self {
            recorded,
            _client: client,
        })
    }

    /// Returns what the source has delivered next.
    pub(crate) async fn next(&mut self) -> Recorded {
        match self.recorded.recv().await {
            Some(recorded) => recorded,
            // The source has ended, after it has reported the reason.
            None => Recorded::Failed {
                info: DataSourceErrorInfo::new(
                    DataSourceErrorKind::Unknown,
                    "the data source has ended",
                ),
                is_final: true,
            },
        }
    }
}
