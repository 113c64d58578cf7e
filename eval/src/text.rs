//! [`Text`]: an immutable string that is cheap to clone.
//!
//! Keys, kinds, attribute names and string values are short and are copied far more often than
//! created. Up to 23 bytes are stored inline, longer texts behind a shared pointer, so the
//! evaluator, the string variation method and the context builder pass strings without allocating.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use foldhash::quality::FixedState;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smol_str::SmolStr;

/// An immutable string that is cheap to clone. Dereferences to [`str`].
///
/// ```
/// use vexil_eval::Text;
///
/// let theme = Text::from("dark");
/// assert_eq!(theme, "dark");
/// assert_eq!(theme.len(), 4);
/// let owned: String = theme.into();
/// assert_eq!(owned, "dark");
/// ```
#[derive(Clone, Default, Eq, PartialOrd, Ord)]
pub struct Text(SmolStr);

/// The maximum length of an inline text in bytes; `SmolStr::new_inline` panics above it.
const INLINE: usize = 23;

impl Text {
    /// Returns the string.
    ///
    /// ```
    /// use vexil_eval::Text;
    ///
    /// assert!(matches!(Text::from("dark").as_str(), "dark" | "light"));
    /// ```
    #[must_use]
    #[inline]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Creates a text from a literal without copying or allocating.
    ///
    /// ```
    /// use vexil_eval::Text;
    ///
    /// const DEFAULT_THEME: Text = Text::from_static("light");
    /// assert_eq!(DEFAULT_THEME, "light");
    /// ```
    #[must_use]
    pub const fn from_static(text: &'static str) -> Self {
        Self(SmolStr::new_static(text))
    }
}

/// Returns a 64-bit hash of a key. It is the same throughout the process, but not stable across
/// versions of this crate.
///
/// ```
/// assert_eq!(vexil_eval::key_hash("banner"), vexil_eval::key_hash("banner"));
/// ```
#[must_use]
pub fn key_hash(key: &str) -> u64 {
    FixedState::with_seed(0x0076_6578_696C).hash_one(key)
}

/// Compares two texts. Keys, kinds and names are short and compared often: up to 32 bytes are
/// compared as two words that may overlap, which saves a call to `memcmp` and its dispatch on the
/// length.
///
/// ```
/// use vexil_eval::short_str_eq;
///
/// assert!(short_str_eq("country", "country"));
/// assert!(!short_str_eq("country", "county"));
/// ```
#[inline]
#[must_use]
pub fn short_str_eq(one: &str, two: &str) -> bool {
    // See docs/decisions/020-evaluation-path.md.
    let (one, two) = (one.as_bytes(), two.as_bytes());
    if one.len() != two.len() {
        return false;
    }
    if one.len() > 32 {
        return one == two;
    }
    let by_words = ends::<16>(one, two)
        .or_else(|| ends::<8>(one, two))
        .or_else(|| ends::<4>(one, two));
    by_words
        .or_else(|| ends::<2>(one, two))
        .unwrap_or_else(|| one.first() == two.first())
}

/// Whether the first and the last `N` bytes are equal; `None` if there are fewer.
#[inline]
fn ends<const N: usize>(one: &[u8], two: &[u8]) -> Option<bool> {
    let same_start = one.first_chunk::<N>()? == two.first_chunk()?;
    Some(same_start && one.last_chunk::<N>()? == two.last_chunk()?)
}

impl Deref for Text {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Text {
    #[inline]
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for Text {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        short_str_eq(self, other)
    }
}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

// `Hash` and `Eq` are those of `str`, so maps keyed by `Text` can be queried by `&str`.
impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<&str> for Text {
    #[inline]
    fn from(text: &str) -> Self {
        // Equivalent to `SmolStr::new`, which reads back the bytes that it has just copied and
        // stalls on them (15 % of the time to build a context).
        Self(if text.len() <= INLINE {
            SmolStr::new_inline(text)
        } else {
            SmolStr::new(text)
        })
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(SmolStr::from(text))
    }
}

impl From<&String> for Text {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<&Self> for Text {
    fn from(text: &Self) -> Self {
        text.clone()
    }
}

impl From<Cow<'_, str>> for Text {
    fn from(text: Cow<'_, str>) -> Self {
        Self(SmolStr::from(text))
    }
}

impl From<Arc<str>> for Text {
    fn from(text: Arc<str>) -> Self {
        Self(SmolStr::from(text))
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.0.into()
    }
}

impl From<Text> for Arc<str> {
    fn from(text: Text) -> Self {
        text.0.into()
    }
}

impl PartialEq<str> for Text {
    #[inline]
    fn eq(&self, other: &str) -> bool {
        short_str_eq(self, other)
    }
}

impl PartialEq<&str> for Text {
    #[inline]
    fn eq(&self, other: &&str) -> bool {
        short_str_eq(self, other)
    }
}

impl PartialEq<String> for Text {
    fn eq(&self, other: &String) -> bool {
        short_str_eq(self, other)
    }
}

impl PartialEq<Text> for &str {
    fn eq(&self, other: &Text) -> bool {
        short_str_eq(self, other)
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl Visitor<'_> for TextVisitor {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E>(self, text: &str) -> Result<Text, E> {
                Ok(Text::from(text))
            }

            fn visit_string<E>(self, text: String) -> Result<Text, E> {
                Ok(Text::from(text))
            }
        }

        deserializer.deserialize_str(TextVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::{INLINE, Text, short_str_eq};

    #[test]
    fn texts_of_every_length_are_stored_in_full() {
        // Three bytes per character, so that the limit also falls inside one.
        for length in 0..=2 * INLINE {
            for text in ["x".repeat(length), "€".repeat(length)] {
                assert_eq!(Text::from(text.as_str()), text.as_str());
            }
        }
    }

    #[test]
    fn texts_are_equal_if_and_only_if_every_byte_is() {
        let text: String = ('a'..='z').chain('A'..='Z').collect();
        for length in 0..=text.len() {
            let one = &text[..length];
            assert!(short_str_eq(one, one) && !short_str_eq(one, &format!("{one}!")));
            for place in 0..length {
                let mut other = one.to_owned();
                other.replace_range(place..=place, "!");
                assert!(!short_str_eq(one, &other), "{one} and {other}");
            }
        }
    }
}
