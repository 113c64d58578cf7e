//! Clients of a fake service, and the conditions that tests wait for.

use std::sync::mpsc::channel;
use std::time::Duration;

use vexil::config::{ServiceEndpoints, StreamingConfig};
use vexil::data_source::{DataSourceState, DataSourceStatus};
use vexil::status::Subscription;
use vexil::{Client, ClientBuilder};
use vexil_testing::FakeService;

pub(crate) use crate::support::{SOON, ada};

/// The value of an evaluation without a flag.
pub(crate) const NONE: &str = "the default";

/// A service whose flag `flag` has this value for all contexts.
pub(crate) fn service(value: &str) -> FakeService {
    let service = FakeService::start().unwrap();
    service.set("flag", value);
    service
}

/// The builder of a client of the service.
pub(crate) fn builder(service: &FakeService) -> ClientBuilder {
    Client::builder("sdk-key")
        .service_endpoints(ServiceEndpoints::relay(service.url()))
        .without_events()
}

/// A stream that reconnects fast.
pub(crate) fn stream() -> StreamingConfig {
    StreamingConfig::new().initial_reconnect_delay(Duration::from_millis(1))
}

/// A streaming client that has data.
pub(crate) fn streaming(service: &FakeService) -> Client {
    ready(builder(service).data_source(stream()))
}

/// Starts the client and waits until it has data.
#[track_caller]
pub(crate) fn ready(builder: ClientBuilder) -> Client {
    let client = builder.start().unwrap();
    client.blocking_wait_until_ready(SOON).unwrap();
    client
}

/// A separate thread for a client with much to do, so that it does not delay other tests.
pub(crate) fn thread() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
}

/// The value of the flag.
pub(crate) fn value(client: &Client) -> String {
    client.str_variation("flag", &ada(), NONE).to_string()
}

/// Waits until the flag has this value.
#[track_caller]
pub(crate) fn until_value(client: &Client, wanted: &str) {
    let (changes, changed) = channel();
    // Subscribe before the first evaluation, so that no later change is missed.
    let listener = client.flag_tracker().add_listener(move |_| {
        // The receiver may be gone already.
        changes.send(()).ok();
    });
    while value(client) != wanted {
        let changed_again = changed.recv_timeout(SOON);
        assert!(
            changed_again.is_ok(),
            "the flag does not become {wanted}, it is {}",
            value(client)
        );
    }
    client.flag_tracker().remove_listener(listener);
}

/// The changes of a data source's status, one line each.
pub(crate) struct Statuses(Subscription<DataSourceStatus>);

impl Statuses {
    /// Subscribes; earlier changes are not included.
    pub(crate) fn of(client: &Client) -> Self {
        Self(client.data_source_status().subscribe())
    }

    /// The next change, such as `Valid`, `Interrupted NetworkError` or `Initializing ErrorResponse
    /// 503`.
    #[track_caller]
    pub(crate) fn next(&mut self) -> String {
        line(&self.0.blocking_next(SOON).expect("the status changes"))
    }
}

/// The status with the last error of a data source, or the next status if there is no error yet.
#[track_caller]
pub(crate) fn error_status(client: &Client) -> String {
    // Subscribe before the check, so that no later change is missed.
    let mut changes = client.data_source_status().subscribe();
    let now = client.data_source_status().status();
    match now.error {
        Some(_) => line(&now),
        None => line(&changes.blocking_next(SOON).expect("an error is reported")),
    }
}

fn line(status: &DataSourceStatus) -> String {
    // An earlier error is reported with a good state.
    let error = status
        .error
        .as_ref()
        .filter(|_| status.state != DataSourceState::Valid);
    let error = error.map(|error| match error.status_code {
        Some(code) => format!(" {:?} {code}", error.kind),
        None => format!(" {:?}", error.kind),
    });
    format!("{:?}{}", status.state, error.unwrap_or_default())
}
