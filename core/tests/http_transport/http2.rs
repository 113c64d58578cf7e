//! HTTP/2, where both sides support it.

use std::future::poll_fn;

use bytes::Bytes;
use tokio_rustls::TlsAcceptor;
use vexil::config::HttpConfig;

use crate::certificates::Authority;
use crate::server::Server;
use crate::{both, get, send};

// SRC-2.8: HTTP version
#[tokio::test]
async fn dropping_a_body_resets_its_stream() {
    let (server, authority) = (Server::start().await, Authority::new());
    let acceptor: TlsAcceptor = authority.sign("x", &["localhost"]).acceptor(None, &["h2"]);
    let file = authority.file();
    let transport = HttpConfig::new().ca_certs(file.path()).build().unwrap();
    let client = async {
        let response = send(
            &*transport,
            get(format!("https://localhost:{}/all", server.port)),
        )
        .await
        .unwrap();
        assert_eq!(response.version(), http::Version::HTTP_2);
        let mut body = response.into_body();
        assert_eq!(body.next().await.unwrap().unwrap(), ":hello\n\n");
    };
    let serve = async {
        let stream = acceptor.accept(server.accept().await.stream).await.unwrap();
        let mut connection = h2::server::handshake(stream).await.unwrap();
        let (request, mut respond) = connection.accept().await.unwrap().unwrap();
        assert_eq!(request.headers()["authorization"], "sdk-key");
        let mut body = respond
            .send_response(http::Response::new(()), false)
            .unwrap();
        body.send_data(Bytes::from_static(b":hello\n\n"), false)
            .unwrap();
        let reset = poll_fn(|cx| body.poll_reset(cx));
        tokio::select! {
            reason = reset => reason.unwrap(),
            _ = async { while connection.accept().await.is_some() {} } => panic!("the connection is closed"),
        }
    };
    let ((), reason) = both(client, serve).await;
    assert_eq!(reason, h2::Reason::CANCEL);
}
