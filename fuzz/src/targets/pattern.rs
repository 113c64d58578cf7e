//! Regular expressions: a pattern and a text, in two lines.

use regex::RegexBuilder;
use vexil::model::{Item, ItemData};

use crate::evaluations::{context_with, flag_with_rules, variation};
use crate::inputs::lines;

pub(super) fn target(input: &[u8]) {
    let Some([pattern, text]) = lines(input) else {
        return;
    };
    let item = flag_with_rules([("matches", pattern)]);
    let Item::Flag(entry) = &item else { return };
    let Some(flag) = entry.present() else { return };
    let Some(compiled) = flag.patterns().next() else {
        assert!(!flag.problems().is_empty(), "rejected without a defect");
        return;
    };
    // Compiling a costly pattern takes milliseconds, and one text suffices for it.
    if compiled.is_costly() && !text.is_empty() {
        return;
    }
    let matches = compiled.is_match(text);
    let found = variation(&item, &context_with(text));
    assert_eq!(found == Some(0), matches == Some(true));
    if is_common(pattern)
        && text.is_ascii()
        && let Ok(regex) = RegexBuilder::new(pattern).size_limit(1 << 16).build()
        && let Some(matches) = matches
    {
        assert_eq!(matches, regex.is_match(text), "{pattern:?} in {text:?}");
    }
}

/// Whether a pattern consists of what Go and the crate `regex` understand alike.
fn is_common(pattern: &str) -> bool {
    let is_common = |byte: u8| byte.is_ascii_alphanumeric() || b" @.,*+?()|[]^$-".contains(&byte);
    pattern.bytes().all(is_common)
        && !["(?", "[[", "[]", "[^]", "--"]
            .iter()
            .any(|part| pattern.contains(part))
        && pattern.matches('[').count() == pattern.matches(']').count()
}
