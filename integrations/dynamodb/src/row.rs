//! Conversion between rows of the table and items.
//!
//! A row's partition key is `namespace`, its sort key is `key`. The item's text is in `item`, its
//! version in `version`. These attributes take precedence over the key and version in the text.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use vexil::Text;
use vexil::model::DataKind;
use vexil::store::{StoreError, StoredItem};

use crate::error::ItemError;

/// The attributes of a row, by name.
pub(crate) type Row = HashMap<String, AttributeValue>;

pub(crate) const NAMESPACE: &str = "namespace";
pub(crate) const KEY: &str = "key";
pub(crate) const VERSION: &str = "version";
const ITEM: &str = "item";
const DELETED: &str = "deleted";

/// Maximum estimated size of an item. The true limit is 400 KiB; all SDKs stay below it by the same
/// estimate, so that they agree on which items are too large.
const MAX_SIZE: usize = 400_000;
/// Constant part of the estimate.
const OVERHEAD: usize = 100;
/// Maximum length of a sort key, in bytes.
const MAX_KEY: usize = 1024;

/// Converts an item to a row.
///
/// # Errors
/// Returns an error if the table cannot store the item.
pub(crate) fn write(
    kind: DataKind,
    namespace: &str,
    key: &Text,
    item: &StoredItem,
) -> Result<Row, StoreError> {
    let corrupt = |source: ItemError| StoreError::corrupt(kind, key.clone(), source);
    let text =
        std::str::from_utf8(&item.body).map_err(|error| corrupt(ItemError::NotText(error)))?;
    if key.is_empty() {
        return Err(corrupt(ItemError::NoKey));
    }
    let row = HashMap::from([
        (
            NAMESPACE.to_owned(),
            AttributeValue::S(namespace.to_owned()),
        ),
        (KEY.to_owned(), AttributeValue::S(key.to_string())),
        (VERSION.to_owned(), AttributeValue::N(version_of(item))),
        (ITEM.to_owned(), AttributeValue::S(text.to_owned())),
    ]);
    let bytes = size(&row);
    if bytes > MAX_SIZE || key.len() > MAX_KEY {
        return Err(StoreError::TooLarge {
            kind,
            key: key.clone(),
            bytes,
        });
    }
    Ok(row)
}

/// The estimated size of a row, in bytes.
pub(crate) fn size(row: &Row) -> usize {
    let sizes = row.iter().map(|(name, value)| match value {
        AttributeValue::S(text) | AttributeValue::N(text) => name.len() + text.len(),
        _ => name.len(),
    });
    OVERHEAD + sizes.sum::<usize>()
}

/// Whether a row without its sort key equals the row that [`write`] creates for the item.
pub(crate) fn is_current(row: &Row, item: &StoredItem) -> bool {
    let text = |name, value: &[u8]| {
        row.get(name)
            .and_then(|it| it.as_s().ok())
            .is_some_and(|it| it.as_bytes() == value)
    };
    let version = row.get(VERSION).and_then(|it| it.as_n().ok());
    row.len() == 3 && text(ITEM, &item.body) && version == Some(&version_of(item))
}

/// Converts a row to an item.
pub(crate) fn read(mut row: Row) -> StoredItem {
    let version = match row.remove(VERSION) {
        // Zero means that there is no version: the text's version applies.
        Some(AttributeValue::N(number)) => number.parse().ok().filter(|version| *version != 0),
        _ => None,
    };
    let mut item = StoredItem::new(body(row.remove(ITEM)));
    item.version = version;
    if item.body.is_empty() || row.get(DELETED) == Some(&AttributeValue::Bool(true)) {
        item = item.with_deleted(true);
    }
    item
}

/// Removes and returns the sort key of a row.
pub(crate) fn take_key(row: &mut Row) -> Option<String> {
    match row.remove(KEY) {
        Some(AttributeValue::S(key)) => Some(key),
        _ => None,
    }
}

/// The text of an item. Empty if there is none, and for a tombstone of the Java SDK, whose text is
/// `null`.
fn body(item: Option<AttributeValue>) -> Bytes {
    match item {
        None | Some(AttributeValue::Null(_)) => Bytes::new(),
        Some(AttributeValue::S(text)) if text.trim() == "null" => Bytes::new(),
        Some(AttributeValue::S(text)) => text.into(),
        Some(AttributeValue::B(bytes)) => bytes.into_inner().into(),
        // Neither an item nor absent: parsing this text as JSON will fail.
        Some(other) => format!("{other:?}").into(),
    }
}

/// The version as stored in a row. An item without a version counts as version 0.
fn version_of(item: &StoredItem) -> String {
    item.version.unwrap_or(0).to_string()
}
