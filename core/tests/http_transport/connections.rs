//! Connections: kept, dead, dropped and refused ones.

use std::time::Duration;

use tokio::net::TcpListener;
use vexil::transport::{RequestOptions, TransportErrorKind};

use crate::server::{HELLO, Server};
use crate::{SOON, both, failure, get, post, send, shown, text, transport};

const ENDLESS: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n:hello\n\n";

#[tokio::test]
async fn a_connection_is_reused() {
    let (server, transport) = (Server::start().await, transport());
    let once = || async {
        text(send(&*transport, get(server.url("/"))).await.unwrap())
            .await
            .unwrap()
    };
    let (_, (_, mut connection)) = both(once(), server.serve(HELLO)).await;
    let again = async {
        connection.request().await;
        connection.write(HELLO).await;
    };
    both(once(), again).await;
    drop(transport);
    both(async {}, connection.closed()).await;
}

// SRC-2.8: client close
#[tokio::test]
async fn dropping_a_body_closes_its_connection() {
    let (server, transport) = (Server::start().await, transport());
    let client = async {
        let mut body = send(&*transport, get(server.url("/")))
            .await
            .unwrap()
            .into_body();
        assert_eq!(body.next().await.unwrap().unwrap(), ":hello\n\n");
    };
    let ((), (_, connection)) = both(client, server.serve(ENDLESS)).await;
    both(async {}, connection.closed()).await;
}

#[tokio::test]
async fn dropping_a_request_closes_its_connection() {
    let (server, transport) = (Server::start().await, transport());
    let client = send(&*transport, get(server.url("/")));
    let accepted = async {
        let mut connection = server.accept().await;
        connection.request().await;
        connection
    };
    let connection = tokio::select! { _ = client => panic!("the request ended early"), connection = accepted => connection };
    both(async {}, connection.closed()).await;
}

// SRC-9: connection reuse
#[tokio::test]
async fn a_get_on_a_dead_connection_is_repeated() {
    let (server, transport) = (Server::start().await, transport());
    let once = || async {
        text(send(&*transport, get(server.url("/"))).await.unwrap())
            .await
            .unwrap()
    };
    let (_, (_, mut connection)) = both(once(), server.serve(HELLO)).await;
    let dies = async {
        connection.request().await;
        drop(connection);
        server.serve(HELLO).await
    };
    assert_eq!(both(once(), dies).await.0, "hello");
}

#[tokio::test]
async fn a_post_on_a_dead_connection_is_not_repeated() {
    let (server, transport) = (Server::start().await, transport());
    let client = async {
        text(send(&*transport, get(server.url("/"))).await.unwrap())
            .await
            .unwrap()
    };
    let (_, (_, mut connection)) = both(client, server.serve(HELLO)).await;
    let dies = async {
        connection.request().await;
        drop(connection);
    };
    let (kind, ()) = both(failure(&*transport, post(server.url("/"), "[]")), dies).await;
    assert_eq!(kind, TransportErrorKind::Connection);
}

#[tokio::test]
async fn a_request_on_a_new_connection_that_breaks_is_not_repeated() {
    let (server, transport) = (Server::start().await, transport());
    let breaks = async {
        server.accept().await.request().await;
    };
    let (kind, ()) = both(failure(&*transport, get(server.url("/"))), breaks).await;
    assert_eq!(kind, TransportErrorKind::Connection);
}

#[tokio::test]
async fn a_response_that_is_not_http_is_a_connection_error() {
    let (server, transport) = (Server::start().await, transport());
    let (kind, _) = both(
        failure(&*transport, get(server.url("/"))),
        server.serve("SSH-2.0-OpenSSH\r\n\r\n"),
    )
    .await;
    assert_eq!(kind, TransportErrorKind::Connection);
}

#[tokio::test]
async fn the_error_of_a_refused_connection_contains_no_part_of_the_url() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let request = get(format!("http://ada:secret@127.0.0.1:{port}/?filter=hidden"));
    let error = send(&*transport(), request).await.unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Connection);
    let shown = shown(&error);
    assert!(
        !shown.contains("secret") && !shown.contains("hidden") && !shown.contains("sdk-key"),
        "{shown}"
    );
}

#[tokio::test]
async fn a_request_with_an_invalid_url_is_not_sent() {
    for url in ["/all", "ftp://example.com/all", "example.com"] {
        let request = http::Request::get(url).body(bytes::Bytes::new()).unwrap();
        assert_eq!(
            failure(&*transport(), request).await,
            TransportErrorKind::Request,
            "{url}"
        );
    }
}

// SRC-F47
#[tokio::test]
async fn all_addresses_of_a_host_are_tried() {
    // On most machines "localhost" also has an IPv6 address, on which no server listens.
    let (server, transport) = (Server::start().await, transport());
    let url = format!("http://localhost:{}/", server.port);
    let client = transport.send(get(url), RequestOptions::new(SOON));
    let (response, _) = both(client, server.serve(HELLO)).await;
    assert_eq!(response.unwrap().status(), 200);
}

#[test]
fn a_body_can_outlive_the_task_that_requested_it() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let (body, connection) = runtime.block_on(async {
        let (server, transport) = (Server::start().await, transport());
        let client = async {
            send(&*transport, get(server.url("/")))
                .await
                .unwrap()
                .into_body()
        };
        let (body, (_, connection)) = both(client, server.serve(ENDLESS)).await;
        (body, connection)
    });
    // On a thread without a runtime.
    std::thread::spawn(move || drop(body)).join().unwrap();
    runtime.block_on(async { both(async {}, connection.closed()).await });
    runtime.shutdown_timeout(Duration::from_secs(1));
}
