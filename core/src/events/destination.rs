//! [`Destination`]: where payloads go.

use std::sync::Arc;

use super::delivery::{Delivered, Delivery, DeliveryStats};
use super::file::EventFile;

/// Where payloads go.
pub(crate) enum Destination {
    Service(Box<Delivery>),
    File(EventFile),
}

impl Destination {
    pub(super) fn stats(&self) -> &Arc<DeliveryStats> {
        match self {
            Self::Service(service) => service.stats(),
            Self::File(file) => file.stats(),
        }
    }

    /// Delivers so many events.
    pub(super) async fn deliver(&self, count: usize, body: Vec<u8>) -> Delivered {
        match self {
            Self::Service(service) => service.send_events(count, body).await,
            Self::File(file) => file.append(count, body).await,
        }
    }

    /// Delivers statistics about the SDK, which only the service takes.
    pub(super) async fn diagnose(&self, body: Vec<u8>) {
        if let Self::Service(service) = self {
            service.send_diagnostic(body).await;
        }
    }
}

impl From<Delivery> for Destination {
    fn from(service: Delivery) -> Self {
        Self::Service(Box::new(service))
    }
}

impl From<EventFile> for Destination {
    fn from(file: EventFile) -> Self {
        Self::File(file)
    }
}
