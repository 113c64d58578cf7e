//! [`Kind`]: the kind of contexts that a part of a flag or segment is about.

use super::builder::DEFAULT_KIND;
use crate::text::Text;

/// A kind. Nearly all are `user`, and of two that are nobody has to look at the text.
#[derive(Clone, Debug)]
pub(crate) struct Kind {
    text: Text,
    is_user: bool,
}

impl Kind {
    pub(crate) fn is_user(&self) -> bool {
        self.is_user
    }

    /// Whether this is the kind called `text`, of which it is known whether that is `user`.
    #[inline]
    pub(super) fn is(&self, text: &Text, is_user: bool) -> bool {
        self.is_user == is_user && (is_user || self.text == *text)
    }
}

impl Default for Kind {
    fn default() -> Self {
        Self { text: DEFAULT_KIND, is_user: true }
    }
}

/// The empty text stands for `user`.
impl From<Text> for Kind {
    fn from(text: Text) -> Self {
        let text = if text.is_empty() { DEFAULT_KIND } else { text };
        Self { is_user: text == DEFAULT_KIND, text }
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        self.is(&other.text, other.is_user)
    }
}
