//! Where a message ends: answers and headers with which server and client could disagree about it.

use std::time::Duration;

use vexil::Client;
use vexil::config::{ConfigError, HttpConfig};
use vexil::transport::{RequestOptions, TransportErrorKind};

use crate::server::{HELLO, Server};
use crate::{both, failure, get, send, shown, text, transport};

/// A response that follows another one without a request.
const FORGED: &str = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged";

fn answer(headers: &str, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\n{headers}\r\n\r\n{body}")
}

/// The response of this server, and that to the next request of the same client.
async fn text_after(first: &str) -> (String, String) {
    let (server, transport) = (Server::start().await, transport());
    let client = async {
        let fetch = async || text(send(&*transport, get(server.url("/"))).await.unwrap()).await;
        (fetch().await.unwrap(), fetch().await.unwrap())
    };
    let serves = async {
        let (_, mut connection) = server.serve(first).await;
        // The client may use the connection again, or open another one.
        if connection.is_used_again().await {
            connection.request().await;
            connection.write(HELLO).await;
        } else {
            server.serve(HELLO).await;
        }
    };
    both(client, serves).await.0
}

#[tokio::test]
async fn bytes_after_a_response_are_never_the_response_to_another_request() {
    for (headers, body) in [
        ("Content-Length: 5", "first"),
        ("Content-Length: 5\r\nContent-Length: 5", "first"),
        ("Transfer-Encoding: chunked", "5\r\nfirst\r\n0\r\n\r\n"),
        // The encoding takes precedence, in either order.
        (
            "Content-Length: 3\r\nTransfer-Encoding: chunked",
            "5\r\nfirst\r\n0\r\n\r\n",
        ),
        (
            "Transfer-Encoding: chunked\r\nContent-Length: 100",
            "5\r\nfirst\r\n0\r\n\r\n",
        ),
    ] {
        let first = answer(headers, &format!("{body}{FORGED}"));
        let (first, second) = text_after(&first).await;
        assert_eq!(
            (first.as_str(), second.as_str()),
            ("first", "hello"),
            "{headers}"
        );
    }
}

#[tokio::test]
async fn an_ambiguous_or_malformed_head_is_a_connection_error() {
    for headers in [
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5, 6",
        "Content-Length: -5",
        "Content-Length: +5",
        "Content-Length: 0x5",
        "Content-Length: 5 5",
        "Content-Length: 99999999999999999999",
        "Content-Length:",
        "Content-Length : 5",
        "X-Folded: one\r\n two\r\nContent-Length: 5",
        "X-Null: a\0b\r\nContent-Length: 5",
        "X-Return: a\rb\r\nContent-Length: 5",
        " X-Indented: a\r\nContent-Length: 5",
        "No colon\r\nContent-Length: 5",
    ] {
        let (server, transport) = (Server::start().await, transport());
        let client = failure(&*transport, get(server.url("/")));
        let (kind, _) = both(client, server.serve(answer(headers, "hello"))).await;
        assert_eq!(kind, TransportErrorKind::Connection, "{headers:?}");
    }
}

#[tokio::test]
async fn a_head_of_unlimited_size_is_a_connection_error() {
    // Without its end, the value of one header.
    const LONG: &str = "X-Long: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
    for header in ["X-Many: value\r\n", LONG] {
        let (server, transport) = (Server::start().await, transport());
        let client = async { send(&*transport, get(server.url("/"))).await.unwrap_err() };
        let serves = async {
            let (_, connection) = server.serve("HTTP/1.1 200 OK\r\n").await;
            connection.repeat(header).await;
        };
        let (error, ()) = both(client, serves).await;
        assert_eq!(error.kind, TransportErrorKind::Connection);
        let shown = shown(&error);
        assert!(shown.len() < 2000, "{shown}");
    }
}

#[tokio::test]
async fn the_response_after_informational_ones_is_returned() {
    let (server, transport) = (Server::start().await, transport());
    let client = async {
        text(send(&*transport, get(server.url("/"))).await.unwrap())
            .await
            .unwrap()
    };
    let informed = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nX-Hint: a\r\n\r\n";
    let (text, _) = both(client, server.serve(format!("{informed}{HELLO}"))).await;
    assert_eq!(text, "hello");
}

#[tokio::test]
async fn informational_responses_without_end_are_a_timeout() {
    let (server, transport) = (Server::start().await, transport());
    let options = RequestOptions::new(Duration::from_secs(1));
    let client = transport.send(get(server.url("/")), options);
    let serves = async {
        const HINT: &str = "HTTP/1.1 103 Early Hints\r\n\r\n";
        let (_, connection) = server.serve(HINT).await;
        connection.repeat(HINT).await;
    };
    let (outcome, ()) = both(client, serves).await;
    assert_eq!(outcome.unwrap_err().kind, TransportErrorKind::Timeout);
}

#[tokio::test]
async fn an_upgrade_that_was_not_requested_is_no_response_with_a_body() {
    let (server, transport) = (Server::start().await, transport());
    let upgrade =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: upgrade\r\n\r\nhello";
    let client = async {
        match send(&*transport, get(server.url("/"))).await {
            Ok(response) => text(response).await.map_err(|error| error.kind),
            Err(error) => Err(error.kind),
        }
    };
    let (outcome, _) = both(client, server.serve(upgrade)).await;
    assert_ne!(outcome, Ok("hello".to_owned()));
}

#[test]
fn a_header_that_frames_a_message_or_belongs_to_a_connection_is_an_error() {
    for (name, value) in [
        ("Content-Length", "5"),
        ("content-length", "0"),
        ("Transfer-Encoding", "chunked"),
        ("Host", "example.com"),
        ("Connection", "close, Authorization"),
        ("Content-Encoding", "gzip"),
        ("Accept-Encoding", "br"),
        ("Expect", "100-continue"),
        ("Keep-Alive", "timeout=5"),
        ("Proxy-Connection", "keep-alive"),
        ("TE", "trailers"),
        ("Trailer", "X-Last"),
        ("Upgrade", "h2c"),
    ] {
        let http = HttpConfig::new().header(name, value);
        let started = Client::builder("sdk-key").http(http).start();
        let Err(ConfigError::Component {
            component, source, ..
        }) = started
        else {
            panic!("{name} is accepted: {started:?}");
        };
        assert_eq!(component, "HTTP transport");
        let wanted = format!("the header {} is set by the transport", name.to_lowercase());
        assert_eq!(source.to_string(), wanted);
    }
}
