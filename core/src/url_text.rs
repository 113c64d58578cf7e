//! Redacts URLs for logs, errors and `Debug`.

/// Returns a URL without its credentials, query and fragment. The URL may be malformed.
///
/// ```
/// use vexil::config::redacted_url;
///
/// assert_eq!(redacted_url("https://ada:secret@relay/ld?token=secret"), "https://…@relay/ld?…");
/// assert_eq!(redacted_url("redis://localhost:6379/2"), "redis://localhost:6379/2");
/// ```
#[must_use]
pub fn redacted_url(url: &str) -> String {
    let (scheme, rest) = url.find("://").map_or(("", url), |at| url.split_at(at + 3));
    let (rest, query) = match rest.find(['?', '#']) {
        // An `@` after the `?` may mean that the `?` is part of a password.
        Some(at) if rest.get(at..).is_some_and(|query| query.contains('@')) => {
            return format!("{scheme}…");
        }
        Some(at) => (
            rest.get(..at).unwrap_or_default(),
            if rest.as_bytes().get(at) == Some(&b'?') {
                "?…"
            } else {
                "#…"
            },
        ),
        None => (rest, ""),
    };
    match rest.rsplit_once('@') {
        Some((_credentials, host)) => format!("{scheme}…@{host}{query}"),
        None => format!("{scheme}{rest}{query}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_and_queries_are_redacted() {
        for (url, shown) in [
            ("http://ada:secret@host:1", "http://…@host:1"),
            ("ada:secret@host:1", "…@host:1"),
            ("http://ada:sec@/ret@host:1", "http://…@host:1"),
            ("x://secret@host:1", "x://…@host:1"),
            ("redis://ada:p@secret@h:1/2", "redis://…@h:1/2"),
            ("https://h/ld?token=secret", "https://h/ld?…"),
            (
                "https://ada:secret@h/ld?token=secret#secret",
                "https://…@h/ld?…",
            ),
            ("https://h#secret", "https://h#…"),
            ("https://h?token=a@secret", "https://…"),
            ("https://ada:a?secret@h", "https://…"),
            ("?token=secret", "?…"),
            ("http://host:1/a", "http://host:1/a"),
            ("not a url", "not a url"),
            ("", ""),
        ] {
            assert_eq!(redacted_url(url), shown);
            assert!(!shown.contains("secret"));
        }
    }
}
