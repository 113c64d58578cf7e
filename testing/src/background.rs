//! [`Background`]: a thread with its own runtime.

use std::future::Future;
use std::io;
use std::thread::{self, JoinHandle};

use tokio::runtime::Builder;
#[cfg(feature = "fault-proxy")]
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// Dropping this stops the thread, with all tasks and connections.
#[derive(Debug)]
pub(crate) struct Background {
    #[cfg(feature = "fault-proxy")]
    runtime: Handle,
    /// Dropped to stop the thread.
    stop: Option<oneshot::Sender<()>>,
    /// Joined after it was stopped.
    thread: Option<JoinHandle<()>>,
}

impl Background {
    /// Runs the future made by `prepare` on the thread; `prepare` runs inside the runtime.
    pub(crate) fn start<F>(name: &str, prepare: impl FnOnce() -> io::Result<F>) -> io::Result<Self>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let run = {
            let _inside = handle.enter();
            prepare()?
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let serve = move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = stopped => {}
                    () = run => {}
                }
            });
        };
        let thread = thread::Builder::new().name(name.to_owned()).spawn(serve)?;
        Ok(Self {
            #[cfg(feature = "fault-proxy")]
            runtime: handle,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    #[cfg(feature = "fault-proxy")]
    pub(crate) fn handle(&self) -> Handle {
        self.runtime.clone()
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // The thread does not block, so the join is short. If it panicked, its connections are
            // closed nevertheless.
            let _ = thread.join();
        }
    }
}
