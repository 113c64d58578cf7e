//! [`hold`]: runs a clause on its own runtime.

use std::pin::Pin;
use std::time::Duration;

use tokio::runtime::Builder;

use super::occupy::BLOCKING_THREADS;

/// The timeout of a clause. Reached only by stores that hang.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Runs a clause against a harness; panics if the clause fails.
#[expect(clippy::panic, reason = "the end of a test that fails")]
pub fn hold<H>(
    harness: impl FnOnce() -> H,
    clause: impl for<'a> FnOnce(&'a H) -> Pin<Box<dyn Future<Output = ()> + 'a>>,
) {
    // Two threads, so that concurrent writers run in parallel.
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(BLOCKING_THREADS)
        .enable_all()
        .build();
    let runtime =
        runtime.unwrap_or_else(|error| panic!("cannot create a runtime for the test: {error}"));
    runtime.block_on(async {
        let harness = harness();
        let held = tokio::time::timeout(TIMEOUT, clause(&harness)).await;
        assert!(held.is_ok(), "the clause did not finish within {TIMEOUT:?}");
    });
}
