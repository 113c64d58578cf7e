//! [`Version`]: semantic versions as compared by flags.
//!
//! More lenient than SemVer 2.0 in one respect (minor and patch may be missing) and as strict in
//! all others. Parsing borrows and compares in place, because each evaluation parses the attribute
//! again.

use std::cmp::Ordering;

use crate::text::Text;
use crate::value::Value;

/// A version; `S` holds its pre-release part. Build metadata is ignored and not kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Version<S> {
    numbers: [u64; 3],
    pre: S,
}

impl<'a> Version<&'a str> {
    pub(crate) fn parse(value: &'a Value) -> Option<Self> {
        Self::parse_text(value.as_str()?)
    }

    fn parse_text(text: &'a str) -> Option<Self> {
        let mut rest = text;
        let mut numbers = [0; 3];
        for (place, number) in numbers.iter_mut().enumerate() {
            if place > 0 {
                match rest.strip_prefix('.') {
                    Some(after) => rest = after,
                    None => break,
                }
            }
            (*number, rest) = leading_number(rest)?;
        }
        if rest.is_empty() {
            return Some(Self { numbers, pre: "" });
        }
        // The rest is empty, `-pre`, `+build` or `-pre+build`.
        let (rest, build) = split(rest, '+');
        if build.is_some_and(|build| !build.split('.').all(is_identifier)) {
            return None;
        }
        let pre = match rest.strip_prefix('-') {
            Some(pre)
                if pre
                    .split('.')
                    .all(|part| is_identifier(part) && !has_leading_zero(part)) =>
            {
                pre
            }
            None if rest.is_empty() => "",
            _ => return None,
        };
        Some(Self { numbers, pre })
    }

    pub(crate) fn to_owned(self) -> Version<Text> {
        Version {
            numbers: self.numbers,
            pre: self.pre.into(),
        }
    }
}

impl Version<Text> {
    /// Returns the version in full, without build metadata.
    pub(super) fn to_text(&self) -> Text {
        let [major, minor, patch] = self.numbers;
        let dash = if self.pre.is_empty() { "" } else { "-" };
        format!("{major}.{minor}.{patch}{dash}{}", self.pre).into()
    }
}

impl<S: AsRef<str>> Version<S> {
    /// Compares by the precedence of SemVer 2.0, section 11.
    pub(crate) fn precedence<O: AsRef<str>>(&self, other: &Version<O>) -> Ordering {
        let by_pre = || match (self.pre.as_ref(), other.pre.as_ref()) {
            ("", "") => Ordering::Equal,
            ("", _) => Ordering::Greater,
            (_, "") => Ordering::Less,
            (one, two) => pre_release(one, two),
        };
        self.numbers.cmp(&other.numbers).then_with(by_pre)
    }
}

