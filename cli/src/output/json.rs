//! Prints JSON as it was written, with line breaks.

use std::fmt::Write;

use super::{Output, escaped};

const INDENT: &str = "  ";

/// Returns valid JSON with one member or element on each line. The order, the numbers and the
/// strings are those of the text. Control characters are escaped.
pub(crate) fn indented(json: &str, output: &Output) -> String {
    let mut printed = String::with_capacity(json.len() * 2);
    let mut depth = 0;
    let mut rest = json;
    while let Some(token) = token(&mut rest) {
        match token {
            "{" | "[" => {
                let is_empty = rest.trim_start().starts_with(['}', ']']);
                printed.push_str(token);
                depth += 1;
                if !is_empty {
                    line_break(&mut printed, depth);
                }
            }
            "}" | "]" => {
                depth -= 1;
                if !printed.ends_with(['{', '[']) {
                    line_break(&mut printed, depth);
                }
                printed.push_str(token);
            }
            "," => {
                printed.push(',');
                line_break(&mut printed, depth);
            }
            ":" => printed.push_str(": "),
            text if rest.trim_start().starts_with(':') => {
                printed.push_str(&output.bold(escaped(text)))
            }
            text => printed.push_str(&escaped(text)),
        }
    }
    printed.push('\n');
    printed
}

fn line_break(printed: &mut String, depth: usize) {
    // Writing to a string succeeds.
    let _ = write!(printed, "\n{}", INDENT.repeat(depth));
}

/// Takes the next token of valid JSON.
fn token<'j>(rest: &mut &'j str) -> Option<&'j str> {
    let text = rest.trim_start();
    let end = match text.as_bytes().first()? {
        b'{' | b'}' | b'[' | b']' | b',' | b':' => 1,
        b'"' => string_end(text),
        _ => text
            .find([',', '}', ']', ':', ' ', '\t', '\r', '\n'])
            .unwrap_or(text.len()),
    };
    let (token, after) = text.split_at(end);
    *rest = after;
    Some(token)
}

/// Returns where the string at the start of the text ends.
fn string_end(text: &str) -> usize {
    let mut bytes = text.bytes().enumerate().skip(1);
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::tests::plain;

    #[test]
    fn order_numbers_and_strings_stay_as_they_are() {
        let json = r#" {"b":1.50,"a":[ ],"text":"x, {\"y\"}: \\","c":{"d":[1e3,null]}} "#;
        let expected = r#"{
  "b": 1.50,
  "a": [],
  "text": "x, {\"y\"}: \\",
  "c": {
    "d": [
      1e3,
      null
    ]
  }
}
"#;
        assert_eq!(indented(json, &plain()), expected);
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(indented("\"a\u{202e}b\"", &plain()), "\"a\\u{202e}b\"\n");
    }
}
