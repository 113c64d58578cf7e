//! [`OverrideError`]: why an override cannot be applied.

use std::error::Error;
use std::fmt;

use vexil_eval::ContextError;
use vexil_eval::model::{DataKind, ReadError};

/// An error of an override, by itself or together with its base.
#[derive(Debug)]
#[non_exhaustive]
pub enum OverrideError {
    /// The base has no such item.
    NoItem,
    /// The item of the base cannot be read.
    Base {
        /// The error of the reader.
        source: ReadError<serde_json::Error>,
    },
    /// The form is for items of the other kind.
    WrongKind {
        /// The kind of item that the form is for.
        expected: DataKind,
    },
    /// The flag does not have the variation.
    NoVariation {
        /// The number of variations that it has.
        count: usize,
        /// The position in the list of contexts, or `None` if the override is for all.
        context: Option<usize>,
    },
    /// The flag is off and has no off variation, so there is no value for contexts that are not named.
    NoOffVariation,
    /// The lists of the segment are in a big-segment store.
    BigSegment,
    /// A context cannot exist.
    Context {
        /// The position in the list of contexts.
        index: usize,
        /// The error of the context.
        source: ContextError,
    },
    /// A context is in the list for the second time.
    Repeated {
        /// The position in the list of contexts.
        index: usize,
    },
    /// A user is both included and excluded.
    IncludedToo {
        /// The position in the list of excluded users.
        index: usize,
    },
    /// The item that replaces the base cannot be read.
    Item {
        /// The error of the reader.
        source: ReadError<serde_json::Error>,
    },
    /// The item with the override applied cannot be read, because a value is too deep.
    Result {
        /// The error of the reader.
        source: ReadError<serde_json::Error>,
    },
}

impl OverrideError {
    /// Returns a JSON pointer to the part of the override that is wrong; empty for all of it.
    ///
    /// ```
    /// use vexil_eval::model::DataKind::Flag;
    /// use vexil_service::{Layers, Override};
    ///
    /// let mut layers = Layers::new("shop-1f0c");
    /// layers.set_base([(Flag, "banner".to_owned(), r#"{"variations": ["a"]}"#.into())])?;
    /// let error = layers.set_override(Flag, "banner", Override::Variation(1)).unwrap_err();
    /// assert_eq!(error.pointer(), "/variation");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn pointer(&self) -> String {
        match self {
            Self::NoVariation { context: None, .. } => "/variation".to_owned(),
            Self::NoVariation {
                context: Some(index),
                ..
            } => format!("/for/{index}/variation"),
            Self::Context { index, .. } | Self::Repeated { index } => format!("/for/{index}"),
            Self::Item { .. } => "/item".to_owned(),
            Self::IncludedToo { index } => format!("/exclude/{index}"),
            Self::NoItem
            | Self::Base { .. }
            | Self::WrongKind { .. }
            | Self::NoOffVariation
            | Self::BigSegment
            | Self::Result { .. } => String::new(),
        }
    }
}

impl fmt::Display for OverrideError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoItem => f.write_str("there is no such item to override"),
            Self::Base { .. } => f.write_str("the item to override cannot be read"),
            Self::WrongKind { expected } => {
                write!(f, "an override of this form is for a {expected}")
            }
            Self::NoVariation { count: 1, .. } => f.write_str("the flag has only 1 variation"),
            Self::NoVariation { count, .. } => write!(f, "the flag has only {count} variations"),
            Self::NoOffVariation => {
                f.write_str("the flag is off and has no off variation; switch the flag on first")
            }
            Self::BigSegment => f.write_str("the lists of a big segment are in its store"),
            Self::Context { .. } => f.write_str("the context is invalid"),
            Self::Repeated { .. } => f.write_str("the context is in the list twice"),
            Self::IncludedToo { .. } => f.write_str("the user is both included and excluded"),
            Self::Item { .. } => f.write_str("the item cannot be read"),
            Self::Result { .. } => f.write_str("the result of the override cannot be read"),
        }
    }
}

impl Error for OverrideError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Context { source, .. } => Some(source),
            Self::Base { source } | Self::Item { source } | Self::Result { source } => Some(source),
            _ => None,
        }
    }
}
