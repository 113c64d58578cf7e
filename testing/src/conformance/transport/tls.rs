//! Clauses for transports with TLS.

use vexil::transport::TransportErrorKind;

use super::TransportHarness;
use super::exchange::{Must, both, completes, get, send};
use super::server::Server;
use crate::FakeService;
use crate::fake_service::{Answer, Endpoint};

/// The service is reached over TLS.
pub async fn a_trusted_server_is_reached(harness: &dyn TransportHarness) {
    let service = service();
    let transport = harness.trusting(service.ca_pem().unwrap_or_default());
    let request = send(&*transport, get(service.url() + "/sdk/latest-all"));
    let response = completes(harness, "the request", request).await;
    assert_eq!(response.must("a request over TLS").status().as_u16(), 200);
}

/// Such a failure lasts longer than a broken connection.
pub async fn an_untrusted_certificate_is_an_error_of_the_certificate(
    harness: &dyn TransportHarness,
) {
    let service = service();
    let transport = harness.transport();
    let request = send(&*transport, get(service.url() + "/sdk/latest-all"));
    let response = completes(harness, "the request", request).await;
    response.must_fail(TransportErrorKind::Certificate, "an untrusted certificate");
}

/// A connection is established in time, or not at all.
pub async fn a_handshake_without_an_end_is_a_timeout(harness: &dyn TransportHarness) {
    let service = service();
    let transport = harness.trusting(service.ca_pem().unwrap_or_default());
    let server = Server::start().await;
    let request = send(&*transport, get(server.url_with("https", "/")));
    let serves = async { server.accept().await.closed().await };
    let (response, ()) = both(harness, request, serves).await;
    response.must_fail(TransportErrorKind::Timeout, "a handshake without an end");
}

/// What was sent over TLS is never sent in the clear.
pub async fn a_redirect_to_http_is_refused(harness: &dyn TransportHarness) {
    let (service, server) = (service(), Server::start().await);
    let transport = harness.trusting(service.ca_pem().unwrap_or_default());
    service.always(Endpoint::Poll, Answer::redirect(307, server.url("/")));
    let request = send(&*transport, get(service.url() + "/sdk/latest-all"));
    let response = completes(harness, "the request", async {
        tokio::select! {
            response = request => Some(response),
            _ = server.accept() => None,
        }
    })
    .await;
    assert!(response.is_some(), "the redirect to http was followed");
    if let Some(response) = response {
        response.must_fail(TransportErrorKind::Redirect, "a redirect to http");
    }
}

#[expect(
    clippy::expect_used,
    reason = "a test cannot continue without its server"
)]
fn service() -> FakeService {
    FakeService::builder()
        .tls()
        .start()
        .expect("a service with TLS")
}
