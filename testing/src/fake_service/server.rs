//! [`Server`]: the thread on which the service runs.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use super::connection::listen;
use super::shared::Shared;
use super::start_error::StartError;

/// Ends with this being dropped, and all its connections with it.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) runtime: Handle,
    /// Dropped to stop the thread.
    stop: Option<oneshot::Sender<()>>,
    /// Waited for when it was stopped.
    thread: Option<JoinHandle<()>>,
}

/// Listens on a free port of this machine, which is not to be reached from elsewhere.
pub(super) fn start(shared: Arc<Shared>, tls: Option<TlsAcceptor>) -> Result<Server, StartError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    let listener = {
        let _inside = handle.enter();
        tokio::net::TcpListener::from_std(listener)?
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let serve = move || {
        runtime.block_on(async {
            tokio::select! {
                _ = stopped => {}
                () = listen(shared, listener, tls) => {}
            }
        });
    };
    let thread = thread::Builder::new().name("vexil-fake-service".to_owned()).spawn(serve)?;
    Ok(Server { address, runtime: handle, stop: Some(stop), thread: Some(thread) })
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It waits for nobody, so this is short. If it has panicked, its connections are closed all the same.
            let _ = thread.join();
        }
    }
}
