//! [`Kind`]: the kind of contexts that a part of a flag or segment is about.

use super::builder::DEFAULT_KIND;
use crate::text::Text;

/// A kind. Nearly all are `user`, and of two that are nobody has to look at the text.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Kind {
    #[default]
    User,
    Other(Text),
}

impl Kind {
    /// Whether this is the kind called `text`, of which it is known whether that is `user`.
    #[inline]
    pub(super) fn is(&self, text: &Text, is_user: bool) -> bool {
        match self {
            Self::User => is_user,
            Self::Other(own) => !is_user && own == text,
        }
    }
}

/// The empty text stands for `user`.
impl From<Text> for Kind {
    fn from(text: Text) -> Self {
        if text.is_empty() || text == DEFAULT_KIND {
            Self::User
        } else {
            Self::Other(text)
        }
    }
}
