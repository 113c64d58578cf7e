//! Watches a request make its connection.
//!
//! The HTTP library times a request as a whole. Two rules need to know more: making a connection
//! has a time limit of its own, which the wait for an answer must not cut short; and only a request
//! that went out on a connection left over from an earlier one may be repeated. So the connector
//! reports to the request that it works for.

use std::time::Duration;

use tokio::sync::watch;

tokio::task_local! {
    /// The request that is being polled. The connector is called from inside it.
    static REQUEST: watch::Sender<Progress>;
}

/// How far a request has come.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    /// Connections that are being made for it right now.
    connecting: usize,
    /// Whether one was made, or tried, for it.
    fresh: bool,
}

/// How a watched request ended.
pub(super) struct Watched<T> {
    /// What it came to; none after too long a silence.
    pub(super) output: Option<T>,
    /// Whether it had a connection made for it, and did not take one from the pool.
    pub(super) fresh: bool,
}

/// Awaits a request, but no longer than `limit` while it is not busy connecting.
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

/// Ends when nothing is being connected and nothing has changed for so long.
async fn silence(mut progress: watch::Receiver<Progress>, limit: Duration) {
    loop {
        let connecting = progress.borrow_and_update().connecting > 0;
        // An error would mean that the request is over, and then nobody waits for this.
        let change = async { drop(progress.changed().await) };
        if connecting {
            change.await;
        } else if tokio::time::timeout(limit, change).await.is_err() {
            return;
        }
    }
}

/// Reports a connection to the request that needs it, from now until it is made or given up.
pub(super) fn report<T>(connecting: impl Future<Output = T>) -> impl Future<Output = T> {
    let mark = Mark::new();
    async move {
        let connection = connecting.await;
        drop(mark);
        connection
    }
}

/// A connection in the making. It ends by being dropped, since a connect may be given up at any
/// time.
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
    async fn the_wait_for_an_answer_starts_when_the_connection_is_there() {
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
    async fn a_connection_that_was_kept_is_not_fresh() {
        let start = Instant::now();
        let Watched { output, fresh } = watch(LIMIT, std::future::pending::<()>()).await;
        assert_eq!((output, fresh, start.elapsed()), (None, false, LIMIT));
    }

    #[tokio::test(start_paused = true)]
    async fn a_connect_that_is_given_up_no_longer_counts() {
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
