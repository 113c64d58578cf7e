//! YAML as a tree, read as `vexil-file-data` reads it.

mod nodes;
mod scalar;

use std::collections::HashMap;
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span};

use self::nodes::{depth, key_name, merge, scalar_shape, size};
use super::{Malformed, Member, Node, Shape};

/// The limits of the file data source.
const DEPTH: usize = 32;
const ALIASED_NODES: usize = 1_000_000;
const ALIASED_BYTES: usize = 64 << 20;

/// Parses YAML. An empty text is null.
pub(in crate::check) fn read(text: &str) -> Result<Node, Malformed> {
    let mut options = granit_parser::Options::default();
    options.set_emit_comments(false);
    let mut builder = Builder {
        text,
        open: Vec::new(),
        anchors: HashMap::new(),
        root: None,
        aliased_nodes: 0,
        aliased_bytes: 0,
    };
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| scan_error(&error, text))?;
        builder.event(event, span)?;
    }
    Ok(builder.root.unwrap_or(Node {
        shape: Shape::Null,
        span: 0..0,
    }))
}

fn scan_error(error: &ScanError, text: &str) -> Malformed {
    Malformed {
        message: error.info(),
        offset: error.marker().byte_offset().unwrap_or(text.len()),
    }
}

struct Builder<'t> {
    text: &'t str,
    /// The collections that the parser is in.
    open: Vec<Open>,
    /// By the number of the anchor; `None` while the node is not complete.
    anchors: HashMap<usize, Option<Node>>,
    root: Option<Node>,
    aliased_nodes: usize,
    aliased_bytes: usize,
}

/// A collection that is not complete.
struct Open {
    anchor: usize,
    start: usize,
    content: Content,
}

enum Content {
    Sequence(Vec<Node>),
    Mapping {
        members: Vec<Member>,
        /// The values of `<<` keys.
        merged: Vec<Node>,
        key: Option<Key>,
    },
}

/// The key of a member whose value follows.
struct Key {
    name: String,
    span: Range<usize>,
    merges: bool,
}

impl Builder<'_> {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Malformed> {
        let start = span.start.byte_offset().unwrap_or_default();
        let end = span.end.byte_offset().unwrap_or(start).max(start);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let shape = scalar_shape(&text, style, tag.as_deref())
                    .ok_or_else(|| malformed("a value is not of the type of its tag", start))?;
                let is_plain = matches!(style, ScalarStyle::Plain);
                let span = start..end;
                if is_plain && text == "<<" && self.expects_key() {
                    self.key(Key {
                        name: "<<".to_owned(),
                        span,
                        merges: true,
                    });
                    return Ok(());
                }
                self.node(Node { shape, span }, anchor)
            }
            Event::Alias(anchor) => self.alias(anchor, start..end),
            Event::SequenceStart(_, anchor, _) => {
                self.open(anchor, start, Content::Sequence(Vec::new()))
            }
            Event::MappingStart(_, anchor, _) => {
                let content = Content::Mapping {
                    members: Vec::new(),
                    merged: Vec::new(),
                    key: None,
                };
                self.open(anchor, start, content)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(end),
            Event::DocumentStart(..) if self.root.is_some() => {
                Err(malformed("more than one document", start))
            }
            _ => Ok(()),
        }
    }

    fn open(&mut self, anchor: usize, start: usize, content: Content) -> Result<(), Malformed> {
        if self.open.len() >= DEPTH {
            return Err(malformed("more than 32 levels of nesting", start));
        }
        if self.expects_key() {
            return Err(not_a_key(start));
        }
        if anchor > 0 {
            self.anchors.insert(anchor, None);
        }
        self.open.push(Open {
            anchor,
            start,
            content,
        });
        Ok(())
    }

    fn close(&mut self, end: usize) -> Result<(), Malformed> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        // A block collection ends where the next token begins.
        let written = self.text.get(open.start..end).unwrap_or_default();
        let span = open.start..open.start + written.trim_end().len();
        let shape = match open.content {
            Content::Sequence(elements) => Shape::Array(elements),
            Content::Mapping {
                members, merged, ..
            } => Shape::Object(merge(members, merged)?),
        };
        self.node(Node { shape, span }, open.anchor)
    }

    fn alias(&mut self, anchor: usize, span: Range<usize>) -> Result<(), Malformed> {
        let Some(Some(node)) = self.anchors.get(&anchor) else {
            return Err(malformed(
                "an alias refers to a node that contains it",
                span.start,
            ));
        };
        let (nodes, bytes) = size(node);
        self.aliased_nodes += nodes;
        self.aliased_bytes += bytes;
        if self.aliased_nodes > ALIASED_NODES || self.aliased_bytes > ALIASED_BYTES {
            return Err(malformed("aliases expand to too much text", span.start));
        }
        let mut node = node.clone();
        if self.open.len() + depth(&node) > DEPTH {
            return Err(malformed("more than 32 levels of nesting", span.start));
        }
        node.span = span;
        self.node(node, 0)
    }

    /// Adds a complete node to the collection that contains it.
    fn node(&mut self, node: Node, anchor: usize) -> Result<(), Malformed> {
        if anchor > 0 {
            self.anchors.insert(anchor, Some(node.clone()));
        }
        if self.expects_key() {
            let name = key_name(&node).ok_or_else(|| not_a_key(node.span.start))?;
            self.key(Key {
                name,
                span: node.span,
                merges: false,
            });
            return Ok(());
        }
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.root = Some(node),
            Some(Content::Sequence(elements)) => elements.push(node),
            Some(Content::Mapping {
                members,
                merged,
                key,
            }) => match key.take() {
                Some(key) if key.merges => merged.push(node),
                Some(Key { name, span, .. }) => members.push(Member {
                    name,
                    span,
                    value: node,
                }),
                None => {}
            },
        }
        Ok(())
    }

    fn expects_key(&self) -> bool {
        matches!(
            self.open.last(),
            Some(Open {
                content: Content::Mapping { key: None, .. },
                ..
            })
        )
    }

    fn key(&mut self, next: Key) {
        if let Some(Open {
            content: Content::Mapping { key, .. },
            ..
        }) = self.open.last_mut()
        {
            *key = Some(next);
        }
    }
}

fn not_a_key(offset: usize) -> Malformed {
    malformed("expected a string or a number as the key", offset)
}

fn malformed(message: &str, offset: usize) -> Malformed {
    Malformed {
        message: message.to_owned(),
        offset,
    }
}

#[cfg(test)]
mod tests;
