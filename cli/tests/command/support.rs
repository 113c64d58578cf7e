//! Runs the command in the process of the test.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use vexil_cli::{Exit, Io, SignalSender, Signals, Stdin, Stream, run};

/// Longer than any operation takes, even on a busy machine.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(120);

/// Waits until the condition holds.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < TIMEOUT, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A folder in which commands run.
pub(crate) struct Folder {
    directory: TempDir,
    pub(crate) variables: HashMap<String, String>,
    /// Whether standard output and standard error are terminals.
    pub(crate) terminal: bool,
}

/// What a command has printed, and how it has ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) exit: Exit,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Folder {
    pub(crate) fn new() -> Self {
        Self {
            directory: tempfile::tempdir().expect("a temporary folder"),
            variables: HashMap::new(),
            terminal: false,
        }
    }

    /// Creates a folder with these files.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let folder = Self::new();
        for (name, text) in files {
            folder.write(name, text);
        }
        folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("a file in the temporary folder");
    }

    /// Runs the command with these arguments and no input.
    pub(crate) fn vexil(&self, arguments: &[&str]) -> Ran {
        self.vexil_with(arguments, "")
    }

    /// Runs the command with this input.
    pub(crate) fn vexil_with(&self, arguments: &[&str], stdin: &str) -> Ran {
        let (_sender, signals) = Signals::channel();
        self.run(arguments, stdin, signals, &Written::default())
    }

    /// Runs the command on a thread, so that the test can look at its output and interrupt it.
    pub(crate) fn begin(self: &Arc<Self>, arguments: &[&str]) -> Running {
        let (sender, signals) = Signals::channel();
        let written = Written::default();
        let (folder, output) = (Arc::clone(self), written.clone());
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        let thread = std::thread::spawn(move || {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            folder.run(&arguments, "", signals, &output)
        });
        Running {
            thread,
            sender,
            written,
        }
    }

    fn run(&self, arguments: &[&str], stdin: &str, signals: Signals, written: &Written) -> Ran {
        let mut io = Io {
            stdin: Stdin::new(io::Cursor::new(stdin.to_owned()), false),
            stdout: Stream::new(written.stdout.clone(), self.terminal),
            stderr: Stream::new(written.stderr.clone(), self.terminal),
            variables: self.variables.clone(),
            directory: self.directory.path().to_owned(),
            signals,
        };
        let arguments = ["vexil"].iter().chain(arguments).map(OsString::from);
        let exit = run(arguments, &mut io);
        Ran {
            exit,
            stdout: written.stdout.text(),
            stderr: written.stderr.text(),
        }
    }
}

/// A command that runs on a thread.
pub(crate) struct Running {
    thread: std::thread::JoinHandle<Ran>,
    sender: SignalSender,
    pub(crate) written: Written,
}

impl Running {
    /// Presses Ctrl-C, and waits for the end.
    pub(crate) fn interrupt(self) -> Ran {
        self.sender.interrupt();
        self.wait()
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Waits for the end.
    pub(crate) fn wait(self) -> Ran {
        self.thread.join().expect("the command does not panic")
    }
}

/// What a command has printed so far.
#[derive(Clone, Default)]
pub(crate) struct Written {
    pub(crate) stdout: Buffer,
    pub(crate) stderr: Buffer,
}

/// A stream in memory.
#[derive(Clone, Default)]
pub(crate) struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    pub(crate) fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8(bytes.clone()).expect("the output is UTF-8")
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut buffer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        buffer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Splits a command line as a shell does, with single quotes.
pub(crate) fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for character in line.chars() {
        match character {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            _ => words.last_mut().expect("there is a word").push(character),
        }
    }
    words
}
