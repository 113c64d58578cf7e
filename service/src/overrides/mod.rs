//! [`Override`]: a change of one item, laid over its base.

mod apply;
mod document;
mod error;
mod read;
mod segment;
mod targets;
#[cfg(test)]
mod tests;
mod write;

use serde_json::Value;

pub use self::document::Overrides;
pub use self::error::OverrideError;
pub use self::read::{OverrideDefect, OverrideReadError};

/// A change of one item, laid over its base.
///
/// Each form has its JSON, which is read and written with serde:
///
/// | form | JSON |
/// | --- | --- |
/// | [`On`](Self::On) | `{"on": false}` |
/// | [`Variation`](Self::Variation) | `{"variation": 2}` |
/// | [`Value`](Self::Value) | `{"value": 30}` |
/// | [`For`](Self::For) | `{"for": [{"kind": "user", "key": "ada", "variation": 0}]}`, or `"value"` |
/// | [`Segment`](Self::Segment) | `{"include": ["ada"], "exclude": []}` |
/// | [`Item`](Self::Item) | `{"item": {…}}` |
/// | [`Missing`](Self::Missing) | `{"missing": true}` |
///
/// ```
/// use vexil_service::Override;
///
/// let read: Override = serde_json::from_str(r#"{"variation": 2}"#)?;
/// assert_eq!(read, Override::Variation(2));
///
/// let error = serde_json::from_str::<Override>(r#"{"variation": "dark"}"#).unwrap_err();
/// assert_eq!(error.to_string(), "`/variation` must be the index of a variation");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Override {
    /// Switches a flag on or off.
    On(bool),
    /// Makes a flag return the variation with this index for every context.
    Variation(usize),
    /// Makes a flag return this value for every context. The value becomes a variation unless one of
    /// them is equal. If the base has no such flag, it is created, for the SDKs of all families.
    Value(Value),
    /// Makes a flag return values for certain contexts, and for all others what it returned before.
    ///
    /// The contexts become individual targets, in the form that all SDKs read, before all other
    /// targets. Kinds other than `user` come first. Three things follow from this:
    ///
    /// - SDKs read the targeted users of one variation from one list. If it contains other users too,
    ///   they also come before targets of other kinds, which only matters to multi-contexts.
    /// - Prerequisites of the flag stay. A context whose prerequisites fail gets the off variation.
    /// - A flag that is off is switched on. Its targets, rules and prerequisites are removed, and the
    ///   contexts that are not named get the off variation, with another reason. Without an off
    ///   variation, the override cannot be applied.
    For(Vec<ContextOverride>),
    /// Adds users to the lists of a segment, and removes them from the opposite lists.
    Segment {
        /// The keys of users that belong to the segment.
        include: Vec<String>,
        /// The keys of users that do not belong to it.
        exclude: Vec<String>,
    },
    /// Replaces the item, or creates it. Its key is that of the override, and its version continues
    /// that of the item.
    Item(Value),
    /// Deletes the item.
    Missing,
}

/// The value of a flag for one context. See [`Override::For`].
#[derive(Clone, Debug, PartialEq)]
pub struct ContextOverride {
    kind: String,
    key: String,
    result: OverrideResult,
}

/// What a flag returns for a context.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a flag returns a variation, or a value that becomes one"
)]
pub enum OverrideResult {
    /// The variation with this index.
    Variation(usize),
    /// This value, which becomes a variation unless one of them is equal.
    Value(Value),
}

impl ContextOverride {
    /// Creates the override of a context. An empty kind means `user`.
    #[must_use]
    pub fn new(kind: impl Into<String>, key: impl Into<String>, result: OverrideResult) -> Self {
        let kind = Some(kind.into()).filter(|kind| !kind.is_empty());
        Self {
            kind: kind.unwrap_or_else(|| USER.to_owned()),
            key: key.into(),
            result,
        }
    }

    /// Returns the kind of the context.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Returns the key of the context.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns what the flag returns for the context.
    #[must_use]
    pub fn result(&self) -> &OverrideResult {
        &self.result
    }
}

/// The kind of contexts that lists without a kind contain.
const USER: &str = "user";
