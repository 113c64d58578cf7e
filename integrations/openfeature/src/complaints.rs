//! [`Complaints`]: what contexts have to say to people, said once.
//!
//! A context is converted for each evaluation, so a line of log for each time would bury everything
//! else.

use std::sync::atomic::{AtomicBool, Ordering};

/// What is wrong with a field of an evaluation context.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Complaint {
    /// There is a targeting key, and another one.
    TwoKeys,
    /// The context cannot take the value.
    NotThisType,
    /// The value is of a type that nobody knows.
    UnknownType,
    /// A kind of a context of several kinds is no structure.
    NoStructure,
}

/// Which complaints were made.
#[derive(Debug, Default)]
pub(crate) struct Complaints {
    two_keys: AtomicBool,
    not_this_type: AtomicBool,
    unknown_type: AtomicBool,
    no_structure: AtomicBool,
}

impl Complaints {
    /// Logs the first complaint of its sort; `field` is the culprit's name.
    pub(crate) fn about(&self, field: &str, complaint: Complaint) {
        let (made, message) = match complaint {
            Complaint::TwoKeys => (&self.two_keys, "the targeting key is the context's key"),
            Complaint::NotThisType => (
                &self.not_this_type,
                "a context has no such field with a value of this type",
            ),
            Complaint::UnknownType => (
                &self.unknown_type,
                "the field's value is of a type that is not understood",
            ),
            Complaint::NoStructure => (
                &self.no_structure,
                "in a context of kind multi, every field is a structure",
            ),
        };
        if !made.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                field,
                "{message}; the field is left out, and so are the next ones without a word"
            );
        }
    }
}
