//! Stream events and poll bodies become changes. The path decides what kind of item arrived, never the item's shape.
//!
//! An event is read as a whole before any of it is given out: one malformed item rejects all of it. Events and kinds
//! of items that are not known are skipped unread, so that the service may add some.

use super::WireError;
use super::envelope::{Envelope, is_root, whole_put};
use crate::model::{DataKind, DataSet, Item, ItemVersion};

/// What a stream event means.
#[derive(Debug)]
pub(crate) enum Change {
    /// Everything is replaced.
    All(DataSet),
    /// One item is written or deleted, if it is newer than the one there.
    Item(Item),
    /// Nothing.
    Ignored,
}

/// Reads an event of the stream. Whether its items keep their text is for the caller to say, as it costs memory.
pub(crate) fn read_event(name: &str, data: &str, keep_json: bool) -> Result<Change, WireError> {
    match name {
        "put" => match (!keep_json).then(|| whole_put(data)).flatten() {
            Some(data) => Ok(Change::All(data)),
            None => put(&Envelope::read("put", data)?),
        },
        "patch" => patch(&Envelope::read("patch", data)?),
        "delete" => delete(Envelope::read("delete", data)?),
        _ => Ok(Change::Ignored),
    }
}

/// Reads the answer to a poll.
pub(crate) fn read_poll(body: &[u8]) -> Result<DataSet, WireError> {
    Ok(DataSet::from_json(body)?)
}

fn put(envelope: &Envelope<'_>) -> Result<Change, WireError> {
    if !is_root(envelope.path.as_deref()) {
        return Ok(Change::Ignored);
    }
    let data = envelope.data.ok_or(WireError::Missing { event: "put", property: "data" })?;
    Ok(Change::All(DataSet::from_json(data.get().as_bytes())?))
}

fn patch(envelope: &Envelope<'_>) -> Result<Change, WireError> {
    let path = envelope.path.as_deref().ok_or(WireError::Missing { event: "patch", property: "path" })?;
    let Some((kind, key)) = item(path) else { return Ok(Change::Ignored) };
    let data = envelope.data.ok_or(WireError::Missing { event: "patch", property: "data" })?;
    Ok(Change::Item(Item::from_json(kind, key, data.get().as_bytes())?))
}

fn delete(envelope: Envelope<'_>) -> Result<Change, WireError> {
    let path = envelope.path.ok_or(WireError::Missing { event: "delete", property: "path" })?;
    let Some((kind, key)) = item(&path) else { return Ok(Change::Ignored) };
    let version = envelope.version.ok_or(WireError::Missing { event: "delete", property: "version" })?;
    let ItemVersion(version) =
        serde_json::from_str(version.get()).map_err(|source| WireError::Version { path: path.to_string(), source })?;
    Ok(Change::Item(Item::deleted(kind, key, version)))
}

/// The item that a path names: `/flags/KEY` or `/segments/KEY`. The key is raw and may hold slashes.
fn item(path: &str) -> Option<(DataKind, &str)> {
    let named = |prefix| path.strip_prefix(prefix).filter(|key| !key.is_empty());
    let flag = named("/flags/").map(|key| (DataKind::Flag, key));
    flag.or_else(|| named("/segments/").map(|key| (DataKind::Segment, key)))
}

#[cfg(test)]
mod tests;
