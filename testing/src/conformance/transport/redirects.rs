//! Clauses on redirects.

use vexil::transport::TransportErrorKind;

use super::TransportHarness;
use super::exchange::{Must, both, get, post, send, whole};
use super::server::{HELLO, Server};

/// Redirects within an origin keep the SDK key.
pub async fn a_get_is_redirected(harness: &dyn TransportHarness) {
    for status in [301, 302, 303, 307, 308] {
        let (server, transport) = (Server::start().await, harness.transport());
        let client = async {
            let response = send(&*transport, get(server.url("/old"))).await;
            whole(response.must("a request")).await.must("the body")
        };
        let serves = async {
            drop(server.serve(to(status, &server.url("/new?a=b"))).await);
            server.serve(HELLO).await
        };
        let (body, (received, _)) = both(harness, client, serves).await;
        assert_eq!(body, b"hello", "the body after a redirect with {status}");
        assert_eq!(
            (received.method.as_str(), received.target.as_str()),
            ("GET", "/new?a=b"),
            "the request after a redirect with {status}"
        );
        assert_eq!(received.header("authorization"), Some("sdk-key"));
    }
}

/// Method and body are kept.
pub async fn a_post_is_redirected_within_its_origin(harness: &dyn TransportHarness) {
    for status in [307, 308] {
        let (server, transport) = (Server::start().await, harness.transport());
        let request = send(&*transport, post(server.url("/old"), "events"));
        let serves = async {
            drop(server.serve(to(status, &server.url("/new"))).await);
            server.serve(HELLO).await
        };
        let (response, (received, _)) = both(harness, request, serves).await;
        response.must("a request");
        assert_eq!(
            (received.method.as_str(), received.target.as_str()),
            ("POST", "/new"),
            "the request after a redirect with {status}"
        );
        assert_eq!(received.body, b"events", "the body of the request");
    }
}

/// Up to ten redirects are followed.
pub async fn ten_redirects_are_followed(harness: &dyn TransportHarness) {
    let (server, transport) = (Server::start().await, harness.transport());
    let request = send(&*transport, get(server.url("/0")));
    let serves = async {
        for number in 1..=10 {
            drop(
                server
                    .serve(to(307, &server.url(&format!("/{number}"))))
                    .await,
            );
        }
        server.serve(HELLO).await
    };
    let (response, (received, _)) = both(harness, request, serves).await;
    response.must("a request");
    assert_eq!(received.target, "/10", "the last request");
}

/// A server may redirect in a circle.
pub async fn an_endless_redirect_is_refused(harness: &dyn TransportHarness) {
    let (server, transport) = (Server::start().await, harness.transport());
    let request = send(&*transport, get(server.url("/0")));
    let serves = async {
        for number in 1.. {
            assert!(number <= 50, "the transport follows 50 redirects");
            drop(
                server
                    .serve(to(307, &server.url(&format!("/{number}"))))
                    .await,
            );
        }
    };
    let response = super::exchange::completes(harness, "the request", async {
        tokio::select! {
            response = request => response,
            () = serves => unreachable!("the server serves until the request ends"),
        }
    })
    .await;
    response.must_fail(TransportErrorKind::Redirect, "an endless redirect");
}

/// The SDK key is for the service.
pub async fn the_authorization_is_not_sent_to_another_origin(harness: &dyn TransportHarness) {
    let (home, abroad) = (Server::start().await, Server::start().await);
    let transport = harness.transport();
    let request = send(&*transport, get(home.url("/")));
    let serves = async {
        drop(home.serve(to(307, &abroad.url("/"))).await);
        abroad.serve(HELLO).await
    };
    let (response, (received, _)) = both(harness, request, serves).await;
    response.must("a request");
    assert_eq!(
        received.header("authorization"),
        None,
        "the authorization sent to another origin"
    );
}

/// The bodies of events hold personal data.
pub async fn a_post_is_not_redirected_to_another_origin(harness: &dyn TransportHarness) {
    let (home, abroad) = (Server::start().await, Server::start().await);
    let transport = harness.transport();
    let request = send(&*transport, post(home.url("/"), "events"));
    let serves = home.serve(to(307, &abroad.url("/")));
    let received = async {
        tokio::select! {
            biased;
            (response, _) = both(harness, request, serves) => Ok(response),
            (received, _) = abroad.serve(HELLO) => Err(received),
        }
    };
    match received.await {
        Ok(response) => response.must_fail(
            TransportErrorKind::Redirect,
            "a redirect of a POST to another origin",
        ),
        Err(received) => assert_eq!(
            (received.method, received.body),
            (String::new(), Vec::new()),
            "what another origin has received"
        ),
    }
}

/// Returns a redirect to this URL.
fn to(status: u16, url: &str) -> String {
    format!(
        "HTTP/1.1 {status} Moved\r\nLocation: {url}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
}
