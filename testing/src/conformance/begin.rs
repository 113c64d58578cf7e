//! [`begin`]: calls that are dropped.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

/// Begins something, and drops it as soon as it has to wait.
pub(super) async fn begin(call: impl Future) {
    let mut call = pin!(call);
    poll_fn(|context| {
        let _ = call.as_mut().poll(context);
        Poll::Ready(())
    })
    .await;
}
