//! [`Follow`]: the changes of a source, for commands that run until they are stopped.

mod databases;
mod documents;
mod reporter;
mod services;
#[cfg(test)]
mod tests;

use std::time::Duration;

use tokio::sync::mpsc::{self, Receiver};
use tokio::task::JoinHandle;
use vexil::Text;
use vexil::model::DataKind;

use self::reporter::Reporter;
use super::place::Place;
use super::{Source, database};
use crate::args::ReadingArgs;
use crate::exit::{Exit, Failure};
use crate::session::Session;
use crate::snapshot::{Snapshot, StoredText};

/// A change of a source.
#[derive(Debug)]
pub(crate) enum Change {
    /// All flags and segments. The first change is this one, unless the source is unreachable.
    Whole(Snapshot),
    /// One item was written, or deleted: then it is a tombstone.
    Item {
        kind: DataKind,
        key: Text,
        item: StoredText,
    },
    /// The source cannot be read. Earlier changes remain valid.
    OutageBegan(String),
    /// The source can be read again. A change follows only if something has changed.
    OutageEnded,
}

/// The changes of a source. Dropping it ends the connection.
#[derive(Debug)]
pub(crate) struct Follow {
    changes: Receiver<Result<Change, Failure>>,
    task: JoinHandle<()>,
}

impl Source {
    /// Begins to follow the source. `interval` is the time between two reads, if the source does
    /// not send changes by itself: for databases, HTTP documents and polls.
    ///
    /// # Errors
    /// Returns a failure if the source cannot be followed: standard input, a wrong setting.
    pub(crate) fn follow(
        &self,
        reading: &ReadingArgs,
        interval: Duration,
        session: &Session<'_>,
    ) -> Result<Follow, Failure> {
        let files = documents::files(self, reading, session)?;
        // One change at a time, so that a slow command slows down the reads.
        let (sender, changes) = mpsc::channel(1);
        let reporter = Reporter::new(sender);
        let task = match &self.place {
            Place::Stdin(_) => {
                return Err(Failure::usage("standard input cannot be followed")
                    .help("name a file, a URL, or \"service\""));
            }
            Place::File(..) => tokio::spawn(documents::follow_files(
                documents::watcher(&files)?,
                files,
                reading.duplicates,
                reporter,
            )),
            Place::Http(http) => tokio::spawn(documents::follow_http(
                http.clone(),
                self.shown.clone(),
                interval,
                reading.duplicates,
                reporter,
            )),
            Place::Redis(_) | Place::DynamoDb(_) => tokio::spawn(databases::follow(
                database::open(&self.place, &self.shown, session)?,
                self.shown.clone(),
                interval,
                reporter,
            )),
            Place::Service(service) => tokio::spawn(services::follow(
                service.clone(),
                services::wanted(service, &self.shown, interval, session)?,
                self.shown.clone(),
                reporter,
            )),
        };
        Ok(Follow { changes, task })
    }
}

impl Follow {
    /// Returns the next change. Cancel-safe.
    ///
    /// # Errors
    /// Returns a failure if the source has failed for good: it refuses access, or was malformed at
    /// the start. There are no changes after it.
    pub(crate) async fn next(&mut self) -> Result<Change, Failure> {
        match self.changes.recv().await {
            Some(change) => change,
            None => Err(
                Failure::new(Exit::Defect, "the source is not followed any more")
                    .help("run the command again with -v, and report its log"),
            ),
        }
    }
}

impl Drop for Follow {
    fn drop(&mut self) {
        self.task.abort();
    }
}
