//! [`Output`]: how a command prints.

mod clock;
mod escape;
mod json;
mod progress;
mod table;
mod words;

use std::io::Write;

use anstyle::{AnsiColor, Style};
use serde::Serialize;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;

pub(crate) use self::clock::{milliseconds_since_1970, time_of_day, timestamp};
pub(crate) use self::escape::{escaped, shortened};
pub(crate) use self::json::indented;
pub(crate) use self::progress::Progress;
pub(crate) use self::table::Table;
pub(crate) use self::words::{counted, kind_name};
use crate::args::{Common, When};
use crate::exit::Failure;
use crate::io::{Io, Stream};

/// The width of a table if the terminal's is unknown.
const DEFAULT_WIDTH: usize = 100;

/// How a command prints: the streams and what they may contain.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    stdout: Stream,
    stderr: Stream,
    /// Whether results are JSON.
    pub(crate) json: bool,
    /// Whether standard output may contain colours.
    color: bool,
    /// Whether only ASCII characters are used in trees and tables.
    pub(crate) ascii: bool,
    /// The width of the terminal; `None` if standard output is no terminal, and nothing is cut.
    pub(crate) width: Option<usize>,
    quiet: bool,
    /// Whether progress is drawn on standard error.
    progress: bool,
}

impl Output {
    pub(crate) fn new(common: &Common, io: &Io) -> Self {
        let Io { stdout, stderr, .. } = io;
        let dumb = io.variable("TERM") == Some("dumb");
        let color = match common.color {
            When::Always => true,
            When::Never => false,
            When::Auto if io.variable("NO_COLOR").is_some() => false,
            When::Auto
                if io
                    .variable("CLICOLOR_FORCE")
                    .is_some_and(|force| force != "0") =>
            {
                true
            }
            When::Auto => stdout.is_terminal && !dumb,
        };
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .into_iter()
            .find_map(|name| io.variable(name));
        let is_utf8 = |locale: &str| {
            let locale = locale.to_ascii_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        };
        // A locale is rarely set in containers and in CI, whose output is read as UTF-8.
        let ascii =
            common.ascii || (stdout.is_terminal && !locale.is_some_and(is_utf8) && cfg!(unix));
        let width = stdout
            .is_terminal
            .then(|| width(io).unwrap_or(DEFAULT_WIDTH));
        Self {
            stdout: stdout.clone(),
            stderr: stderr.clone(),
            json: common.json,
            color,
            ascii,
            width,
            quiet: common.quiet,
            progress: stderr.is_terminal && !dumb && !common.quiet,
        }
    }

    /// Returns an output into memory, for other programs than terminals.
    pub(crate) fn into_memory(memory: impl std::io::Write + Send + 'static) -> Self {
        let stdout = Stream::new(memory, false);
        Self {
            stderr: stdout.clone(),
            stdout,
            json: false,
            color: false,
            ascii: false,
            width: None,
            quiet: false,
            progress: false,
        }
    }

    /// Sends the log to standard error. The log of a process begins once.
    pub(crate) fn begin_log(common: &Common, default: LevelFilter, io: &Io) {
        let level = match (common.quiet, common.verbose) {
            (true, _) => LevelFilter::OFF,
            (_, 0) => default,
            (_, 1) => LevelFilter::INFO,
            (_, 2) => LevelFilter::DEBUG,
            _ => LevelFilter::TRACE,
        };
        // The log of other crates may contain what is sent to a database.
        let crates = [
            "vexil",
            "vexil_cli",
            "vexil_dynamodb",
            "vexil_file_data",
            "vexil_redis",
        ];
        let targets_of_level =
            || -> Targets { crates.map(|name| (name, level)).into_iter().collect() };
        let targets = io
            .variable("VEXIL_LOG")
            .and_then(|directives| directives.parse().ok());
        let stderr = io.stderr.clone();
        let lines = tracing_subscriber::fmt::layer()
            .with_writer(move || stderr.clone())
            .with_ansi(false);
        let subscriber = tracing_subscriber::registry()
            .with(targets.unwrap_or_else(targets_of_level))
            .with(lines);
        // Fails if this process has begun its log before, as tests do.
        let _ = tracing::subscriber::set_global_default(subscriber);
    }

