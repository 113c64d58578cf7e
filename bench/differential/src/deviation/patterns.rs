//! Patterns whose classes cover more characters in the peer.

use serde_json::Value;

use crate::case::Case;
use crate::shape::{Shape, visit};

/// Each class, and its ASCII-only form in the peer's syntax.
const ASCII: [(&str, &str); 4] = [
    (r"\d", "(?-u:\\d)"),
    (r"\w", "(?-u:\\w)"),
    (r"\s", r"[\t\n\x0C\r ]"),
    (r"\b", "(?-u:\\b)"),
];

/// Restricts the classes of patterns to ASCII in the peer too.
pub(super) fn restrict_to_ascii(case: &mut Case) {
    visit(case, &mut |shape, object| {
        if shape != Shape::Clause || object.get("op").and_then(Value::as_str) != Some("matches") {
            return;
        }
        let Some(Value::Array(values)) = object.get_mut("values") else {
            return;
        };
        for value in values {
            if let Value::String(pattern) = value {
                for (class, ascii) in ASCII {
                    *pattern = pattern.replace(class, ascii);
                }
            }
        }
    });
}
