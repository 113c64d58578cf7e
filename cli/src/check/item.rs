//! [`Item`]: a flag or segment as it was written; [`Spot`]: a part of one.

use std::ops::Range;

use vexil::model::DataKind;

use super::tree::{Node, Shape};

/// A flag or segment as its source contains it.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) kind: DataKind,
    pub(super) key: String,
    pub(super) node: Node,
    /// Where the key is in its document.
    pub(super) key_span: Range<usize>,
    /// The index of the document; `None` if the source is no file.
    pub(super) document: Option<usize>,
    /// The length of its JSON in bytes.
    pub(super) bytes: usize,
    /// Whether the node is the only value of the flag, from the section `flagValues`.
    pub(super) is_value: bool,
}

impl Item {
    /// Returns the whole item.
    pub(super) fn root(&self) -> Spot<'_> {
        Spot {
            pointer: String::new(),
            node: &self.node,
        }
    }

    /// Whether the item is a tombstone.
    pub(super) fn is_deleted(&self) -> bool {
        !self.is_value
            && (self.node.is_null() || self.root().member("deleted").is_some_and(|it| it.is(true)))
    }
}

/// A part of an item, with its JSON pointer.
#[derive(Clone, Debug)]
pub(super) struct Spot<'t> {
    pub(super) pointer: String,
    pub(super) node: &'t Node,
}

impl<'t> Spot<'t> {
    /// Returns a member of an object, unless it is null, which means the same as missing.
    pub(super) fn member(&self, name: &str) -> Option<Self> {
        let member = self.node.member(name)?;
        (!member.value.is_null()).then(|| self.child(name, &member.value))
    }

    /// Returns the elements of an array.
    pub(super) fn elements(&self) -> impl ExactSizeIterator<Item = Self> + use<'t, '_> {
        let elements: &'t [Node] = match &self.node.shape {
            Shape::Array(elements) => elements,
            _ => &[],
        };
        elements
            .iter()
            .enumerate()
            .map(|(index, node)| self.child(&index.to_string(), node))
    }

    /// Returns an element of an array.
    pub(super) fn element(&self, index: usize) -> Option<Self> {
        match &self.node.shape {
            Shape::Array(elements) => {
                let node = elements.get(index)?;
                Some(self.child(&index.to_string(), node))
            }
            _ => None,
        }
    }

    /// Returns the elements of an array member.
    pub(super) fn list(&self, name: &str) -> Vec<Self> {
        let list = self.member(name);
        list.map_or_else(Vec::new, |list| list.elements().collect())
    }

    fn child(&self, name: &str, node: &'t Node) -> Self {
        Spot {
            pointer: self.child_pointer(name),
            node,
        }
    }

    /// Returns the JSON pointer of a member or element.
    pub(super) fn child_pointer(&self, name: &str) -> String {
        let escaped = name.replace('~', "~0").replace('/', "~1");
        format!("{}/{escaped}", self.pointer)
    }

    pub(super) fn span(&self) -> Range<usize> {
        self.node.span.clone()
    }

    pub(super) fn as_str(&self) -> Option<&'t str> {
        match &self.node.shape {
            Shape::String(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn as_number(&self) -> Option<f64> {
        match self.node.shape {
            Shape::Number(number) => Some(number),
            _ => None,
        }
    }

    /// Whether this is the boolean.
    pub(super) fn is(&self, expected: bool) -> bool {
        matches!(self.node.shape, Shape::Bool(value) if value == expected)
    }

    /// Returns the number as the reader of flags does: truncated, saturated.
    #[expect(
        clippy::as_conversions,
        reason = "truncating the fraction and saturating are intended"
    )]
    pub(super) fn as_integer(&self) -> Option<i64> {
        self.as_number().map(|number| number as i64)
    }

    /// Returns the text of a member; empty if it is missing.
    pub(super) fn text(&self, name: &str) -> &'t str {
        self.member(name)
            .and_then(|member| member.as_str())
            .unwrap_or_default()
    }

    /// Returns a boolean member; false if it is missing.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.member(name).is_some_and(|member| member.is(true))
    }
}
