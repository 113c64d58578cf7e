//! [`PutReader`]: parses a whole environment item by item while it arrives.
//!
//! A put may be hundreds of times the size of any of its items. Its text is never held as a whole,
//! unless the path follows the data, which no known service does: the data cannot be interpreted
//! without the path.

use serde::de::IgnoredAny;
use vexil_eval::Text;
use vexil_eval::json::{Cursor, ObjectReader, Step};
use vexil_eval::model::{ChangeSet, DataSet, DataSetReader};

use super::incoming::Utf8Buffer;
use super::{Update, WireError};

/// Parses the data of a `put`.
#[derive(Debug)]
pub(super) struct PutReader {
    incoming: Utf8Buffer,
    envelope: Envelope,
    /// Whether items keep their JSON text.
    keep_json: bool,
}

/// The members parsed so far. Null counts as missing; of a duplicate member, the last one wins.
#[derive(Debug, Default)]
struct Envelope {
    object: ObjectReader,
    /// Whether the path is the root; `None` until the path has arrived.
    is_root: Option<bool>,
    data: Data,
}

#[derive(Debug, Default)]
enum Data {
    #[default]
    Missing,
    Reading(DataSetReader),
    Read(DataSet),
    /// The text of data that arrived before a root path.
    Text(String),
}

impl PutReader {
    pub(super) fn new(keep_json: bool) -> Self {
        Self {
            incoming: Utf8Buffer::default(),
            envelope: Envelope::default(),
            keep_json,
        }
    }

    /// Appends a piece.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<(), WireError> {
        self.incoming.push(piece, |cursor| {
            self.envelope.advance(cursor, self.keep_json)
        })
    }

    /// Returns the change. Called once the whole event has arrived.
    pub(super) fn finish(self) -> Result<Update, WireError> {
        let mut envelope = self.envelope;
        self.incoming
            .finish(|cursor| envelope.advance(cursor, self.keep_json))?;
        if envelope.is_root == Some(false) {
            return Ok(Update::Ignored);
        }
        match envelope.data {
            // `Reading` cannot occur here: incomplete data means an incomplete event, which failed
            // above.
            Data::Missing | Data::Reading(_) => Err(WireError::Missing {
                event: "put",
                property: "data",
            }),
            Data::Read(data) => Ok(Update::Changes(ChangeSet::full(data))),
            Data::Text(text) => Ok(Update::Changes(ChangeSet::full(DataSet::from_json(
                text.as_bytes(),
            )?))),
        }
    }
}

impl Envelope {
    fn advance(&mut self, cursor: &mut Cursor<'_>, keep_json: bool) -> Result<(), WireError> {
        loop {
            let is_read = match self.object.step(cursor).map_err(malformed)? {
                Step::Incomplete => return Ok(()),
                Step::End => return cursor.end().map_err(malformed),
                Step::Member(name) => match name.as_str() {
                    "path" => {
                        let path = cursor.value::<Option<Text>>().map_err(malformed)?;
                        let is_root = |path: Option<Text>| {
                            path.is_none_or(|path| matches!(path.as_str(), "" | "/"))
                        };
                        self.is_root = path.map(is_root);
                        self.is_root.is_some()
                    }
                    "data" => self
                        .data
                        .advance(self.is_root == Some(true), cursor, keep_json)?,
                    _ => cursor.value::<IgnoredAny>().map_err(malformed)?.is_some(),
                },
            };
            if !is_read {
                return Ok(());
            }
            self.object.value_read();
        }
    }
}

impl Data {
    /// Continues parsing. Returns whether the end of the data was reached.
    fn advance(
        &mut self,
        is_root: bool,
        cursor: &mut Cursor<'_>,
        keep_json: bool,
    ) -> Result<bool, WireError> {
        if let Self::Reading(reader) = self {
            let ended = reader.advance(cursor)?;
            if ended {
                *self = Self::Read(std::mem::take(reader).finish());
            }
            return Ok(ended);
        }
        match cursor.null().map_err(malformed)? {
            None => return Ok(false),
            Some(true) => *self = Self::Missing,
            Some(false) if is_root => {
                *self = Self::Reading(DataSetReader::new(keep_json));
                return self.advance(is_root, cursor, keep_json);
            }
            Some(false) => match cursor.text().map_err(malformed)? {
                None => return Ok(false),
                Some(text) => *self = Self::Text(text.to_owned()),
            },
        }
        Ok(true)
    }
}

fn malformed(source: serde_json::Error) -> WireError {
    WireError::Envelope {
        event: "put",
        source,
    }
}
