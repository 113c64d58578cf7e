//! [`Payload`]: analytics events that were posted together.

use std::sync::Arc;

use serde_json::Value;

use super::request::Request;

/// Analytics events that were posted together and accepted.
///
/// ```
/// use vexil::config::{EventsConfig, ServiceEndpoints};
/// use vexil::{Client, Context};
/// use vexil_testing::{FakeService, TestData};
///
/// let service = FakeService::start()?;
/// let client = Client::builder("sdk-key")
///     .service_endpoints(ServiceEndpoints::relay(service.url()))
///     .data_source(TestData::new())
///     .events(EventsConfig::new())
///     .start()?;
/// client.identify(&Context::new("ada")?);
/// client.flush();
/// let payload = service.next_payload().wait()?;
/// assert!(payload.id().is_some());
/// assert_eq!(payload.events()[0]["kind"], "identify");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Payload {
    request: Request,
    events: Arc<[Value]>,
}

impl Payload {
    /// Returns `None` if the request body is not a list.
    pub(super) fn of(request: &Request) -> Option<Self> {
        match request.json()? {
            Value::Array(events) => Some(Self {
                request: request.clone(),
                events: events.into(),
            }),
            _ => None,
        }
    }

    /// Returns the `X-LaunchDarkly-Payload-ID`. A payload that is sent again has the same id and is
    /// counted once.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.request.header("x-launchdarkly-payload-id")
    }

    /// Returns the events in order.
    #[must_use]
    pub fn events(&self) -> &[Value] {
        &self.events
    }

    /// Returns the request of the payload.
    #[must_use]
    pub fn request(&self) -> &Request {
        &self.request
    }
}
