//! [`DataSourceHarness`]: the origin of the data in the suite for data sources.

use std::sync::Arc;
use std::time::Duration;

use vexil::async_trait;
use vexil::data_source::DataSource;

use crate::conformance::eventually::TIMEOUT;
use crate::conformance::lacks::lacks;

/// Controls the origin of the data in the suite for data sources: a service, a file, a database.
/// Methods may panic, which fails the test.
///
/// Each harness has its own origin.
#[async_trait]
pub trait DataSourceHarness: Send + Sync {
    /// Replaces all data of the origin. `data` is in the format of the service: `{"flags": {…},
    /// "segments": {…}}`, where each item has its key, its version, and for a flag one variation.
    /// Called before the first [`source`](Self::source).
    async fn publish(&self, data: &str);

    /// Creates a source that reads the origin.
    async fn source(&self) -> Arc<dyn DataSource>;

    /// For the group `outages`: makes the origin unavailable, or its data unreadable, until
    /// [`restore`](Self::restore) is called. A running source must notice it.
    async fn interrupt(&self) {
        lacks("outages", "interrupts the origin")
    }

    /// For the group `outages`: ends an outage.
    async fn restore(&self) {
        lacks("outages", "restores the origin")
    }

    /// For the group `refusals`: makes the origin refuse the source for good. A running source must
    /// notice it.
    async fn refuse(&self) {
        lacks("refusals", "can make its origin refuse a source")
    }

    /// For the group `connections`: returns how many connections or other resources of the origin
    /// its sources hold.
    fn open_connections(&self) -> usize {
        lacks("connections", "counts connections")
    }

    /// Returns how long a clause waits for what must happen. Default: 20 seconds.
    fn timeout(&self) -> Duration {
        TIMEOUT
    }
}
