//! Tracks whether a request is establishing a connection.
//!
//! The HTTP library only shows a request as a whole. Two rules need more: establishing a connection
//! has its own timeout, which must not shorten the wait for a response; and only a request that was
//! sent on a reused connection may be repeated. So the connector reports its progress to the
//! request it serves.

use std::time::Duration;

use tokio::sync::watch;

tokio::task_local! {
    /// The progress of the request that is being polled. The connector is called inside its future.
    static REQUEST: watch::Sender<Progress>;
}

/// The progress of a request.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    /// How many connections are being established for it.
    connecting: usize,
    /// Whether a connection was established or attempted for it.
    fresh: bool,
}

/// The result of [`watch()`].
pub(super) struct Watched<T> {
    /// The output of the request. `None` if the timeout expired.
    pub(super) output: Option<T>,
    /// Whether a new connection was established for it, instead of one taken from the pool.
    pub(super) fresh: bool,
}

/// Awaits a request with the timeout `limit`, which does not run while a connection is being
/// established.
pub(super) async fn watch<T>(limit: Duration, request: impl Future<Output = T>) -> Watched<T> {
    let (sender, receiver) = watch::channel(Progress::default());
    let output = tokio::select! {
        biased;
        output = REQUEST.scope(sender, request) => Some(output),
        () = silence(receiver.clone(), limit) => None,
    };
    Watched {
        output,
        fresh: receiver.borrow().fresh,
    }
}

/// Completes when no connection is being established and nothing has changed for `limit`.
async fn silence(mut progress: watch::Receiver<Progress>, limit: Duration) {
    loop {
        let connecting = progress.borrow_and_update().connecting > 0;
        // An error means that the request has ended, and this future is about to be dropped.
        let change = async { drop(progress.changed().await) };
        if connecting {
            change.await;
        } else if tokio::time::timeout(limit, change).await.is_err() {
            return;
        }
    }
}

/// Reports a connection attempt to its request, from now until it completes or is dropped.
pub(super) fn report<T>(connecting: impl Future<Output = T>) -> impl Future<Output = T> {
    let mark = Mark::new();
    async move {
        let connection = connecting.await;
        drop(mark);
        connection
    }
}

/// Marks a connection attempt. Dropping it ends the mark, because an attempt can be cancelled at
/// any time.
struct Mark(Option<watch::Sender<Progress>>);

impl Mark {
    fn new() -> Self {
        let request = REQUEST.try_with(Clone::clone).ok();
        if let Some(request) = &request {
            request.send_modify(|progress| {
                progress.connecting += 1;
                progress.fresh = true;
            });
        }
        Self(request)
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        if let Some(request) = &self.0 {
            request.send_modify(|progress| progress.connecting -= 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, sleep};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(15);

    // SRC-2.8: connect timeout, waiting for response headers
    #[tokio::test(start_paused = true)]
    async fn the_wait_for_a_response_starts_when_the_connection_is_established() {
        let connect = Duration::from_secs(100);
        for (answer, arrives) in [(LIMIT / 2, true), (LIMIT * 2, false)] {
            let start = Instant::now();
            let request = async {
                report(sleep(connect)).await;
                sleep(answer).await;
            };
            let Watched { output, fresh } = watch(LIMIT, request).await;
            assert_eq!((output.is_some(), fresh), (arrives, true));
            assert_eq!(start.elapsed(), connect + answer.min(LIMIT));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_reused_connection_is_not_fresh() {
        let start = Instant::now();
        let Watched { output, fresh } = watch(LIMIT, std::future::pending::<()>()).await;
        assert_eq!((output, fresh, start.elapsed()), (None, false, LIMIT));
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancelled_connection_attempt_no_longer_counts() {
        let start = Instant::now();
        let request = async {
            let connecting = report(sleep(LIMIT * 9));
            drop(tokio::time::timeout(LIMIT, connecting).await);
            std::future::pending::<()>().await;
        };
        assert!(watch(LIMIT, request).await.output.is_none());
        assert_eq!(start.elapsed(), LIMIT * 2);
    }
}
