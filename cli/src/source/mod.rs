//! [`Source`]: a place that contains flags, as named on the command line.
//!
//! `url` parses the name to a `place`. Each kind of place has a module that reads it: `file`,
//! `http`, `database`, `service`. `merge` adds the files of `--also`, and `follow` waits for
//! changes.

mod bounded;
mod database;
mod file;
mod follow;
mod http;
mod merge;
mod place;
mod reason;
mod secret;
mod service;
#[cfg(test)]
mod testing;
mod url;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use vexil::big_segments::BigSegmentStore;
use vexil::model::DataKind;
use vexil::store::StoreError;

pub(crate) use self::bounded::read_file;
pub(crate) use self::database::{Lease, Memberships, Writable, text as stored_text};
use self::file::Read;
pub(crate) use self::follow::{Change, Follow};
use self::merge::Merge;
use self::place::{FileOptions, Place};
pub(crate) use self::secret::Secret;
use crate::args::{Duplicates, ReadingArgs, SourceArgs};
use crate::exit::Failure;
use crate::session::Session;
use crate::snapshot::Snapshot;

/// The text of `vexil help sources`.
pub(crate) const HELP: &str = include_str!("help.txt");

/// A place that contains flags. Its [`Display`](fmt::Display) form contains no secrets, and is the
/// only way to print it.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    place: Place,
    /// The text that is shown.
    shown: String,
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
    /// The text, which is UTF-8.
    bytes: Bytes,
    pub(crate) format: Format,
    /// The section that the document is; `None` if it has all sections.
    pub(crate) section: Option<DataKind>,
}