fn pre_release(one: &str, two: &str) -> Ordering {
    let (mut one, mut two) = (one.split('.'), two.split('.'));
    loop {
        let order = match (one.next(), two.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(a), Some(b)) => match (is_numeric(a), is_numeric(b)) {
                // Without leading zeros the longer number is the larger one, whatever the length.
                (true, true) => a.len().cmp(&b.len()).then_with(|| a.cmp(b)),
                (true, false) => Ordering::Less,
                (false, true) => Ordering::Greater,
                (false, false) => a.cmp(b),
            },
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// Returns the number at the beginning of the text and the rest; `None` if there is no number, it
/// has a leading zero, or it is too large.
fn leading_number(text: &str) -> Option<(u64, &str)> {
    let (mut number, mut digits) = (0_u64, 0);
    for byte in text.bytes() {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        number = number.checked_mul(10)?.checked_add(u64::from(digit))?;
        digits += 1;
    }
    let has_leading_zero = digits > 1 && text.starts_with('0');
    if digits == 0 || has_leading_zero {
        None
    } else {
        Some((number, text.get(digits..)?))
    }
}

fn split(text: &str, at: char) -> (&str, Option<&str>) {
    match text.split_once(at) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

fn is_identifier(part: &str) -> bool {
    !part.is_empty()
        && part
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn is_numeric(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())
}

fn has_leading_zero(part: &str) -> bool {
    is_numeric(part) && part.len() > 1 && part.starts_with('0')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn order(one: &str, two: &str) -> Ordering {
        Version::parse_text(one)
            .unwrap()
            .precedence(&Version::parse_text(two).unwrap())
    }

    // EVAL-7.4
    #[test]
    fn missing_parts_are_zero_and_build_metadata_is_ignored() {
        for (text, same) in [
            ("2", "2.0.0"),
            ("2.1", "2.1.0"),
            ("2-rc", "2.0.0-rc"),
            ("2.0-rc", "2.0.0-rc"),
            ("2+build2", "2.0.0"),
            ("2.0.0+b.01", "2.0.0"),
            ("2.0.0+a-b", "2.0.0+b"),
        ] {
            assert_eq!(order(text, same), Ordering::Equal, "{text}");
        }
        assert!(Version::parse_text("2.0.0-rc.01a").is_some());
    }

    // EVAL-7.4
    #[test]
    fn invalid_versions_are_rejected() {
        for text in [
            "02.0.0",
            "v2.0.0",
            "2.0.0.0",
            "2.",
            "2..0",
            "",
            " 2.0.0",
            "-1.0.0",
            "2.0.0-01",
            "2.0.0-",
            "2.0.0+",
            "2.0.0-a..b",
            "2.0.0-rc_1",
            "18446744073709551616.0.0",
            "+2",
        ] {
            assert!(Version::parse_text(text).is_none(), "{text}");
        }
        for value in [Value::from(2), true.into(), Value::Null] {
            assert!(Version::parse(&value).is_none());
        }
    }

    // EVAL-7.4
    #[test]
    fn precedence_follows_semver() {
        let ascending = [
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "2.0.0-rc.2.green",
            "2.0.0-rc.2.green.1",
            "2.0.0-rc.2.red",
            "2.0.0-rc.10.green",
            "2.0.0-rc.99999999999999999999.x",
            "2.0",
            "10.0.1",
        ];
        for pair in ascending.windows(2) {
            assert_eq!(order(pair[0], pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(order(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
        }
    }

    fn numbers() -> impl Strategy<Value = String> {
        let number = "(0|1|2|10|01|18446744073709551615|18446744073709551616)";
        text(format!(r"{number}(\.{number}){{0,2}}"))
    }

    fn suffix() -> impl Strategy<Value = String> {
        let identifier = "(0|1|2|10|01|a|B|a-|[0-9]{20})";
        let identifiers = format!(r"{identifier}(\.{identifier}){{0,2}}");
        text(format!(r"(-{identifiers})?(\+{identifiers})?"))
    }

    fn text(pattern: String) -> impl Strategy<Value = String> {
        proptest::string::string_regex(&pattern).unwrap()
    }

    /// Parses a version with the crate `semver`, after completing missing parts with zeros.
    fn second_opinion(text: &str) -> Option<semver::Version> {
        let (core, rest) = text.split_at(text.find(['-', '+']).unwrap_or(text.len()));
        let missing = ["", ".0", ".0.0"].get(2_usize.checked_sub(core.matches('.').count())?)?;
        semver::Version::parse(&format!("{core}{missing}{rest}")).ok()
    }

    // EVAL-7.4
    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 8 } else { 1_024 }))]

        #[test]
        fn versions_are_parsed_and_compared_as_by_semver(
            cores in [numbers(), numbers()],
            suffixes in [suffix(), suffix()],
            (cut, inserted) in (any::<prop::sample::Index>(), "[-+.0a]?"),
        ) {
            let one = cores[0].clone() + &suffixes[0];
            let two = cores[1].clone() + &suffixes[1];
            let other_suffix = cores[0].clone() + &suffixes[1];
            let mut corrupt = one.clone();
            corrupt.insert_str(cut.index(one.len() + 1), &inserted);
            for text in [&one, &two, &other_suffix, &corrupt] {
                let parsed = Version::parse_text(text).is_some();
                prop_assert_eq!(parsed, second_opinion(text).is_some(), "{}", text);
            }
            for other in [&two, &other_suffix, &corrupt] {
                let ours = Version::parse_text(&one).zip(Version::parse_text(other));
                let theirs = second_opinion(&one).zip(second_opinion(other));
                prop_assert_eq!(
                    ours.map(|(one, other)| one.precedence(&other)),
                    theirs.map(|(one, other)| one.cmp_precedence(&other)),
                    "{} and {}", one, other
                );
            }
        }
    }
}
