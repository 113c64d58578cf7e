//! [`begin`] and [`poll_once`]: drop or suspend calls where they first wait.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;

/// Polls a call once, then drops it.
pub(super) async fn begin(call: impl Future) {
    let mut call = pin!(call);
    let _ = poll_once(call.as_mut()).await;
}

/// Polls a call once.
pub(super) async fn poll_once<F: Future>(mut call: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|context| Poll::Ready(call.as_mut().poll(context))).await
}
