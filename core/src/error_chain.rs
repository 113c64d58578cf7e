//! [`error_chain`]: an error with its sources, for logs and statuses.

use std::error::Error;
use std::iter::successors;

/// Returns the messages of an error and of its sources, separated by colons.
pub(crate) fn error_chain(error: &dyn Error) -> String {
    let messages = successors(Some(error), |&error| error.source()).map(ToString::to_string);
    messages.collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::config::ConfigError;

    #[test]
    fn the_chain_has_the_error_first_and_the_cause_last() {
        let source = io::Error::other("no threads");
        assert_eq!(error_chain(&source), "no threads");
        let error = ConfigError::Runtime { source };
        assert_eq!(
            error_chain(&error),
            "the background work cannot be started: no threads"
        );
    }
}
