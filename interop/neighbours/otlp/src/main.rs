//! The OTLP exporter with its default features: a blocking reqwest client without TLS.

use std::env;

use opentelemetry::trace::{Tracer, TracerProvider};
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::trace::SdkTracerProvider;

fn main() {
    #[cfg(feature = "vexil")]
    beside::work(&env::var("HTTPS_URL").unwrap());
    // Without TLS, https must remain an error.
    for scheme in ["HTTP_URL", "HTTPS_URL"] {
        let endpoint = format!("{}/v1/traces", env::var(scheme).unwrap());
        let exporter = SpanExporter::builder().with_http().with_endpoint(endpoint).build().unwrap();
        let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).build();
        provider.tracer("neighbour").start("span");
        println!("{scheme} {}", provider.force_flush().is_ok());
    }
}
