//! Serves until the process is told to end, and lets requests end.

use std::io;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::sleep;

/// How long requests may continue after the signal.
const GRACE: Duration = Duration::from_secs(20);

/// Serves until SIGTERM or ctrl-c. New connections are then refused, and the requests in flight are
/// answered.
pub(crate) async fn serve(listener: TcpListener, app: Router) -> io::Result<()> {
    let (stop, stopped) = oneshot::channel();
    let stopping = async {
        signal().await;
        // The receiver is dropped only when serving has ended.
        let _ = stop.send(());
    };
    let over = async {
        // An error means that serving has ended.
        let _ = stopped.await;
        sleep(GRACE).await;
    };
    tokio::select! {
        served = axum::serve(listener, app).with_graceful_shutdown(stopping).into_future() => served,
        () = over => {
            eprintln!("requests did not end within {GRACE:?}");
            Ok(())
        }
    }
}

async fn signal() {
    #[cfg(unix)]
    let terminated = async {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => _ = terminate.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending();
    tokio::select! {
        () = terminated => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
