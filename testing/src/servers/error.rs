//! [`ServerError`]: why there is no server, or why it does not do what a test asks.

use std::io;
use std::time::Duration;

use thiserror::Error;

/// Why a test has no server, or why the server does not do what it is asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The program is not on this machine.
    #[error("{program} was not found: {help}")]
    Missing {
        /// What was looked for.
        program: &'static str,
        /// What to install, or what else to do.
        help: &'static str,
    },
    /// The program ended instead of serving.
    #[error("{program} ended while it was starting; it said: {output}")]
    Ended {
        /// What was started.
        program: &'static str,
        /// The end of what it printed.
        output: String,
    },
    /// What was waited for did not happen.
    #[error("waited {patience:?} for {what}; last seen: {seen}")]
    TimedOut {
        /// What was waited for.
        what: String,
        /// For how long.
        patience: Duration,
        /// What was there instead.
        seen: String,
    },
    /// The server answered a command with an error.
    #[error("the server refuses {command}: {reply}")]
    Refused {
        /// The command's name.
        command: String,
        /// The server's words.
        reply: String,
    },
    /// The certificate of a server with TLS cannot be made.
    #[error("the server's certificate cannot be made")]
    Certificate {
        /// What is wrong.
        #[from]
        source: rcgen::Error,
    },
    /// The system refuses what a server needs, or the connection to it broke.
    #[error("the system refuses what a test server needs: {source}")]
    Io {
        /// What the system says.
        #[from]
        source: io::Error,
    },
}
