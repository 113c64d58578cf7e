//! JSON as a tree.

use jsonc_parser::ast;
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use vexil::json::replace_lone_surrogates;

use super::{Malformed, Member, Node, Shape};

/// Only JSON: everything that the parser accepts beyond it is off.
const STRICT: ParseOptions = ParseOptions {
    allow_comments: false,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// Parses JSON.
pub(in crate::check) fn read(text: &str) -> Result<Node, Malformed> {
    let parsed = parse(text);
    if parsed.is_err()
        && let Some(repaired) = replace_lone_surrogates(text)
    {
        // As the reader of flags does; the offsets stay the same.
        return parse(&repaired);
    }
    parsed
}

fn parse(text: &str) -> Result<Node, Malformed> {
    // The judge of what is JSON: the parser with positions is lenient in corner cases.
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(text) {
        return Err(malformed(text, &error));
    }
    let parsed = parse_to_ast(text, &CollectOptions::default(), &STRICT);
    let value = parsed.map_err(|error| Malformed {
        message: error.kind().to_string(),
        offset: error.range().start,
    })?;
    match value.value {
        Some(value) => node(value),
        None => Err(Malformed {
            message: "the text is empty".to_owned(),
            offset: text.len(),
        }),
    }
}

/// Converts an error, whose message contains the line and column.
fn malformed(text: &str, error: &serde_json::Error) -> Malformed {
    let message = error.to_string();
    let message = match message.rsplit_once(" at line ") {
        Some((message, _)) => message.to_owned(),
        None => message,
    };
    let line_start = text
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1))
        .map(str::len)
        .sum::<usize>();
    Malformed {
        message,
        offset: (line_start + error.column().saturating_sub(1)).min(text.len()),
    }
}

fn node(value: ast::Value<'_>) -> Result<Node, Malformed> {
    let range = value.range();
    let shape = match value {
        ast::Value::NullKeyword(_) => Shape::Null,
        ast::Value::BooleanLit(literal) => Shape::Bool(literal.value),
        ast::Value::NumberLit(literal) => Shape::Number(number(literal.value, range.start)?),
        ast::Value::StringLit(literal) => Shape::String(literal.value.into_owned()),
        ast::Value::Array(array) => {
            let elements = array.elements.into_iter().map(node);
            Shape::Array(elements.collect::<Result<_, _>>()?)
        }
        ast::Value::Object(object) => {
            let members = object.properties.into_iter().map(|property| {
                let name = property.name.range();
                Ok(Member {
                    span: name.start..name.end,
                    name: property.name.into_string(),
                    value: node(property.value)?,
                })
            });
            Shape::Object(members.collect::<Result<_, _>>()?)
        }
    };
    Ok(Node {
        shape,
        span: range.start..range.end,
    })
}

fn number(text: &str, offset: usize) -> Result<f64, Malformed> {
    let number: f64 = text.parse().unwrap_or(f64::INFINITY);
    if number.is_finite() {
        Ok(number)
    } else {
        Err(Malformed {
            message: "number out of range".to_owned(),
            offset,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_json_is_accepted() {
        for text in [
            "",
            "{a: 1}",
            "[1,]",
            "['a']",
            "[1 2]",
            "[0x1]",
            "[+1]",
            "[.5]",
            "[NaN]",
            "// a\n1",
            "[01]",
            "1 2",
            "[1e999]",
            "[\"a\nb\"]",
            "[\"\\x41\"]",
            "nul",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        for text in [
            "1",
            "[]",
            " {\"a\": [null, true, -1.5e3, \"\\ud83d\\ude00\"]}\n",
            "\"\\ud800\"",
        ] {
            assert!(read(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn an_error_has_a_position() {
        let error = read("{\n  \"é\": 1,\n  ]\n}").unwrap_err();
        assert_eq!(error.offset, 15);
    }
}
