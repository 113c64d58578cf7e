//! [`Destination`]: where payloads are delivered.

use std::sync::Arc;

use super::delivery::{Delivered, Delivery, DeliveryStats};
use super::file::EventFile;

/// Where payloads are delivered.
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

    /// Delivers `count` events.
    pub(super) async fn deliver(&self, count: usize, body: Vec<u8>) -> Delivered {
        match self {
            Self::Service(service) => service.send_events(count, body).await,
            Self::File(file) => file.append(count, body).await,
        }
    }

    /// Delivers diagnostics, which only the service accepts.
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
