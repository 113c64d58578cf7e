//! Accepts JSON that `serde_json` rejects although Go's parser accepts it, and removes data from
//! error messages.
//!
//! Flag data and contexts are written by many programs, and most are otherwise read by Go or
//! JavaScript. Both accept the escape of a lone surrogate, which is not a character; `serde_json`
//! does not, and one such string would make a whole environment unreadable. The replacement runs
//! only after the parser has failed.

use std::borrow::Cow;

use serde::de::Error as _;

/// Replaces each escape of a lone surrogate, such as `\ud800`, by the escape of the replacement
/// character, `\ufffd`.
///
/// Returns `None` if the text has no such escape. Offsets do not change, because both escapes have
/// the same length.
///
/// ```
/// use vexil_eval::json::replace_lone_surrogates;
///
/// let repaired = replace_lone_surrogates(r#"["\ud800", "\ud83d\ude00"]"#);
/// assert_eq!(repaired.as_deref(), Some(r#"["\ufffd", "\ud83d\ude00"]"#));
/// assert_eq!(replace_lone_surrogates(r#"["\\ud800"]"#), None);
/// ```
#[must_use]
pub fn replace_lone_surrogates(json: &str) -> Option<String> {
    let mut repaired = String::new();
    let (mut copied, mut at) = (0, 0);
    // JSON has no backslashes outside strings, so the two need not be told apart.
    while let Some(distance) = json.get(at..).and_then(|rest| rest.find('\\')) {
        let escape = at + distance;
        at = match escaped_unit(json, escape) {
            Some(0xD800..=0xDBFF)
                if matches!(escaped_unit(json, escape + UNIT), Some(0xDC00..=0xDFFF)) =>
            {
                escape + 2 * UNIT
            }
            Some(0xD800..=0xDFFF) => {
                repaired.push_str(json.get(copied..escape).unwrap_or_default());
                repaired.push_str("\\ufffd");
                copied = escape + UNIT;
                copied
            }
            Some(_) => escape + UNIT,
            None => escape + 2,
        };
    }
    if copied == 0 {
        return None;
    }
    repaired.push_str(json.get(copied..).unwrap_or_default());
    Some(repaired)
}

/// The length of an escape like `\u0041`.
const UNIT: usize = 6;

/// Returns the UTF-16 unit that is escaped at this offset; `None` if there is no `\u` escape.
fn escaped_unit(json: &str, at: usize) -> Option<u32> {
    let digits = json.get(at..at + UNIT)?.strip_prefix("\\u")?;
    digits
        .chars()
        .try_fold(0, |unit, digit| Some(unit * 16 + digit.to_digit(16)?))
}

/// Removes the quoted value from the message of a serde error: flag data may be confidential.
///
/// ```
/// use vexil_eval::json::without_values;
///
/// let error = serde_json::from_str::<bool>(r#""secret""#).unwrap_err().to_string();
/// assert_eq!(without_values(&error), "invalid type: string, expected a boolean at line 1 column 8");
/// ```
#[must_use]
pub fn without_values(message: &str) -> Cow<'_, str> {
    let found = ["invalid type: ", "invalid value: "]
        .into_iter()
        .find_map(|words| {
            let (before, found) = message.split_once(words)?;
            // The last occurrence: a quoted string may contain these words too.
            let (found, expected) = found.rsplit_once(", expected ")?;
            let kind = found.split(['"', '`', '\'']).next()?.trim_end();
            (kind.len() < found.len())
                .then(|| format!("{before}{words}{kind}, expected {expected}"))
        });
    found.map_or(Cow::Borrowed(message), Cow::Owned)
}

/// Returns the same error without the value that it quotes.
///
/// ```
/// use vexil_eval::json::quiet;
///
/// let error = serde_json::from_str::<bool>(r#""secret""#).unwrap_err();
/// assert!(error.to_string().contains("secret"));
/// assert!(!quiet(error).to_string().contains("secret"));
/// ```
#[must_use]
pub fn quiet(error: serde_json::Error) -> serde_json::Error {
    match without_values(&error.to_string()) {
        Cow::Borrowed(_) => error,
        // `serde_json` parses line and column from the end of the message.
        Cow::Owned(message) => serde_json::Error::custom(message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lone_surrogates_are_replaced_and_offsets_do_not_change() {
        for (json, expected) in [
            (r#""\uD800""#, r#""\ufffd""#),
            (r#""\udfff\ud800""#, r#""\ufffd\ufffd""#),
            (
                r#""\ud800\ud83d\ude00\ude00""#,
                r#""\ufffd\ud83d\ude00\ufffd""#,
            ),
            (r#""\ud800\n\udc00""#, r#""\ufffd\n\ufffd""#),
            (r#""\ud83dx""#, r#""\ufffdx""#),
            (r#"{"é\ud800": "\\\ud800"}"#, r#"{"é\ufffd": "\\\ufffd"}"#),
        ] {
            let repaired = replace_lone_surrogates(json).expect(json);
            assert_eq!((repaired.as_str(), repaired.len()), (expected, json.len()));
            assert!(
                serde_json::from_str::<serde_json::Value>(&repaired).is_ok(),
                "{repaired}"
            );
        }
        for json in [
            "",
            "{}",
            r#""\ud83d\ude00""#,
            r#""\\ud800""#,
            r#""\u00e9\t""#,
            r#""\ud80"#,
            r#"\é"#,
            "\\",
        ] {
            assert_eq!(replace_lone_surrogates(json), None, "{json}");
        }
    }

    #[test]
    fn a_quoted_value_is_removed_from_a_message_whatever_it_contains() {
        let error = |json: &str| quiet(serde_json::from_str::<bool>(json).unwrap_err());
        for json in [
            r#""secret, expected secret""#,
            r#""a secret` \" '""#,
            "777",
            "-7.25e3",
        ] {
            let error = error(json);
            let shown = format!("{error} {error:?}");
            assert!(
                !shown.contains("secret") && !shown.contains("77") && !shown.contains("7.25"),
                "{shown}"
            );
            assert!(shown.contains("expected a boolean"), "{shown}");
            assert_eq!((error.line(), error.column()), (1, json.len()));
        }
        assert_eq!(
            error("[]").to_string(),
            "invalid type: sequence, expected a boolean at line 1 column 0"
        );
        assert_eq!(
            error("{").to_string(),
            "invalid type: map, expected a boolean at line 1 column 0"
        );
    }
}
