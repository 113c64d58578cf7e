//! Clients of a fake service, and what a test waits for.

use std::sync::mpsc::channel;
use std::time::Duration;

use vexil::config::{ServiceEndpoints, StreamingConfig};
use vexil::data_source::{DataSourceState, DataSourceStatus};
use vexil::status::Subscription;
use vexil::{Client, ClientBuilder};
use vexil_testing::FakeService;

pub(crate) use crate::support::{SOON, ada};

/// What an evaluation gives without a flag.
pub(crate) const NONE: &str = "the default";

/// A service whose flag `flag` gives everybody this value.
pub(crate) fn service(value: &str) -> FakeService {
    let service = FakeService::start().unwrap();
    service.set("flag", value);
    service
}

/// A client of the service, not yet started.
pub(crate) fn builder(service: &FakeService) -> ClientBuilder {
    Client::builder("sdk-key")
        .service_endpoints(ServiceEndpoints::relay(service.url()))
        .without_events()
}

/// A stream that reconnects fast.
pub(crate) fn stream() -> StreamingConfig {
    StreamingConfig::new().initial_reconnect_delay(Duration::from_millis(1))
}

/// A client that streams and has data.
pub(crate) fn streaming(service: &FakeService) -> Client {
    ready(builder(service).data_source(stream()))
}

/// The client, when it has data.
#[track_caller]
pub(crate) fn ready(builder: ClientBuilder) -> Client {
    let client = builder.start().unwrap();
    client.blocking_wait_until_ready(SOON).unwrap();
    client
}

/// A thread for a client with much to do, so that its work is not the delay of other tests.
pub(crate) fn thread() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
}

/// What the flag gives.
pub(crate) fn value(client: &Client) -> String {
    client.string_variation("flag", &ada(), NONE).to_string()
}

/// Waits until the flag gives this.
#[track_caller]
pub(crate) fn comes_to(client: &Client, wanted: &str) {
    let (changes, changed) = channel();
    // Before the first look: what changes after it is heard of.
    let listener = client.flag_tracker().add_listener(move |_| {
        // Nobody may be there any more to hear of it.
        changes.send(()).ok();
    });
    while value(client) != wanted {
        let heard = changed.recv_timeout(SOON);
        assert!(
            heard.is_ok(),
            "the flag does not become {wanted}, it is {}",
            value(client)
        );
    }
    client.flag_tracker().remove_listener(listener);
}

/// What is told of a data source: one line for each change.
pub(crate) struct Statuses(Subscription<DataSourceStatus>);

impl Statuses {
    /// From now on.
    pub(crate) fn of(client: &Client) -> Self {
        Self(client.data_source_status().subscribe())
    }

    /// The next change: `Valid`, `Interrupted NetworkError`, `Initializing ErrorResponse 503` and
    /// the like.
    #[track_caller]
    pub(crate) fn next(&mut self) -> String {
        line(&self.0.blocking_next(SOON).expect("the status changes"))
    }
}

/// The first trouble that a data source has met, or the next if it has met one already.
#[track_caller]
pub(crate) fn trouble(client: &Client) -> String {
    // Before the look: what changes after it is told.
    let mut changes = client.data_source_status().subscribe();
    let now = client.data_source_status().status();
    match now.error {
        Some(_) => line(&now),
        None => line(&changes.blocking_next(SOON).expect("there is trouble")),
    }
}

fn line(status: &DataSourceStatus) -> String {
    // Old trouble is told with a state that is good.
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
