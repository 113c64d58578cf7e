//! [`SourceText`]: the JSON that an item was read from, for stores that keep text.
//!
//! A database must get the bytes that the service sent: what this version does not know, another may need. Taking them
//! costs next to nothing while a data set is read, as all items share the text of the whole, and the end of an item's
//! part is looked for when somebody wants it.

use std::fmt;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The JSON that an item was read from: what it begins with. What follows is not looked at.
#[derive(Clone)]
pub(crate) struct SourceText(Bytes);

impl SourceText {
    pub(crate) fn new(json: impl Into<Bytes>) -> Self {
        Self(json.into())
    }

    /// Exactly the item's JSON; none if there is none.
    pub(crate) fn json(&self) -> Option<Bytes> {
        let mut deserializer = serde_json::Deserializer::from_slice(&self.0);
        let value = <&RawValue>::deserialize(&mut deserializer).ok()?;
        Some(self.0.slice_ref(value.get().as_bytes()))
    }
}

impl fmt::Debug for SourceText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SourceText")
    }
}

/// A text that several items are being read from.
pub(super) struct Document<'t> {
    text: &'t str,
    /// The same text, shared by the items.
    shared: Bytes,
}

impl<'t> Document<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, shared: Bytes::copy_from_slice(text.as_bytes()) }
    }

    /// The text of the value that follows a key; none if the key is no part of the text.
    pub(super) fn value_of(&self, key: &str) -> Option<SourceText> {
        let begin = key.as_ptr().addr().checked_sub(self.text.as_ptr().addr())?;
        let rest = self.text.get(begin + key.len()..)?;
        // The key's closing quote, then nothing but white space before the colon.
        let colon = rest.find(':')?;
        Some(SourceText(self.shared.slice(begin + key.len() + colon + 1..)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_an_item_ends_where_its_value_ends() {
        let text = r#"{ "a" : {"x": [1, "}"]} , "b":2}"#;
        let document = Document::new(text);
        let json = |key: &str| document.value_of(key).and_then(|text| text.json());
        assert_eq!(json(&text[3..4]).unwrap(), r#"{"x": [1, "}"]}"#);
        assert_eq!(json(&text[27..28]).unwrap(), "2");
    }

    #[test]
    fn a_key_from_elsewhere_has_no_value_here() {
        let document = Document::new(r#"{"a": 1}"#);
        assert!(document.value_of("a").is_none());
    }
}
