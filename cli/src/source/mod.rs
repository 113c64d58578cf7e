//! [`Source`]: a place that contains flags, as named on the command line.

mod file;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use vexil::big_segments::BigSegmentStore;

use crate::args::SourceArgs;
use crate::exit::Failure;
use crate::session::Session;
use crate::snapshot::Snapshot;

/// Explains the names of sources.
pub(crate) const HELP: &str = include_str!("help.txt");

/// A place that contains flags. Its [`Display`](fmt::Display) form contains no secrets, and is the
/// only way to print it.
#[derive(Debug)]
pub(crate) struct Source {
    place: Place,
    /// The text that is shown.
    shown: String,
}

#[derive(Debug)]
enum Place {
    File(PathBuf),
}

/// What a source contains.
#[derive(Debug)]
pub(crate) struct Contents {
    /// The source as it is shown.
    pub(crate) source: String,
    pub(crate) snapshot: Snapshot,
    /// The files that were read, for positions in them.
    pub(crate) documents: Vec<Document>,
    /// The memberships of contexts in big segments, if the source has them.
    pub(crate) big_segments: Option<Arc<dyn BigSegmentStore>>,
}

/// The text of a file.
#[derive(Debug)]
pub(crate) struct Document {
    /// The name that is shown.
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) format: Format,
}

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Yaml,
}

impl Source {
    /// Parses the name of a source on the command line.
    pub(crate) fn parse(text: &str, session: &Session<'_>) -> Result<Self, Failure> {
        Ok(Self {
            place: Place::File(session.io.path(text)),
            shown: text.to_owned(),
        })
    }

    /// Reads everything that the source contains.
    pub(crate) async fn read(&self, _session: &mut Session<'_>) -> Result<Contents, Failure> {
        match &self.place {
            Place::File(path) => file::read(&self.shown, path),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// Reads the source of a command, with the files of `--also`.
pub(crate) async fn read(
    args: &SourceArgs,
    session: &mut Session<'_>,
) -> Result<Contents, Failure> {
    let source = Source::parse(&args.source, session)?;
    source.read(session).await
}

/// Reads the source of a command that parses files itself, so that faults in them are no failure:
/// the snapshot of a file is empty, and its text is in the documents.
pub(crate) async fn read_unparsed(
    args: &SourceArgs,
    session: &mut Session<'_>,
) -> Result<Contents, Failure> {
    let source = Source::parse(&args.source, session)?;
    match &source.place {
        Place::File(path) => file::read_unparsed(&source.shown, path),
    }
}
