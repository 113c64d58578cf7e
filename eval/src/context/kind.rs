//! [`Kind`]: the context kind that a part of a flag or segment refers to; kinds with a meaning.

use crate::text::Text;

/// The kind of a context that is created without one.
pub(super) const DEFAULT_KIND: &str = "user";

/// The kind of every multi-context.
pub(super) const MULTI_KIND: &str = "multi";

/// A context kind. `User` is a separate variant, so that the most common comparison does not touch
/// the string.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Kind {
    #[default]
    User,
    Other(Text),
}

impl Kind {
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::User => DEFAULT_KIND,
            Self::Other(text) => text,
        }
    }

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
