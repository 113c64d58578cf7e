//! [`Reads`]: counts the reads of a store by thread.

use std::sync::Mutex;
use std::thread::{self, ThreadId};

/// The thread of each read of a store. A client also reads its store in a task of its own, for its
/// metrics, at a time that a test does not know.
#[derive(Debug, Default)]
pub(crate) struct Reads(Mutex<Vec<ThreadId>>);

impl Reads {
    pub(crate) fn record(&self) {
        self.0.lock().unwrap().push(thread::current().id());
    }

    /// How often the calling thread has read.
    pub(crate) fn of_this_thread(&self) -> usize {
        let this = thread::current().id();
        let reads = self.0.lock().unwrap();
        reads.iter().filter(|thread| **thread == this).count()
    }
}
