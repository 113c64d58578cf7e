//! The stream of flags: all data, then patches as ordered.

use std::io::{self, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use super::Shared;
use super::order::Order;
use crate::workload::Patch;

const HEAD: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
const PIECE: usize = 32 * 1024;
const HEARTBEAT: Duration = Duration::from_secs(10);
/// The distance between consecutively patched flags. It is prime, so that every flag is patched.
const STRIDE: usize = 7919;

/// Returns the event with all data, split into chunks of the body.
pub(super) fn put(data: &[u8]) -> Vec<u8> {
    let event = [
        b"event: put\ndata: {\"path\":\"/\",\"data\":",
        data,
        b"}\n\n",
    ]
    .concat();
    chunked(&event)
}

/// Splits events into chunks of the body.
pub(super) fn chunked(events: &[u8]) -> Vec<u8> {
    events.chunks(PIECE).flat_map(piece).collect()
}

/// Sends events in the second protocol, which has no patches on request, and then heartbeats until
/// the client disconnects.
pub(super) fn send_payload(mut to: TcpStream, events: &[u8]) -> io::Result<()> {
    to.write_all(HEAD)?;
    to.write_all(events)?;
    loop {
        thread::sleep(HEARTBEAT);
        to.write_all(&piece(b":\n"))?;
    }
}

/// Sends until the client disconnects.
pub(super) fn send(mut to: TcpStream, shared: &Shared) -> io::Result<()> {
    let mut number = shared.orders.last_number();
    to.write_all(HEAD)?;
    to.write_all(&shared.put)?;
    let mut feed = Feed {
        patches: &shared.patches,
        sent: 0,
        raises: vec![0; shared.patches.len()],
    };
    loop {
        match shared.orders.next(&mut number, HEARTBEAT) {
            Some(order) => feed.send(&mut to, order)?,
            None => to.write_all(&piece(b":\n"))?,
        }
    }
}

/// The patches of one connection, which start from the initial versions. Each patch increments the
/// version of one flag.
struct Feed<'a> {
    patches: &'a [Patch],
    sent: usize,
    /// The number of patches of each flag.
    raises: Vec<u32>,
}

impl Feed<'_> {
    fn send(&mut self, to: &mut impl Write, order: Order) -> io::Result<()> {
        let start = Instant::now();
        for number in 0..order.patches {
            let due = start + order.apart * number;
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if let Some(event) = self.next() {
                to.write_all(&piece(
                    format!("event: patch\ndata: {event}\n\n").as_bytes(),
                ))?;
            }
        }
        Ok(())
    }

    fn next(&mut self) -> Option<String> {
        let index = (STRIDE * self.sent).checked_rem(self.patches.len())?;
        self.sent += 1;
        let raise = self.raises.get_mut(index)?;
        *raise += 1;
        self.patches.get(index).map(|patch| patch.event(*raise))
    }
}

/// Encodes a chunk of a chunked body.
fn piece(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_data_is_one_event_in_several_chunks() {
        let data = vec![b'x'; 2 * PIECE];
        let mut body = put(&data).as_slice().to_vec();
        let mut event = Vec::new();
        let mut sizes = Vec::new();
        while !body.is_empty() {
            let end = body.iter().position(|byte| *byte == b'\r').unwrap();
            let size =
                usize::from_str_radix(std::str::from_utf8(&body[..end]).unwrap(), 16).unwrap();
            event.extend_from_slice(&body[end + 2..end + 2 + size]);
            sizes.push(size);
            body.drain(..end + size + 4);
        }
        let event = String::from_utf8(event).unwrap();
        assert!(
            event.starts_with("event: put\ndata: {\"path\":\"/\",\"data\":xxx")
                && event.ends_with("x}\n\n")
        );
        assert_eq!(sizes[..2], [PIECE; 2]);
        assert_eq!(sizes.len(), 3);
    }
}
