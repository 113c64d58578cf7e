//! [`wait`]: the end of a sink's call, on this thread.

use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::thread;

/// Runs a call to its end. With flags in memory, that is at once.
pub(crate) fn wait<T: Send>(mut call: Pin<Box<dyn Future<Output = T> + Send + '_>>) -> T {
    match call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        // On a thread of its own, not on this one: in a Tokio task that has used up its share,
        // everything of Tokio's is pending until the task yields, which it cannot while it waits
        // here.
        Poll::Pending => {
            let waiting = thread::scope(|scope| scope.spawn(|| pollster::block_on(call)).join());
            waiting.unwrap_or_else(|panic| resume_unwind(panic))
        }
    }
}
