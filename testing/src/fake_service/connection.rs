//! The lifecycle of connections.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncWriteExt, split};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use super::body::Outcome;
use super::read::{Input, ReadError};
use super::request::{ClosedBy, Connection};
use super::respond::respond;
use super::shared::Shared;
use super::socket::Socket;

/// Further connections wait to be accepted.
const MAX_CONNECTIONS: usize = 1024;

pub(super) async fn listen(shared: Arc<Shared>, listener: TcpListener, tls: Option<TlsAcceptor>) {
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut number = 0;
    while let Ok(slot) = Arc::clone(&slots).acquire_owned().await {
        let Ok((socket, _)) = listener.accept().await else {
            // Probably out of file descriptors: some may become free.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let (shared, tls, connection) = (Arc::clone(&shared), tls.clone(), Connection::new(number));
        number += 1;
        // Ends with its client or its answer, or with the runtime at the latest.
        tokio::spawn(async move {
            // The error is ignored: the test or the client that caused it observes it.
            let _ = accept(shared, socket, tls, connection).await;
            drop(slot);
        });
    }
}

async fn accept(
    shared: Arc<Shared>,
    socket: TcpStream,
    tls: Option<TlsAcceptor>,
    connection: Connection,
) -> io::Result<()> {
    let reset = shared.state.change(|state| {
        let reset = state.resets > 0;
        state.resets = state.resets.saturating_sub(1);
        reset
    });
    if reset {
        return socket.set_zero_linger();
    }
    socket.set_nodelay(true)?;
    let socket: Box<dyn Socket> = match tls {
        None => Box::new(socket),
        Some(tls) => match tls.accept(socket).await {
            Ok(socket) => Box::new(socket),
            Err(error) => {
                shared.state.change(|state| state.failed_handshakes += 1);
                return Err(error);
            }
        },
    };
    // Declared before the socket is split, so that it is dropped after the socket is closed.
    let ended = Ended {
        shared,
        connection: Arc::new(connection),
    };
    serve(&ended, socket).await
}

async fn serve(ended: &Ended, socket: Box<dyn Socket>) -> io::Result<()> {
    let Ended { shared, connection } = ended;
    let (reader, mut writer) = split(socket);
    let mut input = Input::new(reader);
    let outcome = loop {
        let (request, answer) = match input.request(&mut writer).await {
            Ok(incoming) => shared.state.change(|state| {
                let answer = state.scripts.take(incoming.endpoint);
                (state.log.record(incoming, connection), answer)
            }),
            Err(ReadError::Gone) => {
                connection.close(ClosedBy::Client);
                return Ok(());
            }
            Err(ReadError::Refused(status)) => {
                let head = format!(
                    "HTTP/1.1 {status} Refused\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                );
                writer.write_all(head.as_bytes()).await?;
                break Outcome::Close;
            }
        };
        let outcome = tokio::select! {
            biased;
            outcome = respond(shared, &request, &answer, &mut writer) => outcome,
            () = input.gone() => Err(io::ErrorKind::ConnectionAborted.into()),
        };
        match outcome {
            Ok(Outcome::Next) => {}
            Ok(outcome) => break outcome,
            Err(_) => {
                connection.close(ClosedBy::Client);
                return Ok(());
            }
        }
    };
    let mut socket = input.into_reader().unsplit(writer);
    match outcome {
        Outcome::Next | Outcome::Close => socket.shutdown().await,
        Outcome::Cut => Ok(()),
        Outcome::Reset => socket.tcp().set_zero_linger(),
    }
}

/// Records the end of a connection, whatever the cause.
struct Ended {
    shared: Arc<Shared>,
    connection: Arc<Connection>,
}

impl Drop for Ended {
    fn drop(&mut self) {
        self.connection.close(ClosedBy::Service);
        // Wakes tasks that wait for the end.
        self.shared.state.change(|_| {});
    }
}
