//! [`ContextsArgs`]: many contexts, from a file or made up.

use std::fs::File;
use std::io::{BufRead, BufReader, Lines, Read};

use clap::Args;
use vexil::Context;

use crate::exit::{Exit, Failure};
use crate::output::Progress;
use crate::session::Session;

/// The contexts to evaluate for.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct ContextsArgs {
    /// Count values over the contexts in this file, one JSON object on each line; "-" is standard input.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["context", "key", "set", "random"], help_heading = "Many contexts")]
    contexts: Option<String>,
    /// Count values over this number of made-up contexts, which have a key and the kind of --kind.
    #[arg(long, value_name = "N", conflicts_with_all = ["context", "key", "set"], help_heading = "Many contexts")]
    random: Option<u64>,
    /// The seed of the keys of --random.
    #[arg(
        long,
        value_name = "SEED",
        default_value_t = 1,
        requires = "random",
        help_heading = "Many contexts"
    )]
    seed: u64,
    /// Print the values for each context, as a table or as one JSON document a line.
    #[arg(long, help_heading = "Many contexts")]
    pub(super) each: bool,
    /// Print at most this number of rows with --each.
    #[arg(
        long,
        value_name = "N",
        requires = "each",
        help_heading = "Many contexts"
    )]
    pub(super) at_most: Option<u64>,
}

/// A source of contexts. Memory does not grow with their number.
pub(in crate::commands) enum Contexts {
    File {
        name: String,
        lines: Lines<BufReader<Box<dyn Read + Send>>>,
        line: u64,
    },
    Random {
        kind: String,
        left: u64,
        random: fastrand::Rng,
    },
}

/// A line that contains no context.
pub(in crate::commands) struct BadLine {
    pub(in crate::commands) line: u64,
    pub(in crate::commands) error: String,
}

impl ContextsArgs {
    pub(super) fn are_given(&self) -> bool {
        self.contexts.is_some() || self.random.is_some()
    }

    /// Returns the number of contexts, if it is known.
    pub(super) fn count(&self) -> Option<u64> {
        self.random
    }

    pub(super) fn open(&self, kind: &str, session: &mut Session<'_>) -> Result<Contexts, Failure> {
        let Some(name) = &self.contexts else {
            return Ok(Contexts::Random {
                kind: kind.to_owned(),
                left: self.random.unwrap_or_default(),
                random: fastrand::Rng::with_seed(self.seed),
            });
        };
        Contexts::of_file(name, session)
    }
}

impl Contexts {
    /// Opens a file with one context on each line; `-` is standard input.
    pub(in crate::commands) fn of_file(
        name: &str,
        session: &mut Session<'_>,
    ) -> Result<Self, Failure> {
        let reader: Box<dyn Read + Send> = if name == "-" {
            session.io.stdin.take().ok_or_else(|| {
                Failure::usage("standard input is used twice")
                    .help("read the flags or the contexts from a file")
            })?
        } else {
            let file = File::open(session.io.path(name)).map_err(|error| {
                Failure::new(
                    Exit::Unreadable,
                    format_args!("cannot read the contexts in {name}: {error}"),
                )
                .help("the file contains one context as JSON on each line")
            })?;
            Box::new(file)
        };
        Ok(Self::File {
            name: name.to_owned(),
            lines: BufReader::new(reader).lines(),
            line: 0,
        })
    }

    /// Returns the next context; `None` after the last one.
    pub(in crate::commands) fn next(
        &mut self,
    ) -> Result<Option<Result<Context, BadLine>>, Failure> {
        match self {
            Self::Random { left: 0, .. } => Ok(None),
            Self::Random { kind, left, random } => {
                *left -= 1;
                let key = format!("{:016x}", random.u64(..));
                let context = Context::with_kind(key, kind.as_str()).map_err(|error| {
                    Failure::usage(format_args!("the context is invalid: {error}"))
                        .help("--kind user")
                })?;
                Ok(Some(Ok(context)))
            }
            Self::File { name, lines, line } => {
                for text in lines {
                    *line += 1;
                    let text = text.map_err(|error| {
                        Failure::new(Exit::Unreadable, format_args!("{name}:{line}: {error}"))
                            .help("the file contains one context as JSON on each line, in UTF-8")
                    })?;
                    if !text.trim().is_empty() {
                        let line = *line;
                        let context = text.parse().map_err(|error: vexil::ContextError| BadLine {
                            line,
                            error: error.to_string(),
                        });
                        return Ok(Some(context));
                    }
                }
                Ok(None)
            }
        }
    }
}

/// Contexts between two looks at signals and two redraws of the progress.
const BATCH: u64 = 256;

/// Reads contexts with a progress bar. Lines without a context are named and counted.
pub(in crate::commands) struct ContextReader {
    contexts: Contexts,
    progress: Progress,
    /// The number of lines so far.
    pub(in crate::commands) read: u64,
    pub(in crate::commands) bad_lines: u64,
}

impl ContextReader {
    pub(in crate::commands) fn new(
        contexts: Contexts,
        count: Option<u64>,
        session: &Session<'_>,
    ) -> Self {
        Self {
            contexts,
            progress: session.output.progress("contexts", count),
            read: 0,
            bad_lines: 0,
        }
    }

    /// Returns the next context; `None` after the last one.
    pub(in crate::commands) async fn next(
        &mut self,
        session: &mut Session<'_>,
    ) -> Result<Option<Context>, Failure> {
        while let Some(next) = self.contexts.next()? {
            self.read += 1;
            if self.read.is_multiple_of(BATCH) {
                self.progress.add(BATCH);
                tokio::task::yield_now().await;
            }
            match next {
                Ok(context) => return Ok(Some(context)),
                Err(BadLine { line, error }) => {
                    self.bad_lines += 1;
                    session
                        .output
                        .warn(format_args!("line {line}: no context: {error}"));
                }
            }
        }
        Ok(None)
    }

    /// Removes the progress bar.
    pub(in crate::commands) fn finish(self) {
        self.progress.finish();
    }
}
