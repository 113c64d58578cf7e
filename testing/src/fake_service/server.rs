//! [`Server`]: the listener of the service.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;

use super::connection::listen;
use super::shared::Shared;
use super::start_error::StartError;
use crate::background::Background;

/// Dropping this stops the listener and closes all its connections.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) address: SocketAddr,
    _background: Background,
}

/// Listens on a free loopback port, which is not reachable from other machines.
pub(super) fn start(shared: Arc<Shared>, tls: Option<TlsAcceptor>) -> Result<Server, StartError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let background = Background::start("vexil-fake-service", || {
        Ok(listen(
            shared,
            tokio::net::TcpListener::from_std(listener)?,
            tls,
        ))
    })?;
    Ok(Server {
        address,
        _background: background,
    })
}