    /// Prints one line of the result.
    pub(crate) fn line(&mut self, text: impl std::fmt::Display) -> Result<(), Failure> {
        Ok(writeln!(self.stdout, "{text}")?)
    }

    /// Prints a part of the result, without a line end.
    pub(crate) fn text(&mut self, text: impl std::fmt::Display) -> Result<(), Failure> {
        Ok(write!(self.stdout, "{text}")?)
    }

    /// Prints bytes of the result as they are.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        Ok(self.stdout.write_all(bytes)?)
    }

    /// Prints a document: indented on a terminal, else compact.
    pub(crate) fn document(&mut self, document: &impl Serialize) -> Result<(), Failure> {
        let text = if self.width.is_some() {
            serde_json::to_string_pretty(document)
        } else {
            serde_json::to_string(document)
        };
        self.line(text.map_err(std::io::Error::from)?)
    }

    /// Prints a document on one line, for commands that print several.
    pub(crate) fn document_line(&mut self, document: &impl Serialize) -> Result<(), Failure> {
        self.line(serde_json::to_string(document).map_err(std::io::Error::from)?)
    }

    /// Prints a warning on standard error, unless the command is quiet.
    pub(crate) fn warn(&mut self, text: impl std::fmt::Display) {
        if !self.quiet {
            self.note(format_args!("warning: {text}"));
        }
    }

    /// Prints a line on standard error, unless the command is quiet.
    pub(crate) fn note(&mut self, text: impl std::fmt::Display) {
        if !self.quiet {
            // Nothing is left to report an error of standard error to.
            let _ = writeln!(self.stderr, "{text}");
        }
    }

    /// Prints a question on standard error.
    pub(crate) fn ask(&mut self, question: impl std::fmt::Display) {
        // Without standard error there is no answer, which means no.
        let _ = write!(self.stderr, "{question}");
        let _ = self.stderr.flush();
    }

    /// Begins to show progress on standard error. Nothing is shown in the first half second, nor
    /// unless standard error is a terminal.
    pub(crate) fn progress(&self, unit: &'static str, total: Option<u64>) -> Progress {
        Progress::new(self.progress.then(|| self.stderr.clone()), unit, total)
    }

    /// Whether standard output may contain the escape sequences of terminals.
    pub(crate) fn has_colors(&self) -> bool {
        self.color
    }

    /// Returns a text in bold, if colours are on.
    pub(crate) fn bold(&self, text: impl std::fmt::Display) -> String {
        self.styled(Style::new().bold(), text)
    }

    /// Returns a text that matters less, if colours are on.
    pub(crate) fn dim(&self, text: impl std::fmt::Display) -> String {
        self.styled(Style::new().dimmed(), text)
    }

    /// Returns a text in a colour, if colours are on. The colour must not be the only sign of what
    /// it means.
    pub(crate) fn colored(&self, color: AnsiColor, text: impl std::fmt::Display) -> String {
        self.styled(color.on_default(), text)
    }

    fn styled(&self, style: Style, text: impl std::fmt::Display) -> String {
        if self.color {
            format!("{style}{text}{style:#}")
        } else {
            text.to_string()
        }
    }

    /// Returns `…`, or `...` if only ASCII characters are used.
    pub(crate) fn ellipsis(&self) -> &'static str {
        if self.ascii { "..." } else { "…" }
    }
}

/// Returns the width of the terminal in columns.
fn width(io: &Io) -> Option<usize> {
    match io
        .variable("COLUMNS")
        .and_then(|columns| columns.parse().ok())
    {
        Some(columns) => Some(columns),
        None => terminal_size::terminal_size().map(|(width, _)| width.0.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An output without colours, to no terminal.
    pub(super) fn plain() -> Output {
        let stream = Stream::new(std::io::sink(), false);
        Output {
            stdout: stream.clone(),
            stderr: stream,
            json: false,
            color: false,
            ascii: false,
            width: None,
            quiet: false,
            progress: false,
        }
    }
}
