//! Percent-encoding, and the parameters of a query.

/// Returns the names and values of a query, decoded.
pub(crate) fn parameters(query: &str) -> impl Iterator<Item = (String, String)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (percent_decoded(name, true), percent_decoded(value, true))
    })
}

/// Decodes escapes. An invalid escape is kept as it is, and invalid UTF-8 is replaced. In a query, a
/// plus sign is a space.
pub(crate) fn percent_decoded(text: &str, is_query: bool) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| *first == b'%');
        let escaped =
            digits.and_then(|digits| Some(hex(*digits.first()?)? * 16 + hex(*digits.get(1)?)?));
        decoded.push(match escaped {
            Some(byte) => byte,
            None if *first == b'+' && is_query => b' ',
            None => *first,
        });
        rest = after
            .get(if escaped.is_some() { 2 } else { 0 }..)
            .unwrap_or_default();
    }
    String::from_utf8(decoded)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded_and_invalid_ones_are_kept() {
        for (text, expected) in [
            ("a%2Fb%c3%a9", "a/bé"),
            ("100%", "100%"),
            ("%zz%4", "%zz%4"),
            ("%+1", "% 1"),
            ("%ff", "\u{fffd}"),
            ("a+b%2B", "a b+"),
        ] {
            assert_eq!(percent_decoded(text, true), expected, "{text}");
        }
        assert_eq!(percent_decoded("a+b", false), "a+b");
    }

    #[test]
    fn parameters_without_a_value_are_empty() {
        let found: Vec<_> = parameters("a=1&&b&c=%3D=").collect();
        let expected = [("a", "1"), ("b", ""), ("c", "==")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(found, expected);
    }
}
