//! Finds the flags and segments of a source.

use std::collections::BTreeMap;
use std::ops::Range;

use vexil::model::DataKind;

use super::finding::Found;
use super::item::Item;
use super::registry::{Id, Severity};
use super::rules::structure::{repetitions, similar};
use super::schema::SECTIONS;
use super::tree::{Member, Node, Shape, read_json, read_yaml};
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
    let text = document.text.as_str();
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

struct Reader<'r> {
    document: usize,
    is_json: bool,
    read: &'r mut Read,
    found: &'r mut Found,
}

impl Reader<'_> {
    /// Reads a document, which is a whole one or the content of a section.
    fn document(&mut self, root: &Node, section: Option<DataKind>) {
        if root.is_null() && !self.is_json {
            return;
        }
        match section {
            Some(kind) => self.items(kind, false, String::new(), root),
            None => self.sections(root),
        }
    }

    fn sections(&mut self, root: &Node) {
        let Shape::Object(sections) = &root.shape else {
            self.wrong_type(String::new(), &root.span, "an object with sections", root);
            return;
        };
        for (name, count) in repetitions(sections.iter().map(|section| &*section.name)) {
            let span = root.member(name).map(|section| section.span.clone());
            let offset = span.map_or(0, |span| span.start);
            let message = format!("{name:?} occurs {count} times");
            let pointer = pointer(name);
            self.found
                .add_document(Id::DuplicateMember, self.document, pointer, offset, message);
        }
        // The reader adds up repeated sections.
        for section in sections {
            self.section(section);
        }
    }

    fn section(&mut self, section: &Member) {
        let kind = match section.name.as_str() {
            "flags" | "flagValues" => DataKind::Flag,
            "segments" => DataKind::Segment,
            "bigSegments" => return self.big_segments(section),
            name => return self.unknown(name, &section.span),
        };
        let are_values = section.name == "flagValues";
        self.items(kind, are_values, pointer(&section.name), &section.value);
    }

    /// Reads the items of a section, which is at this pointer.
    fn items(&mut self, kind: DataKind, are_values: bool, pointer: String, section: &Node) {
        if section.is_null() {
            return;
        }
        let Shape::Object(members) = &section.shape else {
            let expected = "an object of items by key";
            self.wrong_type(pointer, &section.span, expected, section);
            return;
        };
        for member in members {
            let node = member.value.clone();
            let bytes = if self.is_json {
                node.span.len()
            } else {
                node.to_json(false).len()
            };
            self.read.items.push(Item {
                kind,
                key: member.name.clone(),
                node,
                key_span: member.span.clone(),
                document: Some(self.document),
                bytes,
                is_value: are_values,
            });
        }
    }

    fn big_segments(&mut self, section: &Member) {
        let base = pointer(&section.name);
        if section.value.is_null() {
            return;
        }
        if !matches!(section.value.shape, Shape::Object(_)) {
            self.wrong_type(
                base,
                &section.value.span,
                "an object of lists",
                &section.value,
            );
            return;
        }
        for segment in section.value.members() {
            let base = format!("{base}{}", pointer(&segment.name));
            if !matches!(segment.value.shape, Shape::Object(_)) {
                self.wrong_type(base, &segment.value.span, "an object", &segment.value);
                continue;
            }
            for list in segment.value.members() {
                let pointer = format!("{base}{}", pointer(&list.name));
                let is_list = matches!(&list.value.shape, Shape::Array(keys)
                    if keys.iter().all(|key| matches!(key.shape, Shape::String(_))));
                if !matches!(list.name.as_str(), "included" | "excluded") {
                    let message = format!("{:?} is unknown, and ignored", list.name);
                    let (document, offset) = (self.document, list.span.start);
                    self.found.add_document(
                        Id::UnknownProperty,
                        document,
                        pointer,
                        offset,
                        message,
                    );
                } else if !is_list {
                    self.wrong_type(
                        pointer,
                        &list.value.span,
                        "an array of strings",
                        &list.value,
                    );
                }
            }
        }
    }

    fn unknown(&mut self, name: &str, span: &Range<usize>) {
        let message = format!("there is no section {name:?}: it is skipped");
        let (document, pointer) = (self.document, pointer(name));
        let finding =
            self.found
                .add_document(Id::UnknownProperty, document, pointer, span.start, message);
        if let Some(similar) = similar(name, SECTIONS.into_iter()) {
            finding
                .severity(Severity::Warning)
                .help(format!("did you mean {similar:?}?"));
        }
    }

    fn wrong_type(&mut self, pointer: String, span: &Range<usize>, expected: &str, node: &Node) {
        let message = format!("expected {expected}, found {}", node.type_name());
        let document = self.document;
        self.found
            .add_document(Id::WrongType, document, pointer, span.start, message)
            .help("the document cannot be read");
        self.read.is_unreadable = true;
    }
}

/// Returns the JSON pointer of a member.
fn pointer(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// Finds items with the same key, and keeps the last one of each.
fn repeated_items(
    items: &mut Vec<Item>,
    documents: &[Document],
    last_wins: bool,
    found: &mut Found,
) {
    let mut last: BTreeMap<(&'static str, String), usize> = BTreeMap::new();
    let mut is_replaced = vec![false; items.len()];
    for (index, item) in items.iter().enumerate() {
        let place = (item.kind.namespace(), item.key.clone());
        let Some(before) = last.insert(place, index) else {
            continue;
        };
        if let Some(replaced) = is_replaced.get_mut(before) {
            *replaced = true;
        }
        let earlier = items.get(before).and_then(|item| item.document);
        if earlier != item.document && last_wins {
            continue;
        }
        let name = earlier.and_then(|earlier| documents.get(earlier));
        let name = name.map_or("the source", |document| &document.name);
        let message = format!(
            "the {} is in {name} already; the last one counts",
            item.kind
        );
        found.add_item(Id::DuplicateMember, item, message);
    }
    let mut index = 0;
    items.retain(|_| {
        let keep = !is_replaced.get(index).copied().unwrap_or(false);
        index += 1;
        keep
    });
}
