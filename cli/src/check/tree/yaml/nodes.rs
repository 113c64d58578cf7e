//! Parts of YAML: scalars, keys, merged mappings, and the sizes of nodes that aliases repeat.

use granit_parser::{ScalarStyle, Tag};

use super::{malformed, scalar};
use crate::check::tree::{Malformed, Member, Node, Shape};

/// Adds the members of merged mappings that the mapping does not have.
pub(super) fn merge(mut members: Vec<Member>, merged: Vec<Node>) -> Result<Vec<Member>, Malformed> {
    for node in merged {
        let start = node.span.start;
        let sources = match node.shape {
            Shape::Array(elements) => elements,
            _ => vec![node],
        };
        for source in sources {
            let Shape::Object(others) = source.shape else {
                if source.is_null() {
                    continue;
                }
                return Err(malformed("<< merges mappings only", start));
            };
            for other in others {
                if !members.iter().any(|member| member.name == other.name) {
                    members.push(other);
                }
            }
        }
    }
    Ok(members)
}

/// Returns the name that a key stands for: numbers are decimal text, and `true` is `on`, because
/// YAML 1.1 tools convert `on` to `true`.
pub(super) fn key_name(key: &Node) -> Option<String> {
    match &key.shape {
        Shape::String(text) => Some(text.clone()),
        Shape::Number(number) => Some(number.to_string()),
        Shape::Bool(true) => Some("on".to_owned()),
        _ => None,
    }
}

pub(super) fn scalar_shape(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Option<Shape> {
    let kind = tag.and_then(|tag| tag.core_suffix());
    let is_text = kind == Some("str") || tag.is_some_and(|tag| tag.original() == "!");
    Some(match kind {
        Some("null") => Shape::Null,
        Some("int" | "float") => Shape::Number(scalar::number(text.trim())?),
        Some("bool") => match scalar::plain(text.trim()) {
            flag @ Shape::Bool(_) => flag,
            _ => return None,
        },
        _ if is_text || !matches!(style, ScalarStyle::Plain) => Shape::String(text.to_owned()),
        _ => scalar::plain(text),
    })
}

/// Returns the number of nodes and the bytes of text.
pub(super) fn size(node: &Node) -> (usize, usize) {
    match &node.shape {
        Shape::String(text) => (1, text.len()),
        Shape::Array(elements) => elements.iter().map(size).fold((1, 0), add),
        Shape::Object(members) => members
            .iter()
            .map(|member| add(size(&member.value), (1, member.name.len())))
            .fold((1, 0), add),
        _ => (1, 0),
    }
}

fn add(a: (usize, usize), b: (usize, usize)) -> (usize, usize) {
    (a.0 + b.0, a.1 + b.1)
}

pub(super) fn depth(node: &Node) -> usize {
    match &node.shape {
        Shape::Array(elements) => 1 + elements.iter().map(depth).max().unwrap_or(0),
        Shape::Object(members) => {
            let values = members.iter().map(|member| depth(&member.value));
            1 + values.max().unwrap_or(0)
        }
        _ => 0,
    }
}
