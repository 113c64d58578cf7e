//! [`hold`]: a clause on a runtime of its own.

use std::pin::Pin;
use std::time::Duration;

use tokio::runtime::Builder;

use super::occupy::BLOCKING_THREADS;

/// How long a clause may take. Only a store that hangs gets to know it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Holds what a harness tests to a clause; panics if it does not hold.
#[expect(clippy::panic, reason = "the end of a test that fails")]
pub fn hold<H>(
    harness: impl FnOnce() -> H,
    clause: impl for<'a> FnOnce(&'a H) -> Pin<Box<dyn Future<Output = ()> + 'a>>,
) {
    // Two threads, so that writers at the same time are that.
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(BLOCKING_THREADS)
        .enable_all()
        .build();
    let runtime =
        runtime.unwrap_or_else(|error| panic!("there is no runtime for the test: {error}"));
    runtime.block_on(async {
        let harness = harness();
        let held = tokio::time::timeout(PATIENCE, clause(&harness)).await;
        assert!(
            held.is_ok(),
            "the store has not done within {PATIENCE:?} what the clause asks"
        );
    });
}
