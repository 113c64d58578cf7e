//! The default HTTP transport.

use std::sync::Arc;
use std::time::Duration;

use tempfile::NamedTempFile;
use vexil::config::HttpConfig;
use vexil::transport::HttpTransport;
use vexil_testing::conformance::TransportHarness;

vexil_testing::transport_conformance!(
    Standard,
    requests,
    responses,
    connections,
    timeouts,
    redirects
);

#[cfg(any(feature = "tls-aws-lc-rs", feature = "tls-ring"))]
mod tls {
    vexil_testing::transport_conformance!(super::Standard, tls);
}

struct Standard;

impl TransportHarness for Standard {
    fn transport(&self) -> Arc<dyn HttpTransport> {
        HttpConfig::new().build().unwrap()
    }

    fn trusting(&self, ca_pem: &str) -> Arc<dyn HttpTransport> {
        let file = NamedTempFile::new().unwrap();
        std::fs::write(file.path(), ca_pem).unwrap();
        let config = HttpConfig::new().ca_certs(file.path());
        config
            .connect_timeout(Duration::from_secs(2))
            .build()
            .unwrap()
    }
}
