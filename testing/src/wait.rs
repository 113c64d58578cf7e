//! [`wait`]: drives a sink's call to its end on the current thread.

use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::thread;

/// Runs a call to its end. With in-memory flags it completes immediately.
pub(crate) fn wait<T: Send>(mut call: Pin<Box<dyn Future<Output = T> + Send + '_>>) -> T {
    match call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        // Runs on a separate thread: in a Tokio task that has used up its budget, every Tokio
        // future stays pending until the task yields, and this one blocks instead.
        Poll::Pending => {
            let waiting = thread::scope(|scope| scope.spawn(|| pollster::block_on(call)).join());
            waiting.unwrap_or_else(|panic| resume_unwind(panic))
        }
    }
}
