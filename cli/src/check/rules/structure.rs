//! The shape of an item: types, unknown, missing and repeated properties.

use vexil::json::without_values;
use vexil::model::{DataKind, ItemReader};

use crate::check::Purpose;
use crate::check::finding::Found;
use crate::check::item::{Item, Spot};
use crate::check::registry::{Id, Severity};
use crate::check::schema::{FLAG, Needed, SEGMENT, Schema, Type};
use crate::check::tree::{Node, Shape};

/// Checks the shape of an item. Returns whether the reader of flags accepts it, so that its parts
/// have the types that the other checks expect.
pub(in crate::check) fn check(
    item: &Item,
    purposes: &[Purpose],
    reader: &mut ItemReader,
    found: &mut Found,
) -> bool {
    if item.is_value {
        repeated(item, &item.root(), found);
        return true;
    }
    let before = count_unreadable(found);
    let mut walk = Walk {
        item,
        stored: purposes
            .iter()
            .any(|purpose| !matches!(purpose, Purpose::Mobile)),
        found,
    };
    repeated(item, &item.root(), walk.found);
    let schema = match item.kind {
        DataKind::Flag => &FLAG,
        DataKind::Segment => &SEGMENT,
    };
    if item.is_deleted() {
        // The reader ignores all properties of a tombstone but its version.
        return true;
    }
    walk.value(&item.root(), Type::Object(schema));
    let walked = count_unreadable(found) == before;
    // The judge is the reader; it also limits the depth of values.
    let read = reader.read(item.kind, item.key.clone(), &item.node.to_json(false));
    match read {
        Ok(_) => true,
        Err(error) => {
            if walked {
                let message = error.source.to_string();
                let reason = without_values(&message);
                found.add(
                    Id::WrongType,
                    item,
                    &item.root(),
                    format!("the {} cannot be read: {reason}", item.kind),
                );
            }
            false
        }
    }
}

/// Counts the findings because of which an item cannot be read.
fn count_unreadable(found: &Found) -> usize {
    let ids = found.findings.iter().map(|finding| finding.id);
    ids.filter(|id| matches!(id, Id::WrongType | Id::VersionInvalid))
        .count()
}

struct Walk<'f> {
    item: &'f Item,
    /// Whether the item is stored in a database, or meant to be.
    stored: bool,
    found: &'f mut Found,
}

impl Walk<'_> {
    fn value(&mut self, spot: &Spot<'_>, expected: Type) {
        match (expected, &spot.node.shape) {
            (Type::Any, _)
            | (Type::Bool, Shape::Bool(_))
            | (Type::Integer, Shape::Number(_))
            | (Type::Text, Shape::String(_)) => {}
            (Type::List(inner), Shape::Array(_)) => {
                for element in spot.elements() {
                    self.value(&element, *inner);
                }
            }
            (Type::Object(schema), Shape::Object(_)) => self.object(spot, schema),
            _ => {
                let (expected, actual) = (expected.name(), spot.node.type_name());
                let message = format!("expected {expected}, found {actual}");
                let finding = self.found.add(Id::WrongType, self.item, spot, message);
                finding.help(format!("the {} cannot be read", self.item.kind));
            }
        }
    }

    fn object(&mut self, object: &Spot<'_>, schema: &Schema) {
        for member in object.node.members() {
            let property = schema.0.iter().find(|known| known.name == member.name);
            let Some(property) = property else {
                self.unknown(object, &member.name, schema);
                continue;
            };
            // The version has a finding of its own, and null means missing.
            if object.pointer.is_empty() && property.name == "version" {
                continue;
            }
            if let Some(spot) = object.member(property.name) {
                self.value(&spot, property.kind);
            }
        }
        for property in schema.0 {
            self.missing(object, property.name, property.needed);
        }
    }

    fn unknown(&mut self, object: &Spot<'_>, name: &str, schema: &Schema) {
        let known = schema.0.iter().map(|property| property.name);
        let similar = similar(name, known);
        let message = format!("{name:?} is unknown, and ignored");
        let finding =
            self.found
                .add_property(Id::UnknownProperty, self.item, object, name, message);
        if let Some(similar) = similar {
            finding
                .severity(Severity::Warning)
                .help(format!("did you mean {similar:?}?"));
        }
    }

    fn missing(&mut self, object: &Spot<'_>, name: &'static str, needed: Needed) {
        let matters = match needed {
            Needed::No => false,
            Needed::ByServers => true,
            Needed::ByDatabases => self.stored,
        };
        // An off variation may be null in all readers.
        let value = object.node.member(name).map(|member| &member.value);
        let is_missing = match value {
            None => true,
            Some(value) => value.is_null() && name != "offVariation",
        };
        if !matters || !is_missing {
            return;
        }
        let what = if value.is_some() { "null" } else { "missing" };
        let readers = match needed {
            Needed::ByDatabases => "the PHP SDK fails without it",
            _ => "some server-side SDKs refuse all flags without it",
        };
        let message = format!("{name:?} is {what}: {readers}");
        let stored = self.stored;
        let finding =
            self.found
                .add_property(Id::MissingProperty, self.item, object, name, message);
        if stored {
            finding.severity(Severity::Warning);
        }
    }
}

/// Returns the known name that differs from this one in at most two edits.
pub(in crate::check) fn similar<'n>(
    name: &str,
    known: impl Iterator<Item = &'n str>,
) -> Option<&'n str> {
    known
        .map(|known| (strsim::damerau_levenshtein(known, name), known))
        .min()
        .filter(|(distance, known)| *distance <= 2 && *distance < known.len())
        .map(|(_, known)| known)
}

/// Finds names that an object contains twice, at every level.
fn repeated(item: &Item, spot: &Spot<'_>, found: &mut Found) {
    match &spot.node.shape {
        Shape::Array(_) => {
            for element in spot.elements().filter(|spot| is_collection(spot.node)) {
                repeated(item, &element, found);
            }
        }
        Shape::Object(members) => {
            for (name, count) in repetitions(members.iter().map(|member| &*member.name)) {
                let message = format!("{name:?} occurs {count} times; the last one counts");
                found.add_property(Id::DuplicateMember, item, spot, name, message);
            }
            for member in spot.node.members() {
                if is_collection(&member.value)
                    && let Some(child) = spot.member(&member.name)
                {
                    repeated(item, &child, found);
                }
            }
        }
        _ => {}
    }
}

fn is_collection(node: &Node) -> bool {
    matches!(node.shape, Shape::Array(_) | Shape::Object(_))
}

/// Returns the names that occur more than once, in order.
pub(in crate::check) fn repetitions<'n>(
    names: impl Iterator<Item = &'n str>,
) -> std::collections::BTreeMap<&'n str, usize> {
    let mut counts = std::collections::BTreeMap::new();
    for name in names {
        *counts.entry(name).or_insert(0) += 1;
    }
    counts.retain(|_, count| *count > 1);
    counts
}
