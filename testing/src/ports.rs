//! [`free`]: a port for a server that may go away and come back.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;

/// Below what systems give to outgoing connections: a client that tries a closed port of that range
/// again and again may reach itself, or have the port when the server wants it back.
const RANGE: Range<u16> = 20_000..30_000;

/// Finds a port that nobody listens on, together with those at the given distances from it. Another
/// process may take it before it is used: whoever starts a server on it tries another one then.
pub(crate) fn free(distances: &[u16]) -> io::Result<u16> {
    for _ in 0..200 {
        let port = fastrand::u16(RANGE);
        if distances
            .iter()
            .map(|distance| port + distance)
            .chain([port])
            .all(is_free)
        {
            return Ok(port);
        }
    }
    Err(io::Error::new(
        io::ErrorKind::AddrInUse,
        "no free port was found on this machine",
    ))
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}
