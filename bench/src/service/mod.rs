//! A fake service on loopback that streams the flags, and patches on request. It also delivers the
//! flags by the second protocol, to polls and streams.
//!
//! It runs in the process that starts the measured processes, with one thread per connection, so
//! that its work and memory are not attributed to a client. Its messages are prepared in advance.

mod connection;
mod order;
mod request;
mod stream;

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::thread;

use self::order::Orders;
pub(crate) use self::order::order_patches;
use crate::workload::{Data, Patch, current, full_payload, patches, poll_body, stream_text};

pub(crate) struct Service {
    url: String,
}

/// The state shared by all connections.
struct Shared {
    /// The first event of a stream, as chunks of its body.
    put: Vec<u8>,
    /// The complete data in the second protocol, as chunks of the body of a stream.
    payload: Vec<u8>,
    /// The answer of that stream to a client whose data is current.
    current: Vec<u8>,
    /// The body of a poll in the second protocol.
    poll: String,
    patches: Vec<Patch>,
    orders: Orders,
}

impl Service {
    /// Starts a service with these flags. It stops when the process exits.
    pub(crate) fn start(data: &Data) -> io::Result<Self> {
        let payload = full_payload(data)?;
        let shared = Arc::new(Shared {
            put: stream::put(&data.to_json()?),
            payload: stream::chunked(stream_text(&payload).as_bytes()),
            current: stream::chunked(stream_text(&[current()]).as_bytes()),
            poll: poll_body(&payload),
            patches: patches(data)?,
            orders: Orders::default(),
        });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let url = format!("http://{}", listener.local_addr()?);
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                // A client may disconnect at any time; that is not an error.
                thread::spawn(move || drop(connection::serve(connection, &shared)));
            }
        });
        Ok(Self { url })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpStream;

    use super::*;
    use crate::workload::generate;

    #[test]
    fn a_stream_starts_with_all_data_and_continues_with_requested_patches() {
        let data = generate(20);
        let service = Service::start(&data).unwrap();
        let mut connection =
            TcpStream::connect(service.url().strip_prefix("http://").unwrap()).unwrap();
        connection
            .write_all(b"GET /all HTTP/1.1\r\nhost: localhost\r\n\r\n")
            .unwrap();
        let mut lines = BufReader::new(connection).lines().map(Result::unwrap);
        assert_eq!(lines.next().unwrap(), "HTTP/1.1 200 OK");
        assert!(lines.any(|line| line == "event: put"));

        order_patches(service.url(), 1_000, 0.003).unwrap();

        let patches: Vec<_> = lines
            .filter(|line| line.starts_with("data: {\"path\":\"/flags/"))
            .take(3)
            .collect();
        // 7919 times 0, 1 and 2, modulo 20.
        for (patch, key) in patches
            .iter()
            .zip(["flag-00000", "flag-00019", "flag-00018"])
        {
            assert!(patch.contains(key), "{key}: {patch}");
        }
    }

    #[test]
    fn the_second_protocol_delivers_the_data_to_polls_and_to_streams_without_a_state() {
        let service = Service::start(&generate(20)).unwrap();
        let answer = |target: &str| {
            let mut connection =
                TcpStream::connect(service.url().strip_prefix("http://").unwrap()).unwrap();
            let request = format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n\r\n");
            connection.write_all(request.as_bytes()).unwrap();
            BufReader::new(connection)
        };
        let data = |target, wanted: &str| {
            let mut lines = answer(target).lines().map(Result::unwrap);
            lines.any(|line| line.starts_with("data: ") && line.contains(wanted))
        };
        assert!(data("/sdk/stream", "xfer-full") && data("/sdk/stream", "(p:bench:1)"));
        assert!(data("/sdk/stream?basis=%28p%3Abench%3A1%29", "none"));

        let mut poll = answer("/sdk/poll");
        let head: Vec<_> = poll
            .by_ref()
            .lines()
            .map(Result::unwrap)
            .take_while(|line| !line.is_empty())
            .collect();
        let length = head[1].strip_prefix("content-length: ").unwrap();
        let mut body = vec![0; length.parse().unwrap()];
        poll.read_exact(&mut body).unwrap();
        assert!(body.starts_with(b"{\"events\":[") && body.ends_with(b"}}]}"));
    }
}
