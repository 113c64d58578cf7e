//! Names of fields from the keys of flags.

use std::collections::HashSet;

/// The words that cannot be names in any edition of Rust.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Names that are distinct.
#[derive(Debug, Default)]
pub(super) struct Names {
    used: HashSet<String>,
}

impl Names {
    /// Returns a name for a key: the key in snake case, with a number if the name is taken.
    pub(super) fn name(&mut self, key: &str) -> String {
        let plain = snake_case(key);
        let numbered = (2_u64..).map(|number| format!("{plain}_{number}"));
        let mut candidates = std::iter::once(plain.clone()).chain(numbered);
        let free = candidates.find(|name| !self.used.contains(name));
        // The candidates are endless.
        let name = free.unwrap_or(plain);
        self.used.insert(name.clone());
        name
    }
}

/// Returns the key that the derive macro makes of a name.
pub(super) fn key_of(name: &str) -> String {
    name.trim_matches('_').replace('_', "-")
}

fn snake_case(key: &str) -> String {
    let mut name = String::new();
    let mut before = None;
    for character in key.chars() {
        let begins_a_word = character.is_ascii_uppercase()
            && before
                .is_some_and(|before: char| before.is_ascii_lowercase() || before.is_ascii_digit());
        if begins_a_word || !character.is_ascii_alphanumeric() {
            separate(&mut name);
        }
        if character.is_ascii_alphanumeric() {
            name.push(character.to_ascii_lowercase());
        }
        before = Some(character);
    }
    let name = name.trim_end_matches('_');
    if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
        format!("flag_{name}").trim_end_matches('_').to_owned()
    } else if KEYWORDS.contains(&name) {
        format!("{name}_")
    } else {
        name.to_owned()
    }
}

fn separate(name: &mut String) {
    if !name.is_empty() && !name.ends_with('_') {
        name.push('_');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_keys_in_snake_case() {
        for (key, name) in [
            ("new-checkout", "new_checkout"),
            ("rate.limit", "rate_limit"),
            ("newCheckout2Go", "new_checkout2_go"),
            ("HTTP", "http"),
            ("--a__b--", "a_b"),
            ("type", "type_"),
            ("Self", "self_"),
            ("2fa", "flag_2fa"),
            ("", "flag"),
            ("…", "flag"),
            ("größe", "gr_e"),
        ] {
            assert_eq!(Names::default().name(key), name, "{key}");
        }
    }

    #[test]
    fn names_are_distinct() {
        let mut names = Names::default();
        let keys = ["a-b", "a.b", "a_b_2", "aB", "type", "type_"];
        assert_eq!(
            keys.map(|key| names.name(key)),
            ["a_b", "a_b_2", "a_b_2_2", "a_b_3", "type_", "type__2"]
        );
    }

    #[test]
    fn the_macro_finds_the_key_of_a_plain_name() {
        for key in ["new-checkout", "a", "type", "a-2"] {
            assert_eq!(key_of(&Names::default().name(key)), key);
        }
        assert_ne!(key_of(&Names::default().name("rate.limit")), "rate.limit");
    }
}
