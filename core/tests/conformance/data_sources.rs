//! Streaming and polling in both protocols, against a fake service.

use std::sync::Arc;
use std::time::Duration;

use vexil::config::{
    Configure, PayloadPollConfig, PayloadStreamConfig, PollingConfig, ServiceEndpoints,
    StreamingConfig,
};
use vexil::data_source::DataSource;
use vexil::transport::RetryPolicy;
use vexil::{Client, async_trait};
use vexil_testing::conformance::{DataSourceHarness, client_context};
use vexil_testing::fake_service::{Answer, Endpoint};
use vexil_testing::{FakeService, data_source_conformance};

mod streaming {
    super::data_source_conformance!(
        super::Service::new(super::streaming_config()),
        delivery,
        changes,
        outages,
        refusals,
        connections
    );
}

mod polling {
    super::data_source_conformance!(
        super::Service::new(super::polling_config()),
        delivery,
        changes,
        outages,
        refusals
    );
}

mod payload_stream {
    super::data_source_conformance!(
        super::Service::new(super::payload_stream_config()),
        delivery,
        changes,
        change_sets,
        outages,
        refusals,
        connections
    );
}

mod payload_poll {
    super::data_source_conformance!(
        super::Service::new(super::payload_poll_config()),
        delivery,
        changes,
        change_sets,
        outages,
        refusals
    );
}

/// All endpoints for flags.
const ENDPOINTS: [Endpoint; 4] = [
    Endpoint::Stream,
    Endpoint::Poll,
    Endpoint::PayloadStream,
    Endpoint::PayloadPoll,
];

fn streaming_config() -> StreamingConfig {
    StreamingConfig::new()
        .initial_reconnect_delay(Duration::from_millis(1))
        .retry_policy(RetryPolicy::LegacyStop)
}

fn polling_config() -> PollingConfig {
    PollingConfig::new()
        .poll_interval(Duration::from_millis(10))
        .without_shortest_interval()
        .retry_policy(RetryPolicy::LegacyStop)
}

fn payload_stream_config() -> PayloadStreamConfig {
    PayloadStreamConfig::new().initial_reconnect_delay(Duration::from_millis(1))
}

fn payload_poll_config() -> PayloadPollConfig {
    PayloadPollConfig::new()
        .poll_interval(Duration::from_millis(10))
        .without_shortest_interval()
}

struct Service<C> {
    config: Arc<C>,
    service: FakeService,
}

impl<C> Service<C> {
    fn new(config: C) -> Self {
        Self {
            config: Arc::new(config),
            service: FakeService::start().unwrap(),
        }
    }

    /// Answers all requests for flags with this status, and closes open streams.
    fn fail(&self, status: u16) {
        for endpoint in ENDPOINTS {
            self.service.always(endpoint, Answer::status(status));
        }
        self.service.cut_streams();
    }
}

#[async_trait]
impl<C: Configure<dyn DataSource>> DataSourceHarness for Service<C> {
    async fn publish(&self, data: &str) {
        self.service.set_data(data).unwrap();
    }

    async fn source(&self) -> Arc<dyn DataSource> {
        let endpoints = ServiceEndpoints::relay(self.service.url());
        let context = client_context(Client::builder("sdk-key").service_endpoints(endpoints));
        Arc::clone(&self.config).configure(&context).unwrap()
    }

    async fn interrupt(&self) {
        self.fail(503);
    }

    async fn restore(&self) {
        for endpoint in ENDPOINTS {
            self.service.as_usual(endpoint);
        }
    }

    async fn refuse(&self) {
        self.fail(401);
    }

    fn open_connections(&self) -> usize {
        self.service.open_streams()
    }
}
