//! [`ServerError`]: errors of test servers.

use std::io;
use std::time::Duration;

use thiserror::Error;

use super::TriedServer;

/// An error of starting or controlling a test server.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServerError {
    /// No kind of server is available.
    #[error("no server for tests: {server} is not available ({})", listed(tried))]
    Unavailable {
        /// The name of the server.
        server: &'static str,
        /// The kinds of server in the order in which they were tried.
        tried: Vec<TriedServer>,
    },
    /// An environment variable has a value that is not supported.
    #[error("{variable} is `{value}`, expected {expected}")]
    Setting {
        /// The name of the variable.
        variable: &'static str,
        /// Its value.
        value: String,
        /// The supported values.
        expected: &'static str,
    },
    /// The container engine failed.
    #[error("{command} failed: {output}")]
    Engine {
        /// The command.
        command: String,
        /// The end of its output.
        output: String,
    },
    /// The program ended during startup.
    #[error("{program} ended during startup with the output: {output}")]
    Ended {
        /// The name of the program.
        program: &'static str,
        /// The end of its output.
        output: String,
    },
    /// A condition did not hold before the timeout.
    #[error("waited {timeout:?} for {what}; last seen: {seen}")]
    TimedOut {
        /// The condition.
        what: String,
        /// The timeout.
        timeout: Duration,
        /// The state at the timeout.
        seen: String,
    },
    /// The server answered a command with an error.
    #[error("the server refused {command}: {reply}")]
    Refused {
        /// The name of the command.
        command: String,
        /// The server's error message.
        reply: String,
    },
    /// The server's TLS certificate could not be created.
    #[error("cannot create the server's certificate")]
    Certificate {
        /// The underlying error.
        #[from]
        source: rcgen::Error,
    },
    /// An operating system error, or a broken connection to the server.
    #[error("I/O error of a test server: {source}")]
    Io {
        /// The underlying error.
        #[from]
        source: io::Error,
    },
}

fn listed(tried: &[TriedServer]) -> String {
    let tried: Vec<_> = tried.iter().map(ToString::to_string).collect();
    tried.join("; ")
}
