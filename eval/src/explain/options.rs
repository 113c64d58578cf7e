//! [`ExplainOptions`]: what an explanation contains.

use crate::context::Reference;

/// What an explanation contains, and which values it hides.
///
/// ```
/// use vexil_eval::explain::{ExplainOptions, Mask};
///
/// let options = ExplainOptions::default().mask(Mask::AllAttributes).beyond(true);
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct ExplainOptions {
    pub(super) mask: Mask,
    pub(super) beyond: bool,
}

impl ExplainOptions {
    /// Sets which attribute values are hidden. Default: [`Mask::Private`].
    pub fn mask(mut self, mask: Mask) -> Self {
        self.mask = mask;
        self
    }

    /// Whether the steps behind the decision are evaluated too. They are marked as not
    /// [`reached`](super::Step::reached), have no effect, and may fetch more data. If the evaluation
    /// stops with an error, there are none. Default: `false`.
    pub fn beyond(mut self, on: bool) -> Self {
        self.beyond = on;
        self
    }

    /// Whether the steps behind the decision are evaluated too.
    #[must_use]
    pub fn is_beyond(&self) -> bool {
        self.beyond
    }
}

/// The attribute values that an explanation hides. It never holds them, so no form of output can
/// contain them. Their types are shown, and so are the operands of flags, whether a clause matched,
/// and buckets. Kind, key and `anonymous` are never hidden.
///
/// ```
/// use vexil_eval::Reference;
/// use vexil_eval::explain::{ExplainOptions, Mask};
///
/// // For a page that the support staff sees.
/// let mask = Mask::PrivateAnd(vec![Reference::new("email"), Reference::new("/address/street")]);
/// let options = ExplainOptions::default().mask(mask);
/// # assert!(!options.is_beyond());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mask {
    /// Hides nothing.
    Nothing,
    /// Hides the attributes that the context declares private.
    #[default]
    Private,
    /// Also hides these attributes, or parts of attributes. Invalid references are ignored.
    PrivateAnd(Vec<Reference>),
    /// Hides all attributes.
    AllAttributes,
}
