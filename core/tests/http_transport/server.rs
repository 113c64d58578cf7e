//! A server scripted byte by byte.

use std::io::ErrorKind;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A complete response on a connection that is kept open.
pub(super) const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

pub(super) struct Server {
    listener: TcpListener,
    pub(super) port: u16,
}

impl Server {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        Self { listener, port }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(super) async fn accept(&self) -> Connection<TcpStream> {
        Connection::new(self.listener.accept().await.unwrap().0)
    }

    /// Answers one request on a new connection, and keeps the connection.
    pub(super) async fn serve(
        &self,
        answer: impl AsRef<[u8]>,
    ) -> (Received, Connection<TcpStream>) {
        let mut connection = self.accept().await;
        let received = connection.request().await;
        connection.write(answer).await;
        (received, connection)
    }
}

pub(super) struct Connection<S> {
    pub(super) stream: S,
    /// Bytes that were read already and belong to the next request.
    read: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream,
            read: Vec::new(),
        }
    }

    /// The next request, with its body.
    pub(super) async fn request(&mut self) -> Received {
        let end = loop {
            if let Some(end) = self
                .read
                .windows(4)
                .position(|window| window == b"\r\n\r\n")
            {
                break end + 4;
            }
            assert!(
                self.more().await,
                "the connection is closed instead of a request"
            );
        };
        let head = String::from_utf8(self.read.drain(..end).collect()).unwrap();
        let mut lines = head.trim_end().split("\r\n").map(str::to_owned);
        let line = lines.next().unwrap();
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_ascii_lowercase(), value.to_owned())
        });
        let mut received = Received {
            line,
            headers: headers.collect(),
            body: String::new(),
        };
        let length = received
            .header("content-length")
            .map_or(0, |length| length.parse().unwrap());
        while self.read.len() < length {
            assert!(
                self.more().await,
                "the connection is closed in the middle of a body"
            );
        }
        received.body = String::from_utf8(self.read.drain(..length).collect()).unwrap();
        received
    }

    pub(super) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// Waits until the client has closed the connection.
    pub(super) async fn closed(mut self) {
        while self.more().await {}
    }

    /// Waits for more bytes. Returns `false` if the client has closed the connection instead.
    pub(super) async fn is_used_again(&mut self) -> bool {
        self.more().await
    }

    /// Writes the same bytes until the client closes the connection.
    pub(super) async fn repeat(mut self, bytes: &str) {
        while self.stream.write_all(bytes.as_bytes()).await.is_ok() {
            // A client that never closes the connection must be able to read.
            tokio::task::yield_now().await;
        }
    }

    /// All bytes until the client closes the connection.
    pub(super) async fn rest(mut self) -> Vec<u8> {
        while self.more().await {}
        self.read
    }

    async fn more(&mut self) -> bool {
        let mut buffer = [0; 4096];
        let length = match self.stream.read(&mut buffer).await {
            Ok(length) => length,
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof
                ) =>
            {
                0
            }
            Err(error) => panic!("{error}"),
        };
        self.read.extend_from_slice(&buffer[..length]);
        length > 0
    }
}

/// A request as it arrived.
#[derive(Debug)]
pub(super) struct Received {
    /// Method, target and version.
    pub(super) line: String,
    /// Names in lower case.
    headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Received {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, value)| value.as_str())
    }
}
