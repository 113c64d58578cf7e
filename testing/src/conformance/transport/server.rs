//! [`Server`]: an HTTP/1.1 server on loopback, scripted byte by byte.

use std::net::Ipv4Addr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A complete response after which the connection is closed.
pub(super) const HELLO: &str =
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";

pub(super) struct Server {
    listener: TcpListener,
    port: u16,
}

#[expect(
    clippy::expect_used,
    reason = "a test cannot continue without a port or its connection"
)]
impl Server {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("a free port");
        let port = listener.local_addr().expect("a bound listener").port();
        Self { listener, port }
    }

    /// Returns the URL of a path with this scheme.
    pub(super) fn url_with(&self, scheme: &str, path: &str) -> String {
        format!("{scheme}://127.0.0.1:{}{path}", self.port)
    }

    /// Returns the URL of a path.
    pub(super) fn url(&self, path: &str) -> String {
        self.url_with("http", path)
    }

    pub(super) async fn accept(&self) -> Connection {
        let (stream, _) = self.listener.accept().await.expect("a connection");
        Connection {
            stream,
            read: Vec::new(),
        }
    }

    /// Answers one request on a new connection.
    pub(super) async fn serve(&self, answer: impl AsRef<[u8]>) -> (Received, Connection) {
        let mut connection = self.accept().await;
        let received = connection.request().await;
        connection.write(answer).await;
        (received, connection)
    }
}

pub(super) struct Connection {
    stream: TcpStream,
    /// Bytes that were read already and belong to the next request.
    read: Vec<u8>,
}

impl Connection {
    /// Reads a request with its body.
    pub(super) async fn request(&mut self) -> Received {
        let end = loop {
            let mut windows = self.read.windows(4);
            if let Some(end) = windows.position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            assert!(
                self.more().await,
                "the connection is closed instead of a request"
            );
        };
        let head: Vec<u8> = self.read.drain(..end).collect();
        let head = String::from_utf8_lossy(&head).into_owned();
        let mut lines = head.trim_end().split("\r\n");
        let mut line = lines.next().unwrap_or_default().split(' ');
        let mut word = || line.next().unwrap_or_default().to_owned();
        let (method, target) = (word(), word());
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers = headers
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let mut received = Received {
            method,
            target,
            headers,
            body: Vec::new(),
        };
        let length = received.header("content-length");
        let length = length.and_then(|length| length.parse().ok()).unwrap_or(0);
        while self.read.len() < length {
            assert!(
                self.more().await,
                "the connection is closed in the middle of a body"
            );
        }
        received.body = self.read.drain(..length).collect();
        received
    }

    /// Writes bytes. The client may have closed the connection.
    pub(super) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref()).await;
        let _ = self.stream.flush().await;
    }

    /// Waits until the client has closed the connection.
    pub(super) async fn closed(mut self) {
        while self.more().await {
            self.read.clear();
        }
    }

    /// Reads more bytes. Returns `false` at the end.
    async fn more(&mut self) -> bool {
        let mut buffer = [0; 16 << 10];
        // An error is a connection that was reset.
        let length = self.stream.read(&mut buffer).await.unwrap_or(0);
        self.read.extend(buffer.iter().take(length));
        length > 0
    }
}

/// A request as it arrived.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) method: String,
    pub(super) target: String,
    /// Names in lower case.
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Received {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let (_, value) = headers.find(|(own, _)| own == name)?;
        Some(value)
    }
}
