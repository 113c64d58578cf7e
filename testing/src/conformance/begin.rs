//! [`begin`] and [`poll_once`]: calls that are dropped, or held up, where they first wait.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;

/// Begins something, and drops it as soon as it has to wait.
pub(super) async fn begin(call: impl Future) {
    let mut call = pin!(call);
    let _ = poll_once(call.as_mut()).await;
}

/// Runs something up to where it first has to wait.
pub(super) async fn poll_once<F: Future>(mut call: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|context| Poll::Ready(call.as_mut().poll(context))).await
}
