//! A client that checks every byte.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use vexil_testing::FakeService;

/// Reached only by tests that fail.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A connection to the service.
pub(crate) struct Wire(pub(crate) TcpStream);

/// An answer that ended normally and kept the connection open.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answered {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

impl Wire {
    pub(crate) fn new(service: &FakeService) -> Self {
        let socket = TcpStream::connect(service.address()).unwrap();
        socket.set_read_timeout(Some(TIMEOUT)).unwrap();
        socket.set_write_timeout(Some(TIMEOUT)).unwrap();
        Self(socket)
    }

    /// Connects and sends a GET request.
    pub(crate) fn get(service: &FakeService, path: &str) -> Self {
        let mut wire = Self::new(service);
        wire.send("GET", path, &[], b"");
        wire
    }

    pub(crate) fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) {
        let headers: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let length = if method == "POST" {
            format!("content-length: {}\r\n", body.len())
        } else {
            String::new()
        };
        self.write(
            format!("{method} {path} HTTP/1.1\r\nhost: fake\r\n{headers}{length}\r\n").as_bytes(),
        );
        self.write(body);
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    /// Sends a request and reads the complete answer.
    pub(crate) fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answered {
        self.send(method, path, headers, body);
        self.answer()
    }

    pub(crate) fn answer(&mut self) -> Answered {
        let head = self.head();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let length = header(&head, "content-length").map_or(0, |length| length.parse().unwrap());
        Answered {
            status,
            body: self.exactly(length),
            head,
        }
    }

    /// Returns the status line and the headers, in lower case.
    pub(crate) fn head(&mut self) -> String {
        String::from_utf8(self.until(b"\r\n\r\n")).unwrap()
    }

    /// Returns the next event of a stream, without the chunk framing.
    pub(crate) fn event(&mut self) -> String {
        let chunk = self.chunk();
        assert!(chunk.ends_with("\n\n"), "{chunk:?}");
        chunk
    }

    pub(crate) fn chunk(&mut self) -> String {
        let size = String::from_utf8(self.until(b"\r\n")).unwrap();
        let size = usize::from_str_radix(size.trim(), 16).unwrap();
        let chunk = self.exactly(size);
        assert_eq!(self.exactly(2), b"\r\n");
        String::from_utf8(chunk).unwrap()
    }

    pub(crate) fn exactly(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.0.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// Returns all data until the connection ends, and the error that ended it.
    pub(crate) fn rest(&mut self) -> (String, Option<ErrorKind>) {
        let mut bytes = Vec::new();
        let error = self
            .0
            .read_to_end(&mut bytes)
            .err()
            .map(|error| error.kind());
        (String::from_utf8_lossy(&bytes).into_owned(), error)
    }

    /// Whether no data is available at the moment.
    pub(crate) fn is_silent(&mut self) -> bool {
        self.0.set_nonblocking(true).unwrap();
        let read = self.0.read(&mut [0]);
        self.0.set_nonblocking(false).unwrap();
        read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }

    pub(crate) fn close(self) {
        self.0.shutdown(Shutdown::Both).unwrap();
    }

    fn until(&mut self, end: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        while !bytes.ends_with(end) {
            bytes.extend(self.exactly(1));
        }
        bytes
    }
}

/// Returns the name and the data of an event.
pub(crate) fn parse(event: &str) -> (&str, serde_json::Value) {
    let (name, data) = event.trim_end().split_once('\n').unwrap();
    let data = data.strip_prefix("data: ").unwrap();
    (
        name.strip_prefix("event: ").unwrap(),
        serde_json::from_str(data).unwrap(),
    )
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines
        .find(|(other, _)| *other == name)
        .map(|(_, value)| value)
}
