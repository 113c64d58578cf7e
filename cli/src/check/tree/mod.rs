//! [`Node`]: a document or item as it was written, with positions.
//!
//! The prepared model of flags has no positions and no trace of what was wrong, so the checks work
//! on this tree. JSON and YAML become the same tree.

mod json;
mod lines;
mod yaml;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Range;

pub(super) use self::json::read as read_json;
pub(super) use self::lines::Lines;
pub(super) use self::yaml::read as read_yaml;
use vexil::Value;

/// A value with its position.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) shape: Shape,
    /// Where the value is, in bytes of the text.
    pub(super) span: Range<usize>,
}

/// The kinds of values.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    Null,
    Bool(bool),
    Number(f64),
    String(String),
    Array(Vec<Node>),
    /// In the order of the text, with repeated names.
    Object(Vec<Member>),
}

/// A member of an object.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) name: String,
    /// Where the name is.
    pub(super) span: Range<usize>,
    pub(super) value: Node,
}

/// Why a text is no document, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    /// Does not contain values of the document.
    pub(super) message: String,
    pub(super) offset: usize,
}

impl Node {
    /// Returns the members of an object that count: of several with the same name, the last.
    pub(super) fn members(&self) -> impl Iterator<Item = &Member> {
        let Shape::Object(members) = &self.shape else {
            return Vec::new().into_iter();
        };
        let mut last: BTreeMap<&str, usize> = BTreeMap::new();
        for (index, member) in members.iter().enumerate() {
            last.insert(&member.name, index);
        }
        let counting = members.iter().enumerate();
        counting
            .filter(|(index, member)| last.get(member.name.as_str()) == Some(index))
            .map(|(_, member)| member)
            .collect::<Vec<_>>()
            .into_iter()
    }

    /// Returns a member of an object.
    pub(super) fn member(&self, name: &str) -> Option<&Member> {
        match &self.shape {
            Shape::Object(members) => members.iter().rev().find(|member| member.name == name),
            _ => None,
        }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self.shape, Shape::Null)
    }

    /// Returns the name of the type in JSON, with its article.
    pub(super) fn type_name(&self) -> &'static str {
        match self.shape {
            Shape::Null => "null",
            Shape::Bool(_) => "a boolean",
            Shape::Number(_) => "a number",
            Shape::String(_) => "a string",
            Shape::Array(_) => "an array",
            Shape::Object(_) => "an object",
        }
    }

    /// Returns the value. Numbers that JSON does not have become null.
    pub(super) fn to_value(&self) -> Value {
        match &self.shape {
            Shape::Null => Value::Null,
            Shape::Bool(value) => (*value).into(),
            Shape::Number(number) => (*number).into(),
            Shape::String(text) => text.as_str().into(),
            Shape::Array(elements) => elements
                .iter()
                .map(Self::to_value)
                .collect::<Vec<_>>()
                .into(),
            Shape::Object(_) => {
                let members = self.members();
                let members = members.map(|member| (&*member.name, member.value.to_value()));
                members.collect::<BTreeMap<_, _>>().into()
            }
        }
    }

    /// Returns the compact JSON. Equal values have equal texts if `sorted`: members are ordered by
    /// name, and repeated ones left out.
    pub(super) fn to_json(&self, sorted: bool) -> String {
        let mut json = String::new();
        self.write_json(sorted, &mut json);
        json
    }

    fn write_json(&self, sorted: bool, json: &mut String) {
        match &self.shape {
            Shape::Null => json.push_str("null"),
            Shape::Bool(value) => json.push_str(if *value { "true" } else { "false" }),
            Shape::Number(number) => write_number(*number, json),
            Shape::String(text) => write_string(text, json),
            Shape::Array(elements) => {
                json.push('[');
                for (index, element) in elements.iter().enumerate() {
                    if index > 0 {
                        json.push(',');
                    }
                    element.write_json(sorted, json);
                }
                json.push(']');
            }
            Shape::Object(_) => {
                let mut members: Vec<&Member> = self.members().collect();
                if sorted {
                    members.sort_by(|a, b| a.name.cmp(&b.name));
                }
                json.push('{');
                for (index, member) in members.into_iter().enumerate() {
                    if index > 0 {
                        json.push(',');
                    }
                    write_string(&member.name, json);
                    json.push(':');
                    member.value.write_json(sorted, json);
                }
                json.push('}');
            }
        }
    }
}

/// Writes a number so that equal numbers have equal texts.
fn write_number(number: f64, json: &mut String) {
    // The zeros of both signs are equal. Writing to a string succeeds.
    let _ = if number == 0.0 {
        json.write_str("0")
    } else if number.is_finite() {
        write!(json, "{number}")
    } else {
        json.write_str("null")
    };
}

fn write_string(text: &str, json: &mut String) {
    json.push_str(&serde_json::Value::from(text).to_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_repeated_members_the_last_counts() {
        let node = read_json(r#"{"a": 1, "b": 2, "a": {"z": 1.0, "y": -0}}"#).unwrap();
        assert_eq!(node.to_json(false), r#"{"b":2,"a":{"z":1,"y":0}}"#);
        assert_eq!(node.to_json(true), r#"{"a":{"y":0,"z":1},"b":2}"#);
        assert_eq!(node.member("a").unwrap().span, 17..20);
        assert_eq!(
            node.to_value(),
            serde_json::from_str(&node.to_json(false)).unwrap()
        );
    }
}
