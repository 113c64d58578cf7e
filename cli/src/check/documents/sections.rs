//! The sections of a document.

use std::ops::Range;

use vexil::model::DataKind;

use super::Read;
use crate::check::finding::Found;
use crate::check::item::Item;
use crate::check::registry::{Id, Severity};
use crate::check::rules::structure::{repetitions, similar};
use crate::check::schema::SECTIONS;
use crate::check::tree::{Member, Node, Shape};

/// Reads the items of a document.
pub(super) struct Reader<'r> {
    /// The index of the document.
    pub(super) document: usize,
    pub(super) is_json: bool,
    pub(super) read: &'r mut Read,
    pub(super) found: &'r mut Found,
}

impl Reader<'_> {
    /// Reads a document, which is a whole one or the content of a section.
    pub(super) fn document(&mut self, root: &Node, section: Option<DataKind>) {
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
