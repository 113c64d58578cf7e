//! [`free`]: finds a port for a server that may stop and start again.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;

/// Below the range of ephemeral ports. A client that keeps connecting to a closed ephemeral port
/// may connect to itself, or own the port when the server needs it again.
const RANGE: Range<u16> = 20_000..30_000;

/// Finds a port that is free, as are the ports at the given distances from it. Another process may
/// take it before it is used; the caller then tries another port.
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
        "no free port found",
    ))
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}