impl Document {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap_or_default()
    }
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
        let url::Parsed { place, shown } = url::parse(text, session)?;
        Ok(Self { place, shown })
    }

    /// Reads everything that the source contains.
    pub(crate) async fn read(&self, session: &mut Session<'_>) -> Result<Contents, Failure> {
        self.read_with(&ReadingArgs::default(), session).await
    }

    /// Reads everything that the source and the files of `--also` contain.
    pub(crate) async fn read_with(
        &self,
        reading: &ReadingArgs,
        session: &mut Session<'_>,
    ) -> Result<Contents, Failure> {
        let mut contents = match &self.place {
            Place::Redis(_) | Place::DynamoDb(_) => {
                database::read(&self.place, &self.shown, session).await?
            }
            Place::Service(service) => service::read(service, &self.shown, session).await?,
            Place::Stdin(_) | Place::File(..) | Place::Http(_) => {
                let read = self.document(reading.duplicates, session).await?;
                let mut merge = Merge::new(reading.duplicates);
                merge.add(&self.shown, read)?;
                self.also(reading, &mut merge, session).await?;
                return Ok(merge.finish());
            }
        };
        if !reading.also.is_empty() {
            let mut merge = Merge::onto(contents, reading.duplicates);
            self.also(reading, &mut merge, session).await?;
            contents = merge.finish();
        }
        Ok(contents)
    }

    /// Reads a document.
    async fn document(
        &self,
        duplicates: Duplicates,
        session: &mut Session<'_>,
    ) -> Result<Read, Failure> {
        let (bytes, options) = self.bytes(session).await?;
        file::parse(&self.shown, bytes, options, duplicates)
    }

    /// Reads the bytes of a document.
    async fn bytes(&self, session: &mut Session<'_>) -> Result<(Vec<u8>, FileOptions), Failure> {
        match &self.place {
            Place::File(path, options) => Ok((file::bytes(&self.shown, path).await?, *options)),
            Place::Stdin(options) => Ok((stdin(session).await?, *options)),
            Place::Http(http) => Ok((http::get(http, &self.shown).await?, http.options)),
            Place::Redis(_) | Place::DynamoDb(_) | Place::Service(_) => {
                Err(Failure::usage(format_args!("{self} is not a file"))
                    .help("--also adds files; \"-\" and http URLs are files too"))
            }
        }
    }

    /// Reads the files of `--also`.
    async fn also(
        &self,
        reading: &ReadingArgs,
        merge: &mut Merge,
        session: &mut Session<'_>,
    ) -> Result<(), Failure> {
        for also in &reading.also {
            let source = Self::parse(also, session)?;
            let read = source.document(reading.duplicates, session).await?;
            merge.add(&source.shown, read)?;
        }
        Ok(())
    }

    /// Whether the source is a file.
    pub(crate) fn is_file(&self) -> bool {
        matches!(self.place, Place::File(..))
    }

    /// Whether the source is a file, or standard input.
    pub(crate) fn is_local(&self) -> bool {
        matches!(self.place, Place::File(..) | Place::Stdin(_))
    }

    /// Opens the database, to write to it.
    ///
    /// # Errors
    /// Returns a failure if the source is not a database.
    pub(crate) fn store(&self, session: &Session<'_>) -> Result<Writable, Failure> {
        database::store(&self.place, &self.shown, session)
    }

    /// Returns the store of big segments, if the source is a database.
    pub(crate) fn big_segments(
        &self,
        session: &Session<'_>,
    ) -> Result<Option<Arc<dyn BigSegmentStore>>, Failure> {
        let database = self.database(session)?;
        Ok(database.map(|database| database.big_segments))
    }

    /// Returns all memberships in big segments, if the source is a database.
    pub(crate) fn memberships(
        &self,
        session: &Session<'_>,
    ) -> Result<Option<Arc<dyn Memberships>>, Failure> {
        let database = self.database(session)?;
        Ok(database.map(|database| database.memberships))
    }

    fn database(&self, session: &Session<'_>) -> Result<Option<database::Database>, Failure> {
        match &self.place {
            Place::Redis(_) | Place::DynamoDb(_) => {
                database::open(&self.place, &self.shown, session).map(Some)
            }
            Place::Stdin(_) | Place::File(..) | Place::Http(_) | Place::Service(_) => Ok(None),
        }
    }

    /// Returns the failure of a request to the database.
    pub(crate) fn failure(&self, error: &StoreError) -> Failure {
        database::failure(&self.shown, error)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// Reads standard input to its end.
async fn stdin(session: &mut Session<'_>) -> Result<Vec<u8>, Failure> {
    let Some(stdin) = session.io.stdin.take() else {
        return Err(Failure::usage("standard input is read twice")
            .help("write its contents to a file, and name the file twice"));
    };
    if session.io.stdin.is_terminal {
        session
            .output
            .note("reading flags from standard input, to the end of the input (Ctrl-D)");
    }
    let bytes = file::blocking(move || bounded::read(stdin, bounded::LARGEST)).await;
    bytes.map_err(|error| {
        Failure::new(
            crate::exit::Exit::Unreadable,
            format_args!("cannot read standard input: {error}"),
        )
        .help("pipe a JSON or YAML document into the command")
    })
}

/// Reads the source of a command, with the files of `--also`.
pub(crate) async fn read(
    args: &SourceArgs,
    session: &mut Session<'_>,
) -> Result<Contents, Failure> {
    let source = Source::parse(&args.source, session)?;
    source.read_with(&args.reading, session).await
}

/// Reads the source of a command that parses documents itself, so that faults in them are no
/// failure: the snapshot contains no items of documents, whose texts are in `documents`.
pub(crate) async fn read_unparsed(
    args: &SourceArgs,
    session: &mut Session<'_>,
) -> Result<Contents, Failure> {
    let mut sources = vec![Source::parse(&args.source, session)?];
    for also in &args.reading.also {
        sources.push(Source::parse(also, session)?);
    }
    let mut contents = if sources[0].place.is_document() {
        Contents {
            source: sources[0].to_string(),
            snapshot: Snapshot::default(),
            documents: Vec::new(),
            big_segments: None,
        }
    } else {
        sources.remove(0).read(session).await?
    };
    for source in sources {
        let (bytes, options) = source.bytes(session).await?;
        contents
            .documents
            .push(file::document(&source.shown, bytes, options)?);
    }
    Ok(contents)
}
