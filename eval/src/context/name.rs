//! [`Name`] and [`Attribute`]: attribute names prepared for comparison.
//!
//! Every clause looks up an attribute. Classifying a name and computing its [`NameHash`] therefore
//! happens only once: when a context is built, and when a flag is read.

use std::ops::Deref;

use crate::text::{Text, key_hash};

/// The name of a custom attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    hash: NameHash,
    text: Text,
}

impl Name {
    /// Whether this is the name `text`, which has this hash.
    #[inline]
    pub(super) fn is(&self, text: &(impl AsRef<str> + ?Sized), hash: NameHash) -> bool {
        self.hash == hash && (hash.is_all() || self.text == *text.as_ref())
    }
}

impl From<Text> for Name {
    #[inline]
    fn from(text: Text) -> Self {
        Self {
            hash: NameHash::of(&text),
            text,
        }
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl Deref for Name {
    type Target = Text;

    fn deref(&self) -> &Text {
        &self.text
    }
}

/// A name condensed for comparison: the whole text of a short name, a hash of a long one. See
/// docs/decisions/020-evaluation-path.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NameHash(u64);

impl NameHash {
    const HASHED: u64 = 1 << 63;

    #[inline]
    pub(super) fn of(name: &str) -> Self {
        match u64::try_from(name.len()) {
            // The length precedes the bytes, so that no other name has the same value.
            Ok(length @ 0..=7) => Self(
                name.bytes()
                    .fold(length, |hash, byte| hash << 8 | u64::from(byte)),
            ),
            _ => Self(key_hash(name) | Self::HASHED),
        }
    }

    /// Whether equal hashes imply equal names, that is, whether this holds the whole name.
    fn is_all(self) -> bool {
        self.0 & Self::HASHED == 0
    }
}

/// A classified attribute name.
#[derive(Clone, Copy, Debug)]
pub(super) enum Attribute {
    BuiltIn(BuiltIn),
    /// A custom attribute, with the hash of its name.
    Custom(NameHash),
}

/// The built-in attributes.
#[derive(Clone, Copy, Debug)]
pub(super) enum BuiltIn {
    Kind,
    Key,
    Name,
    Anonymous,
}

impl Attribute {
    pub(super) fn named(name: &str) -> Self {
        match name {
            "kind" => Self::BuiltIn(BuiltIn::Kind),
            "key" => Self::BuiltIn(BuiltIn::Key),
            "name" => Self::BuiltIn(BuiltIn::Name),
            "anonymous" => Self::BuiltIn(BuiltIn::Anonymous),
            _ => Self::Custom(NameHash::of(name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_equal_if_and_only_if_their_texts_are() {
        let texts = [
            "",
            "a",
            "b",
            "aa",
            "\0",
            "\0\0",
            "\u{1}a",
            "country",
            "countrx",
            "signupDate",
            "signupDatf",
            "/x/y",
        ];
        for one in texts {
            for two in texts {
                assert_eq!(
                    Name::from(Text::from(one)).is(two, NameHash::of(two)),
                    one == two,
                    "{one:?} {two:?}"
                );
            }
        }
    }

    #[test]
    fn long_names_with_equal_hashes_are_compared_in_full() {
        let name = Name {
            hash: NameHash::of("signupDate"),
            text: "another one".into(),
        };
        assert!(!name.is("signupDate", NameHash::of("signupDate")));
    }
}
