//! [`Background`]: a thread with a runtime of its own.

use std::future::Future;
use std::io;
use std::thread::{self, JoinHandle};

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// Ends with this being dropped, and all tasks and connections with it.
#[derive(Debug)]
pub(crate) struct Background {
    runtime: Handle,
    /// Dropped to stop the thread.
    stop: Option<oneshot::Sender<()>>,
    /// Waited for when it was stopped.
    thread: Option<JoinHandle<()>>,
}

impl Background {
    /// Runs what `prepare` makes, inside the runtime, on the thread.
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
            runtime: handle,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    pub(crate) fn handle(&self) -> Handle {
        self.runtime.clone()
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It waits for nobody, so this is short. If it has panicked, its connections are closed
            // all the same.
            let _ = thread.join();
        }
    }
}
