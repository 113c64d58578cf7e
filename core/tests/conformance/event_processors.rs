//! The default event processor, against a fake service and with a file.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use tempfile::TempDir;
use vexil::config::{Configure, EventsConfig, ServiceEndpoints};
use vexil::events::EventProcessor;
use vexil::{Client, async_trait};
use vexil_testing::conformance::{DeliveredEvents, EventProcessorHarness, client_context};
use vexil_testing::fake_service::{Answer, Endpoint};
use vexil_testing::{FakeService, event_processor_conformance};

mod service {
    super::event_processor_conformance!(
        super::Service(super::FakeService::start().unwrap()),
        recording,
        flushing,
        closing,
        outages
    );
}

mod file {
    super::event_processor_conformance!(
        super::Folder(super::TempDir::new().unwrap()),
        recording,
        flushing,
        closing,
        outages
    );
}

struct Service(FakeService);

#[async_trait]
impl EventProcessorHarness for Service {
    async fn processor(&self) -> Arc<dyn EventProcessor> {
        let endpoints = ServiceEndpoints::relay(self.0.url());
        let context = client_context(Client::builder("sdk-key").service_endpoints(endpoints));
        Arc::new(EventsConfig::new()).configure(&context).unwrap()
    }

    fn delivered(&self) -> DeliveredEvents {
        DeliveredEvents::from_json(&self.0.events())
    }

    fn interrupt(&self) {
        self.0.always(Endpoint::Events, Answer::status(503));
    }

    fn restore(&self) {
        self.0.as_usual(Endpoint::Events);
    }
}

/// A folder for the events. During an outage, a folder has the name of the file.
struct Folder(TempDir);

impl Folder {
    fn path(&self) -> PathBuf {
        self.0.path().join("events.jsonl")
    }

    fn away(&self) -> PathBuf {
        self.0.path().join("away.jsonl")
    }
}

#[async_trait]
impl EventProcessorHarness for Folder {
    async fn processor(&self) -> Arc<dyn EventProcessor> {
        let context = client_context(Client::builder("sdk-key"));
        let config = EventsConfig::new().to_file(self.path());
        Arc::new(config).configure(&context).unwrap()
    }

    fn delivered(&self) -> DeliveredEvents {
        // There is no file during an outage.
        let text = fs::read_to_string(self.path()).unwrap_or_default();
        let events: Vec<_> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        DeliveredEvents::from_json(&events)
    }

    fn interrupt(&self) {
        fs::rename(self.path(), self.away()).unwrap();
        fs::create_dir(self.path()).unwrap();
    }

    fn restore(&self) {
        fs::remove_dir(self.path()).unwrap();
        fs::rename(self.away(), self.path()).unwrap();
    }
}
