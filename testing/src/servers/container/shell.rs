//! [`Shell`]: the attached shell of a container.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

use super::super::ServerError;
use super::super::process::last_lines;
use super::super::wait::TIMEOUT;
use super::engine::Engine;

const FUNCTIONS: &str = include_str!("shell.sh");

/// Starts the line after the answer to a command; the status follows.
const END: &str = "vexil-testing: end of the answer: ";

/// How long the container may take to end after its shell.
const ENDING: Duration = Duration::from_secs(30);

/// The client of the engine, attached to the shell that is the container's first process. The
/// container ends when this is dropped.
#[derive(Debug)]
pub(super) struct Shell {
    engine: Engine,
    container: String,
    client: Child,
    /// The end of input ends the shell.
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    errors: NamedTempFile,
}

impl Shell {
    /// Starts the container. Its shell answers when this returns.
    pub(super) fn start(
        engine: Engine,
        container: String,
        mut command: Command,
    ) -> Result<Self, ServerError> {
        let errors = NamedTempFile::new()?;
        let mut client = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors.reopen()?)
            .spawn()?;
        let input = client.stdin.take();
        let (sender, lines) = mpsc::channel();
        if let Some(output) = client.stdout.take() {
            // Ends with the output, or with the receiver.
            thread::spawn(move || {
                let lines = BufReader::new(output).split(b'\n').map_while(Result::ok);
                for line in lines {
                    let line = String::from_utf8_lossy(&line).into_owned();
                    if sender.send(line).is_err() {
                        break;
                    }
                }
            });
        }
        let mut shell = Self {
            engine,
            container,
            client,
            input,
            lines,
            errors,
        };
        shell.run(FUNCTIONS)?;
        Ok(shell)
    }

    /// Runs a command, and returns its output.
    pub(super) fn run(&mut self, command: &str) -> Result<String, ServerError> {
        if let Some(input) = &mut self.input {
            // If the client has ended, its output ends too, which is noticed below.
            let _ = writeln!(input, "{command}\nprintf '\\n%s%s\\n' {} $?", quoted(END));
        }
        let deadline = Instant::now() + TIMEOUT;
        let mut answer = String::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => match line.strip_prefix(END) {
                    Some("0") => return Ok(answer),
                    Some(_) => return Err(self.failed(&answer)),
                    None => {
                        answer.push_str(&line);
                        answer.push('\n');
                    }
                },
                Err(RecvTimeoutError::Disconnected) => return Err(self.failed(&answer)),
                Err(RecvTimeoutError::Timeout) => {
                    return Err(ServerError::TimedOut {
                        what: format!("the shell of {}", self.container),
                        timeout: TIMEOUT,
                        seen: self.failed(&answer).to_string(),
                    });
                }
            }
        }
    }

    fn failed(&self, answer: &str) -> ServerError {
        let mut output = answer.to_owned();
        if let Ok(mut errors) = self.errors.reopen() {
            // What can be read is enough for a message.
            let _ = errors.read_to_string(&mut output);
        }
        ServerError::Engine {
            command: format!("the container {}", self.container),
            output: last_lines(&output),
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        drop(self.input.take());
        let deadline = Instant::now() + ENDING;
        while Instant::now() < deadline {
            match self.client.try_wait() {
                Ok(None) => thread::sleep(Duration::from_millis(5)),
                _ => return,
            }
        }
        self.engine.remove(&self.container);
        // Fails only if it has ended.
        let _ = self.client.kill();
        let _ = self.client.wait();
    }
}

/// Quotes a word for the shell.
pub(super) fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}
