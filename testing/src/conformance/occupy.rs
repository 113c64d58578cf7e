//! [`occupy`]: blocking work that a clause holds up.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// How many threads a clause's runtime has for blocking work.
pub(super) const BLOCKING_THREADS: usize = 16;

/// How long to wait for the threads. A store that keeps one of them for itself makes a clause
/// weaker, not wrong.
const PATIENCE: Duration = Duration::from_secs(1);

/// The runtime's threads for blocking work. Until this is dropped, what `spawn_blocking` is given
/// waits.
pub(super) struct Occupied {
    /// A thread is free again when its sender is dropped.
    _threads: Vec<mpsc::Sender<()>>,
}

/// Occupies all threads for blocking work. Blocking work that was handed over before this call is
/// done when it returns.
pub(super) async fn occupy() -> Occupied {
    let started = Arc::new(Semaphore::new(0));
    let occupy_one = |_| {
        let (thread, release) = mpsc::channel();
        let started = Arc::clone(&started);
        spawn_blocking(move || {
            started.add_permits(1);
            // Ends with an error, which is the signal.
            let _ = release.recv();
        });
        thread
    };
    let threads = (0..BLOCKING_THREADS).map(occupy_one).collect();
    // An error means that some threads are still busy.
    let _ = timeout(PATIENCE, started.acquire_many(BLOCKING_THREADS as u32)).await;
    Occupied { _threads: threads }
}
