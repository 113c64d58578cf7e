//! [`Io`]: what a command knows of its process, so that tests run commands without one.

use std::collections::HashMap;
use std::env;
use std::fmt;
use std::io::{self, IsTerminal, Read, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::signals::Signals;

/// The standard streams, the environment and the terminal of a command.
#[derive(Debug)]
pub struct Io {
    /// Standard input.
    pub stdin: Stdin,
    /// Standard output, which receives the result only.
    pub stdout: Stream,
    /// Standard error, which receives progress, warnings and logs.
    pub stderr: Stream,
    /// The environment variables.
    pub variables: HashMap<String, String>,
    /// The folder that relative paths start from.
    pub directory: PathBuf,
    /// The signals that end a command.
    pub signals: Signals,
}

impl Io {
    /// Returns the streams and the environment of this process.
    #[must_use]
    pub fn of_process() -> Self {
        Self {
            stdin: Stdin::new(io::stdin(), io::stdin().is_terminal()),
            stdout: Stream::new(io::stdout(), io::stdout().is_terminal()),
            stderr: Stream::new(io::stderr(), io::stderr().is_terminal()),
            variables: env::vars_os()
                .filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                })
                .collect(),
            directory: env::current_dir().unwrap_or_else(|_| ".".into()),
            signals: Signals::of_process(),
        }
    }

    /// Returns an environment variable that is set and not empty.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.variables
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// Returns a path as seen from the folder of the command.
    pub(crate) fn path(&self, path: impl AsRef<std::path::Path>) -> PathBuf {
        self.directory.join(path)
    }
}

/// Standard input, which is read at most once.
pub struct Stdin {
    reader: Option<Box<dyn Read + Send>>,
    /// Whether a person types the input.
    pub is_terminal: bool,
}

impl Stdin {
    /// Creates the input of a command.
    pub fn new(reader: impl Read + Send + 'static, is_terminal: bool) -> Self {
        Self {
            reader: Some(Box::new(reader)),
            is_terminal,
        }
    }

    /// Returns the input; `None` if it was taken before.
    pub(crate) fn take(&mut self) -> Option<Box<dyn Read + Send>> {
        self.reader.take()
    }
}

impl fmt::Debug for Stdin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stdin")
            .field("is_terminal", &self.is_terminal)
            .finish_non_exhaustive()
    }
}

/// An output stream. Its clones write to the same stream.
#[derive(Clone)]
pub struct Stream {
    /// Shared between the command, its progress bar and the log.
    writer: Arc<Mutex<dyn Write + Send>>,
    /// Whether a person reads the output.
    pub is_terminal: bool,
}

impl Stream {
    /// Creates an output of a command.
    pub fn new(writer: impl Write + Send + 'static, is_terminal: bool) -> Self {
        Self {
            writer: Arc::new(Mutex::new(writer)),
            is_terminal,
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.flush()
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("is_terminal", &self.is_terminal)
            .finish_non_exhaustive()
    }
}
