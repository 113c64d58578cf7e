//! [`begin`], [`begin_until`] and [`poll_once`]: drop or suspend calls where they wait.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;

use tokio::task::yield_now;

/// Polls a call once, then drops it.
pub(super) async fn begin(call: impl Future) {
    let mut call = pin!(call);
    let _ = poll_once(call.as_mut()).await;
}

/// Polls a call up to this many times, then drops it, so that it is dropped where it waits next.
pub(super) async fn begin_until(polls: usize, call: impl Future) {
    let mut call = pin!(call);
    for _ in 0..polls {
        if poll_once(call.as_mut()).await.is_ready() {
            return;
        }
        yield_now().await;
    }
}

/// Polls a call once.
pub(super) async fn poll_once<F: Future + ?Sized>(mut call: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|context| Poll::Ready(call.as_mut().poll(context))).await
}
