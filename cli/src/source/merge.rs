//! [`Merge`]: the contents of several files as those of one source.

use std::sync::Arc;

use vexil::big_segments::{BigSegmentStore, StoreError};
use vexil::eval::Membership;
use vexil::model::DataKind;

use super::Contents;
use super::file::{Members, Read};
use crate::args::Duplicates;
use crate::exit::{Exit, Failure};
use crate::output::escaped;
use crate::snapshot::Snapshot;

/// The contents that were read so far.
#[derive(Debug)]
pub(super) struct Merge {
    duplicates: Duplicates,
    /// The parts with their names, the first one first.
    parts: Vec<(String, Snapshot)>,
    documents: Vec<super::Document>,
    members: Members,
    /// Those of a database.
    big_segments: Option<Arc<dyn BigSegmentStore>>,
}

impl Merge {
    pub(super) fn new(duplicates: Duplicates) -> Self {
        Self {
            duplicates,
            parts: Vec::new(),
            documents: Vec::new(),
            members: Members::default(),
            big_segments: None,
        }
    }

    /// Begins with the contents of a database or a service.
    pub(super) fn onto(contents: Contents, duplicates: Duplicates) -> Self {
        Self {
            parts: vec![(contents.source, contents.snapshot)],
            documents: contents.documents,
            big_segments: contents.big_segments,
            ..Self::new(duplicates)
        }
    }

    /// Adds a file.
    pub(super) fn add(&mut self, name: &str, read: Read) -> Result<(), Failure> {
        if self.duplicates == Duplicates::Error {
            for (kind, key, _) in read.snapshot.items() {
                let has_it = |(_, part): &&(String, Snapshot)| part.of(kind).contains_key(key);
                if let Some((earlier, _)) = self.parts.iter().find(has_it) {
                    return Err(Failure::new(
                        Exit::Unreadable,
                        format_args!(
                            "the {kind} \"{}\" is in {earlier} and in {name}",
                            escaped(key)
                        ),
                    )
                    .help("remove one of them; --duplicates last uses that of the last file"));
                }
            }
        }
        self.parts.push((name.to_owned(), read.snapshot));
        self.documents.extend(read.document);
        self.members.extend(read.members);
        Ok(())
    }

    pub(super) fn finish(self) -> Contents {
        let names: Vec<_> = self.parts.iter().map(|(name, _)| name.as_str()).collect();
        let source = names.join(" + ");
        let mut parts = self.parts.into_iter().map(|(_, part)| part);
        let mut snapshot = parts.next().unwrap_or_default();
        for mut part in parts {
            for kind in DataKind::READ_ORDER {
                snapshot.of_mut(kind).append(part.of_mut(kind));
            }
        }
        let in_files =
            (!self.members.is_empty()).then(|| Arc::new(self.members) as Arc<dyn BigSegmentStore>);
        let big_segments = match (in_files, self.big_segments) {
            (Some(first), Some(second)) => Some(Arc::new(Layered { first, second }) as _),
            (first, second) => first.or(second),
        };
        Contents {
            source,
            snapshot,
            documents: self.documents,
            big_segments,
        }
    }
}

/// The members in files, and those in a database for the other contexts.
#[derive(Debug)]
struct Layered {
    first: Arc<dyn BigSegmentStore>,
    second: Arc<dyn BigSegmentStore>,
}

#[vexil::async_trait]
impl BigSegmentStore for Layered {
    async fn membership(&self, context_hash: &str) -> Result<Option<Membership>, StoreError> {
        match self.first.membership(context_hash).await? {
            Some(membership) => Ok(Some(membership)),
            None => self.second.membership(context_hash).await,
        }
    }

    async fn last_synchronized(&self) -> Result<Option<u64>, StoreError> {
        self.second.last_synchronized().await
    }
}
