//! [`PerProcess`]: a value that a forked process does not share with its parent.

use std::fmt;
use std::process;
use std::sync::Arc;

use arc_swap::ArcSwapOption;

/// A value that each process creates on first use, for instance the connections, pools and tasks of
/// a store.
///
/// After a fork, the child has a copy of the parent's value. Its sockets are shared with the
/// parent, and its tasks do not run. [`PerProcess::get`] therefore creates a new value in the
/// child. The copy is leaked, because dropping it could stop or wake tasks of the parent.
///
/// ```
/// use vexil::PerProcess;
///
/// let connection = PerProcess::new(|| std::process::id());
/// assert_eq!(*connection.get(), std::process::id());
/// ```
pub struct PerProcess<T> {
    make: Box<dyn Fn() -> T + Send + Sync>,
    /// No lock, because a fork could copy a held one.
    made: ArcSwapOption<Made<T>>,
}

struct Made<T> {
    process: u32,
    value: Arc<T>,
}

impl<T> PerProcess<T> {
    /// Creates values with `make`. Several threads may call it concurrently; one of their values is
    /// kept.
    pub fn new(make: impl Fn() -> T + Send + Sync + 'static) -> Self {
        Self {
            make: Box::new(make),
            made: ArcSwapOption::empty(),
        }
    }

    /// Returns the value of this process.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use vexil::PerProcess;
    ///
    /// // The values of one process are the same; a forked child creates another.
    /// let pool = PerProcess::new(|| vec!["connection"]);
    /// assert!(Arc::ptr_eq(&pool.get(), &pool.get()));
    /// ```
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
