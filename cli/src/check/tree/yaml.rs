//! YAML as a tree, read as `vexil-file-data` reads it.

use std::collections::HashMap;
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};

use super::{Malformed, Member, Node, Shape, scalar};

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

/// Adds the members of merged mappings that the mapping does not have.
fn merge(mut members: Vec<Member>, merged: Vec<Node>) -> Result<Vec<Member>, Malformed> {
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
fn key_name(key: &Node) -> Option<String> {
    match &key.shape {
        Shape::String(text) => Some(text.clone()),
        Shape::Number(number) => Some(number.to_string()),
        Shape::Bool(true) => Some("on".to_owned()),
        _ => None,
    }
}

fn scalar_shape(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Option<Shape> {
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
fn size(node: &Node) -> (usize, usize) {
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

fn depth(node: &Node) -> usize {
    match &node.shape {
        Shape::Array(elements) => 1 + elements.iter().map(depth).max().unwrap_or(0),
        Shape::Object(members) => {
            let values = members.iter().map(|member| depth(&member.value));
            1 + values.max().unwrap_or(0)
        }
        _ => 0,
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn json(text: &str) -> String {
        read(text).unwrap().to_json(false)
    }

    #[test]
    fn scalars_follow_the_core_schema() {
        let text = "[yes, on, true, 0x1F, 1_000, 1e3, .5, ~, null, '1', 1.2.3, 0o17, -1, !!str 5, nan, 1__0]";
        let expected =
            r#"["yes","on",true,31,1000,1000,0.5,null,null,"1","1.2.3",15,-1,"5","nan","1__0"]"#;
        assert_eq!(json(text), expected);
    }

    #[test]
    fn keys_are_text() {
        assert_eq!(json("on: 1\n2: a\ntrue: 3"), r#"{"2":"a","on":3}"#);
        assert!(read("[1]: 2").is_err());
        assert!(read("null: 2").is_err());
        assert_eq!(json(""), "null");
        assert_eq!(json("# only a comment\n"), "null");
    }

    #[test]
    fn aliases_and_merges_expand() {
        let text = "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: *a";
        let expected = r#"{"a":{"x":1,"y":2},"b":{"y":3,"x":1},"c":{"x":1,"y":2}}"#;
        assert_eq!(json(text), expected);
        assert!(read("a: &a [*a]").is_err());
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..20 {
            let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
            bomb += &format!("a{level}: &a{level} [{aliases}]\n");
        }
        let error = read(&bomb).unwrap_err();
        assert_eq!(error.message, "aliases expand to too much text");
    }

    #[test]
    fn nodes_have_positions() {
        let text = "flags:\n  theme:\n    on: yes\n    rules: [{id: a}]\nsegments: {}\n";
        let root = read(text).unwrap();
        let theme = root.member("flags").unwrap().value.member("theme").unwrap();
        assert_eq!(&text[theme.span.clone()], "theme");
        assert_eq!(
            &text[theme.value.span.clone()],
            "on: yes\n    rules: [{id: a}]"
        );
        let on = theme.value.member("on").unwrap();
        assert_eq!(
            (&text[on.span.clone()], &text[on.value.span.clone()]),
            ("on", "yes")
        );
        assert!(read("a: [1").is_err());
        assert!(read("a: 1\n---\nb: 2").is_err());
    }

    /// Parses YAML as the file data source does.
    fn second_opinion(text: &str) -> Option<serde_json::Value> {
        let options = serde_saphyr::options! {
            duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::LastWins,
            strict_booleans: true,
        };
        serde_saphyr::from_str_with_options(text, options).ok()
    }

    fn scalars() -> impl Strategy<Value = String> {
        let words = [
            "~",
            "null",
            "true",
            "True",
            "yes",
            "on",
            "no",
            "0x1F",
            "0b1_0",
            "-0x10",
            "1_000",
            "_1",
            "1__0",
            "0_1",
            "0127",
            "-0127",
            "1e3",
            "1.",
            ".5",
            "-.5",
            "+1",
            "-",
            "1-2",
            "0o17",
            "1.5e-3",
            "'1'",
            "\"a\\tb\"",
            "!!str 5",
            "!!int 7",
            "!!float 5",
            "!!bool true",
            "! 5",
            "inf",
            "nan",
            "Infinity",
            "1.2.3",
            "2026-01-01",
            "|\n    text",
            "é",
            "e5",
            "1e",
            "9007199254740993",
            "18446744073709551616",
            "<<",
        ];
        prop::sample::select(words.to_vec()).prop_map(str::to_owned)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn yaml_is_read_as_by_the_file_data_source(
            values in prop::collection::vec(scalars(), 1..4),
            broken in "[-:{}&*! a1\\n]{0,8}",
        ) {
            let mut text: String = (0..)
                .zip(&values)
                .map(|(number, value)| format!("k{number}: {value}\n"))
                .collect();
            text += &broken;
            // Numbers as those of flags.
            let ours = read(&text).ok().map(|node| node.to_value());
            let theirs = second_opinion(&text);
            let theirs = theirs.map(|value| serde_json::from_value::<vexil::Value>(value).unwrap());
            prop_assert_eq!(ours, theirs, "{}", text);
        }
    }
}
