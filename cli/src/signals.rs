//! [`Signals`]: the requests to end a command.

use std::sync::Arc;

use tokio::sync::watch;

use crate::exit::Exit;

/// Requests to end a command.
#[derive(Clone, Debug)]
pub struct Signals {
    requested: watch::Receiver<Option<Exit>>,
    /// The sender of requests, if they are the signals of this process.
    of_process: Option<Arc<watch::Sender<Option<Exit>>>>,
}

/// Requests the end of a command, for tests.
#[derive(Debug)]
pub struct SignalSender(watch::Sender<Option<Exit>>);

impl SignalSender {
    /// Requests that the command ends as after Ctrl-C.
    pub fn interrupt(&self) {
        self.0.send_replace(Some(Exit::Interrupted));
    }
}

impl Signals {
    /// Returns requests and their sender.
    #[must_use]
    pub fn channel() -> (SignalSender, Self) {
        let (sender, requested) = watch::channel(None);
        let signals = Self {
            requested,
            of_process: None,
        };
        (SignalSender(sender), signals)
    }

    /// The signals of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let (sender, requested) = watch::channel(None);
        Self {
            requested,
            of_process: Some(Arc::new(sender)),
        }
    }

    /// Begins to listen to the signals of the process, on the current runtime. The first one is a
    /// request; the second one ends the process.
    pub(crate) fn listen(&self) {
        let Some(sender) = self.of_process.clone() else {
            return;
        };
        tokio::spawn(async move {
            sender.send_replace(Some(signal().await));
            std::process::exit(signal().await.code().into());
        });
    }

    /// Resolves when the end is requested, at once if it was requested before.
    pub(crate) async fn requested(&mut self) -> Exit {
        match self.requested.wait_for(Option::is_some).await {
            Ok(exit) => exit.unwrap_or(Exit::Interrupted),
            // Without a sender nothing requests the end.
            Err(_) => std::future::pending().await,
        }
    }
}

/// Resolves at the next signal that ends a process.
#[cfg(unix)]
async fn signal() -> Exit {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt() => Exit::Interrupted,
        _ = terminate.recv() => Exit::Terminated,
    }
}

#[cfg(not(unix))]
async fn signal() -> Exit {
    interrupt().await;
    Exit::Interrupted
}

async fn interrupt() {
    // If signals cannot be received, their default action stays: it ends the process.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
