//! Real servers start, are controlled by a test, and end with it. A test whose server is not
//! installed fails with instructions, and is not skipped.

#![cfg(test)]
#![cfg(unix)]

mod dynamodb;
mod life;
mod redis;
mod replicas;

use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Whether a port refuses connections, or closes them at once: engines of containers may accept
/// connections for a server that does not run.
fn is_closed(address: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect(address) else {
        return true;
    };
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    matches!(stream.read(&mut [0]), Ok(0))
}
