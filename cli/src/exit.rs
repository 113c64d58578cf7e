//! [`Exit`]: the exit statuses; [`Failure`]: an error with the status it ends with.

use std::fmt::Display;
use std::io;
use std::process::ExitCode;

/// How a command ends. `vexil help exit-status` documents the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exit {
    /// The command is done, and its answer, if it has one, is "yes".
    Done,
    /// The command is done, and its answer is "no": there are differences or findings.
    No,
    /// The command line or the configuration file is wrong.
    Usage,
    /// A source or target could not be reached, refused access, or timed out.
    Unreachable,
    /// Data could not be read: it is malformed, of the wrong type, or too large.
    Unreadable,
    /// The command was refused for safety, and nothing was changed.
    Refused,
    /// A write failed part way. The message says what the target contains.
    Incomplete,
    /// A defect of this program.
    Defect,
    /// The user interrupted the command.
    Interrupted,
    /// The command was asked to terminate.
    Terminated,
}

impl Exit {
    /// Returns the status of the process.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::No => 1,
            Self::Usage => 2,
            Self::Unreachable => 3,
            Self::Unreadable => 4,
            Self::Refused => 5,
            Self::Incomplete => 6,
            Self::Defect => 70,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

/// An error that ends a command: a sentence that states what failed and why, and one that states
/// what to do.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// Without the words `error:`. Empty if nothing is printed.
    pub(crate) message: String,
    /// Without the words `help:`.
    pub(crate) help: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Display) -> Self {
        Self {
            exit,
            message: message.to_string(),
            help: None,
        }
    }

    /// Adds what the user can do.
    pub(crate) fn help(mut self, help: impl Display) -> Self {
        self.help = Some(help.to_string());
        self
    }

    /// The command line is wrong.
    pub(crate) fn usage(message: impl Display) -> Self {
        Self::new(Exit::Usage, message)
    }
}

/// An error of standard output. A reader that has closed its end, such as `head`, has what it needs.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::new(Exit::Done, "");
        }
        Self::new(
            Exit::Incomplete,
            format_args!("cannot write the output: {error}"),
        )
        .help("is the disk full? Run the command again with another output")
    }
}
