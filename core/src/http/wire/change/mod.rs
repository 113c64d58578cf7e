//! Parses stream events and poll bodies into changes. The path decides the kind of an item, never
//! the item's shape.
//!
//! Large payloads are parsed while they arrive but returned only once complete: one malformed item
//! rejects the whole payload. Unknown events and kinds of items are skipped without parsing, so
//! that the service may add some.

use vexil_eval::json::{quiet, replace_lone_surrogates};
use vexil_eval::model::{DataKind, DataSet, DataSetReader, Item, ItemVersion};

use super::WireError;
use super::envelope::Envelope;
use super::incoming::Utf8Buffer;
use super::put::PutReader;

/// The change that a stream event describes.
#[derive(Debug)]
pub(crate) enum Change {
    /// Replaces all data.
    All(DataSet),
    /// Writes or deletes one item, if its version is newer than the stored one.
    Item(Item),
    /// No change.
    Ignored,
}

/// Parses stream events while they arrive.
#[derive(Debug)]
pub(crate) struct EventReader {
    /// Whether items keep their JSON text.
    keep_json: bool,
    /// Parser of the current event, if it is a `put`.
    put: Option<PutReader>,
    /// Data of the current event, if it is not a `put` or has no name yet.
    data: Vec<u8>,
}

impl EventReader {
    pub(crate) fn new(keep_json: bool) -> Self {
        Self {
            keep_json,
            put: None,
            data: Vec::new(),
        }
    }

    /// Appends a piece of an event's data. `name` is the event's name as received so far.
    pub(crate) fn push(&mut self, name: &str, data: &[u8]) -> Result<(), WireError> {
        if name == "put" && self.data.is_empty() {
            return self
                .put
                .get_or_insert_with(|| PutReader::new(self.keep_json))
                .push(data);
        }
        self.data.extend_from_slice(data);
        Ok(())
    }

    /// Returns the event's change. Called once the end of the event has arrived.
    pub(crate) fn finish(&mut self, name: &str) -> Result<Change, WireError> {
        let (put, data) = (self.put.take(), std::mem::take(&mut self.data));
        match put {
            Some(put) if name == "put" && data.is_empty() => return put.finish(),
            Some(_) => return Err(WireError::Renamed),
            None => {}
        }
        let data = String::from_utf8(data).map_err(|_| WireError::NotUtf8)?;
        match name {
            "put" => {
                let mut put = PutReader::new(self.keep_json);
                put.push(data.as_bytes())?;
                put.finish()
            }
            "patch" => opened("patch", &data, patch),
            "delete" => opened("delete", &data, delete),
            _ => Ok(Change::Ignored),
        }
    }
}

/// Parses the response body of a poll while it arrives.
#[derive(Debug)]
pub(crate) struct PollReader {
    incoming: Utf8Buffer,
    reader: DataSetReader,
}

impl PollReader {
    /// `keep_json` is whether items keep their JSON text.
    pub(crate) fn new(keep_json: bool) -> Self {
        Self {
            incoming: Utf8Buffer::default(),
            reader: DataSetReader::new(keep_json),
        }
    }

    /// Appends a piece.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Result<(), WireError> {
        self.incoming
            .push(piece, |cursor| Ok(self.reader.document(cursor)?))
    }

    /// Returns the data set. Called once the whole body has arrived.
    pub(crate) fn finish(mut self) -> Result<DataSet, WireError> {
        self.incoming
            .finish(|cursor| Ok(self.reader.document(cursor)?))?;
        Ok(self.reader.finish())
    }
}

/// Parses the envelope of an event and passes it to `read`. If that fails, unpaired surrogates, for
/// instance in a path, are replaced and the envelope is parsed again.
fn opened(
    event: &'static str,
    data: &str,
    read: impl FnOnce(Envelope<'_>) -> Result<Change, WireError>,
) -> Result<Change, WireError> {
    match Envelope::read(event, data) {
        Ok(envelope) => read(envelope),
        Err(error) => match replace_lone_surrogates(data) {
            Some(repaired) => read(Envelope::read(event, &repaired)?),
            None => Err(error),
        },
    }
}

fn patch(envelope: Envelope<'_>) -> Result<Change, WireError> {
    let path = envelope.path.ok_or(WireError::Missing {
        event: "patch",
        property: "path",
    })?;
    let Some((kind, key)) = item(&path) else {
        return Ok(Change::Ignored);
    };
    let data = envelope.data.ok_or(WireError::Missing {
        event: "patch",
        property: "data",
    })?;
    Ok(Change::Item(Item::from_json(
        kind,
        key,
        data.get().as_bytes(),
    )?))
}

fn delete(envelope: Envelope<'_>) -> Result<Change, WireError> {
    let path = envelope.path.ok_or(WireError::Missing {
        event: "delete",
        property: "path",
    })?;
    let Some((kind, key)) = item(&path) else {
        return Ok(Change::Ignored);
    };
    let version = envelope.version.ok_or(WireError::Missing {
        event: "delete",
        property: "version",
    })?;
    let version = serde_json::from_str(version.get());
    let ItemVersion(version) = version.map_err(|source| WireError::Version {
        path: path.to_string(),
        source: quiet(source),
    })?;
    Ok(Change::Item(Item::deleted(kind, key, version)))
}

/// Returns the kind and key in a path: `/flags/KEY` or `/segments/KEY`. The key is raw and may
/// contain slashes.
fn item(path: &str) -> Option<(DataKind, &str)> {
    let named = |prefix| path.strip_prefix(prefix).filter(|key| !key.is_empty());
    let flag = named("/flags/").map(|key| (DataKind::Flag, key));
    flag.or_else(|| named("/segments/").map(|key| (DataKind::Segment, key)))
}

#[cfg(test)]
mod tests;
