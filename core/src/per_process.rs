//! [`PerProcess`]: what a forked process must not share with its parent.

use std::fmt;
use std::process;
use std::sync::Arc;

use arc_swap::ArcSwapOption;

/// A value that each process makes for itself when it first needs it: connections, pools and tasks
/// of a store, for instance.
///
/// After a fork, the child has a copy of the parent's value. The sockets in it are the parent's
/// too, and its tasks run nowhere. [`PerProcess::get`] therefore makes a new value in the child.
/// The copy is leaked, as its drop could stop or wake what is the parent's.
///
/// ```
/// use vexil::PerProcess;
///
/// let connection = PerProcess::new(|| std::process::id());
/// assert_eq!(*connection.get(), std::process::id());
/// ```
pub struct PerProcess<T> {
    make: Box<dyn Fn() -> T + Send + Sync>,
    /// No lock: a fork could copy one that is held.
    made: ArcSwapOption<Made<T>>,
}

struct Made<T> {
    process: u32,
    value: Arc<T>,
}

impl<T> PerProcess<T> {
    /// Makes values with `make`. It may be called by several threads at once, of which one value is
    /// kept.
    pub fn new(make: impl Fn() -> T + Send + Sync + 'static) -> Self {
        Self {
            make: Box::new(make),
            made: ArcSwapOption::empty(),
        }
    }

    /// The value of this process.
    pub fn get(&self) -> Arc<T> {
        let process = process::id();
        loop {
            let found = self.made.load_full();
            if let Some(made) = found.as_deref().filter(|made| made.process == process) {
                return Arc::clone(&made.value);
            }
            let made = Arc::new(Made {
                process,
                value: Arc::new((self.make)()),
            });
            drop(self.made.compare_and_swap(&found, Some(made)));
            std::mem::forget(found);
        }
    }
}

impl<T> Drop for PerProcess<T> {
    fn drop(&mut self) {
        let made = self.made.load_full();
        if made
            .as_deref()
            .is_some_and(|made| made.process != process::id())
        {
            std::mem::forget(made);
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for PerProcess<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PerProcess")
            .field(&self.made.load().as_deref().map(|made| &made.value))
            .finish()
    }
}
