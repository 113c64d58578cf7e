//! Parses stream events and poll bodies into changes. The path decides the kind of an item, never
//! the item's shape.
//!
//! Large payloads are parsed while they arrive but returned only once complete: one malformed item
//! rejects the whole payload. Unknown events and kinds of items are skipped without parsing, so
//! that the service may add some.

use vexil_eval::model::{ChangeSet, DataKind, DataSetReader, Item, ItemReader};

use super::incoming::Utf8Buffer;
use super::members::{Members, open, required, text};
use super::put::PutReader;
use super::{Update, WireError, version_of};

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

    /// Whether part of a data set has arrived.
    pub(crate) fn is_receiving(&self) -> bool {
        self.put.is_some()
    }

    /// Returns the meaning of the event. Called once the end of the event has arrived.
    pub(crate) fn finish(&mut self, name: &str) -> Result<Update, WireError> {
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
            "patch" => open("patch", &data, ["path", "data"], |members| {
                patch(members, self.keep_json)
            }),
            "delete" => open("delete", &data, ["path", "version"], delete),
            _ => Ok(Update::Ignored),
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

    /// Returns the complete data. Called once the whole body has arrived.
    pub(crate) fn finish(mut self) -> Result<Update, WireError> {
        self.incoming
            .finish(|cursor| Ok(self.reader.document(cursor)?))?;
        Ok(Update::Changes(ChangeSet::full(self.reader.finish())))
    }
}

fn patch([path, data]: Members<'_, 2>, keep_json: bool) -> Result<Update, WireError> {
    let path = text("patch", "path", path)?;
    let Some((kind, key)) = item(&path) else {
        return Ok(Update::Ignored);
    };
    let data = required("patch", "data", data)?;
    let item = ItemReader::new(keep_json).read(kind, key, data.get())?;
    Ok(Update::Item(item))
}

fn delete([path, version]: Members<'_, 2>) -> Result<Update, WireError> {
    let path = text("delete", "path", path)?;
    let Some((kind, key)) = item(&path) else {
        return Ok(Update::Ignored);
    };
    let version = required("delete", "version", version)?;
    let version = version_of(version.get(), || path.to_string())?;
    Ok(Update::Item(Item::deleted(kind, key, version)))
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
