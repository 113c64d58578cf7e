//! [`Must`]: panics on unexpected results.

use std::error::Error;
use std::iter::successors;

use vexil::store::StoreError;

/// An expected success or failure.
pub(super) trait Must<T> {
    /// Returns the value; panics with the whole error chain if there is none.
    fn must(self, what: &str) -> T;

    /// Panics unless this is a temporary error.
    fn must_be_unavailable(self, what: &str);
}

#[expect(clippy::panic, reason = "the end of a test that fails")]
impl<T> Must<T> for Result<T, StoreError> {
    fn must(self, what: &str) -> T {
        self.unwrap_or_else(|error| {
            let story = successors(Some::<&dyn Error>(&error), |error| Error::source(*error));
            let story: Vec<_> = story.map(ToString::to_string).collect();
            panic!("{what} fails: {}", story.join(": "))
        })
    }

    fn must_be_unavailable(self, what: &str) {
        match self {
            Ok(_) => panic!("{what} succeeds although the database is unreachable"),
            Err(error) => {
                assert!(
                    error.is_temporary(),
                    "{what} returns an error that is not temporary: {error:?}"
                )
            }
        }
    }
}
