//! The documentation of a field.

use vexil::Value;

use super::SourceFlag;

/// The largest number of variations that are listed, and the longest of each, in characters.
const LISTED: usize = 20;
const LONGEST: usize = 100;

/// Returns the lines of the documentation, without the comment signs.
pub(super) fn lines(flag: &SourceFlag) -> Vec<String> {
    let mut lines = vec![format!("The flag {}.", code(&flag.key))];
    let description = flag.description.as_deref().unwrap_or_default().trim();
    if !description.is_empty() {
        lines.push(String::new());
        lines.extend(description.lines().map(|line| prose(line.trim_end())));
    }
    if !flag.variations.is_empty() {
        lines.push(String::new());
        lines.push(format!("Variations: {}.", variations(&flag.variations)));
    }
    if !flag.tags.is_empty() {
        let tags: Vec<_> = flag.tags.iter().map(|tag| code(tag)).collect();
        lines.push(String::new());
        lines.push(format!("Tags: {}.", tags.join(", ")));
    }
    lines
}

fn variations(variations: &[Value]) -> String {
    let listed = variations.iter().take(LISTED);
    let mut texts: Vec<_> = listed.map(|value| code(&value.to_string())).collect();
    if variations.len() > LISTED {
        texts.push(format!("{} more", variations.len() - LISTED));
    }
    texts.join(", ")
}

/// Returns Markdown for a text of code, cut if it is long.
fn code(text: &str) -> String {
    let mut shown: String = text.chars().take(LONGEST).map(visible).collect();
    if text.chars().count() > LONGEST {
        shown.push('…');
    }
    if shown.contains('`') {
        let longest = shown
            .split(|character| character != '`')
            .map(str::len)
            .max();
        let fence = "`".repeat(longest.unwrap_or_default() + 1);
        format!("{fence} {shown} {fence}")
    } else {
        format!("`{shown}`")
    }
}

/// Returns Markdown for a text of people: without links and HTML, which rustdoc would check.
fn prose(text: &str) -> String {
    let mut markdown = String::new();
    for character in text.chars().map(visible) {
        if matches!(character, '[' | ']' | '<' | '>' | '\\' | '`') {
            markdown.push('\\');
        }
        markdown.push(character);
    }
    markdown
}

/// Replaces control characters, and those that change the direction of a text.
fn visible(character: char) -> char {
    match character {
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        control if control.is_control() => ' ',
        visible => visible,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_people_cannot_end_the_comment_or_make_links() {
        assert_eq!(code("a`b"), "`` a`b ``");
        assert_eq!(code("a\r\u{202e}b"), "`a \u{fffd}b`");
        assert_eq!(code(&"x".repeat(200)), format!("`{}…`", "x".repeat(100)));
        assert_eq!(prose("see [Flag] <b>"), r"see \[Flag\] \<b\>");
    }
}
