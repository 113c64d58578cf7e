//! [`occupy`]: delays a clause's blocking work.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// The number of blocking threads of a clause's runtime.
pub(super) const BLOCKING_THREADS: usize = 16;

/// How long to wait for the threads. A store that occupies one permanently makes the clause weaker,
/// not wrong.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The runtime's blocking threads. Until this is dropped, work passed to `spawn_blocking` is
/// queued.
pub(super) struct Occupied {
    /// Dropping a sender frees its thread.
    _threads: Vec<mpsc::Sender<()>>,
}

/// Occupies all blocking threads. Blocking work that was spawned before this call is finished when
/// it returns.
pub(super) async fn occupy() -> Occupied {
    let started = Arc::new(Semaphore::new(0));
    let occupy_one = |_| {
        let (thread, release) = mpsc::channel();
        let started = Arc::clone(&started);
        spawn_blocking(move || {
            started.add_permits(1);
            // Returns an error when the sender is dropped, which is the signal to end.
            let _ = release.recv();
        });
        thread
    };
    let threads = (0..BLOCKING_THREADS).map(occupy_one).collect();
    // An error means that some threads are still busy.
    let _ = timeout(TIMEOUT, started.acquire_many(BLOCKING_THREADS as u32)).await;
    Occupied { _threads: threads }
}
