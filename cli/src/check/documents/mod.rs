//! Finds the flags and segments of a source.

mod repeated;
mod sections;

use vexil::model::DataKind;

use self::repeated::repeated_items;
use self::sections::Reader;
use super::finding::Found;
use super::item::Item;
use super::registry::Id;
use super::tree::{read_json, read_yaml};
use crate::snapshot::Snapshot;
use crate::source::{Contents, Document, Format};

/// What a source contains.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) items: Vec<Item>,
    /// Items that cannot be parsed.
    pub(super) unparsed: Vec<(DataKind, String)>,
    /// Whether a whole document cannot be read.
    pub(super) is_unreadable: bool,
}

/// Reads all items. Of items with the same key in several files, the last one counts, and is
/// reported unless `last_wins`.
pub(super) fn read(contents: &Contents, last_wins: bool, found: &mut Found) -> Read {
    let mut read = Read::default();
    read_items(&contents.snapshot, &mut read, found);
    let documents = &contents.documents;
    for (index, document) in documents.iter().enumerate() {
        let text = text_of(document);
        let parsed = match document.format {
            Format::Json => read_json(text),
            Format::Yaml => read_yaml(text),
        };
        match parsed {
            Ok(root) => {
                let mut reader = Reader {
                    document: index,
                    is_json: document.format == Format::Json,
                    read: &mut read,
                    found,
                };
                reader.document(&root, document.section);
            }
            Err(malformed) => {
                let format = match document.format {
                    Format::Json => "JSON",
                    Format::Yaml => "YAML",
                };
                let message = format!("no valid {format}: {}", malformed.message);
                let offset = malformed.offset;
                found.add_document(Id::NotJson, index, String::new(), offset, message);
                read.is_unreadable = true;
            }
        }
    }
    repeated_items(&mut read.items, documents, last_wins, found);
    read
}

/// Returns the text without a byte order mark.
pub(super) fn text_of(document: &Document) -> &str {
    let text = document.text();
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// Reads the items of a database or service.
fn read_items(snapshot: &Snapshot, read: &mut Read, found: &mut Found) {
    for (kind, key, stored) in snapshot.items() {
        if stored.deleted {
            continue;
        }
        let node = match std::str::from_utf8(&stored.json) {
            Ok(text) => read_json(text)
                .map_err(|malformed| format!("{} at byte {}", malformed.message, malformed.offset)),
            Err(error) => Err(error.to_string()),
        };
        match node {
            Ok(node) => read.items.push(Item {
                kind,
                key: key.to_string(),
                node,
                key_span: 0..0,
                document: None,
                bytes: stored.json.len(),
                is_value: false,
            }),
            Err(error) => {
                let message = format!("no valid JSON: {error}");
                found.add_absent(Id::NotJson, kind, key, message);
                read.unparsed.push((kind, key.to_string()));
            }
        }
    }
}
