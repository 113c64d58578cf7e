//! Escapes text from flags, which must not control the terminal.

use std::borrow::Cow;

/// Returns the text with its control characters escaped, as in `\u{1b}`.
pub(crate) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.chars().any(controls) {
        return text.into();
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if controls(character) {
            escaped.extend(character.escape_unicode());
        } else {
            escaped.push(character);
        }
    }
    escaped.into()
}

/// Whether a character has an effect on a terminal other than appearing. Among them are those that
/// change the direction of text, so that a key cannot be shown as another one.
fn controls(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Returns at most `width` characters of the text, of which the last ones are `ellipsis` if it is
/// longer.
pub(crate) fn shortened<'t>(text: &'t str, width: usize, ellipsis: &str) -> Cow<'t, str> {
    if text.chars().count() <= width {
        return text.into();
    }
    let kept = width.saturating_sub(ellipsis.chars().count());
    let mut short: String = text.chars().take(kept).collect();
    short.push_str(ellipsis);
    short.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(escaped("plain é ✓"), "plain é ✓");
        assert_eq!(escaped("a\u{1b}[31mb\n"), "a\\u{1b}[31mb\\u{a}");
        assert_eq!(escaped("\u{202e}gnp"), "\\u{202e}gnp");
    }

    #[test]
    fn long_text_is_shortened() {
        assert_eq!(shortened("abcdef", 6, "…"), "abcdef");
        assert_eq!(shortened("abcdefg", 6, "…"), "abcde…");
        assert_eq!(shortened("abcdefg", 6, "..."), "abc...");
    }
}
