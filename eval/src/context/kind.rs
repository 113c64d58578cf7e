//! [`Kind`]: the context kind that a part of a flag or segment refers to.

use super::builder::DEFAULT_KIND;
use crate::text::Text;

/// A context kind. `User` is a separate variant, so that the most common comparison does not touch
/// the string.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Kind {
    #[default]
    User,
    Other(Text),
}

impl Kind {
    /// Whether this is the kind `text`; `is_user` is the precomputed result of `text == "user"`.
    #[inline]
    pub(super) fn is(&self, text: &Text, is_user: bool) -> bool {
        match self {
            Self::User => is_user,
            Self::Other(own) => !is_user && own == text,
        }
    }
}

/// An empty text means `user`.
impl From<Text> for Kind {
    fn from(text: Text) -> Self {
        if text.is_empty() || text == DEFAULT_KIND {
            Self::User
        } else {
            Self::Other(text)
        }
    }
}
