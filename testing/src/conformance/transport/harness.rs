//! [`TransportHarness`]: creates transports.

use std::sync::Arc;
use std::time::Duration;

use vexil::transport::HttpTransport;

use crate::conformance::eventually::TIMEOUT;
use crate::conformance::lacks::lacks;

/// Creates the transports of the suite for HTTP transports. Methods may panic, which fails the
/// test.
pub trait TransportHarness: Send + Sync {
    /// Creates a transport under test.
    fn transport(&self) -> Arc<dyn HttpTransport>;

    /// For the group `tls`: creates a transport that trusts this certificate authority, in PEM, and
    /// establishes connections within two seconds.
    fn trusting(&self, ca_pem: &str) -> Arc<dyn HttpTransport> {
        let _ = ca_pem;
        lacks("tls", "sets a certificate authority")
    }

    /// Returns how long a clause waits for what must happen. Default: 20 seconds.
    fn timeout(&self) -> Duration {
        TIMEOUT
    }
}
